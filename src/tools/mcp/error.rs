//! What goes wrong with servers.

use std::time::Duration;

use crate::error::Recovery;

/// Why a server could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// Two servers have one name, or one has none.
    #[error("{0}")]
    Name(String),
    /// It did not start.
    #[error("the MCP server `{server}` ({command}) did not start: {reason}")]
    Start {
        /// Its name.
        server: String,
        /// Its command or address.
        command: String,
        /// Why, with the last lines of what it said on its standard error.
        reason: String,
    },
    /// There is none of that name.
    #[error("there is no MCP server named `{server}`; there {}", listed(known))]
    Unknown {
        /// The name.
        server: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It has no such tool.
    #[error("the MCP server `{server}` has no tool `{tool}`; there {}", listed(known))]
    UnknownTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// It does not run.
    #[error("the MCP server `{server}` is not there: {reason}")]
    Gone {
        /// Its name.
        server: String,
        /// What happened to it.
        reason: String,
    },
    /// It gave no answer in time.
    #[error("the MCP server `{server}` gave no answer within {limit:?}")]
    TimedOut {
        /// Its name.
        server: String,
        /// How long it had.
        limit: Duration,
    },
    /// It refused a request, or answered nonsense.
    #[error("the MCP server `{server}` refused: {reason}")]
    Refused {
        /// Its name.
        server: String,
        /// What it said.
        reason: String,
    },
}

impl McpError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::TimedOut { .. } | Self::Gone { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::Start { .. } | Self::Refused { .. } => Recovery::AskUser,
            Self::Name(_) | Self::Unknown { .. } | Self::UnknownTool { .. } => Recovery::Abort,
        }
    }
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "is none".to_owned(),
        [one] => format!("is `{one}`"),
        many => format!("are `{}`", many.join("`, `")),
    }
}
