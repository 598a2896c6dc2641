//! The way to services: every client of one reaches the world through [`Http`] or [`Dial`].
//!
//! ```text
//!  client of a service ─▶ Endpoint::send ─▶ Http ─▶ HttpClient (reqwest) │ MockHttp
//!                ◀── Response<Incoming>: pieces as they come, each with a limit of time ──┘
//! ```
//!
//! [`GuardedClient`] is an [`Http`] for addresses that a stranger may have chosen: it connects to
//! the public network alone, whatever a name is said to mean.
//!
//! Every wait has a limit and every answer a bound on its size: see [`Limits`], and [`DialLimits`]
//! for WebSockets, whose two halves a [`Connection`] has. Errors name the host, never a key.

#[cfg(feature = "net")]
mod client;
mod dial;
mod endpoint;
mod guard;
#[cfg(feature = "net")]
mod guarded;
pub mod mock;
mod refusal;
#[cfg(feature = "net")]
mod socket;
mod sse;
#[cfg(feature = "net")]
#[cfg(test)]
mod tests;

use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{Request, Response, StatusCode};

use crate::error::Recovery;

#[cfg(feature = "net")]
pub use client::HttpClient;
#[cfg(feature = "mcp")]
pub(crate) use client::client_builder;
pub use dial::{
    Connection, Dial, DialFuture, DialLimits, Far, IncomingMessages, OutgoingMessages,
    SocketMessage,
};
pub(crate) use endpoint::without_secrets;
pub use endpoint::{Endpoint, EndpointError, Limits};
pub use guard::is_public;
#[cfg(feature = "net")]
pub use guarded::{Addresses, GuardedClient, Reach, Resolve};
pub(crate) use refusal::{codes, request_id};
#[cfg(feature = "net")]
pub use socket::SocketClient;
pub use sse::{Events, events};

/// Sends requests.
pub trait Http: Debug + Send + Sync {
    /// Sends a request. Resolves when the head of the answer has come; its body follows in
    /// pieces. Dropping the future or the body ends the exchange. Must be called within a Tokio
    /// runtime.
    fn send(&self, request: Request<Body>) -> HttpFuture;
}

/// An answer to come.
pub type HttpFuture = Pin<Box<dyn Future<Output = Result<Response<Incoming>, NetError>> + Send>>;

/// The body of an answer, as it comes.
pub type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, NetError>> + Send>>;

/// The body of a request.
pub enum Body {
    /// All of it. Its length is told.
    Whole(Bytes),
    /// Pieces, sent as they come.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream(…)"),
        }
    }
}

/// A failure on the way to a service, or the service's refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// There was no connection.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Name and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// An answer, or the next piece of it, did not come in time.
    #[error("{host} gave nothing for {limit:?}")]
    TimedOut {
        /// Name and port.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection broke off.
    #[error("the connection to {host} broke off: {reason}")]
    BrokeOff {
        /// Name and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// The answer has no end.
    #[error("{host} sends more than {limit} bytes")]
    TooLong {
        /// Name and port.
        host: String,
        /// How many were accepted.
        limit: usize,
    },
    /// The answer cannot be read.
    #[error("the answer of {host} cannot be read: {reason}")]
    Nonsense {
        /// Name and port.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The account of the key has nothing left. Waiting does not help.
    #[error("{host} refuses: {message}; top up the account of the key")]
    OutOfCredit {
        /// Name and port.
        host: String,
        /// What it says.
        message: String,
    },
    /// The service refused.
    #[error("{host} refuses with {status}: {message}")]
    Refused {
        /// Name and port.
        host: String,
        /// Its status.
        status: StatusCode,
        /// What it says.
        message: String,
        /// When to come back, if it says so: by `Retry-After`, or by a header or detail of its own.
        retry_after: Option<Duration>,
        /// What else it says.
        details: Box<Details>,
    },
}

/// What a service says with a refusal, beside its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// How it calls the error, as `rate_limit_exceeded`, the most telling first; eight at most.
    pub codes: Vec<String>,
    /// What it calls the request, for whoever asks it about that.
    pub request_id: Option<String>,
    /// It says that the same request will be refused again, whatever its status is.
    pub is_final: bool,
}

impl NetError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            // Whoever has waited that long does not wait once more.
            Self::TimedOut { .. } | Self::TooLong { .. } | Self::Nonsense { .. } => {
                Recovery::FallBack
            }
            Self::Unreachable { .. } => Recovery::RetryAfter(SOON),
            Self::BrokeOff { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::OutOfCredit { .. } => Recovery::AskUser,
            Self::Refused { status, retry_after, details, .. } => match status.as_u16() {
                401 | 403 | 404 => Recovery::AskUser,
                _ if details.is_final => Recovery::FallBack,
                408 | 429 | 500..=599 => Recovery::RetryAfter(retry_after.unwrap_or(SOON)),
                _ => Recovery::FallBack,
            },
        }
    }
}

/// The way to services where nobody names another.
///
/// # Errors
///
/// When there is none: in a program without the feature `net`.
#[cfg(feature = "net")]
pub(crate) fn default_http() -> Result<Arc<dyn Http>, NetError> {
    Ok(Arc::new(HttpClient::new()?))
}

#[cfg(not(feature = "net"))]
pub(crate) fn default_http() -> Result<Arc<dyn Http>, NetError> {
    let reason = "this program was built without the feature `net`".to_owned();
    Err(NetError::Unreachable { host: "the model".to_owned(), reason })
}

/// Somebody listens to silence meanwhile.
const SOON: Duration = Duration::from_millis(250);
