//! Sound as the encoder of Whisper wants it: a log-mel spectrogram.
//!
//! Published with Whisper (Radford et al., 2022): windows of 25 ms each 10 ms, 80 triangular
//! filters that are even on Slaney's mel scale and equal in area, the logarithm of their power, of
//! which 8 decades below the loudest are kept.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Samples of sound that features are made of: 8 s at 16 kHz.
pub const SOUND: usize = 128_000;
/// Filters.
pub const MELS: usize = 80;
/// Windows.
pub const WINDOWS: usize = SOUND / HOP;

/// Makes features of sound.
pub struct LogMel {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; FFT],
    filters: Vec<Filter>,
}

/// The bins of the spectrum that a filter takes, and how much of each.
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

impl LogMel {
    /// Computes the window and the filters.
    #[must_use]
    pub fn new() -> Self {
        let turn = std::f32::consts::TAU / FFT as f32;
        let window = std::array::from_fn(|at| 0.5 - 0.5 * (turn * at as f32).cos());
        Self { fft: RealFftPlanner::new().plan_fft_forward(FFT), window, filters: filters() }
    }

    /// The features of `sound`, filter by filter: [`MELS`] rows of [`WINDOWS`]. Sound that is
    /// shorter than 8 s is taken as the end of silence, of longer sound the last 8 s count.
    #[must_use]
    pub fn features(&self, sound: &[i16]) -> Vec<f32> {
        let sound = even(sound);
        let mut features = vec![0.0; MELS * WINDOWS];
        let mut input = [0.0; FFT];
        let mut spectrum = [Complex32::default(); BINS];
        let mut scratch = self.fft.make_scratch_vec();
        for at in 0..WINDOWS {
            for (place, (index, window)) in input.iter_mut().zip(self.window.iter().enumerate()) {
                *place = sound[mirrored(at * HOP + index)] * window;
            }
            // Its three lengths are those of the plan.
            let _fits = self.fft.process_with_scratch(&mut input, &mut spectrum, &mut scratch);
            for (mel, filter) in self.filters.iter().enumerate() {
                let bins = spectrum[filter.first..].iter().zip(&filter.weights);
                let power: f32 = bins.map(|(bin, weight)| bin.norm_sqr() * weight).sum();
                features[mel * WINDOWS + at] = power.max(LEAST).log10();
            }
        }
        let loudest = features.iter().copied().fold(f32::MIN, f32::max);
        for feature in &mut features {
            *feature = (feature.max(loudest - 8.0) + 4.0) / 4.0;
        }
        features
    }
}

impl Default for LogMel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMel").finish_non_exhaustive()
    }
}

/// The last 8 s, with a mean of 0 and a variance of 1.
fn even(sound: &[i16]) -> Vec<f32> {
    let sound = &sound[sound.len().saturating_sub(SOUND)..];
    let mut even = vec![0.0; SOUND - sound.len()];
    even.extend(sound.iter().map(|&sample| f32::from(sample) / 32_768.0));
    let count = SOUND as f64;
    let mean = even.iter().map(|&it| f64::from(it)).sum::<f64>() / count;
    let variance = even.iter().map(|&it| (f64::from(it) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + 1e-7).sqrt();
    for sample in &mut even {
        *sample = ((f64::from(*sample) - mean) * scale) as f32;
    }
    even
}

/// The sample at a place that counts from half a window before the sound, which is mirrored there.
const fn mirrored(place: usize) -> usize {
    let edge = FFT / 2;
    if place < edge {
        edge - place
    } else if place - edge < SOUND {
        place - edge
    } else {
        2 * (SOUND - 1) - (place - edge)
    }
}

fn filters() -> Vec<Filter> {
    let top = mel(RATE / 2.0);
    let hertz = |at: usize| self::hertz(top * at as f64 / (MELS + 1) as f64);
    let bin = |at: usize| RATE * at as f64 / FFT as f64;
    let filter = |at: usize| {
        let (low, middle, high) = (hertz(at), hertz(at + 1), hertz(at + 2));
        let weight = |bin: f64| {
            let side = ((bin - low) / (middle - low)).min((high - bin) / (high - middle));
            (side.max(0.0) * 2.0 / (high - low)) as f32
        };
        let first = (0..BINS).find(|&at| weight(bin(at)) > 0.0).unwrap_or_default();
        let weights = (first..BINS).map(|at| weight(bin(at))).take_while(|it| *it > 0.0).collect();
        Filter { first, weights }
    };
    (0..MELS).map(filter).collect()
}

/// Slaney's scale: even up to 1 kHz, logarithmic above.
fn mel(hertz: f64) -> f64 {
    if hertz < KNEE { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / KNEE).ln() / step() }
}

fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { KNEE * ((mel - 15.0) * step()).exp() }
}

fn step() -> f64 {
    6.4_f64.ln() / 27.0
}

const RATE: f64 = 16_000.0;
const KNEE: f64 = 1_000.0;
const FFT: usize = 400;
const BINS: usize = FFT / 2 + 1;
const HOP: usize = 160;
/// The least power that is told.
const LEAST: f32 = 1e-10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of a rising tone, as whole numbers that need no library to be the same
    /// elsewhere.
    fn rising() -> Vec<i16> {
        let phase = |at: i64| (at * at / 40) % 8_000 - 4_000;
        (0..8_000).map(|at| phase(at) as i16).collect()
    }

    /// What the extractor of features that Whisper's authors and others use makes of it.
    #[test]
    fn features_are_those_of_whisper() {
        let features = LogMel::new().features(&rising());
        for (mel, at, expected) in REFERENCE {
            let found = features[mel * WINDOWS + at];
            assert!((found - expected).abs() < 2e-3, "{mel}, {at}: {found}, not {expected}");
        }
        let mean = features.iter().map(|&it| f64::from(it)).sum::<f64>() / features.len() as f64;
        assert!((mean - MEAN).abs() < 1e-3, "{mean}");
    }

    #[test]
    fn silence_and_any_length_make_features() {
        let log_mel = LogMel::new();
        for len in [0, 1, 128_000, 200_000] {
            let features = log_mel.features(&vec![0; len]);
            assert_eq!(features.len(), MELS * WINDOWS);
            assert!(features.iter().all(|it| it.is_finite()));
        }
        let long = [vec![9_000; 50_000], rising().repeat(16)].concat();
        assert_eq!(log_mel.features(&long), log_mel.features(&long[50_000..]));
    }

    /// Filter, window, feature.
    const REFERENCE: [(usize, usize, f32); 10] = [
        (0, 0, 0.66490),
        (0, 799, 0.95465),
        (5, 760, 1.66655),
        (20, 770, 1.00341),
        (40, 780, 1.09438),
        (60, 790, 1.25602),
        (79, 799, 1.21323),
        (10, 751, 0.90232),
        (30, 795, 0.97747),
        (70, 765, 1.13212),
    ];
    const MEAN: f64 = 0.07697;
}
