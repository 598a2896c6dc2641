//! The way of the microphone's samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Observer, Producer, Split};

use crate::audio::SampleRate;
use crate::time::SessionTime;

/// The two ends of a microphone's ring, which holds two seconds. What does not fit is lost,
/// and counted.
#[must_use]
pub fn capture_port(rate: SampleRate) -> (CapturePort, Capture) {
    capture_port_from(rate, SessionTime::ZERO)
}

/// The ends of a ring for a microphone that is listened to from `origin` on.
pub(crate) fn capture_port_from(rate: SampleRate, origin: SessionTime) -> (CapturePort, Capture) {
    let (port, capture) = capture_port_later(rate);
    capture.listen_from(origin);
    (port, capture)
}

/// The ends of a ring for a microphone that nobody listens to yet.
pub(crate) fn capture_port_later(rate: SampleRate) -> (CapturePort, Capture) {
    let (ring, samples) = HeapRb::new(2 * rate.hz() as usize).split();
    let (stamps_in, stamps) = HeapRb::new(STAMPS).split();
    let shared = Arc::new(Shared::default());
    let port = CapturePort { ring, stamps: stamps_in, captured: 0, shared: Arc::clone(&shared) };
    (port, Capture { samples, stamps, rate, shared })
}

/// How far a microphone with a clock of its own was at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Samples since it started, the lost ones too.
    pub samples: u64,
    /// When the last of them was captured.
    pub at: SessionTime,
}

#[derive(Debug, Default)]
struct Shared {
    lost: AtomicU64,
    stamped: AtomicBool,
    ended: AtomicBool,
    /// From when on it is listened to, once it is.
    origin: AtomicU64,
    listened: AtomicBool,
}

impl Shared {
    fn origin(&self) -> SessionTime {
        SessionTime::from_nanos(self.origin.load(Ordering::Relaxed))
    }
}

/// The microphone's end. Dropping it ends the stream.
pub struct CapturePort {
    ring: ringbuf::HeapProd<i16>,
    stamps: ringbuf::HeapProd<Captured>,
    captured: u64,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for CapturePort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturePort").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl CapturePort {
    /// From when on it is listened to: the session's start, or when the microphone was
    /// exchanged. A device without a clock of its own counts from there. It is known once the
    /// device is first moved ([`Running::advance`](super::Running::advance)), not when it starts.
    #[must_use]
    pub fn origin(&self) -> SessionTime {
        self.shared.origin()
    }

    /// Hands over samples of a device with a clock of its own; the last was captured at `at`.
    /// Safe in an audio callback, as [`push`](Self::push).
    pub fn push_at(&mut self, samples: &[i16], at: SessionTime) {
        if !self.shared.listened.load(Ordering::Acquire) {
            return;
        }
        self.shared.stamped.store(true, Ordering::Relaxed);
        self.push(samples);
        let _full = self.stamps.try_push(Captured { samples: self.captured, at });
    }

    /// Hands over captured samples. Safe in an audio callback: allocates nothing, takes no lock.
    /// What is captured while the microphone before is still listened to is nobody's.
    pub fn push(&mut self, samples: &[i16]) {
        if !self.shared.listened.load(Ordering::Acquire) {
            return;
        }
        self.captured += samples.len() as u64;
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
    stamps: ringbuf::HeapCons<Captured>,
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

    /// From when on the microphone is listened to.
    #[must_use]
    pub fn origin(&self) -> SessionTime {
        self.shared.origin()
    }

    /// Listens to the microphone, from `origin` on.
    pub(crate) fn listen_from(&self, origin: SessionTime) {
        self.shared.origin.store(origin.as_nanos(), Ordering::Relaxed);
        self.shared.listened.store(true, Ordering::Release);
    }

    /// Whether the microphone has a clock of its own, and stamps what it captures.
    #[must_use]
    pub fn is_stamped(&self) -> bool {
        self.shared.stamped.load(Ordering::Relaxed)
    }

    /// The next note of how far the microphone was, and when.
    pub fn next_captured(&mut self) -> Option<Captured> {
        self.stamps.try_pop()
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

    /// Takes what there is, at most `most` samples, in place of what `samples` held. Returns
    /// whether there was any.
    pub(crate) fn take_some(&mut self, most: usize, samples: &mut Vec<i16>) -> bool {
        samples.clear();
        samples.resize(self.samples.occupied_len().min(most), 0);
        self.samples.pop_slice(samples);
        !samples.is_empty()
    }

    /// Whether anything waits to be taken.
    pub(crate) fn has_some(&self) -> bool {
        !self.samples.is_empty()
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

/// Notes that wait: at 1 ms a block, two seconds.
const STAMPS: usize = 2048;
