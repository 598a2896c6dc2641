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
