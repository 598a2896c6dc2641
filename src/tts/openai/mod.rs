//! The synthesizer of a service that speaks OpenAI's protocol: OpenAI itself, or a server of one's
//! own (kokoro-fastapi, speaches, LocalAI).
//!
//! ```text
//! speak ─▶ POST audio/speech {input, voice, "pcm"} ─▶ raw sound at 24 kHz, played as it comes
//! ```
//!
//! A server that sends a WAV file instead is understood; what is neither is an error.

mod codec;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, Fuse};
use http::header::CONTENT_TYPE;
use http::{Request, Response};

use self::codec::Decoder;
use self::wire::Speech;
use super::process::{plain, speed};
use super::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer, TtsError, failed};
use crate::audio::{AudioChunk, SampleRate};
use crate::net::{Body, Endpoint, Http, Incoming, Limits, NetError};

/// Has a service speak, at 24,000 Hz. A clone is the same engine.
///
/// The request is sent when the stream is first asked for sound. Sound that lasts longer than 5 s
/// and half a second for each character, at normal speed, is cut off with an error.
#[derive(Clone, Debug)]
pub struct OpenAiSynthesizer {
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    model: String,
    voice: String,
    instructions: Option<String>,
    limits: Limits,
    /// A connection was opened a short time ago.
    warm: Arc<AtomicBool>,
}

impl OpenAiSynthesizer {
    /// The name of the engine.
    pub const NAME: &str = "openai";

    /// The service at `endpoint`, with one of its models and voices, such as `tts-1` and `alloy`.
    #[must_use]
    pub fn new(
        http: Arc<dyn Http>,
        endpoint: Endpoint,
        model: impl Into<String>,
        voice: impl Into<String>,
    ) -> Self {
        let (model, voice) = (model.into(), voice.into());
        let (limits, warm) = (Limits::default(), Arc::default());
        Self { http, endpoint, model, voice, instructions: None, limits, warm }
    }

    /// The same speaking as it is told, if the model can: "calm and friendly".
    #[must_use]
    pub fn with_instructions(mut self, instructions: Option<String>) -> Self {
        self.instructions = instructions;
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn request(&self, text: &str, request: &SpeakRequest) -> Result<Request<Body>, String> {
        let speed = speed(request);
        let speech = Speech {
            model: &self.model,
            input: text,
            voice: request.voice.as_deref().unwrap_or(&self.voice),
            response_format: "pcm",
            instructions: self.instructions.as_deref(),
            speed: ((speed - 1.0).abs() > 0.001).then_some(speed),
        };
        let body = serde_json::to_vec(&speech).map_err(|error| error.to_string())?;
        let request = self.endpoint.post("audio/speech").header(CONTENT_TYPE, "application/json");
        request.body(Body::Whole(body.into())).map_err(|error| error.to_string())
    }
}

impl Synthesizer for OpenAiSynthesizer {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn is_metered(&self) -> bool {
        self.endpoint.is_metered()
    }

    fn rate(&self) -> SampleRate {
        codec::RATE
    }

    fn speak(&self, request: SpeakRequest) -> SpeechStream {
        let Some(text) = plain(&request.text) else {
            return Box::pin(stream::empty());
        };
        let limit = longest(&text, speed(&request));
        let request = match self.request(&text, &request) {
            Ok(request) => request,
            Err(reason) => return failed(nonsense(reason)),
        };
        let this = self.clone();
        let sound = async move {
            let answer = this.endpoint.send(&*this.http, request, this.limits).await;
            match answer.map_err(unavailable).and_then(|answer| Speaking::new(answer, limit)) {
                Ok(speaking) => speaking.stream(),
                Err(error) => failed(error),
            }
        };
        Box::pin(stream::once(sound).flatten())
    }

    fn warm(&self) {
        if self.warm.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, cold) = (self.clone(), Cold(Arc::clone(&self.warm)));
        tokio::spawn(async move {
            this.endpoint.warm(&*this.http).await;
            let _passed = tokio::time::timeout(WARM, std::future::pending::<()>()).await;
            drop(cold);
        });
    }
}

/// Once dropped, also with its runtime, the next [`Synthesizer::warm`] opens a connection again.
struct Cold(Arc<AtomicBool>);

impl Drop for Cold {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// An answer that has begun.
struct Speaking {
    body: Fuse<Incoming>,
    decoder: Decoder,
}

impl Speaking {
    fn new(answer: Response<Incoming>, limit: Duration) -> Result<Self, TtsError> {
        let (head, body) = answer.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let decoder = Decoder::new(kind, limit).map_err(nonsense)?;
        Ok(Self { body: body.fuse(), decoder })
    }

    fn stream(self) -> SpeechStream {
        Box::pin(stream::unfold(Some(self), |speaking| async {
            let mut speaking = speaking?;
            match speaking.next().await {
                Ok(chunk) => Some((Ok(SpeechEvent::Audio(chunk?)), Some(speaking))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<AudioChunk>, TtsError> {
        loop {
            if let Some(chunk) = self.decoder.chunk().map_err(nonsense)? {
                return Ok(Some(chunk));
            }
            let piece: Option<Bytes> = self.body.next().await.transpose().map_err(unavailable)?;
            match piece {
                Some(piece) => self.decoder.push(&piece).map_err(nonsense)?,
                None => return self.decoder.rest().map_err(nonsense),
            }
        }
    }
}

/// The longest that `text` may sound.
fn longest(text: &str, speed: f32) -> Duration {
    let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    (START + PER_CHARACTER.saturating_mul(chars)).div_f32(speed)
}

fn unavailable(error: NetError) -> TtsError {
    TtsError::Service { engine: OpenAiSynthesizer::NAME, error }
}

fn nonsense(reason: String) -> TtsError {
    TtsError::Failed { engine: OpenAiSynthesizer::NAME, reason }
}

/// A connection is kept at least this long.
const WARM: Duration = Duration::from_secs(20);

/// The least that any text may sound.
const START: Duration = Duration::from_secs(5);
/// Slow speech takes a tenth of a second for a character; digits are words.
const PER_CHARACTER: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
