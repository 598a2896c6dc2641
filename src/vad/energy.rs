//! A detector without a model: how far the level stands above the noise.

use std::time::Duration;

use super::Vad;

/// The level above an adaptive noise floor, in 20 ms frames at 16 kHz. A fallback and a baseline: it takes any loud
/// change for speech.
///
/// With the level `L = max(-60, 20 log10(rms / 32768))` in dBFS and the floor `F` before the frame:
///
/// ```text
/// probability = clamp((L - F) / 12, 0, 1)            0.5 at 6 dB above the floor
/// F' = min(L, F + 0.12)        if L > F              6 dB per second up
/// F' = F + 0.3 (L - F)         otherwise             down with a time constant of about 56 ms
/// ```
///
/// The floor begins at -40 dBFS. It rises during speech too, so that a noise that sets in and stays stops being
/// speech within seconds; speech is full of short dips, in which the floor falls back at once. The scheme is the
/// usual slow-rise, fast-fall tracker of noise estimation.
///
/// The floor is the room's, not the utterance's: it survives [`reset`](Vad::reset).
#[derive(Clone, Debug)]
pub struct Energy {
    floor: f32,
}

impl Energy {
    /// A detector that knows nothing of the room yet.
    #[must_use]
    pub fn new() -> Self {
        Self { floor: FIRST_FLOOR }
    }
}

impl Default for Energy {
    fn default() -> Self {
        Self::new()
    }
}

impl Vad for Energy {
    fn name(&self) -> &'static str {
        "energy"
    }

    fn frame_len(&self) -> usize {
        FRAME_LEN
    }

    fn delay(&self) -> Duration {
        DELAY
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != FRAME_LEN {
            return 0.0;
        }
        let level = level(frame);
        let above = level - self.floor;
        self.floor += if above > 0.0 { above.min(RISE) } else { FALL * above };
        (above / SPAN).clamp(0.0, 1.0)
    }

    /// Does nothing: the floor stays.
    fn reset(&mut self) {}
}

/// In dBFS; [`QUIET`] or less counts as [`QUIET`].
fn level(frame: &[i16]) -> f32 {
    let power: f32 = frame.iter().map(|&sample| (f32::from(sample) / 32_768.0).powi(2)).sum();
    (10.0 * (power / frame.len() as f32).log10()).max(QUIET)
}

const FRAME_LEN: usize = 320;
/// Over 20 utterances of flite's voices the last voiced frame ends 14 ms before the last sample above -50 dBFS, at the
/// median: there is no over-hang.
const DELAY: Duration = Duration::ZERO;
/// All in dB, the last three per frame or as a share.
const QUIET: f32 = -60.0;
const FIRST_FLOOR: f32 = -40.0;
const SPAN: f32 = 12.0;
const RISE: f32 = 0.12;
const FALL: f32 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vad::tests::noise;

    /// The last frame of `samples` that is speech, in seconds from their start.
    fn last_speech(vad: &mut Energy, samples: &[i16]) -> Option<f32> {
        let voiced =
            samples.chunks_exact(FRAME_LEN).map(|frame| vad.process(frame) >= vad.threshold());
        let last = voiced.enumerate().filter(|&(_, voiced)| voiced).last();
        last.map(|(at, _)| (at + 1) as f32 * 0.02)
    }

    #[test]
    fn a_noise_that_stays_stops_being_speech() {
        let mut vad = Energy::new();
        assert_eq!(last_speech(&mut vad, &[0; 32_000]), None);
        let until = last_speech(&mut vad, &noise(160_000, 0.03)).unwrap();
        assert!((3.0..5.0).contains(&until), "{until} s");
    }

    #[test]
    fn what_rises_above_the_noise_is_speech_and_the_noise_after_it_is_not() {
        let mut vad = Energy::new();
        last_speech(&mut vad, &noise(160_000, 0.01));
        assert_eq!(last_speech(&mut vad, &noise(16_000, 0.1)), Some(1.0));
        assert_eq!(last_speech(&mut vad, &noise(16_000, 0.01)), None);
    }

    #[test]
    fn the_floor_survives_a_reset() {
        let mut vad = Energy::new();
        let room = noise(160_000, 0.03);
        assert!(last_speech(&mut vad, &room).is_some());
        vad.reset();
        assert_eq!(last_speech(&mut vad, &room), None);
    }
}
