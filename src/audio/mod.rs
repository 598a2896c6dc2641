//! Sound as samples: chunks, conversion, resampling, files, levels.
//!
//! Inside Banter sound is always mono 16-bit PCM: an [`AudioChunk`]. What comes from elsewhere is
//! brought into that form here:
//!
//! ```text
//! device   f32 or i16, any channels ─▶ convert ─▶ Resampler ─▶ 16-bit mono at the rate wanted
//! file     any WAV ────────────────▶ WavReader ─▶ Resampler ─▶
//! ```

mod chunk;
pub mod convert;
pub mod level;
mod resample;
mod wav;

pub use chunk::{AudioChunk, SampleRate};
pub use level::{AUDIBLE, first_audible};
pub use resample::{ResampleError, Resampler};
pub use wav::{WavError, WavFault, WavReader, WavWriter};
