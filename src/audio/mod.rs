//! Sound as samples: chunks, conversion, resampling, codecs, files, levels.
//!
//! Inside Banter sound is always mono 16-bit PCM: an [`AudioChunk`]. What comes from elsewhere is
//! brought into that form here:
//!
//! ```text
//! device   f32 or i16, any channels ─▶ convert ─▶ Resampler ─▶ 16-bit mono at the rate wanted
//! file     any WAV ────────────────▶ WavReader ─▶ Resampler ─▶
//! ```

mod chunk;
pub mod codec;
pub mod convert;
pub mod level;
mod resample;
mod tone;
mod wav;

pub use chunk::{AudioChunk, SampleRate};
pub use level::{AUDIBLE, first_audible};
pub use resample::{ResampleError, Resampler};
pub use tone::{Tone, ToneMeter};
pub use wav::{WavError, WavFault, WavReader, WavWriter};
