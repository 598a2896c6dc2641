//! Why a duplex session fails, or refuses.

use std::time::Duration;

use crate::error::Recovery;
use crate::net::NetError;

/// Why a duplex session is over, or its connection lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DuplexError {
    /// The connection.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The other side has closed it.
    #[error("{host} has closed the connection")]
    Closed {
        /// Name and port.
        host: String,
    },
    /// The other side refuses the session.
    #[error("{provider} refuses the session: {refusal}")]
    Refused {
        /// Which provider.
        provider: String,
        /// What it says.
        refusal: Refusal,
    },
    /// It was not ready in time.
    #[error("{provider} was not ready within {limit:?}")]
    NotReady {
        /// Which provider.
        provider: String,
        /// How long was waited.
        limit: Duration,
    },
    /// Too many connections were lost.
    #[error(
        "{provider} could not be kept: {attempts} connections failed in a row, the last one: {last}"
    )]
    GaveUp {
        /// Which provider.
        provider: String,
        /// How many were tried.
        attempts: u32,
        /// Why the last one failed.
        last: Box<DuplexError>,
    },
}

impl DuplexError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Net(error) => error.recovery(),
            Self::Closed { .. } | Self::NotReady { .. } => Recovery::RetryAfter(SOON),
            Self::Refused { refusal, .. } => refusal.kind.recovery(),
            Self::GaveUp { .. } => Recovery::FallBack,
        }
    }
}

/// What the other side refuses, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// Its code, if it has one.
    pub code: Option<String>,
    /// What it says, for people.
    pub message: String,
}

/// What kind of refusal, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was told makes no sense to it.
    Invalid,
    /// It does not know the caller, or the account has nothing left.
    Unauthorized,
    /// It has too much to do.
    Busy,
    /// It came too late to change anything, as when an answer is cancelled that is over: no harm.
    TooLate,
    /// The session has lasted as long as it may: another one can be opened.
    Expired,
    /// Its own fault.
    Failed,
}

impl RefusalKind {
    /// What to do about it.
    #[must_use]
    pub fn recovery(self) -> Recovery {
        match self {
            Self::Invalid => Recovery::Abort,
            Self::Unauthorized => Recovery::AskUser,
            Self::Busy => Recovery::RetryAfter(Duration::from_secs(1)),
            Self::TooLate | Self::Expired | Self::Failed => Recovery::RetryAfter(SOON),
        }
    }
}

/// Somebody listens to silence meanwhile.
const SOON: Duration = Duration::from_millis(250);
