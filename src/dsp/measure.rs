//! Measures an echo: what a room, a speaker and a microphone do to a known sound.

use std::time::Duration;

use super::window::decibels;
use super::{FrontConfig, FrontEnd, Suppression};
use crate::audio::SampleRate;
use crate::vad::Vad;

/// What became of a sound that was rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoReport {
    /// When it was heard, after it was said to be in the air. `None` if nothing like it was heard.
    pub delay: Option<Duration>,
    /// How loud it was heard, relative to what was rendered, in dB: less than 0, mostly.
    pub gain: f32,
    /// How loud what the canceller leaves is, relative to what was rendered, in dB, once it had
    /// two seconds to learn.
    pub left: f32,
    /// The share of frames in which the voice detector would take the echo for a user: as it
    /// comes, and after the front end.
    pub voice: (f32, f32),
}

/// Compares what was rendered with what was heard beside it, both at 16 kHz. The first two seconds
/// are for the canceller to learn, so that there should be some more.
#[must_use]
pub fn measure(rendered: &[i16], heard: &[i16], vad: impl Fn() -> Box<dyn Vad>) -> EchoReport {
    let off = FrontConfig::off();
    let on = FrontConfig { echo: true, noise: Suppression::Off, gain: false };
    let (_, as_it_comes) = hear(rendered, heard, vad(), &off);
    let (cleaned, after) = hear(rendered, heard, vad(), &on);
    let level = |samples: &[i16]| decibels(mean_power(samples.get(LEARNT..).unwrap_or_default()));
    EchoReport {
        delay: delay(rendered, heard),
        gain: level(heard) - level(rendered),
        left: level(&cleaned) - level(rendered),
        voice: (as_it_comes, after),
    }
}

fn hear(
    rendered: &[i16],
    heard: &[i16],
    vad: Box<dyn Vad>,
    config: &FrontConfig,
) -> (Vec<i16>, f32) {
    let mut front = FrontEnd::new(vad, config);
    let threshold = front.vad().threshold();
    let (mut out, mut frames, mut voice) = (Vec::new(), 0_u32, 0_u32);
    for (rendered, heard) in rendered.chunks(PIECE).zip(heard.chunks(PIECE)) {
        front.render(rendered);
        front.hear(heard, &mut out, |frame| {
            frames += 1;
            voice += u32::from(frame.probability >= threshold);
        });
    }
    (out, voice as f32 / frames.max(1) as f32)
}

/// The lag at which the two are most alike, by normalised cross-correlation at 4 kHz. Below a
/// likeness of 0.1 nothing was heard.
fn delay(rendered: &[i16], heard: &[i16]) -> Option<Duration> {
    let (rendered, heard) = (coarse(rendered), coarse(heard));
    let length = rendered.len().min(heard.len()).saturating_sub(MOST_LAG);
    let rendered = rendered.get(..length).filter(|part| !part.is_empty())?;
    let energy = |part: &[f32]| part.iter().map(|sample| sample * sample).sum::<f32>();
    let own = energy(rendered);
    let likeness = |lag: usize| {
        let part = &heard[lag..lag + length];
        let product: f32 = rendered.iter().zip(part).map(|(a, b)| a * b).sum();
        product.abs() / (own * energy(part)).sqrt().max(f32::MIN_POSITIVE)
    };
    let best = (0..MOST_LAG).map(|lag| (likeness(lag), lag)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= LIKE).then(|| SampleRate::SPEECH.duration((best.1 * COARSE) as u64))
}

/// A quarter of the samples, each the mean of four.
fn coarse(samples: &[i16]) -> Vec<f32> {
    let mean = |four: &[i16]| four.iter().map(|&sample| f32::from(sample)).sum::<f32>() / 4.0;
    samples.chunks_exact(COARSE).map(mean).collect()
}

fn mean_power(samples: &[i16]) -> f32 {
    let sum: f64 = samples.iter().map(|&sample| (f64::from(sample) / 32_768.0).powi(2)).sum();
    (sum / samples.len().max(1) as f64) as f32
}

const PIECE: usize = 160;
const LEARNT: usize = 32_000;
const COARSE: usize = 4;
/// Half a second.
const MOST_LAG: usize = 2_000;
const LIKE: f32 = 0.1;
