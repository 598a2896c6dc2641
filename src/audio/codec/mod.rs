//! Sound in the form in which it travels: PCM as bytes, G.711, Opus.
//!
//! A [`Codec`] says which; its [`Encoder`] and [`Decoder`] each belong to one stream. What does not come
//! is concealed.
//!
//! ```text
//! pcm ─▶ Encoder ─▶ packet … packet ─▶ Decoder ─▶ pcm
//!                      lost: None ─▶
//! ```
//!
//! ```
//! use banter::audio::codec::{Codec, g711::Law};
//! use banter::audio::SampleRate;
//!
//! let telephone = SampleRate::new(8_000).unwrap();
//! let codec = Codec::G711(Law::Mu);
//! let (mut encoder, mut decoder) = (codec.encoder(telephone)?, codec.decoder(telephone)?);
//!
//! let (mut packet, mut heard) = (Vec::new(), Vec::new());
//! encoder.encode(&[0; 160], &mut packet)?;
//! decoder.decode(Some(&packet), &mut heard)?;
//! decoder.decode(None, &mut heard)?; // the next one is lost
//! assert_eq!(heard.len(), 320);
//! # Ok::<(), banter::audio::codec::CodecError>(())
//! ```
//!
//! | | rates | a second of it | delay |
//! |---|---|---|---|
//! | [`Codec::Pcm`] | 8 to 48 kHz | 16 kB at 8 kHz | none |
//! | [`Codec::G711`] | 8 to 48 kHz, usually 8 | 8 kB at 8 kHz | none |
//! | `Codec::Opus` (feature `opus`) | 8, 12, 16, 24, 48 kHz | about 3 kB | 6.5 ms |
//!
//! Nothing here orders packets, waits for late ones or resamples.

pub mod conceal;
pub mod g711;
#[cfg(feature = "opus")]
pub mod opus;
mod stream;

pub use conceal::Concealer;
pub use stream::{Decoder, Encoder};

use self::g711::Law;
use super::SampleRate;
use crate::error::Recovery;

/// How a stream of mono sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// 16 bits for a sample, the lower byte first.
    Pcm,
    /// 8 bits for a sample.
    G711(Law),
    /// A voice in a few bytes for each frame.
    #[cfg(feature = "opus")]
    Opus(opus::OpusConfig),
}

impl Codec {
    /// What makes packets of a stream of sound at `rate`.
    ///
    /// # Errors
    ///
    /// Of Opus only: [`CodecError::Rate`], [`CodecError::Setting`].
    pub fn encoder(self, rate: SampleRate) -> Result<Encoder, CodecError> {
        Encoder::new(self, rate)
    }

    /// What makes sound at `rate` of the packets of a stream.
    ///
    /// # Errors
    ///
    /// [`CodecError::Rate`] if the table above does not have the rate.
    pub fn decoder(self, rate: SampleRate) -> Result<Decoder, CodecError> {
        Decoder::new(self, rate)
    }
}

/// Why there is no packet, or no sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The codec does not know the rate.
    #[error("no sound at {rate} can be coded or concealed, only at {known}: resample it")]
    Rate {
        /// The rate asked for.
        rate: SampleRate,
        /// Those that there are.
        known: &'static str,
    },
    /// A setting is out of bounds.
    #[error("{what} cannot be {given}: choose {least} to {most}")]
    Setting {
        /// Which.
        what: &'static str,
        /// What it was to be.
        given: u32,
        /// The least that it can be.
        least: u32,
        /// The most that it can be.
        most: u32,
    },
    /// A packet is made of one frame.
    #[error("a packet holds {wanted} samples, not {given}: cut the sound into frames")]
    Frame {
        /// How many samples were given.
        given: usize,
        /// How many a frame has.
        wanted: usize,
    },
    /// What came cannot be decoded.
    #[error("{bytes} bytes that are no packet of this codec: take it for lost")]
    Packet {
        /// How many bytes.
        bytes: usize,
    },
    /// The library has failed.
    #[error("the codec's library failed: {0}")]
    Library(&'static str),
}

impl CodecError {
    /// What to do about it.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Rate { .. } | Self::Setting { .. } => Recovery::AskUser,
            Self::Frame { .. } | Self::Library(_) => Recovery::Abort,
            // The next packet may be whole.
            Self::Packet { .. } => Recovery::RetryAfter(std::time::Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests;
