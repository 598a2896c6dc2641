//! The ways to hold a conversation.

pub(super) mod vad;
