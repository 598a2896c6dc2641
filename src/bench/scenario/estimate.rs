//! Where speech is, by a detector: what stands in for labels.

use std::time::Duration;

use crate::audio::SampleRate;
use crate::bench::person::MICROPHONE;
use crate::time::SessionTime;
use crate::turn::{Action, Input, TurnConfig, TurnMachine};
use crate::vad::{self, Detected, Framer, UnknownVad};

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
    threshold: f32,
    delay: Duration,
) -> Vec<Stretch> {
    let mut machine = TurnMachine::new(TurnConfig::default(), delay);
    let mut turns = Vec::new();
    let mut begun = SessionTime::ZERO;
    let ends = frames.iter().map(|detected| Input::Voice {
        end: SessionTime::ZERO + rate.duration(detected.end),
        length,
        voiced: detected.probability >= threshold,
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
pub(super) fn estimate(samples: &[i16], vad: &str) -> Result<Vec<Stretch>, UnknownVad> {
    let vad = vad::by_name(vad)?;
    let rate = vad.rate();
    let (threshold, delay) = (vad.threshold(), vad.delay());
    let length = rate.duration(vad.frame_len() as u64);
    let mut heard = Vec::with_capacity(samples.len());
    if let Ok(mut resampler) = crate::audio::Resampler::new(MICROPHONE, rate) {
        resampler.process(samples, &mut heard);
        resampler.flush(&mut heard);
    }
    let mut frames = Vec::new();
    Framer::new(vad).push(&heard, |detected| frames.push(detected));
    Ok(stretches(&frames, (rate, length), threshold, delay))
}
