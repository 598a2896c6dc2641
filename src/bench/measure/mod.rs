//! What a call tells: how long each turn took and where the time went, how fast the agent fell
//! silent, and whether all was as expected.
//!
//! ```text
//! Record: events ─▶ story: turns, responses ─┐
//!         PersonLog: true ends, heard sound ─┼─▶ turns ─▶ figures::Turn
//! Entry, Entry, … of the services' log ──────┘    barge_ins, checks
//! ```
//!
//! Voice-to-voice is what the person heard: from the true end of speech to the first audible
//! sample of the reply at its ear. The gaps are what the session says of the same stretch; where
//! the two differ, the residual shows it.

mod black_box;
mod checks;
mod services;
mod story;
mod sum;
#[cfg(test)]
mod tests;

use std::ops::Add;

pub use self::black_box::explain;
pub use self::checks::{Check, Spoke, checks};
use self::services::{Busy, Interval};
use self::story::{Response, Story};
pub use self::sum::{Measured, Spent, fill, groups};
use super::call::Record;
use super::figures::{BargeIn, Discarded, GAPS, Spread, Turn};
use super::person::{Sound, Spoken};
use super::services::Log;
use crate::events::{EventKind, Latency};
use crate::time::SessionTime;

/// An interruption, and how fast the agent fell silent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interruption {
    /// Which utterance interrupted, from 0.
    pub index: usize,
    /// From its first sample to the decision to hold.
    pub decision_ms: f64,
    /// From the decision to silence at the ring.
    pub silence_ms: f64,
}

/// The turns of a call that were answered. `log` is what its caller asked of the services; where
/// that is not known it is empty, and no overhead is told.
#[must_use]
pub fn turns(record: &Record, log: &Log, scenario: &str) -> Vec<Turn> {
    let call = Heard::of(record);
    let measured = call.story.responses.iter().filter_map(|response| call.turn(response, log));
    measured.map(|turn| Turn { scenario: scenario.to_owned(), ..turn }).collect()
}

/// The interruptions of a call.
#[must_use]
pub fn barge_ins(record: &Record) -> Vec<Interruption> {
    let call = Heard::of(record);
    let measured = call.story.holds.iter().filter_map(|hold| {
        let spoken = call.spoken.iter().rev().find(|spoken| spoken.start <= hold.at)?;
        Some(Interruption {
            index: spoken.index,
            decision_ms: hold.at.millis_since(spoken.start),
            silence_ms: hold.silenced_ms?,
        })
    });
    measured.collect()
}

/// The spread of some interruptions.
#[must_use]
pub fn spread(interruptions: &[Interruption]) -> BargeIn {
    BargeIn {
        count: interruptions.len(),
        decision_ms: Spread::of(interruptions.iter().map(|it| it.decision_ms)),
        silence_ms: Spread::of(interruptions.iter().map(|it| it.silence_ms)),
    }
}

/// The utterances that were said to their end, and had words, but no reply.
#[must_use]
pub fn lost(record: &Record) -> usize {
    record.person.unanswered().len()
}

/// The answers of a call that were begun in vain.
#[must_use]
pub fn discarded(record: &Record) -> Discarded {
    let each = record.events.iter().filter_map(|event| match event.kind {
        EventKind::SpeculationDiscarded { input_tokens, output_tokens, .. } => {
            Some(Discarded { answers: 1, input_tokens, output_tokens })
        }
        _ => None,
    });
    each.fold(Discarded::default(), Add::add)
}

/// A call, as both of its sides know it.
struct Heard<'a> {
    record: &'a Record,
    story: Story<'a>,
    spoken: Vec<Spoken>,
    sounds: Vec<Sound>,
    zero_nanos: u64,
}

impl<'a> Heard<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            record,
            story: Story::of(&record.events),
            spoken: record.person.spoken(),
            sounds: record.person.agent(),
            zero_nanos: record.person.zero_nanos(),
        }
    }

    /// The figures of the turn that a response answers.
    fn turn(&self, response: &Response<'_>, log: &Log) -> Option<Turn> {
        let (latency, start_ms) = (response.latency?, response.start_ms?);
        let anchor_ms = start_ms - latency.total_ms;
        let spoken = self.ending_at(anchor_ms)?;
        let end_ms = spoken.end.as_millis();
        let heard_ms = self.onset(start_ms)?.as_millis();
        let voice_to_voice_ms = heard_ms - end_ms;
        let gaps = gaps(&latency, anchor_ms - end_ms);
        let interval = Interval {
            from: self.nanos(spoken.end),
            to: self.nanos(SessionTime::from_nanos((heard_ms * 1e6) as u64)),
        };
        let services = services::times(log, interval, self.record.tool);
        let overhead = |busy: &Busy| {
            let ended_ms = anchor_ms + latency.silence_ms + latency.vad_ms + latency.capture_ms;
            let ended = self.nanos(SessionTime::from_nanos((ended_ms * 1e6) as u64));
            voice_to_voice_ms - latency.silence_ms - busy.ms_within(ended, interval.to)
        };
        Some(Turn {
            scenario: String::new(),
            session: 0,
            index: spoken.index,
            labelled: spoken.labelled,
            voice_to_voice_ms,
            overhead_ms: services.as_ref().map(|(_, busy)| overhead(busy)),
            gaps: Some(gaps),
            services: services.map(|(times, _)| times),
            residual_ms: voice_to_voice_ms - gaps.iter().sum::<f64>(),
        })
    }

    /// The utterance whose true end is meant by an estimate.
    fn ending_at(&self, estimate_ms: f64) -> Option<&Spoken> {
        let distance = |spoken: &&Spoken| (spoken.end.as_millis() - estimate_ms).abs();
        let nearest = |a: &&Spoken, b: &&Spoken| distance(a).total_cmp(&distance(b));
        self.spoken.iter().min_by(nearest).filter(|spoken| distance(spoken) <= FARTHEST_MS)
    }

    /// When the person heard the sound begin that the session says began at `start_ms`.
    fn onset(&self, start_ms: f64) -> Option<SessionTime> {
        let distance = |sound: &&Sound| (sound.from.as_millis() - start_ms).abs();
        let nearest = |a: &&Sound, b: &&Sound| distance(a).total_cmp(&distance(b));
        let sound = self.sounds.iter().min_by(nearest)?;
        Some(sound.from).filter(|_| distance(&sound) <= FARTHEST_MS)
    }

    fn nanos(&self, at: SessionTime) -> u64 {
        self.zero_nanos.saturating_add(at.as_nanos())
    }
}

/// The gaps in the order of [`GAPS`]. `early_ms` is how much later than the truth the session has
/// the end of speech.
fn gaps(latency: &Latency, early_ms: f64) -> [f64; GAPS.len()] {
    let mut gaps = latency.rows().map(|(_, ms)| ms);
    gaps[VAD_LAG] += early_ms;
    gaps
}

const VAD_LAG: usize = 1;

/// What is farther from an event than this is not the same thing.
const FARTHEST_MS: f64 = 500.0;
