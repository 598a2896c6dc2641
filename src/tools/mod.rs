//! Tools that a model may call.
//!
//! ```text
//! FunctionTool ─┐
//! HttpTool     ─┤
//! ExecTool     ─┼─▶ ToolRegistry ─▶ run: a call in, a result out, whatever happens
//! ClockTool    ─┤        ▲
//! your Tool    ─┘        │
//!    Executor: several of your own
//!    ToolSource: tools that come and go
//! ```
//!
//! A tool's schemas are read when it is registered ([`Registered`]); arguments and results are
//! checked by them, and what does not fit is told in words that a model can act on.
//!
//! Whether a tool may be called at all, and when, is for the session to decide.

mod clock;
mod context;
mod derived;
mod exec;
mod executor;
mod function;
#[cfg(feature = "net")]
mod http;
#[cfg(feature = "mcp")]
pub mod mcp;
mod name;
mod registered;
mod registry;
mod run;
mod schema;

pub use clock::ClockTool;
pub use context::ToolContext;
pub use exec::ExecTool;
pub use executor::Executor;
pub use function::FunctionTool;
#[cfg(feature = "net")]
pub use http::{HttpCall, HttpTool, HttpToolError};
pub use name::matches;
pub use registered::Registered;
pub use registry::{RegisterError, ToolRegistry, ToolSource};
pub use run::run;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::error::Recovery;
use crate::types::{Approval, ToolDescriptor};

/// A tool that a model may call.
pub trait Tool: Debug + Send + Sync {
    /// What the model is told about it.
    fn descriptor(&self) -> &ToolDescriptor;

    /// Whether calling it changes something outside the conversation. Such a tool waits until
    /// its response is committed.
    fn has_side_effects(&self) -> bool {
        true
    }

    /// How long it may take; 10 s by default.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// How long it lives; as long as the answer that it was called for by default.
    fn lifetime(&self) -> Lifetime {
        Lifetime::Answer
    }

    /// What the agent says while it is waited for, in a call; what the session says by default.
    fn filler(&self) -> Option<Filler> {
        None
    }

    /// Whether a person must allow this call first; none does by default. It is asked once for
    /// each call, and must not wait.
    fn approval(&self, arguments: &Value) -> Option<Approval> {
        let _any = arguments;
        None
    }

    /// Runs it. Dropping the future cancels it.
    fn call(&self, arguments: Value, context: ToolContext) -> ToolFuture<'_>;
}

/// A running tool.
pub type ToolFuture<'a> = Pin<Box<dyn Future<Output = Result<Value, ToolError>> + Send + 'a>>;

/// How long a tool lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// It is cancelled with the answer that it was called for.
    #[default]
    Answer,
    /// It goes on when the answer is cancelled, and when the answer has waited so long: then the
    /// model is told that it still runs. A result that comes later is a turn of its own.
    Session {
        /// How long an answer waits for it.
        patience: Duration,
    },
}

/// What the agent says while a tool is waited for, so that nobody believes the call is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filler {
    /// How long the tool must have run, and nothing been said.
    pub after: Duration,
    /// What is said.
    pub text: String,
}

/// Why a tool gave no result. The model is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// There is no such tool.
    #[error("there is no tool named `{name}`")]
    Unknown {
        /// The name that was called.
        name: String,
    },
    /// The arguments do not fit.
    #[error("the arguments of `{name}` do not fit: {reason}")]
    Arguments {
        /// The tool.
        name: String,
        /// What was expected.
        reason: String,
    },
    /// It took too long.
    #[error("`{name}` gave no answer within {limit:?}")]
    TimedOut {
        /// The tool.
        name: String,
        /// How long it had.
        limit: Duration,
    },
    /// It failed.
    #[error("`{name}` failed: {reason}")]
    Failed {
        /// The tool.
        name: String,
        /// What it said.
        reason: String,
    },
    /// It is not allowed.
    #[error("`{name}` was refused: {reason}")]
    Refused {
        /// The tool.
        name: String,
        /// Who refused it, and why.
        reason: String,
    },
}

impl ToolError {
    /// The failure of the tool called `name`.
    pub fn failed(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Failed { name: name.into(), reason: reason.into() }
    }

    /// Arguments of the tool called `name` that do not fit.
    pub fn arguments(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Arguments { name: name.into(), reason: reason.into() }
    }

    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::TimedOut { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::Arguments { .. } | Self::Failed { .. } => Recovery::AskUser,
            Self::Unknown { .. } | Self::Refused { .. } => Recovery::Abort,
        }
    }
}
