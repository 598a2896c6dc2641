//! What the user's sound is: voice or silence, and where turns begin and end in it.

use std::time::Duration;

use crate::audio::{Resampler, SampleRate};
use crate::time::SessionTime;
use crate::turn::{Action, Detector, Endpoint, Input, TurnConfig, TurnMachine};
use crate::vad::{Framer, Vad};

/// Hears a stream of sound. Its time is that of the sound: a caller who sends nothing is not silent.
#[derive(Debug)]
pub(super) struct Ear {
    rate: SampleRate,
    resampler: Resampler,
    framer: Framer,
    machine: Option<TurnMachine>,
    /// Samples so far, at the rate at which they come, and since what was taken last.
    samples: u64,
    waiting: u64,
    /// How much of the sound came at rates before this one.
    before: Duration,
    /// Samples that the detector was told, and how much sound had passed it by.
    told: u64,
    missed: Duration,
    resampled: Vec<i16>,
}

/// Who detects turns in the sound.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hearing {
    /// From 0 to 1, where 0.5 is what suits most.
    pub(super) threshold: f32,
    /// Who says how much silence ends a turn.
    pub(super) endpoint: Endpoint,
    /// The silence that ends a turn.
    pub(super) silence: Duration,
}

/// What was heard, by the sound's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The user began to speak.
    Started {
        /// When.
        at: Duration,
    },
    /// The user has finished.
    Ended {
        /// The end of the speech.
        speech: Duration,
        /// The end of the silence that was waited for.
        at: Duration,
    },
}

impl Ear {
    /// Hears sound of this rate with this detector; nobody looks for turns in it.
    pub(super) fn new(rate: SampleRate, vad: Box<dyn Vad>) -> Self {
        Self {
            rate,
            resampler: resampler(rate),
            framer: Framer::new(vad),
            machine: None,
            samples: 0,
            waiting: 0,
            before: Duration::ZERO,
            told: 0,
            missed: Duration::ZERO,
            resampled: Vec::new(),
        }
    }

    /// From now on sound comes at this rate.
    pub(super) fn set_rate(&mut self, rate: SampleRate) {
        if rate != self.rate {
            self.before = self.now();
            self.samples = 0;
            self.waiting = rate.samples(self.rate.duration(self.waiting));
            (self.rate, self.resampler) = (rate, resampler(rate));
        }
    }

    /// From now on turns are detected so; none are with `None`.
    pub(super) fn set_hearing(&mut self, hearing: Option<&Hearing>) {
        self.missed = self.now().saturating_sub(SampleRate::SPEECH.duration(self.told));
        self.machine = hearing.map(|hearing| {
            let config = TurnConfig {
                endpoint: hearing.endpoint,
                silence: hearing.silence.max(SHORTEST),
                max_turn: LONGEST,
                ..TurnConfig::default()
            };
            let own = self.framer.vad();
            let threshold = threshold(own.threshold(), hearing.threshold);
            TurnMachine::new(config, Detector { threshold, delay: own.delay() })
        });
    }

    /// The next samples.
    pub(super) fn hear(&mut self, samples: &[i16]) -> Vec<Heard> {
        self.samples += samples.len() as u64;
        self.waiting += samples.len() as u64;
        let Some(machine) = &mut self.machine else { return Vec::new() };
        self.resampled.clear();
        self.resampler.process(samples, &mut self.resampled);
        let rate = self.framer.vad().rate();
        let length = rate.duration(self.framer.vad().frame_len() as u64);
        let (mut heard, missed) = (Vec::new(), self.missed);
        self.told += self.resampled.len() as u64;
        self.framer.push(&self.resampled, |frame| {
            let end = SessionTime::ZERO + missed + rate.duration(frame.end);
            let (probability, tone) = (frame.probability, frame.tone);
            machine.handle(Input::Voice { end, length, probability, tone });
            heard.extend(drain(machine));
        });
        heard
    }

    /// No sound follows for now: who spoke has finished.
    pub(super) fn pause(&mut self) -> Vec<Heard> {
        let Some(machine) = &mut self.machine else { return Vec::new() };
        machine.handle(Input::StreamEnd);
        drain(machine).collect()
    }

    /// Whether the user speaks.
    pub(super) fn is_speech(&self) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.open_turn().is_some())
    }

    /// How much sound has come.
    pub(super) fn now(&self) -> Duration {
        self.before + self.rate.duration(self.samples)
    }

    /// How much sound has come since it was taken last.
    pub(super) fn waiting(&self) -> Duration {
        self.rate.duration(self.waiting)
    }

    /// So much of what has come is forgotten.
    pub(super) fn forget(&mut self, sound: Duration) {
        self.waiting = self.waiting.saturating_sub(self.rate.samples(sound));
    }

    /// What has come belongs to a turn now, or is forgotten.
    pub(super) fn take(&mut self) -> Duration {
        let taken = self.waiting();
        self.waiting = 0;
        taken
    }
}

fn drain(machine: &mut TurnMachine) -> impl Iterator<Item = Heard> {
    std::iter::from_fn(|| machine.poll_action()).filter_map(|action| {
        let length = |at: SessionTime| at.since(SessionTime::ZERO);
        match action {
            Action::Begin { since, .. } => Some(Heard::Started { at: length(since) }),
            Action::End { speech_end, silence, .. } => {
                Some(Heard::Ended { speech: length(speech_end), at: length(speech_end + silence) })
            }
            _ => None,
        }
    })
}

/// Theirs at 0.5 is our own; 0 is 0 and 1 is 1.
fn threshold(own: f32, theirs: f32) -> f32 {
    let theirs = theirs.clamp(0.0, 1.0);
    match theirs <= 0.5 {
        true => own * theirs * 2.0,
        false => own + (1.0 - own) * (theirs - 0.5) * 2.0,
    }
}

#[expect(
    clippy::expect_used,
    reason = "protocols have rates that can be resampled, and `rate` checks"
)]
fn resampler(rate: SampleRate) -> Resampler {
    Resampler::new(rate, SampleRate::SPEECH).expect("a rate of speech")
}

/// A rate at which sound may come.
pub(super) fn rate(hz: u32) -> Option<SampleRate> {
    (8_000..=48_000).contains(&hz).then(|| SampleRate::new(hz)).flatten()
}

/// Stop consonants are silent for as long.
const SHORTEST: Duration = Duration::from_millis(100);
/// Services do not cut off whoever speaks; nor is anything kept of what is said.
const LONGEST: Duration = Duration::from_secs(3_600);
