//! Changes the sample rate of a stream of mono sound.
//!
//! Push pieces of any size into a [`Resampler`]; what comes out does not depend on how the sound
//! was cut. Sample `k` of the output is the sound at `k / rate` seconds of the input: the filter's
//! delay does not shift the sound, it only makes the output come [`Resampler::delay`] later.
//!
//! ```text
//! pushed   |=====================================|
//! given    |==============================|
//!                                          delay
//! ```
//!
//! One that is [`steered`](Resampler::steered) follows a clock that drifts.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Adjustable as _, Async, FixedAsync, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use super::{SampleRate, convert};
use crate::error::Recovery;

/// Why a resampler cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot resample from {from} to {to}: both rates must lie between 4000 and 384000 Hz")]
pub struct ResampleError {
    /// The rate of the input.
    pub from: SampleRate,
    /// The rate asked for.
    pub to: SampleRate,
}

impl ResampleError {
    /// What to do about it: choose another rate.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

/// Changes the sample rate of one stream of mono sound.
#[derive(Debug)]
pub struct Resampler(Option<Box<Filter>>);

impl Resampler {
    /// A resampler between two rates. Equal rates are passed through untouched, without delay.
    ///
    /// # Errors
    ///
    /// When the rates differ and one is below 4 kHz or above 384 kHz.
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Self, ResampleError> {
        if from == to {
            return Ok(Self(None));
        }
        let filter = Filter::new(from, to, 1.0).ok_or(ResampleError { from, to })?;
        Ok(Self(Some(Box::new(filter))))
    }

    /// A resampler whose ratio can be [`steer`](Self::steer)ed, between rates that may be equal.
    ///
    /// # Errors
    ///
    /// When a rate is below 4 kHz or above 384 kHz.
    pub fn steered(from: SampleRate, to: SampleRate) -> Result<Self, ResampleError> {
        let filter = Filter::new(from, to, STEERING).ok_or(ResampleError { from, to })?;
        Ok(Self(Some(Box::new(filter))))
    }

    /// Makes so many times as many samples from now on as the rates ask for: 1 is exact; within
    /// 0.1 % of it. Does nothing to a resampler that is not [`steered`](Self::steered).
    pub fn steer(&mut self, ratio: f64) {
        if let Some(filter) = &mut self.0 {
            filter.ratio = ratio.clamp(1.0 / filter.most, filter.most);
        }
    }

    /// Takes the next samples and appends to `out` what can be given by now.
    ///
    /// Allocates only when `out` has no room.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        match &mut self.0 {
            None => out.extend_from_slice(samples),
            Some(filter) => filter.push(samples, out),
        }
    }

    /// Ends the sound: appends to `out` what is still held, so that the output lasts as long as
    /// the input (to the nearest sample). The resampler is as new afterwards.
    pub fn flush(&mut self, out: &mut Vec<i16>) {
        if let Some(filter) = &mut self.0 {
            filter.flush(out);
        }
    }

    /// How far the output is behind the input, at most: half the filter and one inner block.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |filter| filter.delay())
    }
}

struct Filter {
    from: SampleRate,
    to: SampleRate,
    taps: u64,
    inner: Async<f32>,
    /// Input that does not fill a block yet.
    held: Vec<f32>,
    /// The last block of output.
    block: Vec<f32>,
    /// Output from before the first sample, still to be dropped.
    early: usize,
    /// How far the ratio may go, and where it is to be.
    most: f64,
    ratio: f64,
    pushed: u64,
    given: u64,
}

impl Filter {
    /// `None` for rates that are out of range.
    fn new(from: SampleRate, to: SampleRate, most: f64) -> Option<Self> {
        if !RATES.contains(&from.hz()) || !RATES.contains(&to.hz()) {
            return None;
        }
        let taps = (from.samples(LENGTH) / 8 * 8).max(MIN_TAPS);
        let block = to.samples(BLOCK).max(1) as usize;
        let ratio = f64::from(to.hz()) / f64::from(from.hz());
        let parameters = SincInterpolationParameters::new(taps as usize, WINDOW)
            .f_cutoff(CUTOFF)
            .oversampling_factor(PHASES)
            .interpolation(SincInterpolationType::Linear);
        let inner = Async::new_sinc(ratio, most, &parameters, block, 1, FixedAsync::Output).ok()?;
        let mut filter = Self {
            from,
            to,
            taps,
            held: Vec::with_capacity(inner.input_frames_max()),
            block: vec![0.0; block],
            inner,
            early: 0,
            most,
            ratio: 1.0,
            pushed: 0,
            given: 0,
        };
        filter.start();
        Some(filter)
    }

    fn start(&mut self) {
        self.inner.reset();
        self.ratio = 1.0;
        self.held.clear();
        // The first sample to come out lies half a filter before the first that goes in, less one
        // step of the output.
        let half = self.taps as f64 / 2.0 * self.inner.resample_ratio();
        self.early = (half.round() as usize).saturating_sub(1);
        (self.pushed, self.given) = (0, 0);
    }

    fn push(&mut self, mut samples: &[i16], out: &mut Vec<i16>) {
        self.pushed += samples.len() as u64;
        loop {
            let missing = self.inner.input_frames_next() - self.held.len();
            let (now, later) = samples.split_at(missing.min(samples.len()));
            self.held.extend(now.iter().map(|&sample| convert::sample_to_f32(sample)));
            if now.len() < missing {
                return;
            }
            self.give(out);
            samples = later;
        }
    }

    fn flush(&mut self, out: &mut Vec<i16>) {
        let (from, to) = (u64::from(self.from.hz()), u64::from(self.to.hz()));
        let due = (self.pushed * to + from / 2) / from;
        while self.given < due {
            self.held.resize(self.inner.input_frames_next(), 0.0);
            self.give(out);
        }
        out.truncate(out.len() - (self.given - due) as usize);
        self.start();
    }

    /// Turns the full input block into an output block.
    fn give(&mut self, out: &mut Vec<i16>) {
        self.run();
        self.held.clear();
        self.follow();
        let early = self.early.min(self.block.len());
        self.early -= early;
        self.given += (self.block.len() - early) as u64;
        out.extend(self.block[early..].iter().map(|&sample| convert::sample_to_i16(sample)));
    }

    /// Takes the ratio that was asked for, where no input is held: its amount depends on it.
    fn follow(&mut self) {
        let nominal = f64::from(self.to.hz()) / f64::from(self.from.hz());
        let wanted = nominal * self.ratio;
        if self.most > 1.0 && (wanted - self.inner.resample_ratio()).abs() > 1e-9 {
            let _within = self.inner.set_resample_ratio_relative(self.ratio, true);
        }
    }

    #[expect(clippy::expect_used, reason = "both blocks have the sizes that the filter asks for")]
    fn run(&mut self) {
        let (input, output) = (self.held.len(), self.block.len());
        let input = SequentialSlice::new(&self.held, 1, input).expect("one channel");
        let mut output = SequentialSlice::new_mut(&mut self.block, 1, output).expect("one channel");
        self.inner.process_into_buffer(&input, &mut output, None).expect("full blocks");
    }

    fn delay(&self) -> Duration {
        self.from.duration(self.taps / 2 + 1) + self.to.duration(self.block.len() as u64)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({} to {}, {} taps)", self.from, self.to, self.taps)
    }
}

const RATES: RangeInclusive<u32> = 4_000..=384_000;
/// How much input the filter spans. Half of it is the delay; the rest of the budget of 1.5 ms goes
/// to the block and to rounding.
const LENGTH: Duration = Duration::from_micros(2_500);
const MIN_TAPS: u64 = 16;
/// How far a ratio can be steered: twice what is ever asked for.
const STEERING: f64 = 1.001;
/// How much output is made at once: less waits less, more calls the filter less often.
const BLOCK: Duration = Duration::from_micros(125);
/// Where the filter is 6 dB down, as a part of the lower Nyquist frequency. Higher keeps more of
/// the treble; what then folds stays next to the Nyquist frequency, where speech has next to
/// nothing.
const CUTOFF: f32 = 0.92;
/// Filters between two samples. 44.1 kHz to 16 or 48 kHz hits them exactly.
const PHASES: usize = 160;
/// 74 dB of attenuation for the narrowest transition that a filter this short allows.
const WINDOW: WindowFunction = WindowFunction::Blackman;

#[cfg(test)]
mod tests;
