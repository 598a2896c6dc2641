//! A conversation: by voice, from the microphone to the speaker, or in writing.
//!
//! ```text
//!  microphone ─▶ audio_turn ─▶ stt ─┐ facts          ┌▶ provider ─▶ tts ─▶ playout ─▶ speaker
//!                    ▲ commands     ▼                │ responses              │ facts
//!                    └────────── actor: turns, responses ⇄ dialogue ◀─────────┘
//! ```
//!
//! One actor a session owns the turn machine and the responses. Everything else tells it facts and
//! obeys. What was said, and what the model is told, is in a dialogue, which outlives the call.
//!
//! A [`TextSession`] is the speaking half alone, without a voice: text in, text out. A
//! [`Conversation`] is both, one after the other, with one dialogue.

mod actor;
mod answer;
pub mod attach;
pub mod call;
mod config;
mod conversation;
mod dialogue;
mod drive;
mod end_call;
mod handle;
mod herald;
mod modes;
mod pending;
mod report;

pub use config::{Apology, Engines, SessionConfig};
pub use conversation::{
    Chunk, Conversation, ConversationError, Input, Opening, PackSource, Response, ResponseStream,
    Voice,
};
pub use dialogue::InstructionsError;
pub use drive::{Devices, DriveCommand, Pace, SessionError};
pub use handle::{SessionHandle, WishError};
pub use modes::asm::{DuplexConfig, DuplexEngines, Fallback};
pub use modes::text::{ReplyError, TextConfig, TextEvent, TextReply, TextSession};
pub use modes::voice::{Cast, Session, Summary};
pub use pending::{PendingCalls, PendingError};

#[cfg(test)]
mod tests;
