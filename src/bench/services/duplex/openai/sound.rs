//! The forms in which sound travels.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::audio::SampleRate;
use crate::audio::codec::g711::Law;

/// The form in which sound travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// 16 bits at 24 kHz.
    #[default]
    Pcm,
    /// G.711 at 8 kHz.
    Telephone(Law),
}

impl Format {
    /// The one that a session asks for.
    pub(super) fn of(asked: &Value) -> Result<Self, &'static str> {
        match asked["type"].as_str() {
            Some("audio/pcm") if asked["rate"].as_u64().is_none_or(|rate| rate == 24_000) => {
                Ok(Self::Pcm)
            }
            Some("audio/pcm") => Err("Invalid value: audio/pcm has a rate of 24000."),
            Some("audio/pcmu") => Ok(Self::Telephone(Law::Mu)),
            Some("audio/pcma") => Ok(Self::Telephone(Law::A)),
            None if asked.is_null() => Ok(Self::Pcm),
            _ => Err(
                "Invalid value: supported values are 'audio/pcm', 'audio/pcmu' and 'audio/pcma'.",
            ),
        }
    }

    /// As it is told.
    pub(super) fn object(self) -> Value {
        match self {
            Self::Pcm => json!({"type": "audio/pcm", "rate": 24_000}),
            Self::Telephone(Law::Mu) => json!({"type": "audio/pcmu"}),
            Self::Telephone(Law::A) => json!({"type": "audio/pcma"}),
        }
    }

    pub(super) const fn rate(self) -> SampleRate {
        match self {
            Self::Pcm => PCM,
            Self::Telephone(_) => TELEPHONE,
        }
    }

    /// The samples in these bytes. A half of one at the end is left in `odd` for the next bytes.
    pub(super) fn read(self, bytes: &[u8], odd: &mut Option<u8>) -> Vec<i16> {
        match self {
            Self::Pcm => {
                let mut all = Vec::with_capacity(bytes.len() + 1);
                all.extend(odd.take());
                all.extend_from_slice(bytes);
                let pairs = all.chunks_exact(2);
                *odd = pairs.remainder().first().copied();
                pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
            }
            Self::Telephone(law) => {
                let mut samples = Vec::with_capacity(bytes.len());
                law.decode(bytes, &mut samples);
                samples
            }
        }
    }

    /// What is sent of the voice, which has 24 kHz and nothing above 220 Hz: every third sample is
    /// enough for a telephone.
    pub(super) fn write(self, voice: &Bytes) -> Bytes {
        match self {
            Self::Pcm => voice.clone(),
            Self::Telephone(law) => {
                let samples = voice.chunks_exact(2).step_by(3);
                let samples = samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                samples.map(|sample| law.encode_sample(sample)).collect()
            }
        }
    }
}

const PCM: SampleRate = SampleRate::new(24_000).unwrap();
const TELEPHONE: SampleRate = SampleRate::new(8_000).unwrap();
