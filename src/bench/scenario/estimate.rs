//! Where speech is, by a detector: what stands in for labels.

use std::time::Duration;

use crate::audio::SampleRate;
use crate::bench::person::MICROPHONE;
use crate::time::SessionTime;
use crate::turn::{Action, Detector, Input, TurnConfig, TurnMachine};
use crate::vad::{Detected, Framer, Vad};

/// A stretch of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it begins.
    pub start: SessionTime,
    /// When it ends.
    pub end: SessionTime,
}

/// The turns in sound that a detector has judged, as a session would take them. The frames have
/// this length, at this rate; from `threshold` on they are speech; `delay` is the detector's own.
#[must_use]
pub fn stretches(
    frames: &[Detected],
    (rate, length): (SampleRate, Duration),
    detector: Detector,
) -> Vec<Stretch> {
    let mut machine = TurnMachine::new(TurnConfig::default(), detector);
    let mut turns = Vec::new();
    let mut begun = SessionTime::ZERO;
    let ends = frames.iter().map(|detected| Input::Voice {
        end: SessionTime::ZERO + rate.duration(detected.end),
        length,
        probability: detected.probability,
        tone: detected.tone,
    });
    for input in ends.chain([Input::StreamEnd]) {
        machine.handle(input);
        while let Some(action) = machine.poll_action() {
            match action {
                Action::Begin { since, .. } => begun = since,
                Action::End { speech_end, .. } => {
                    turns.push(Stretch { start: begun, end: speech_end });
                }
                _ => {}
            }
        }
    }
    turns
}

/// The turns in `samples`, at the microphone's rate.
pub(super) fn estimate(samples: &[i16], vad: Box<dyn Vad>) -> Vec<Stretch> {
    let rate = vad.rate();
    let detector = Detector::of(&*vad);
    let length = rate.duration(vad.frame_len() as u64);
    let mut heard = Vec::with_capacity(samples.len());
    if let Ok(mut resampler) = crate::audio::Resampler::new(MICROPHONE, rate) {
        resampler.process(samples, &mut heard);
        resampler.flush(&mut heard);
    }
    let mut frames = Vec::new();
    Framer::new(vad).push(&heard, |detected| frames.push(detected));
    stretches(&frames, (rate, length), detector)
}
