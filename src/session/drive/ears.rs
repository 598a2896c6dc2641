//! The way from the microphone's ring into the listening pipeline.
//!
//! The pipeline hears one timeline at one rate, whatever microphones there are in a call. One that
//! is moved by the session's clock is taken as it is; one with a clock of its own is stretched, so
//! that it stays beside the speaker.

use std::sync::Arc;
use std::time::Duration;

use super::{Recording, Reference};
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::device::{Capture, Captured, Master, Meters, Mute, Steering};
use crate::ids::TurnId;
use crate::pipeline::{Element, Outlet, Payload};
use crate::time::SessionTime;

/// What the session hears.
#[derive(Debug)]
pub(super) struct Ears {
    capture: Capture,
    /// `None` once the microphone has ended.
    input: Option<Outlet>,
    way: Way,
    /// The rate of the timeline, and how many samples of it there were, silence included.
    rate: SampleRate,
    given: u64,
    /// How many of them went into the pipeline.
    sent: u64,
    /// Of the voice detector.
    frame: Frame,
    /// Pieces of sound on their way: kept for their room.
    taken: Vec<i16>,
    placed: Vec<i16>,
    rendered: Vec<i16>,
    /// Samples of the present microphone that are known to be lost.
    lost: u64,
    /// Samples of the timeline that are to be cut: there was silence for them.
    surplus: u64,
    meters: Arc<Meters>,
    mute: Mute,
}

/// A frame of the voice detector.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Frame {
    pub(in crate::session) rate: SampleRate,
    pub(in crate::session) length: Duration,
}

/// How the microphone's samples come onto the timeline.
#[derive(Debug)]
enum Way {
    /// Nothing has come yet.
    Open,
    /// The session's clock moves it: the sample and the instant that it began at.
    Given { resampler: Resampler, first: (u64, SessionTime) },
    /// It has a clock of its own.
    Steered { resampler: Resampler, steering: Steering },
}

impl Ears {
    /// Ears that hear `capture` into `input`, on a timeline of its rate.
    pub(super) fn new(
        capture: Capture,
        input: Outlet,
        frame: Frame,
        (meters, mute): (Arc<Meters>, Mute),
    ) -> Self {
        Self {
            rate: capture.rate(),
            capture,
            input: Some(input),
            way: Way::Open,
            given: 0,
            sent: 0,
            frame,
            taken: Vec::new(),
            placed: Vec::new(),
            rendered: Vec::new(),
            lost: 0,
            surplus: 0,
            meters,
            mute,
        }
    }

    /// How much sound makes up the detector's next frame.
    pub(super) fn until_frame(&self) -> Duration {
        let Frame { rate, length } = self.frame;
        // What a resampler still holds back is no part of a frame.
        let held = if rate == self.rate { Duration::ZERO } else { RESAMPLED };
        let there = (self.rate.duration(self.sent) + ROUNDING + length).saturating_sub(held);
        let into = Duration::from_nanos((there.as_nanos() % length.as_nanos().max(1)) as u64);
        length + ROUNDING - into
    }

    /// The rate of the timeline.
    pub(super) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Hears another microphone from now on.
    pub(super) fn listen_to(&mut self, capture: Capture) {
        self.capture = capture;
        self.way = Way::Open;
        (self.lost, self.surplus) = (0, 0);
    }

    /// Hands what the microphone heard to the pipeline, as far as it has room: what it cannot
    /// take waits in the microphone's ring.
    pub(super) async fn hear(
        &mut self,
        master: &Master,
        mut reference: Option<&mut Reference>,
        recording: &mut Recording,
    ) {
        let most = self.capture.rate().samples(PIECE) as usize;
        self.find_way(master, recording);
        let mut samples = std::mem::take(&mut self.taken);
        while !matches!(self.way, Way::Open)
            && self.input.as_ref().is_some_and(Outlet::has_room)
            && self.capture.take_some(most, &mut samples)
        {
            if self.mute.is_muted() {
                samples.fill(0);
            }
            self.meters.heard(&samples);
            let begun = self.given;
            let at = self.place(&samples, master, recording);
            if let Some(reference) = reference.as_deref_mut() {
                self.lay_beside(reference, begun, at).await;
            }
            self.send(at).await;
        }
        self.taken = samples;
        if self.capture.is_over() {
            self.input = None;
        }
        self.skip_lost(recording);
    }

    /// Takes note of where the microphone is in time. Where it begins is known with its first
    /// samples.
    fn find_way(&mut self, master: &Master, recording: &mut Recording) {
        while let Some(Captured { samples, at }) = self.capture.next_captured() {
            let silence = match &mut self.way {
                Way::Steered { steering, .. } => {
                    let leap = steering.note(samples, at, master);
                    self.surplus += leap.min(0).unsigned_abs();
                    leap.max(0) as u64
                }
                Way::Given { .. } => 0,
                Way::Open => {
                    let first = (self.capture.rate(), samples, at);
                    let (steering, silence) = Steering::new(first, (self.rate, self.given), master);
                    if let Ok(resampler) = Resampler::steered(self.capture.rate(), self.rate) {
                        self.way = Way::Steered { resampler, steering };
                    }
                    silence
                }
            };
            self.be_silent(silence, recording);
        }
        let begins = matches!(self.way, Way::Open) && self.capture.has_some();
        if begins && !self.capture.is_stamped() {
            let origin = self.capture.origin();
            let place = self.rate.samples(origin.since(SessionTime::ZERO));
            self.be_silent(place.saturating_sub(self.given), recording);
            if let Ok(resampler) = Resampler::new(self.capture.rate(), self.rate) {
                self.way = Way::Given { resampler, first: (self.given, origin) };
            }
        }
    }

    /// Brings samples onto the timeline. Returns when the first of them was captured.
    fn place(
        &mut self,
        samples: &[i16],
        master: &Master,
        recording: &mut Recording,
    ) -> SessionTime {
        let placed = &mut self.placed;
        placed.clear();
        let at = match &mut self.way {
            Way::Open => SessionTime::ZERO,
            Way::Given { resampler, first: (index, origin) } => {
                resampler.process(samples, placed);
                *origin + self.rate.duration(self.given - *index)
            }
            Way::Steered { resampler, steering } => {
                resampler.steer(steering.take(samples.len() as u64, master));
                resampler.process(samples, placed);
                steering.time_of(self.given)
            }
        };
        let cut = self.surplus.min(placed.len() as u64);
        placed.drain(..cut as usize);
        self.surplus -= cut;
        recording.user(placed);
        self.given += placed.len() as u64;
        self.sent += placed.len() as u64;
        at
    }

    /// Sends on what left the speaker beside what was placed, which begins at `begun`.
    async fn lay_beside(&mut self, reference: &mut Reference, begun: u64, at: SessionTime) {
        let (from, until) = (self.rate.duration(begun), self.rate.duration(self.given));
        reference.beside(from, until, &mut self.rendered);
        if let Some(input) = self.input.as_ref().filter(|_| !self.rendered.is_empty()) {
            let audio = AudioChunk::new(self.rendered.as_slice(), reference.rate());
            let rendered = Element::new(TurnId::default(), at, Payload::Rendered(audio));
            let _ended = input.send(rendered).await;
        }
    }

    /// Sends on what was placed.
    async fn send(&mut self, at: SessionTime) {
        if let Some(input) = self.input.as_ref().filter(|_| !self.placed.is_empty()) {
            let audio = AudioChunk::new(self.placed.as_slice(), self.rate);
            let _ended = input.send(Element::heard(TurnId::default(), at, audio)).await;
        }
    }

    /// Sound that was lost still took its time, and is silence in the recording.
    fn skip_lost(&mut self, recording: &mut Recording) {
        let lost = self.capture.lost();
        let more = lost - std::mem::replace(&mut self.lost, lost);
        if more == 0 {
            return;
        }
        let length = self.capture.rate().duration(more);
        self.meters.add_lost(length);
        let silence = match &mut self.way {
            Way::Steered { steering, .. } => steering.lose(more),
            _ if self.capture.rate() == self.rate => more,
            _ => self.rate.samples(length),
        };
        self.be_silent(silence, recording);
    }

    fn be_silent(&mut self, samples: u64, recording: &mut Recording) {
        self.given += samples;
        recording.user_was_silent(samples);
    }
}

/// The microphone's sound goes on in pieces of this length at most: as it comes.
const PIECE: Duration = Duration::from_millis(20);

/// The most that a resampler holds back of what it was given.
const RESAMPLED: Duration = Duration::from_micros(1_500);

/// Samples and nanoseconds do not always agree on where a frame ends.
const ROUNDING: Duration = Duration::from_micros(250);

#[cfg(test)]
mod tests;
