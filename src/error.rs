//! What a caller can do about an error.
//!
//! Each module border has its own error enum; all answer the same question by `recovery()`.

use std::time::Duration;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The same call may succeed after this long.
    RetryAfter(Duration),
    /// This engine will not do it; another may.
    FallBack,
    /// The user must change something: a setting, a file, a device.
    AskUser,
    /// Nothing helps; end the work.
    Abort,
}

impl Recovery {
    /// How long to wait before the same call is worth another try while somebody listens to the
    /// silence: `None` if it is not.
    #[must_use]
    pub fn retry_soon(self) -> Option<Duration> {
        match self {
            Self::RetryAfter(pause) => (pause <= PATIENCE).then_some(pause),
            Self::FallBack | Self::AskUser | Self::Abort => None,
        }
    }
}

/// Nobody waits longer for an answer that has not begun.
const PATIENCE: Duration = Duration::from_secs(2);
