//! The synthesizer Flite, a program of its own: quick, English, plain in sound.
//!
//! It makes a whole request before it gives the first byte, so the first clause should be short:
//! with the voice `slt` about 15 ms for a word, 30 ms for 8 words, 100 ms for 25. Its sound
//! begins with about 0.2 s of silence, which [`from_onset`](super::from_onset) takes off.
//!
//! While it speaks, the text can be seen in the system's list of processes.

use futures_util::stream;

use super::process::{self, Program};
use super::{SpeakRequest, SpeechStream, Synthesizer, TtsError, UnknownSynthesizer, failed};
use crate::audio::SampleRate;

/// Speaks with `flite`, at 16,000 Hz.
#[derive(Clone, Debug)]
pub struct Flite {
    voice: &'static str,
}

impl Flite {
    /// The voices, the default first. Flite's other voice, `kal`, has 8,000 Hz only.
    pub const VOICES: [&'static str; 4] = ["slt", "rms", "awb", "kal16"];

    /// Flite with another default voice.
    ///
    /// # Errors
    ///
    /// When `voice` is none of [`VOICES`](Self::VOICES).
    pub fn with_voice(voice: &str) -> Result<Self, UnknownSynthesizer> {
        match Self::VOICES.into_iter().find(|known| *known == voice) {
            Some(voice) => Ok(Self { voice }),
            None => Err(UnknownSynthesizer::Voice {
                engine: FLITE.name,
                voice: voice.to_owned(),
                voices: Self::VOICES.join(", "),
            }),
        }
    }
}

impl Default for Flite {
    fn default() -> Self {
        Self { voice: Self::VOICES[0] }
    }
}

impl Synthesizer for Flite {
    fn name(&self) -> &'static str {
        FLITE.name
    }

    fn rate(&self) -> SampleRate {
        FLITE.rate
    }

    fn speak(&self, request: SpeakRequest) -> SpeechStream {
        let Some(text) = process::plain(&request.text) else {
            return Box::pin(stream::empty());
        };
        // Flite itself would take its 8,000 Hz voice for an unknown one, and say nothing.
        let voice = match request.voice.as_deref().map(Self::with_voice).transpose() {
            Ok(voice) => voice.map_or(self.voice, |flite| flite.voice),
            Err(error) => {
                return failed(TtsError::Start { engine: FLITE.name, reason: error.to_string() });
            }
        };
        let stretch = format!("duration_stretch={:.3}", 1.0 / process::speed(&request));
        let args = ["-voice", voice, "--setf", &stretch, "-t", &text, "-o", "/dev/stdout"];
        process::run(FLITE, args)
    }
}

const FLITE: Program = Program { name: "flite", rate: SampleRate::SPEECH };
