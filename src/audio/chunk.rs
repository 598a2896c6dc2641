//! A stretch of sound.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Samples per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(NonZeroU32);

impl SampleRate {
    /// 16,000 Hz: what speech engines listen at.
    pub const SPEECH: Self = Self(NonZeroU32::new(16_000).unwrap());

    /// `hz` samples per second; `None` for zero.
    #[must_use]
    pub const fn new(hz: u32) -> Option<Self> {
        match NonZeroU32::new(hz) {
            Some(hz) => Some(Self(hz)),
            None => None,
        }
    }

    /// Samples per second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0.get()
    }

    /// How long `samples` samples last.
    #[must_use]
    pub const fn duration(self, samples: u64) -> Duration {
        let hz = self.0.get() as u64;
        Duration::new(samples / hz, ((samples % hz) * 1_000_000_000 / hz) as u32)
    }

    /// How many whole samples fit into `duration`.
    #[must_use]
    pub const fn samples(self, duration: Duration) -> u64 {
        (duration.as_nanos() * self.0.get() as u128 / 1_000_000_000) as u64
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// A stretch of mono 16-bit sound. Cloning shares the samples.
#[derive(Clone, PartialEq, Eq)]
pub struct AudioChunk {
    samples: Arc<[i16]>,
    rate: SampleRate,
}

impl AudioChunk {
    /// A chunk of `samples` at `rate`.
    #[must_use]
    pub fn new(samples: impl Into<Arc<[i16]>>, rate: SampleRate) -> Self {
        Self { samples: samples.into(), rate }
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Samples per second.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.rate.duration(self.samples.len() as u64)
    }
}

impl fmt::Debug for AudioChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AudioChunk({} samples, {})", self.samples.len(), self.rate)
    }
}
