//! Banter: a real-time voice agent.

pub mod audio;
#[cfg(feature = "cli")]
pub mod cli;
pub mod device;
pub mod error;
pub mod events;
pub mod ids;
pub mod pipeline;
pub mod providers;
pub mod session;
pub mod stages;
pub mod stt;
pub mod text;
pub mod time;
pub mod tools;
pub mod tts;
pub mod turn;
pub mod types;
pub mod vad;

#[cfg(test)]
#[path = "../tests/support/lacking.rs"]
mod lacking;
