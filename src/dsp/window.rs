//! The last powers of a sound.

/// The last `N` values: their mean, or the greatest.
#[derive(Clone, Debug)]
pub(super) struct Window<const N: usize> {
    values: [f32; N],
    next: usize,
}

impl<const N: usize> Window<N> {
    /// One in which there was only this before.
    pub(super) const fn of(value: f32) -> Self {
        Self { values: [value; N], next: 0 }
    }

    pub(super) fn push(&mut self, value: f32) {
        self.values[self.next] = value;
        self.next = (self.next + 1) % N;
    }

    pub(super) fn mean(&self) -> f32 {
        self.values.iter().sum::<f32>() / N as f32
    }

    pub(super) fn max(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }
}

/// The power of samples of the range of `i16`, as a part of the greatest.
pub(super) fn power(samples: &[f32]) -> f32 {
    let sum: f32 = samples.iter().map(|sample| (sample / 32_768.0).powi(2)).sum();
    sum / samples.len().max(1) as f32
}

/// In dB, -100 at least.
pub(super) fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-10).log10()
}
