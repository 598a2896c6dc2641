//! Tools that a model may call.
//!
//! ```text
//! FunctionTool ─┐
//! ClockTool    ─┼─▶ ToolRegistry ─▶ run: a call in, a result out, whatever happens
//! your Tool    ─┘
//! ```
//!
//! Whether a tool may be called at all, and when, is for the session to decide.

mod clock;
mod function;
mod registry;
mod run;

pub use clock::ClockTool;
pub use function::FunctionTool;
pub use registry::{RegisterError, ToolRegistry};
pub use run::run;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::error::Recovery;
use crate::types::ToolDescriptor;

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

    /// Runs it. Dropping the future cancels it.
    fn call(&self, arguments: Value) -> ToolFuture<'_>;
}

/// A running tool.
pub type ToolFuture<'a> = Pin<Box<dyn Future<Output = Result<Value, ToolError>> + Send + 'a>>;

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
}

impl ToolError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::TimedOut { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::Arguments { .. } | Self::Failed { .. } => Recovery::AskUser,
            Self::Unknown { .. } => Recovery::Abort,
        }
    }
}
