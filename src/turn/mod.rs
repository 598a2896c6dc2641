//! Turn taking: who has the floor, when a turn ends, what was heard.
//!
//! All of it is pure: told what happened, it answers with what to do.

mod attention;
mod config;
mod detector;
pub mod endpoint;
mod grip;
mod heard;
mod machine;
mod preroll;
mod silence;
pub mod speculation;
mod terms;
mod window;

pub use attention::{Attention, Wake};
pub use config::{BargeIn, Detection, Strategy, TurnConfig, TurnConfigError};
pub use detector::{Piece, TurnDetector, TurnSign};
pub use endpoint::{Endpoint, Endpointer};
pub use heard::{CHARS_PER_SECOND, Heard, HeardText, SpeechMark};
pub use machine::TurnMachine;
pub use preroll::PreRoll;
pub use silence::{Due, Silence, StillThere};
pub use speculation::{Speculate, Speculation};
pub use terms::{Action, Agent, Detector, EndReason, Input};

#[cfg(test)]
mod tests;
