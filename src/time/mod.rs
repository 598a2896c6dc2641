//! Time as a session knows it.
//!
//! A [`SessionTime`] counts from the session's start, so it has a zero and can be written to a
//! log. A [`SessionClock`] reads it; nothing else in the crate measures time. The clock runs in
//! one of two ways:
//!
//! ```text
//! live     real time, Tokio's clock
//! stepped  moved by a Stepper: it leaps over all waiting, and passes with the wall only while
//!          an engine works
//! ```
//!
//! [`WallTime`] is the time of day, for people who ask for it; [`UtcTime`] is when something was
//! said, for whoever reads it later.

mod clock;
mod stepper;
mod utc;
mod wall;

pub use clock::{SessionClock, Tracked, Work};
pub use stepper::Stepper;
pub use utc::{UtcTime, UtcTimeError};
pub use wall::WallTime;

use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant of a session: nanoseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionTime(u64);

impl SessionTime {
    /// The start of the session.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds into the session.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `ms` milliseconds into the session.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// Nanoseconds since the session's start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds since the session's start, with their fraction.
    #[must_use]
    pub fn as_millis(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// How long after `earlier` this is; zero if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds from `earlier` to here; negative if `earlier` is the later one.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> f64 {
        (self.0 as f64 - earlier.0 as f64) / 1e6
    }
}

impl Add<Duration> for SessionTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

/// Stops at the session's start.
impl Sub<Duration> for SessionTime {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
