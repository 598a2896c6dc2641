//! The voice: a tone as long as the text.

use std::f64::consts::TAU;
use std::time::Duration;

use bytes::Bytes;

/// In Hz: what `pcm` means to OpenAI.
pub const RATE: u32 = 24_000;

/// How long a character sounds at normal speed.
pub const CHARACTER: Duration = Duration::from_millis(60);

/// A tone of 220 Hz at -20 dBFS, made once.
///
/// It begins at its peak, so that its first sample is audible.
#[derive(Debug)]
pub(super) struct Voice(Bytes);

impl Voice {
    /// The voice that speaks in pieces of at most so many samples.
    pub(super) fn new(longest: usize) -> Self {
        let sample = |at: usize| {
            let radians = TAU * 220.0 / f64::from(RATE) * at as f64;
            ((radians.cos() * PEAK).round() as i16).to_le_bytes()
        };
        Self((0..PERIOD + longest).flat_map(sample).collect())
    }

    /// So many samples, from this one of a text's sound on.
    pub(super) fn piece(&self, from: usize, samples: usize) -> Bytes {
        let from = from % PERIOD * 2;
        self.0.slice(from..from + samples * 2)
    }
}

/// How many samples `text` has at this speed. White space around it is not spoken.
pub(super) fn samples(text: &str, speed: f64) -> usize {
    let per_character = f64::from(RATE) * CHARACTER.as_secs_f64() / speed;
    (text.trim().chars().count() as f64 * per_character).round() as usize
}

/// In samples: 11 whole waves, after which the tone is the same again.
const PERIOD: usize = 1_200;

/// The peak of a sine whose mean power is 20 dB below that of a full-scale sine.
const PEAK: f64 = 3276.7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::AUDIBLE;

    #[test]
    fn pieces_join_without_a_seam_and_are_audible_at_once() {
        let voice = Voice::new(2_400);
        let whole = Voice::new(24_000).piece(0, 24_000);
        let mut joined = Vec::new();
        for from in (0..24_000).step_by(1_700) {
            joined.extend(voice.piece(from, 1_700.min(24_000 - from)));
        }
        assert!(joined == whole);
        assert!(i16::from_le_bytes([whole[0], whole[1]]).unsigned_abs() >= AUDIBLE);
    }

    #[test]
    fn a_character_sounds_for_60_ms() {
        assert_eq!(samples(" né\n", 1.0), 2 * 1_440);
        assert_eq!(samples("né", 2.0), 1_440);
        assert_eq!(samples("  ", 1.0), 0);
    }
}
