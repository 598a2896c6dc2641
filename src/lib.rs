//! Banter: a real-time voice agent.

pub mod audio;
pub mod error;
pub mod ids;
pub mod providers;
pub mod stt;
pub mod text;
pub mod time;
pub mod tools;
pub mod tts;
pub mod types;
pub mod vad;
