//! After how many samples a voice repeats itself.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::audio::SampleRate;

/// Finds the lag at which the last 20 ms are most like what was before them.
///
/// First in sound at about 4 kHz, then sample by sample around what was found there.
#[derive(Clone, Debug)]
pub(super) struct PeriodFinder {
    lags: RangeInclusive<usize>,
    window: usize,
    /// How many samples are one in the coarse search.
    coarse: usize,
    reduced: Vec<f32>,
    fine: Vec<f32>,
}

impl PeriodFinder {
    pub(super) fn new(rate: SampleRate, lags: RangeInclusive<usize>) -> Self {
        let window = rate.samples(WINDOW) as usize;
        let coarse = (rate.hz() / COARSE_HZ).max(1) as usize;
        let span = window + lags.end();
        let [reduced, fine] = [span / coarse, span].map(Vec::with_capacity);
        Self { lags, window, coarse, reduced, fine }
    }

    /// The period at the end of `heard`, which lasts at least 35 ms.
    pub(super) fn find(&mut self, heard: &[i16]) -> usize {
        let (shortest, longest, by) = (*self.lags.start(), *self.lags.end(), self.coarse);
        let span = &heard[heard.len() - self.window - longest..];
        self.reduced.clear();
        let groups = span.rchunks_exact(by).rev();
        self.reduced.extend(groups.map(|it| it.iter().map(|&it| f32::from(it)).sum::<f32>()));
        let near = best(&self.reduced, self.window / by, shortest / by..=longest / by) * by;
        if by == 1 {
            return near;
        }
        self.fine.clear();
        self.fine.extend(span.iter().map(|&it| f32::from(it)));
        let from = (near - by).max(shortest);
        best(&self.fine, self.window, from..=(near + by).min(longest))
    }
}

/// The lag, of `lags`, at which the last `window` samples of `sound` are most like themselves, for their
/// loudness there.
fn best(sound: &[f32], window: usize, lags: RangeInclusive<usize>) -> usize {
    let start = sound.len() - window;
    let own = &sound[start..];
    let mut found = (*lags.end(), 0.0);
    for lag in lags {
        let Some(other) = start.checked_sub(lag).map(|from| &sound[from..from + window]) else {
            break;
        };
        let (mut alike, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in own.iter().zip(other) {
            alike += a * b;
            energy += b * b;
        }
        let score = alike / energy.sqrt();
        if score > found.1 {
            found = (lag, score);
        }
    }
    found.0
}

const WINDOW: Duration = Duration::from_millis(20);
const COARSE_HZ: u32 = 4_000;
