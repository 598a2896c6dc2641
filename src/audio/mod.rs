//! Sound as samples: chunks, conversion, resampling, rings, files, levels.
//!
//! Inside Banter sound is always mono 16-bit PCM: an [`AudioChunk`].

mod chunk;

pub use chunk::{AudioChunk, SampleRate};
