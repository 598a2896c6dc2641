//! The state that a stream's codec has, at either end.

use std::time::Duration;

use super::conceal::Concealer;
use super::g711::Law;
#[cfg(feature = "opus")]
use super::opus::{OpusDecoder, OpusEncoder};
use super::{Codec, CodecError};
use crate::audio::SampleRate;

/// Makes packets of one stream of sound.
#[derive(Debug)]
pub struct Encoder(Making);

#[derive(Debug)]
enum Making {
    Samples(Form),
    #[cfg(feature = "opus")]
    Opus(OpusEncoder),
}

impl Encoder {
    pub(super) fn new(codec: Codec, rate: SampleRate) -> Result<Self, CodecError> {
        #[cfg(not(feature = "opus"))]
        let _at_any = rate;
        Ok(Self(match codec {
            Codec::Pcm => Making::Samples(Form::Pcm),
            Codec::G711(law) => Making::Samples(Form::G711(law)),
            #[cfg(feature = "opus")]
            Codec::Opus(config) => Making::Opus(OpusEncoder::new(config, rate)?),
        }))
    }

    /// Appends to `packet` the packet that holds `pcm`: of Opus, exactly a frame; of the others, any
    /// number of samples. Where Opus leaves out pauses, nothing is appended if nothing is to be sent.
    ///
    /// Allocates only when `packet` has no room.
    ///
    /// # Errors
    ///
    /// Of Opus only: [`CodecError::Frame`] if it is not a frame, [`CodecError::Library`] if the library
    /// fails. Nothing is appended then.
    pub fn encode(&mut self, pcm: &[i16], packet: &mut Vec<u8>) -> Result<(), CodecError> {
        match &mut self.0 {
            Making::Samples(form) => form.encode(pcm, packet),
            #[cfg(feature = "opus")]
            Making::Opus(encoder) => return encoder.encode(pcm, packet),
        }
        Ok(())
    }

    /// By how much what is decoded is later than what was encoded, beside the frame itself.
    #[must_use]
    pub fn delay(&self) -> Duration {
        match &self.0 {
            Making::Samples(_) => Duration::ZERO,
            #[cfg(feature = "opus")]
            Making::Opus(encoder) => encoder.delay(),
        }
    }
}

/// Makes sound of one stream's packets, and of those that are lost.
#[derive(Debug)]
pub struct Decoder(Hearing);

#[derive(Debug)]
enum Hearing {
    Samples {
        form: Form,
        concealer: Box<Concealer>,
        /// How many samples the last packet held.
        last: usize,
    },
    #[cfg(feature = "opus")]
    Opus(OpusDecoder),
}

impl Decoder {
    pub(super) fn new(codec: Codec, rate: SampleRate) -> Result<Self, CodecError> {
        let samples = |form| {
            let concealer = Box::new(Concealer::new(rate)?);
            Ok(Hearing::Samples { form, concealer, last: rate.samples(USUAL) as usize })
        };
        Ok(Self(match codec {
            Codec::Pcm => samples(Form::Pcm)?,
            Codec::G711(law) => samples(Form::G711(law))?,
            #[cfg(feature = "opus")]
            Codec::Opus(config) => Hearing::Opus(OpusDecoder::new(config, rate)?),
        }))
    }

    /// Appends to `pcm` what `packet` holds; without one, what conceals that it is lost, for as long as
    /// the packet before lasted (before the first: a frame of Opus, or 20 ms).
    ///
    /// Allocates only when `pcm` has no room.
    ///
    /// # Errors
    ///
    /// [`CodecError::Packet`] if the bytes are none of this codec's. Nothing is appended then: call it
    /// again without them.
    pub fn decode(&mut self, packet: Option<&[u8]>, pcm: &mut Vec<i16>) -> Result<(), CodecError> {
        match (&mut self.0, packet) {
            (Hearing::Samples { form, concealer, last }, Some(packet)) => {
                let from = pcm.len();
                form.decode(packet, pcm)?;
                concealer.came(&mut pcm[from..]);
                if pcm.len() > from {
                    *last = pcm.len() - from;
                }
            }
            (Hearing::Samples { concealer, last, .. }, None) => concealer.lost(*last, pcm),
            #[cfg(feature = "opus")]
            (Hearing::Opus(decoder), packet) => return decoder.decode(packet, pcm),
        }
        Ok(())
    }

    /// Like [`decode`](Self::decode) of a lost packet, where the one after it, `next`, is there already:
    /// with Opus it may hold, more roughly, what was lost. `next` itself is to be decoded afterwards.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode) does without a packet, which is never with what is known here.
    pub fn recover(&mut self, next: &[u8], pcm: &mut Vec<i16>) -> Result<(), CodecError> {
        match &mut self.0 {
            #[cfg(feature = "opus")]
            Hearing::Opus(decoder) => decoder.recover(next, pcm),
            Hearing::Samples { .. } => {
                let _without = next;
                self.decode(None, pcm)
            }
        }
    }
}

/// Samples that each stand for themselves.
#[derive(Clone, Copy, Debug)]
enum Form {
    Pcm,
    G711(Law),
}

impl Form {
    fn encode(self, pcm: &[i16], packet: &mut Vec<u8>) {
        match self {
            Self::Pcm => packet.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
            Self::G711(law) => law.encode(pcm, packet),
        }
    }

    fn decode(self, packet: &[u8], pcm: &mut Vec<i16>) -> Result<(), CodecError> {
        match self {
            Self::Pcm => {
                let (samples, []) = packet.as_chunks() else {
                    return Err(CodecError::Packet { bytes: packet.len() });
                };
                pcm.extend(samples.iter().map(|&bytes| i16::from_le_bytes(bytes)));
            }
            Self::G711(law) => law.decode(packet, pcm),
        }
        Ok(())
    }
}

/// How long a packet is taken to last before one came.
const USUAL: Duration = Duration::from_millis(20);
