//! Turns: who has the floor, when a turn ends, what was heard.

mod heard;

pub use heard::{Heard, HeardText, SpeechMark};
