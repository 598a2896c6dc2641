//! Text to speech: a clause in, its sound out as it is made.
//!
//! ```text
//! by_name("flite:slt") ─▶ Synthesizer::speak("Well, ") ─▶ Audio, Audio, …
//!                                                 └▶ from_onset ─▶ without the silence before
//! ```
//!
//! The engines are programs of their own, one process for each request, or a service. They know
//! no word times; only [`MockSynthesizer`] can give some.

mod espeak;
mod flite;
mod mock;
mod onset;
mod openai;
mod pcm;
mod process;
mod wav;

use std::fmt::Debug;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;

use crate::audio::{AudioChunk, SampleRate};
use crate::error::Recovery;
use crate::net::NetError;

pub use espeak::EspeakNg;
pub use flite::Flite;
pub use mock::{MockFault, MockSynthesizer};
pub use onset::from_onset;
pub use openai::OpenAiSynthesizer;

/// The synthesizer called `name`: `flite`, `espeak-ng` or `mock`. The first two take a voice
/// after a colon: `flite:awb`, `espeak-ng:en-gb`.
///
/// Whether the program is installed shows when it speaks.
///
/// # Errors
///
/// When there is no such engine or voice. The text lists what there is.
pub fn by_name(name: &str) -> Result<Arc<dyn Synthesizer>, UnknownSynthesizer> {
    let (engine, voice) = match name.split_once(':') {
        Some((engine, voice)) => (engine, Some(voice)),
        None => (name, None),
    };
    Ok(match (engine, voice) {
        ("flite", None) => Arc::new(Flite::default()),
        ("flite", Some(voice)) => Arc::new(Flite::with_voice(voice)?),
        ("espeak-ng", None) => Arc::new(EspeakNg::default()),
        ("espeak-ng", Some(voice)) => Arc::new(EspeakNg::with_voice(voice)),
        ("mock", None) => Arc::new(MockSynthesizer::default()),
        _ => return Err(UnknownSynthesizer::Engine { name: name.to_owned() }),
    })
}

/// A name that [`by_name`] does not know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSynthesizer {
    /// No such engine.
    #[error(
        "there is no speech synthesizer `{name}`; choose flite, flite:VOICE, espeak-ng, \
         espeak-ng:VOICE or mock"
    )]
    Engine {
        /// What was asked for.
        name: String,
    },
    /// The engine has no such voice.
    #[error("{engine} has no voice `{voice}`; choose one of {voices}")]
    Voice {
        /// Which engine.
        engine: &'static str,
        /// What was asked for.
        voice: String,
        /// What there is, separated by commas.
        voices: String,
    },
}

/// A speech synthesizer, shared by many sessions.
pub trait Synthesizer: Debug + Send + Sync {
    /// Names the engine in events and on the command line.
    fn name(&self) -> &'static str;

    /// The sample rate of what it makes.
    fn rate(&self) -> SampleRate;

    /// Whether its use is paid for: then nothing is spoken that may be in vain, unless that is
    /// wished for. By default it is not.
    fn is_metered(&self) -> bool {
        false
    }

    /// Begins to speak. Dropping the stream stops the engine at once.
    /// Must be called within a Tokio runtime.
    fn speak(&self, request: SpeakRequest) -> SpeechStream;

    /// The user begins to speak: gets ready, without waiting, for the request that will follow.
    /// Does nothing by default. Must be called within a Tokio runtime.
    fn warm(&self) {}
}

/// What to say, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakRequest {
    /// The text.
    pub text: String,
    /// The engine's name of a voice; `None` for its default.
    pub voice: Option<String>,
    /// How fast, from 0.5 to 2; 1 by default.
    pub speed: f32,
}

impl SpeakRequest {
    /// `text` in the default voice at the default speed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), voice: None, speed: 1.0 }
    }
}

/// Sound as it is made; ends after the last.
pub type SpeechStream = Pin<Box<dyn Stream<Item = Result<SpeechEvent, TtsError>> + Send>>;

/// What a synthesizer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechEvent {
    /// The next stretch of sound. Its rate is the engine's, unless a service gives another than
    /// it was asked for.
    Audio(AudioChunk),
    /// When a word is spoken, if the engine knows. Comes before the sound of that word.
    Word {
        /// The word's bytes in the text of the request.
        text: Range<usize>,
        /// From the start of the sound to the end of the word.
        end: Duration,
    },
}

/// A failure of a speech synthesizer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TtsError {
    /// The engine could not be started.
    #[error("cannot start the speech synthesizer {engine}: {reason}")]
    Start {
        /// Which engine.
        engine: &'static str,
        /// What is missing and what to do about it.
        reason: String,
    },
    /// The engine failed while it spoke.
    #[error("the speech synthesizer {engine} failed: {reason}")]
    Failed {
        /// Which engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The service behind the engine cannot be reached, fails or refuses.
    #[error("the speech synthesizer {engine} failed: {error}{}", advice(error))]
    Service {
        /// Which engine.
        engine: &'static str,
        /// What went wrong.
        error: NetError,
    },
}

/// What to do about a refusal.
fn advice(error: &NetError) -> &'static str {
    let NetError::Refused { status, .. } = error else { return "" };
    match status.as_u16() {
        401 => "; check the key",
        404 => {
            "; it speaks not at all, or has no such model or voice: choose another with --tts or \
             the setting tts.base_url"
        }
        _ => "",
    }
}

impl TtsError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Start { .. } => Recovery::AskUser,
            Self::Failed { .. } => Recovery::RetryAfter(Duration::ZERO),
            Self::Service { error, .. } => error.recovery(),
        }
    }
}

fn failed(error: TtsError) -> SpeechStream {
    Box::pin(futures_util::stream::iter([Err(error)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_found_by_name() {
        for (name, engine) in [
            ("flite", "flite"),
            ("flite:awb", "flite"),
            ("espeak-ng", "espeak-ng"),
            ("espeak-ng:en-gb", "espeak-ng"),
            ("mock", "mock"),
        ] {
            assert_eq!(by_name(name).unwrap().name(), engine, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        let error = by_name("festival").unwrap_err().to_string();
        assert!(error.contains("`festival`") && error.contains("flite"), "{error}");
        let error = by_name("flite:kal").unwrap_err().to_string();
        assert!(error.contains("`kal`") && error.contains("slt, rms, awb, kal16"), "{error}");
        assert!(by_name("mock:x").is_err());
        assert!(by_name("").is_err());
    }
}
