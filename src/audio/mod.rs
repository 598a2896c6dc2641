//! Sound as samples: chunks, conversion, resampling, files, levels.
//!
//! Inside Banter sound is always mono 16-bit PCM: an [`AudioChunk`].

mod chunk;
pub mod convert;
pub mod level;

pub use chunk::{AudioChunk, SampleRate};
