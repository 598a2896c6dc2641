//! What can go wrong in a conversation.

use std::sync::Arc;

use super::Response;
use crate::error::Recovery;
use crate::ids::ConversationId;
use crate::media::MediaRefused;
use crate::pack::{PackError, PromptError};
use crate::providers::ProviderError;
use crate::session::PendingError;
use crate::session::attach::AttachError;
use crate::session::dialogue::InstructionsError;
use crate::session::modes::text::ReplyError;
use crate::state::StateError;
use crate::validators::{ValidationError, ValidatorError};

/// What can go wrong in a conversation. It goes on, unless it is closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversationError {
    /// The pack's file cannot be read.
    #[error("the pack {path} cannot be read: {reason}; correct its name or its permissions")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The pack is not valid.
    #[error("{0}")]
    Pack(#[from] PackError),
    /// The pack has no such prompt, or one that cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The model cannot be told what it is to do: a variable has no value, or none that fits.
    #[error(transparent)]
    Instructions(#[from] InstructionsError),
    /// An MCP server does not start.
    #[cfg(feature = "mcp")]
    #[error(transparent)]
    Mcp(#[from] crate::tools::mcp::McpError),
    /// There is no model.
    #[error("no model to talk to: {0}")]
    NoProvider(String),
    /// The model failed.
    #[error(transparent)]
    Provider(Arc<ProviderError>),
    /// A rule refused what the user said, or the answer.
    #[error(transparent)]
    Validation(ValidationError),
    /// A rule of the prompt's is not known, or cannot be used.
    #[error("{0}; to go without it, disable it by its name")]
    Validator(#[from] ValidatorError),
    /// The answer broke off for another reason.
    #[error(transparent)]
    Reply(ReplyError),
    /// The store could not be read, or what was said could not be written. What was said stays,
    /// and is written with the next turn if that is possible.
    #[error(transparent)]
    State(#[from] StateError),
    /// The model has answered, and the turn could not be written down.
    #[error("the answer is here, but was not kept: {source}")]
    NotKept {
        /// The answer.
        response: Box<Response>,
        /// Why not.
        source: StateError,
    },
    /// A conversation can be taken up again only from a store.
    #[error("there is no store to take the conversation up from: give one")]
    NoStore,
    /// The store has no such conversation.
    #[error("there is no conversation {0}; `banter sessions list` shows those that there are")]
    NotFound(ConversationId),
    /// The store has such a conversation already.
    #[error("there is a conversation {0} already: take it up again, or choose another id")]
    Exists(ConversationId),
    /// It was opened with something else.
    #[error("the conversation {id} was held with {was}, not with {now}; open it with that")]
    OtherPrompt {
        /// The conversation.
        id: ConversationId,
        /// What it was opened with.
        was: String,
        /// What it was to be taken up with.
        now: String,
    },
    /// The prompt does not take what was attached.
    #[error(transparent)]
    Media(#[from] MediaRefused),
    /// What was attached cannot be made to fit.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// There is nothing to answer.
    #[error("the message is empty: say something, or attach something")]
    Empty,
    /// The model waits for the results of tools.
    #[error("the model waits for the results of {}: resolve them first", .0.join(", "))]
    PendingTools(Vec<String>),
    /// Nothing came of a decision about a call.
    #[error(transparent)]
    Pending(#[from] PendingError),
    /// The prompt names tools that nobody has registered.
    #[error(
        "the prompt names tools that are not there: {}; register them, or open the conversation \
         with `await_missing_tools` and give their results yourself",
        .0.join(", ")
    )]
    NoHandlers(Vec<String>),
    /// What an answer may cost cannot be known.
    #[error(
        "the tool policy has a largest cost, but nobody knows what the model costs: give `prices`"
    )]
    NoPrices,
    /// The model waits for nothing.
    #[error("there is nothing to go on with: the last answer waits for no tool")]
    NothingPending,
    /// A call by voice is going on.
    #[error("a call goes on in this conversation: speak or type there, or end it first")]
    DuplexRunning,
    /// Somebody else has an answer under way.
    #[error("an answer is under way in this conversation, and has not ended for {0:?}")]
    Busy(std::time::Duration),
    /// It was closed.
    #[error("the conversation is closed; open or resume one")]
    Closed,
}

impl ConversationError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Provider(error) => error.recovery(),
            Self::Reply(error) => error.recovery(),
            Self::State(error) | Self::NotKept { source: error, .. } => error.recovery(),
            Self::Pending(error) => error.recovery(),
            Self::Pack(error) => error.recovery(),
            Self::Prompt(error) => error.recovery(),
            Self::Busy(_) | Self::DuplexRunning => Recovery::FallBack,
            Self::Closed => Recovery::Abort,
            _ => Recovery::AskUser,
        }
    }
}

impl From<ReplyError> for ConversationError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::Provider(error) => Self::Provider(error),
            ReplyError::Instructions(error) => Self::Instructions(error),
            ReplyError::Validation(error) => Self::Validation(error),
            other => Self::Reply(other),
        }
    }
}
