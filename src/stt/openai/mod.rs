//! The recogniser of a service that speaks OpenAI's protocol: OpenAI itself, or a server of one's
//! own (whisper.cpp, speaches, LocalAI).
//!
//! ```text
//! first sound ─▶ POST audio/transcriptions ◀─ form: fields, audio.wav … as it is heard … end
//!                └▶ refused or broken off: once more, whole ─▶ words
//! ```
//!
//! The request is opened when the utterance begins, so that at its end only the last bytes
//! travel. A server that wants to know the length first is remembered, and gets whole requests.
//! The words come after the end. At a pause they are asked for as if it were the end: if it is, they
//! are there the sooner; if the user goes on, all is sent once more.

mod codec;
mod form;
mod hearing;
mod recording;
mod upload;
mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::form::Form;
use super::{SttError, Transcriber, Utterance};
use crate::net::{Endpoint, Http, Limits};

/// Has a service hear. A clone is the same engine.
///
/// The wait for the words begins at the end of the utterance: [`Limits::head`]. A request that
/// breaks off, or that the service has no time for, is sent once more if all of the utterance is
/// still there: at most a minute is kept.
#[derive(Clone, Debug)]
pub struct OpenAiTranscriber {
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    model: String,
    language: Option<String>,
    prompt: Option<String>,
    streaming: bool,
    limits: Limits,
    /// The server has refused a request without length, and taken the same with one.
    wants_whole: Arc<AtomicBool>,
}

impl OpenAiTranscriber {
    /// The name of the engine.
    pub const NAME: &str = "openai";

    /// The service at `endpoint`, with one of its models, such as `whisper-1`.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        Self {
            http,
            endpoint,
            model: model.into(),
            language: None,
            prompt: None,
            streaming: false,
            limits: Limits::default(),
            wants_whole: Arc::default(),
        }
    }

    /// The same for speech in this language, such as `en`. By default the service finds out.
    #[must_use]
    pub fn with_language(mut self, language: Option<String>) -> Self {
        self.language = language;
        self
    }

    /// The same with words that may come up, such as names.
    #[must_use]
    pub fn with_prompt(mut self, prompt: Option<String>) -> Self {
        self.prompt = prompt;
        self
    }

    /// The same with other limits. Answers over 1 MiB are refused in any case.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same asking for the words as they are found, after the end of the utterance, which
    /// come as partials. Not by default: some services do not know it.
    #[must_use]
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = streaming;
        self
    }

    fn form(&self) -> Form {
        let mut fields = vec![("model", &*self.model), ("response_format", "json")];
        fields.extend(self.language.as_deref().map(|language| ("language", language)));
        fields.extend(self.prompt.as_deref().map(|prompt| ("prompt", prompt)));
        fields.extend(self.streaming.then_some(("stream", "true")));
        Form::new(&fields)
    }
}

impl Transcriber for OpenAiTranscriber {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn asks_again(&self) -> bool {
        true
    }

    fn is_metered(&self) -> bool {
        self.endpoint.is_metered()
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, engine) = Utterance::channel();
        tokio::spawn(hearing::serve(self.clone(), engine));
        Ok(utterance)
    }
}

#[cfg(test)]
mod tests;
