//! Opus (RFC 6716): a voice in about 60 bytes for each 20 ms. Needs the feature `opus`.
//!
//! ```
//! use banter::audio::codec::{Codec, opus::{OpusConfig, Protection}};
//! use banter::audio::SampleRate;
//!
//! let config = OpusConfig { protection: Protection::Fec { expected_loss: 10 }, ..Default::default() };
//! let mut encoder = Codec::Opus(config).encoder(SampleRate::SPEECH)?;
//! let mut packet = Vec::new();
//! encoder.encode(&[0; 320], &mut packet)?; // 20 ms
//! # Ok::<(), banter::audio::codec::CodecError>(())
//! ```
//!
//! The codec is libopus, which is built with the crate. Sound is mono; a stereo packet that comes is mixed.
//! There are no files here: Ogg is another layer.

use std::fmt;
use std::time::Duration;

use ::opus::{Application, Bitrate, Channels, Signal};

use super::CodecError;
use crate::audio::SampleRate;

/// How Opus codes a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusConfig {
    /// How much sound a packet holds. 20 ms by default.
    pub frame: FrameLength,
    /// Bits for a second of sound, on average: 6,000 to 510,000. 24,000 by default, with which wide-band
    /// speech sounds good.
    pub bits_per_second: u32,
    /// What is done against loss. Nothing by default.
    pub protection: Protection,
    /// What is sent while nobody speaks. Everything by default.
    pub pauses: Pauses,
}

impl Default for OpusConfig {
    fn default() -> Self {
        Self {
            frame: FrameLength::Ms20,
            bits_per_second: 24_000,
            protection: Protection::None,
            pauses: Pauses::Sent,
        }
    }
}

/// How much sound a packet holds. Longer ones cost fewer bytes, and come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameLength {
    /// 2.5 ms. Too short for what Opus does for voices, as is the next one.
    Ms2_5,
    /// 5 ms.
    Ms5,
    /// 10 ms.
    Ms10,
    /// 20 ms.
    Ms20,
    /// 40 ms.
    Ms40,
    /// 60 ms.
    Ms60,
}

impl FrameLength {
    /// All of them, from the shortest on.
    pub const ALL: [Self; 6] =
        [Self::Ms2_5, Self::Ms5, Self::Ms10, Self::Ms20, Self::Ms40, Self::Ms60];

    /// How long it is.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_micros(match self {
            Self::Ms2_5 => 2_500,
            Self::Ms5 => 5_000,
            Self::Ms10 => 10_000,
            Self::Ms20 => 20_000,
            Self::Ms40 => 40_000,
            Self::Ms60 => 60_000,
        })
    }
}

/// What an encoder does against loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// Each packet also holds the one before, more roughly, if the bits allow it: for
    /// [`Decoder::recover`](super::Decoder::recover). Frames of 2.5 and 5 ms never do.
    Fec {
        /// Of 100 packets so many are expected to be lost: the more, the more bits go to the second copy.
        expected_loss: u8,
    },
}

/// What is sent while nobody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    /// Packets as always.
    Sent,
    /// One packet of a byte or two that says so, then one of 400 ms; of the others nothing is appended.
    /// A decoder that is told that they are lost makes soft noise.
    LeftOut,
}

/// Makes packets of Opus.
pub(super) struct OpusEncoder {
    inner: ::opus::Encoder,
    /// In samples.
    frame: usize,
    delay: Duration,
    pauses: Pauses,
    is_in_pause: bool,
    packet: Box<[u8; LONGEST_PACKET]>,
}

impl OpusEncoder {
    pub(super) fn new(config: OpusConfig, rate: SampleRate) -> Result<Self, CodecError> {
        check_rate(rate)?;
        check_bits(config.bits_per_second)?;
        let made = ::opus::Encoder::new(rate.hz(), Channels::Mono, Application::Voip);
        let mut inner = made.map_err(library)?;
        let delay = set(&mut inner, config).map_err(library)?;
        Ok(Self {
            inner,
            frame: rate.samples(config.frame.duration()) as usize,
            delay: rate.duration(delay),
            pauses: config.pauses,
            is_in_pause: false,
            packet: Box::new([0; LONGEST_PACKET]),
        })
    }

    pub(super) fn encode(&mut self, pcm: &[i16], packet: &mut Vec<u8>) -> Result<(), CodecError> {
        if pcm.len() != self.frame {
            return Err(CodecError::Frame { given: pcm.len(), wanted: self.frame });
        }
        let bytes = self.inner.encode(pcm, &mut self.packet[..]).map_err(library)?;
        let was_in_pause = self.is_in_pause;
        self.is_in_pause = self.pauses == Pauses::LeftOut && bytes <= EMPTY;
        if !(was_in_pause && self.is_in_pause) {
            packet.extend_from_slice(&self.packet[..bytes]);
        }
        Ok(())
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }
}

impl fmt::Debug for OpusEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpusEncoder({} samples a frame)", self.frame)
    }
}

/// Gives the delay, in samples.
fn set(encoder: &mut ::opus::Encoder, config: OpusConfig) -> ::opus::Result<u64> {
    encoder.set_signal(Signal::Voice)?;
    encoder.set_bitrate(Bitrate::Bits(config.bits_per_second.cast_signed()))?;
    if let Protection::Fec { expected_loss } = config.protection {
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(expected_loss.min(100).into())?;
    }
    encoder.set_dtx(config.pauses == Pauses::LeftOut)?;
    encoder.get_lookahead().map(|samples| samples.unsigned_abs().into())
}

/// Makes sound of packets of Opus.
#[derive(Debug)]
pub(super) struct OpusDecoder {
    inner: ::opus::Decoder,
    /// How many samples the last packet held.
    last: usize,
}

impl OpusDecoder {
    /// What comes is decoded whatever its settings; `config` says how long a packet is before one came.
    pub(super) fn new(config: OpusConfig, rate: SampleRate) -> Result<Self, CodecError> {
        check_rate(rate)?;
        let inner = ::opus::Decoder::new(rate.hz(), Channels::Mono).map_err(library)?;
        Ok(Self { inner, last: rate.samples(config.frame.duration()) as usize })
    }

    pub(super) fn decode(
        &mut self,
        packet: Option<&[u8]>,
        pcm: &mut Vec<i16>,
    ) -> Result<(), CodecError> {
        let Some(packet) = packet else {
            return self.take(&[], self.last, Sound::OfItself, pcm).map_err(library);
        };
        let wrong = |_| CodecError::Packet { bytes: packet.len() };
        // An empty packet is how the library is told of a loss.
        let samples = match packet.len() {
            1..=MOST_BYTES => self.inner.get_nb_samples(packet).map_err(wrong)?,
            bytes => return Err(CodecError::Packet { bytes }),
        };
        self.take(packet, samples, Sound::OfItself, pcm).map_err(wrong)?;
        self.last = samples;
        Ok(())
    }

    /// Bytes that are no packet hold nothing of the one before either.
    pub(super) fn recover(&mut self, next: &[u8], pcm: &mut Vec<i16>) -> Result<(), CodecError> {
        if next.len() <= MOST_BYTES
            && self.take(next, self.last, Sound::OfTheOneBefore, pcm).is_ok()
        {
            return Ok(());
        }
        self.decode(None, pcm)
    }

    /// Appends so many samples, or nothing.
    fn take(
        &mut self,
        packet: &[u8],
        samples: usize,
        of: Sound,
        pcm: &mut Vec<i16>,
    ) -> ::opus::Result<()> {
        let before = pcm.len();
        pcm.resize(before + samples, 0);
        let fec = matches!(of, Sound::OfTheOneBefore);
        let decoded = self.inner.decode(packet, &mut pcm[before..], fec);
        pcm.truncate(before + decoded.as_ref().map_or(0, |&samples| samples));
        decoded.map(drop)
    }
}

/// Whose sound is taken from a packet.
#[derive(Clone, Copy, Debug)]
enum Sound {
    OfItself,
    OfTheOneBefore,
}

fn check_rate(rate: SampleRate) -> Result<(), CodecError> {
    match rate.hz() {
        8_000 | 12_000 | 16_000 | 24_000 | 48_000 => Ok(()),
        _ => Err(CodecError::Rate { rate, known: "8, 12, 16, 24 or 48 kHz" }),
    }
}

fn check_bits(given: u32) -> Result<(), CodecError> {
    let (least, most) = (6_000, 510_000);
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(CodecError::Setting { what: "the bits per second of Opus", given, least, most })
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn library(error: ::opus::Error) -> CodecError {
    CodecError::Library(error.description())
}

/// Three frames of 20 ms, at most 1,275 bytes each, and their lengths.
const LONGEST_PACKET: usize = 4_000;
/// Nothing of sound is in so many bytes.
const EMPTY: usize = 2;
/// No way that packets take has longer ones.
const MOST_BYTES: usize = 65_535;

#[cfg(test)]
mod tests;
