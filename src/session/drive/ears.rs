//! The way from the microphone's ring into the listening pipeline.
//!
//! The pipeline hears one timeline at one rate, whatever microphones there are in a call. One that
//! is moved by the session's clock is taken as it is; one with a clock of its own is stretched, so
//! that it stays beside the speaker.

use std::sync::Arc;
use std::time::Duration;

use super::Recording;
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::device::{Capture, Captured, Master, Meters, Mute, Steering};
use crate::ids::TurnId;
use crate::pipeline::{Element, Outlet};
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
    /// Samples of the present microphone that are known to be lost.
    lost: u64,
    meters: Arc<Meters>,
    mute: Mute,
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
    pub(super) fn new(capture: Capture, input: Outlet, meters: Arc<Meters>, mute: Mute) -> Self {
        let rate = capture.rate();
        let (input, way) = (Some(input), Way::Open);
        Self { capture, input, way, rate, given: 0, lost: 0, meters, mute }
    }

    /// The rate of the timeline.
    pub(super) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Hears another microphone from now on.
    pub(super) fn listen_to(&mut self, capture: Capture) {
        self.capture = capture;
        self.way = Way::Open;
        self.lost = 0;
    }

    /// Hands what the microphone heard to the pipeline, as far as it has room: what it cannot
    /// take waits in the microphone's ring.
    pub(super) async fn hear(&mut self, master: &Master, recording: &mut Recording) {
        let chunk = self.capture.rate().samples(CHUNK) as usize;
        self.find_way(master, recording);
        while !matches!(self.way, Way::Open)
            && self.input.as_ref().is_some_and(Outlet::has_room)
            && let Some(mut samples) = self.capture.take(chunk)
        {
            if self.mute.is_muted() {
                samples.fill(0);
            }
            self.meters.heard(&samples);
            self.place(samples, master, recording).await;
        }
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
                Way::Steered { steering, .. } => steering.note(samples, at, master),
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

    /// Brings samples onto the timeline, and on.
    async fn place(&mut self, samples: Vec<i16>, master: &Master, recording: &mut Recording) {
        let mut placed = Vec::with_capacity(samples.len() + SLACK);
        let at = match &mut self.way {
            Way::Open => return,
            Way::Given { resampler, first: (index, origin) } => {
                resampler.process(&samples, &mut placed);
                *origin + self.rate.duration(self.given - *index)
            }
            Way::Steered { resampler, steering } => {
                resampler.steer(steering.take(samples.len() as u64, master));
                resampler.process(&samples, &mut placed);
                steering.time_of(self.given)
            }
        };
        if placed.is_empty() {
            return;
        }
        recording.user(&placed);
        self.given += placed.len() as u64;
        if let Some(input) = &self.input {
            let audio = AudioChunk::new(placed, self.rate);
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

/// The microphone's sound goes on in pieces of this length.
const CHUNK: Duration = Duration::from_millis(5);

/// What a resampler may give beyond what it gets, at equal rates.
const SLACK: usize = 16;
