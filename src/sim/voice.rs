//! Sound that passes for speech, made by a formula.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use crate::bench::person::{MICROPHONE, Utterance, When};

/// What a person says to detectors that look for loudness: syllables of 180 ms with short dips
/// between, of harmonics of a low tone. The samples begin and end with some silence, so that
/// nothing is lost of the speech.
pub(super) fn utterance(text: &str, pieces: &[(Duration, Duration)], when: When) -> Utterance {
    let mut samples = silence(MARGIN);
    let start = MICROPHONE.duration(samples.len() as u64);
    let mut end = start;
    for (speech, pause) in pieces {
        speak(&mut samples, *speech);
        end = MICROPHONE.duration(samples.len() as u64);
        samples.extend(silence(*pause));
    }
    samples.extend(silence(MARGIN));
    let samples: Arc<[i16]> = samples.into();
    Utterance { samples, speech: start..end, labelled: true, when, text: text.to_owned() }
}

/// A noise: loud, short, no words.
pub(super) fn noise(dice: &mut Dice, length: Duration, when: When) -> Utterance {
    let mut samples = silence(MARGIN);
    let start = MICROPHONE.duration(samples.len() as u64);
    let count = MICROPHONE.samples(length);
    samples.extend((0..count).map(|_| dice.between(-6_000.0, 6_000.0) as i16));
    let end = MICROPHONE.duration(samples.len() as u64);
    samples.extend(silence(MARGIN));
    let (samples, text) = (samples.into(), String::new());
    Utterance { samples, speech: start..end, labelled: true, when, text }
}

fn silence(length: Duration) -> Vec<i16> {
    vec![0; MICROPHONE.samples(length) as usize]
}

fn speak(samples: &mut Vec<i16>, length: Duration) {
    let count = MICROPHONE.samples(length);
    samples.extend((0..count).map(|at| {
        let seconds = at as f64 / f64::from(MICROPHONE.hz());
        // A detector that follows the noise needs the dips, as real speech has them.
        let within = (seconds / SYLLABLE).fract();
        let level = if within < 0.85 { 1.0 } else { 0.02 };
        let wave = (1..=4).map(|n| (TAU * PITCH * f64::from(n) * seconds).sin() / f64::from(n));
        (level * LOUD * wave.sum::<f64>()) as i16
    }));
}

const MARGIN: Duration = Duration::from_millis(60);
/// In seconds.
const SYLLABLE: f64 = 0.18;
/// In Hz.
const PITCH: f64 = 130.0;
const LOUD: f64 = 5_000.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vad::{Framer, by_name};

    #[test]
    fn the_cheap_detector_takes_it_for_speech_and_its_silence_for_none() {
        let second = Duration::from_secs(1);
        let utterance = utterance("yes", &[(second, second)], When::AfterReply(second));
        let mut framer = Framer::new(by_name("energy").unwrap());
        let mut voiced = Vec::new();
        // It gets to know the room first.
        framer.push(&[3; 16_000], |_| {});
        framer.push(&utterance.samples, |frame| voiced.push(frame.probability >= 0.5));
        let count = |range: std::ops::Range<usize>| voiced[range].iter().filter(|v| **v).count();
        assert!(count(4..52) > 36, "{voiced:?}");
        assert!(count(56..100) < 3, "{voiced:?}");
        assert_eq!(utterance.speech, Duration::from_millis(60)..Duration::from_millis(1_060));
    }
}
