//! Why a store could not do what it was asked to.

use std::time::Duration;

use super::entry::Revision;
use crate::error::Recovery;
use crate::ids::ConversationId;

/// Why a conversation could not be read or kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Somebody else has written to the conversation.
    #[error(
        "somebody else writes to the conversation {id}: {found} entries are there in place of \
         {expected}; read it again, or go on under another id"
    )]
    Conflict {
        /// The conversation.
        id: ConversationId,
        /// How many entries the writer knew of.
        expected: Revision,
        /// How many are there.
        found: Revision,
    },
    /// Somebody else holds the store, and does not let go.
    #[error("{place} was locked for {limit:?}; end the program that holds it, or try again")]
    Locked {
        /// The file.
        place: String,
        /// How long was waited.
        limit: Duration,
    },
    /// There is no room.
    #[error("no room for {place}: {reason}; make room, and what waits is stored")]
    Full {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// What is there cannot be read.
    #[error("{place} is damaged: {reason}; mend it, or delete the conversation")]
    Damaged {
        /// The file, with the line where there is one.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A later version has written it.
    #[error("{place} was written by a later version: {reason}; read it with that version")]
    Newer {
        /// The file, with the line where there is one.
        place: String,
        /// What this version does not know.
        reason: String,
    },
    /// Media are not where they should be.
    #[error("{place} has no media {name}, or other bytes under that name; put them back there")]
    Lost {
        /// What they are called.
        name: String,
        /// The store of media.
        place: String,
    },
    /// The store's server cannot be reached.
    #[error("the store {place} cannot be reached: {reason}")]
    Unreachable {
        /// The server.
        place: String,
        /// What happened.
        reason: String,
    },
    /// The store gave no answer.
    #[error("the store {place} gave no answer within {limit:?}")]
    Late {
        /// The store.
        place: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The store refused.
    #[error("{place}: {reason}")]
    Failed {
        /// The file or server.
        place: String,
        /// What it said.
        reason: String,
    },
    /// Too much waits to be stored: see [`Keeper::keep`](super::Keeper::keep).
    #[error("{waiting} entries of {id} wait to be stored, and no more are taken until they are")]
    Behind {
        /// The conversation.
        id: ConversationId,
        /// How many.
        waiting: usize,
    },
}

impl StateError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Locked { .. }
            | Self::Unreachable { .. }
            | Self::Late { .. }
            | Self::Behind { .. } => Recovery::RetryAfter(Duration::from_secs(1)),
            Self::Full { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::Lost { .. }
            | Self::Failed { .. } => Recovery::AskUser,
            // Whoever writes on would tear two conversations into one.
            Self::Conflict { .. } => Recovery::Abort,
        }
    }

    /// Whether nothing can be stored any more, whatever is tried.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
