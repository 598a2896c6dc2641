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
mod modes;

pub use config::{Engines, SessionConfig};
pub use drive::{Devices, DriveCommand, Pace, SessionError};
pub use modes::vad::{Session, StopHandle, Summary};

#[cfg(test)]
mod tests;
