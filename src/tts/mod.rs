//! Text to speech: a clause in, its sound out as it is made.

use std::fmt::Debug;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;

use crate::audio::{AudioChunk, SampleRate};
use crate::error::Recovery;

/// A speech synthesizer, shared by many sessions.
pub trait Synthesizer: Debug + Send + Sync {
    /// Names the engine in events and on the command line.
    fn name(&self) -> &'static str;

    /// The sample rate of what it makes.
    fn rate(&self) -> SampleRate;

    /// Begins to speak. Dropping the stream stops the engine at once.
    /// Must be called within a Tokio runtime.
    fn speak(&self, request: SpeakRequest) -> SpeechStream;
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
    /// The next stretch of sound, at the engine's rate.
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
}

impl TtsError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Start { .. } => Recovery::AskUser,
            Self::Failed { .. } => Recovery::FallBack,
        }
    }
}
