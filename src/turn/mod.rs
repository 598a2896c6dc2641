//! Turn taking: who has the floor, when a turn ends, what was heard.
//!
//! All of it is pure: told what happened, it answers with what to do.

mod config;
mod heard;
mod machine;
mod preroll;

pub use config::{BargeIn, Strategy, TurnConfig, TurnConfigError};
pub use heard::{CHARS_PER_SECOND, Heard, HeardText, SpeechMark};
pub use machine::{Action, Agent, EndReason, Input, TurnMachine};
pub use preroll::PreRoll;

#[cfg(test)]
mod tests;
