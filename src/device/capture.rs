//! The way of the microphone's samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Observer, Producer, Split};

use crate::audio::SampleRate;

/// The two ends of a microphone's ring, which holds two seconds. What does not fit is lost,
/// and counted.
#[must_use]
pub fn capture_port(rate: SampleRate) -> (CapturePort, Capture) {
    let (ring, samples) = HeapRb::new(2 * rate.hz() as usize).split();
    let shared = Arc::new(Shared::default());
    (CapturePort { ring, shared: Arc::clone(&shared) }, Capture { samples, rate, shared })
}

#[derive(Debug, Default)]
struct Shared {
    lost: AtomicU64,
    ended: AtomicBool,
}

/// The microphone's end. Dropping it ends the stream.
pub struct CapturePort {
    ring: ringbuf::HeapProd<i16>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for CapturePort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturePort").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl CapturePort {
    /// Hands over captured samples. Safe in an audio callback: allocates nothing, takes no lock.
    pub fn push(&mut self, samples: &[i16]) {
        let taken = self.ring.push_slice(samples);
        if taken < samples.len() {
            self.shared.lost.fetch_add((samples.len() - taken) as u64, Ordering::Relaxed);
        }
    }
}

impl Drop for CapturePort {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
    }
}

/// The session's end.
pub struct Capture {
    samples: ringbuf::HeapCons<i16>,
    rate: SampleRate,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Capture {
    /// Samples per second.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Takes the next `count` samples, or `None` while there are fewer. When the microphone has
    /// ended, what is left comes as a last, shorter piece.
    pub fn take(&mut self, count: usize) -> Option<Vec<i16>> {
        // `ended` first: what was pushed before the end is then counted.
        let ended = self.shared.ended.load(Ordering::Acquire);
        let there = self.samples.occupied_len();
        let take = if there >= count { count } else { there };
        if take == 0 || (take < count && !ended) {
            return None;
        }
        let mut samples = vec![0; take];
        self.samples.pop_slice(&mut samples);
        Some(samples)
    }

    /// Whether the microphone has ended and everything was taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire) && self.samples.is_empty()
    }

    /// How many samples were lost because nobody took them in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}
