//! A conversation by voice, from the microphone to the speaker.
//!
//! ```text
//!  microphone ─▶ audio_turn ─▶ stt ─┐ facts          ┌▶ provider ─▶ tts ─▶ playout ─▶ speaker
//!                    ▲ commands     ▼                │ responses              │ facts
//!                    └────────── actor: turns, responses, history ◀───────────┘
//! ```
//!
//! One actor a session owns the turn machine, the responses and the history. Everything else
//! tells it facts and obeys.

mod actor;
mod config;
mod drive;
mod end_call;
mod handle;
mod modes;

pub use config::{Apology, Engines, SessionConfig};
pub use drive::{Pace, SessionError};
pub use handle::{SessionHandle, WishError};
pub use modes::vad::{Session, Summary};

#[cfg(test)]
mod tests;
