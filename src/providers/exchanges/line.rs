//! A line of the file: serde types, and what they are made of and become.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audio::{AudioChunk, SampleRate};
use crate::providers::{
    ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, RetryAdvice,
};
use crate::types::{FinishReason, Media, ResponseFormat, ToolCall, ToolChoice, Usage};

/// What a reader must know of to read a line.
pub(crate) const VERSION: u32 = 1;

/// An exchange.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// [`VERSION`].
    pub(crate) v: u32,
    /// When it was asked, in UTC.
    pub(crate) at: String,
    /// Which provider, as `openai:gpt-4o-mini`.
    pub(crate) provider: String,
    /// Whether its use is paid for.
    #[serde(default)]
    pub(crate) metered: bool,
    /// As [`asked`] makes it.
    pub(crate) request: Value,
    /// In the order in which they came.
    pub(crate) events: Vec<Timed>,
    pub(crate) end: End,
    /// From the request to the end, in milliseconds.
    pub(crate) end_ms: f64,
    /// The bytes of media, in base64, by their SHA-256 in hexadecimal digits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) media: BTreeMap<String, String>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// With its last event.
    Finished,
    /// With an error.
    Failed,
    /// Nobody wanted the rest.
    Left,
}

/// Something that came, so many milliseconds after the request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Timed {
    pub(crate) ms: f64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What came.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Text(String),
    Sound {
        hz: u32,
        samples: usize,
        /// 16 bits, little-endian, in base64; only where media are kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pcm: Option<String>,
    },
    /// Without its bytes, which are in [`Line::media`], if anywhere.
    Media(Media),
    ToolCall(ToolCall),
    Finished {
        reason: FinishReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    Error(Failure),
}

/// A [`ProviderError`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    provider: String,
    kind: ProviderErrorKind,
    pub(crate) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Retry {
    AfterMs(u64),
    Never,
}

/// What was asked; the media are without their bytes already.
pub(crate) fn asked(request: &ProviderRequest) -> Value {
    let choice = match &request.tool_choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Required => json!("required"),
        ToolChoice::None => json!("none"),
        ToolChoice::Named(name) => json!({ "named": name }),
    };
    json!({
        "system": request.system,
        "messages": request.messages,
        "tools": request.tools,
        "tool_choice": choice,
        "parameters": parameters(request),
        "metadata": request.metadata,
    })
}

/// Those that are set.
fn parameters(request: &ProviderRequest) -> BTreeMap<&'static str, Value> {
    let given = &request.parameters;
    // As it was written: 0.7, not the nearest that a wider number has.
    let number = |value: Option<f32>| value.and_then(|value| value.to_string().parse::<f64>().ok());
    let format = given.format.as_ref().map(|format| match format {
        ResponseFormat::JsonObject => json!("json_object"),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            json!({ "json_schema": { "name": name, "schema": schema, "strict": strict } })
        }
    });
    let all = [
        ("temperature", number(given.temperature).map(Value::from)),
        ("max_tokens", given.max_tokens.map(Value::from)),
        ("top_p", number(given.top_p).map(Value::from)),
        ("top_k", given.top_k.map(Value::from)),
        ("frequency_penalty", number(given.frequency_penalty).map(Value::from)),
        ("presence_penalty", number(given.presence_penalty).map(Value::from)),
        ("seed", given.seed.map(Value::from)),
        ("format", format),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

impl What {
    /// What is written of it. `with_sound` if its samples are. What went over the wire is not: it is
    /// all of the exchange once more, with the bytes of its media.
    pub(crate) fn of(came: Result<ProviderEvent, ProviderError>, with_sound: bool) -> Option<Self> {
        Some(match came {
            Ok(ProviderEvent::Raw(_)) => return None,
            Ok(ProviderEvent::TextDelta(text)) => Self::Text(text),
            Ok(ProviderEvent::Sound(audio)) => Self::Sound {
                hz: audio.rate().hz(),
                samples: audio.samples().len(),
                pcm: with_sound.then(|| pcm(&audio)),
            },
            Ok(ProviderEvent::Media(media)) => Self::Media(media),
            Ok(ProviderEvent::ToolCall(call)) => Self::ToolCall(call),
            Ok(ProviderEvent::Finished { reason, usage }) => Self::Finished { reason, usage },
            Err(error) => Self::Error(Failure::of(error)),
        })
    }

    /// What came.
    ///
    /// # Errors
    ///
    /// What of it is not in the file, or makes no sense.
    pub(crate) fn told(self) -> Result<Result<ProviderEvent, ProviderError>, String> {
        Ok(Ok(match self {
            Self::Text(text) => ProviderEvent::TextDelta(text),
            Self::Sound { pcm: None, .. } => return Err("its sound".to_owned()),
            Self::Sound { hz, pcm: Some(pcm), .. } => {
                ProviderEvent::Sound(sound(hz, &pcm).ok_or("sound that can be read")?)
            }
            Self::Media(media) => ProviderEvent::Media(media),
            Self::ToolCall(call) => ProviderEvent::ToolCall(call),
            Self::Finished { reason, usage } => ProviderEvent::Finished { reason, usage },
            Self::Error(failure) => return Ok(Err(failure.told())),
        }))
    }
}

impl Failure {
    fn of(error: ProviderError) -> Self {
        let ProviderError { provider, kind, reason, status, request_id, advice } = error;
        let retry = match advice {
            RetryAdvice::None => None,
            RetryAdvice::After(pause) => {
                Some(Retry::AfterMs(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)))
            }
            RetryAdvice::Never => Some(Retry::Never),
        };
        Self { provider, kind, reason, status: status.map(|s| s.as_u16()), request_id, retry }
    }

    fn told(self) -> ProviderError {
        let Self { provider, kind, reason, status, request_id, retry } = self;
        let advice = match retry {
            None => RetryAdvice::None,
            Some(Retry::AfterMs(ms)) => RetryAdvice::After(Duration::from_millis(ms)),
            Some(Retry::Never) => RetryAdvice::Never,
        };
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        ProviderError { provider, kind, reason, status, request_id, advice }
    }
}

fn pcm(audio: &AudioChunk) -> String {
    let bytes: Vec<u8> = audio.samples().iter().flat_map(|sample| sample.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

fn sound(hz: u32, pcm: &str) -> Option<AudioChunk> {
    let bytes = STANDARD.decode(pcm).ok()?;
    let samples: Vec<_> =
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Some(AudioChunk::new(samples, SampleRate::new(hz)?))
}
