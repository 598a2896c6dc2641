//! The ways to hold a conversation.

pub(super) mod text;
pub(super) mod vad;
