//! Where a stream of sound lies in time.

use std::time::Duration;

use crate::time::SessionTime;

/// Ties a place in a stream to the instant at which it was heard.
///
/// A microphone with a clock of its own drifts, and sound may have been lost: then the latest
/// sound says better than the first where the stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    at: SessionTime,
    /// The length of the stream before it.
    before: Duration,
}

impl Anchor {
    /// A stream that begins at `at`.
    pub(super) const fn new(at: SessionTime) -> Self {
        Self { at, before: Duration::ZERO }
    }

    /// The sound after a length of `before` was heard at `at`.
    pub(super) fn follow(&mut self, at: SessionTime, before: Duration) {
        if self.time_of(before).millis_since(at).abs() > ROUNDING_MS {
            *self = Self { at, before };
        }
    }

    /// When the sound after a length of `before` was heard.
    pub(super) fn time_of(&self, before: Duration) -> SessionTime {
        self.at + before - self.before
    }
}

/// More than the rounding of any sum of times.
const ROUNDING_MS: f64 = 0.001;
