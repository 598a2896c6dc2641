//! How loud a frame of sound is, and how high the voice in it.

use super::SampleRate;

/// What a frame of sound is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tone {
    /// Its level, in dB of full scale; 0 where nobody has measured it.
    pub level_db: f32,
    /// The pitch of the voice in it, in Hz, if there is a clear one.
    pub pitch_hz: Option<f32>,
}

/// Measures the [`Tone`] of frames that follow one another. Allocates nothing.
///
/// Pitch is the period at which the last 40 ms repeat themselves, from 70 to 400 Hz: the
/// normalised autocorrelation of the sound at half its rate. It is looked for in sound of 16 kHz
/// only.
#[derive(Clone, Debug)]
pub struct ToneMeter {
    rate: SampleRate,
    /// The last 40 ms at 8 kHz, oldest first.
    window: [f32; WINDOW],
}

impl ToneMeter {
    /// A meter that has heard nothing.
    #[must_use]
    pub const fn new(rate: SampleRate) -> Self {
        Self { rate, window: [0.0; WINDOW] }
    }

    /// The tone of the next frame; its pitch only if it is `wanted`.
    pub fn measure(&mut self, frame: &[i16], wanted: bool) -> Tone {
        let power: f32 = frame.iter().map(|&sample| (f32::from(sample) / FULL).powi(2)).sum();
        let level_db = 10.0 * (power / frame.len().max(1) as f32 + SILENCE).log10();
        if self.rate != SampleRate::SPEECH {
            return Tone { level_db, pitch_hz: None };
        }
        let halved = frame.len() / 2;
        let kept = WINDOW.saturating_sub(halved);
        self.window.copy_within(WINDOW - kept.., 0);
        let pairs = frame.chunks_exact(2).skip(halved.saturating_sub(WINDOW));
        for (place, pair) in self.window[kept..].iter_mut().zip(pairs) {
            *place = (f32::from(pair[0]) + f32::from(pair[1])) / (2.0 * FULL);
        }
        Tone { level_db, pitch_hz: if wanted { self.pitch() } else { None } }
    }

    /// Forgets what it heard.
    pub fn reset(&mut self) {
        self.window = [0.0; WINDOW];
    }

    fn pitch(&self) -> Option<f32> {
        let mean = self.window.iter().sum::<f32>() / WINDOW as f32;
        let sound = self.window.map(|sample| sample - mean);
        let energy = |at: usize| sound[at..at + SPAN].iter().map(|it| it * it).sum::<f32>();
        let own = energy(0);
        if own < QUIET {
            return None;
        }
        let mut alike = [0.0_f32; LONGEST + 2];
        let mut other = energy(SHORTEST - 1);
        for lag in SHORTEST - 1..=LONGEST + 1 {
            let shifted = &sound[lag..lag + SPAN];
            let product: f32 = sound[..SPAN].iter().zip(shifted).map(|(a, b)| a * b).sum();
            alike[lag] = product / (own * other).sqrt().max(f32::MIN_POSITIVE);
            let next = sound.get(lag + SPAN).copied().unwrap_or_default();
            other = (other + next * next - sound[lag] * sound[lag]).max(0.0);
        }
        period(&alike).map(|samples| HALF_RATE / samples)
    }
}

/// The first lag at which the sound is nearly as much like itself as at any: a multiple of the
/// period is as good.
fn period(alike: &[f32; LONGEST + 2]) -> Option<f32> {
    let best = alike[SHORTEST..=LONGEST].iter().copied().fold(0.0, f32::max);
    if best < CLEAR {
        return None;
    }
    let is_peak = |&lag: &usize| {
        alike[lag] >= alike[lag - 1] && alike[lag] >= alike[lag + 1] && alike[lag] > NEARLY * best
    };
    let lag = (SHORTEST..=LONGEST).find(is_peak)?;
    let (before, at, after) = (alike[lag - 1], alike[lag], alike[lag + 1]);
    let bend = before - 2.0 * at + after;
    let aside = if bend < 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
    Some(lag as f32 + aside)
}

const FULL: f32 = 32_768.0;
const HALF_RATE: f32 = 8_000.0;
/// Samples at 8 kHz.
const WINDOW: usize = 320;
const SPAN: usize = 200;
const SHORTEST: usize = 20;
const LONGEST: usize = 114;
/// So much the sound must be like itself.
const CLEAR: f32 = 0.7;
const NEARLY: f32 = 0.88;
/// The power of silence, so that it has a level: -100 dB.
const SILENCE: f32 = 1e-10;
/// The energy of a span at -80 dB.
const QUIET: f32 = SPAN as f32 * 1e-8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Four harmonics of a voice, in frames of `len`.
    fn tones(hz: f32, len: usize) -> Vec<Tone> {
        let sample = |i: usize| {
            let phase = i as f32 * hz / 16_000.0 * std::f32::consts::TAU;
            (1..5).map(|n| (phase * n as f32).sin() / n as f32).sum::<f32>() * 4_000.0
        };
        let sound: Vec<i16> = (0..8_000).map(|i| sample(i) as i16).collect();
        let mut meter = ToneMeter::new(SampleRate::SPEECH);
        sound.chunks_exact(len).map(|frame| meter.measure(frame, true)).skip(4).collect()
    }

    #[test]
    fn the_pitch_of_voices_is_found_in_frames_of_any_length() {
        for hz in [80.0, 120.0, 180.0, 233.0, 330.0] {
            for len in [160, 256, 320, 512, 1024] {
                for tone in tones(hz, len) {
                    let pitch = tone.pitch_hz.unwrap();
                    assert!((pitch / hz - 1.0).abs() < 0.02, "{pitch} for {hz} by {len}");
                }
            }
        }
    }

    #[test]
    fn noise_and_silence_have_no_pitch() {
        let mut meter = ToneMeter::new(SampleRate::SPEECH);
        let mut state = 1_u32;
        for _ in 0..50 {
            let noise: Vec<i16> = (0..256)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 19) as i16 - 4_096
                })
                .collect();
            assert_eq!(meter.measure(&noise, true).pitch_hz, None);
        }
        for _ in 0..4 {
            let tone = meter.measure(&[0; 256], true);
            assert!(tone.level_db < -99.0, "{tone:?}");
        }
        assert_eq!(meter.measure(&[0; 256], true).pitch_hz, None);
    }

    #[test]
    fn a_level_is_that_of_the_frame_alone() {
        let mut meter = ToneMeter::new(SampleRate::SPEECH);
        meter.measure(&[i16::MAX; 256], false);
        let tone = meter.measure(&[3_277; 256], false);
        assert!((tone.level_db + 20.0).abs() < 0.1, "{tone:?}");
    }

    #[test]
    fn at_other_rates_there_is_a_level_and_no_pitch() {
        let mut meter = ToneMeter::new(SampleRate::new(8_000).unwrap());
        let tone = meter.measure(&[8_000, -8_000].repeat(80), true);
        assert!(tone.level_db > -13.0 && tone.pitch_hz.is_none());
    }
}
