//! What is said in a turn.

use crate::pipeline::Metadata;
use crate::types::Message;

/// What is said in a turn: a message, and metadata of this turn alone.
///
/// A text or a [`Message`] is one without metadata, so that [`send`](super::Conversation::send)
/// takes either.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The message.
    pub message: Message,
    /// What the request to the provider carries beside the conversation's metadata; a name that
    /// both have is this one's.
    pub metadata: Metadata,
}

impl Input {
    /// This message, with metadata of this turn.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }
}

impl<M: Into<Message>> From<M> for Input {
    fn from(message: M) -> Self {
        Self { message: message.into(), metadata: Metadata::default() }
    }
}
