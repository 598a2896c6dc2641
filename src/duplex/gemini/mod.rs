//! Gemini Live.
//!
//! ```text
//! DuplexInput ─▶ GeminiCodec ─▶ frames ═ WebSocket ═▶ …GenerativeService.BidiGenerateContent
//!                  answers, calls, hearing
//! DuplexEvent ◀─               ◀─ frames ◀═
//! ```
//!
//! [`GeminiLive`] is where and how; the link opens connections by it. What a session has beyond
//! [`DuplexSettings`](super::DuplexSettings) is in [`GeminiOptions`].
//!
//! The other side names neither turns nor answers, and interleaves them as it likes. So an answer
//! begins here with the first that comes of it, and ends when its turn is over, when it is
//! interrupted, or when it calls tools. A later connection goes on where the last one was, if the
//! place that the other side has told is one behind which nothing was answered; else it is told the
//! past, as it was heard.
//!
//! What the protocol has no words for: an answer cannot be cancelled (its rest is passed over, and it
//! ends when the user speaks), nor can its history be corrected to what was heard, nor a turn be
//! dropped that was noise (it is the beginning of the next one). Which tool is to be called cannot be
//! said. Of settings, instructions and tools change in a session, the rest with the next connection.

mod answers;
mod calls;
mod codec;
mod contents;
mod decoding;
mod hearing;
mod options;
mod setup;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderName, Request};

use self::codec::{GeminiCodec, HEARS};
use self::decoding::SPEAKS;
pub use self::options::{
    Compression, GeminiOptions, HarmCategory, HarmThreshold, MediaResolution, Resumption,
    SafetySetting, Sensitivity, TextWay, Thinking, ThinkingLevel, TranscriptionHints, TurnCoverage,
};
use super::protocol::keys;
use super::{Codec, DuplexCapabilities, Protocol, Takes, Turns};
use crate::audio::SampleRate;
use crate::net::Endpoint;

/// A model of Google's that hears and speaks.
#[derive(Clone, Debug)]
pub struct GeminiLive {
    name: String,
    endpoint: Endpoint,
    options: Arc<GeminiOptions>,
}

impl GeminiLive {
    /// The model of `options` at `endpoint`: `https://generativelanguage.googleapis.com`. Its key
    /// goes in a header, and never stands in an address.
    #[must_use]
    pub fn new(endpoint: Endpoint, options: GeminiOptions) -> Self {
        let name = format!("gemini:{}", options.model);
        Self { name, endpoint: endpoint.with_key_in(KEY), options: Arc::new(options) }
    }
}

impl Protocol for GeminiLive {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> DuplexCapabilities {
        DuplexCapabilities {
            hears: HEARS,
            speaks: SampleRate::new(SPEAKS).unwrap_or(HEARS),
            takes: Takes { images: true, video: true },
            turns: if self.options.explicit_vad_signal { Turns::Told } else { Turns::Silent },
            resumes: self.options.session_resumption != Resumption::Off,
            // It tells beforehand when it ends.
            lasts: None,
        }
    }

    fn is_metered(&self) -> bool {
        self.endpoint.is_metered()
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(GeminiCodec::new(Arc::clone(&self.options), keys(&self.request())))
    }

    fn request(&self) -> Request<()> {
        let version = self.options.api_version.chars().filter(char::is_ascii_alphanumeric);
        let version: String = version.collect();
        let path = format!("ws/google.ai.generativelanguage.{version}.GenerativeService.{METHOD}");
        // The address was looked at when the endpoint was made, and what follows it is ASCII.
        self.endpoint.get(&path).body(()).unwrap_or_default()
    }
}

const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const METHOD: &str = "BidiGenerateContent";
