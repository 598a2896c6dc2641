//! OpenAI Realtime, and servers that are compatible with it.
//!
//! ```text
//! DuplexInput ─▶ OpenAiCodec ─▶ frames ═ WebSocket ═▶ /v1/realtime?model=M
//!                  asks, replies, hearing
//! DuplexEvent ◀─               ◀─ frames ◀═
//! ```
//!
//! [`OpenAiRealtime`] is where and how; the link opens connections by it. What a session has beyond
//! [`DuplexSettings`](super::DuplexSettings) is in [`OpenAiOptions`].
//!
//! The other side has one answer under way at a time, and refuses a second: what is asked for
//! meanwhile waits for its end. It keeps its own history, which is corrected to what was heard: of an
//! answer that was cut, items are truncated at the millisecond, or deleted. A later connection is
//! told the past as it was heard; nothing of the sessions themselves can be resumed.
//!
//! It has no words for sound or documents that a message shows, nor for temperature and its like:
//! these are left out. Tools that run at OpenAI (MCP there) are not offered.

mod asks;
mod codec;
mod decoding;
mod hearing;
mod items;
mod options;
mod refusals;
mod replies;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

use self::codec::OpenAiCodec;
pub use self::options::{
    Effort, Format, Include, MaxTokens, Microphone, NoiseReduction, OpenAiOptions, Prompt,
    RetentionKind, RetentionRatio, TokenLimits, Tracing, TracingMode, TracingNames, Transcription,
    Truncation, TruncationMode, Unbounded,
};
use super::protocol::keys;
use super::{Codec, DuplexCapabilities, Protocol, Takes, Turns};
use crate::net::Endpoint;

/// A model that hears and speaks, at OpenAI or behind the same protocol.
#[derive(Clone, Debug)]
pub struct OpenAiRealtime {
    name: String,
    endpoint: Endpoint,
    options: Arc<OpenAiOptions>,
}

impl OpenAiRealtime {
    /// The model of `options` at `endpoint`, whose address ends in `/v1` as a rule:
    /// `https://api.openai.com/v1`.
    #[must_use]
    pub fn new(endpoint: Endpoint, options: OpenAiOptions) -> Self {
        let name = format!("openai:{}", options.model);
        Self { name, endpoint, options: Arc::new(options) }
    }
}

impl Protocol for OpenAiRealtime {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> DuplexCapabilities {
        let rate = self.options.format.rate();
        DuplexCapabilities {
            hears: rate,
            speaks: rate,
            takes: Takes { images: true, video: true },
            turns: Turns::Told,
            resumes: false,
            lasts: Some(SESSION),
        }
    }

    fn is_metered(&self) -> bool {
        self.endpoint.is_metered()
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(OpenAiCodec::new(Arc::clone(&self.options), keys(&self.request())))
    }

    fn request(&self) -> Request<()> {
        let path = format!("realtime?model={}", escaped(&self.options.model));
        // The address was looked at when the endpoint was made, and what follows it is ASCII.
        self.endpoint.get(&path).body(()).unwrap_or_default()
    }
}

/// As it may stand in an address.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _infallible = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A session there ends after an hour.
const SESSION: Duration = Duration::from_secs(60 * 60);
