//! One answer on its way to the ear.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::{AUDIBLE, Resampler, SampleRate, first_audible};
use crate::device::{Instants, Playback, Played};
use crate::ids::ResponseId;
use crate::pipeline::{Element, Outcome, StageError};
use crate::time::SessionTime;
use crate::turn::{Heard, SpeechMark};

/// The response that is being played.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) response: ResponseId,
    /// An element of the response, for the ones to come.
    pub(super) origin: Element,
    pub(super) heard: Heard,
    source: Option<Source>,
    /// Sound that has no room in the ring.
    pub(super) spill: VecDeque<i16>,
    /// Where its sound begins in the speaker's stream.
    pub(super) start: u64,
    /// How many samples of it there are so far.
    pub(super) samples: u64,
    /// Its first audible sample.
    pub(super) audible: Option<u64>,
    pub(super) queued: bool,
    pub(super) sounding: bool,
    pub(super) committed: bool,
    /// How its sound ended, once it has.
    pub(super) ended: Option<Outcome>,
    /// When the last of it was heard.
    pub(super) last_heard: SessionTime,
    /// It ends where this sample's sentence ends.
    pub(super) finish: Option<u64>,
}

/// The sound as it comes from the synthesizer.
#[derive(Debug)]
struct Source {
    rate: SampleRate,
    resampler: Resampler,
}

impl Playing {
    pub(super) fn new(
        response: ResponseId,
        origin: &Element,
        start: u64,
        rate: SampleRate,
    ) -> Self {
        Self {
            response,
            origin: origin.clone(),
            heard: Heard::new(rate),
            source: None,
            spill: VecDeque::new(),
            start,
            samples: 0,
            audible: None,
            queued: false,
            sounding: false,
            committed: false,
            ended: None,
            last_heard: SessionTime::ZERO,
            finish: None,
        }
    }

    pub(super) fn has_room(&self, playback: &Playback) -> bool {
        let full = playback.rate().samples(SPILL) as usize;
        self.ended.is_none() && self.spill.len() < full
    }

    /// Takes in sound from the synthesizer, at the speaker's rate.
    pub(super) fn sound(
        &mut self,
        samples: &[i16],
        from: SampleRate,
        to: SampleRate,
        mark: Option<SpeechMark>,
    ) -> Result<(), StageError> {
        if let Some(mark) = mark {
            let at = u128::from(mark.at) * u128::from(to.hz()) / u128::from(from.hz());
            self.heard.mark(SpeechMark { at: at as u64, ..mark });
        }
        if self.source.as_ref().is_none_or(|source| source.rate != from) {
            self.flush();
            let resampler =
                Resampler::new(from, to).map_err(|error| StageError::new("playout", &error))?;
            self.source = Some(Source { rate: from, resampler });
        }
        let mut resampled = Vec::with_capacity(samples.len());
        if let Some(source) = &mut self.source {
            source.resampler.process(samples, &mut resampled);
        }
        self.add(&resampled);
        Ok(())
    }

    /// No more sound follows: all pieces are complete, with what the resampler holds back.
    pub(super) fn finish_sound(&mut self) {
        self.heard.complete();
        self.flush();
    }

    /// Gives out what the resampler holds back.
    fn flush(&mut self) {
        if let Some(mut source) = self.source.take() {
            let mut rest = Vec::new();
            source.resampler.flush(&mut rest);
            self.add(&rest);
        }
    }

    fn add(&mut self, samples: &[i16]) {
        if self.audible.is_none() {
            self.audible = first_audible(samples, AUDIBLE).map(|at| self.samples + at as u64);
        }
        self.spill.extend(samples);
        self.samples += samples.len() as u64;
        self.heard.sound(self.samples);
    }

    /// Notes what has left the speaker. Returns when the first audible sample did, if it is
    /// among it.
    pub(super) fn heard_until(&mut self, played: Played, rate: SampleRate) -> Option<Instants> {
        if played.to <= self.start {
            return None;
        }
        let in_air = |index: u64| played.at + rate.duration(index.saturating_sub(played.from));
        self.last_heard = in_air(played.to);
        let audible = self.start + self.audible?;
        if self.sounding || played.to <= audible {
            return None;
        }
        self.sounding = true;
        Some(Instants { ran: played.ran, in_air: in_air(audible) })
    }
}

/// How far synthesis may run ahead of the ear.
const SPILL: Duration = Duration::from_secs(30);
