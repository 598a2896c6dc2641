//! The ways to hold a conversation.

pub(super) mod asm;
pub(super) mod text;
mod vad;
pub(super) mod voice;
