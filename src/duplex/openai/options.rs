//! What OpenAI's sessions have beyond what all duplex sessions have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audio::SampleRate;

/// What a session with OpenAI Realtime is like beside its
/// [`DuplexSettings`](crate::duplex::DuplexSettings). What is not said is as OpenAI sees fit.
///
/// It is read from a table of settings as it stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiOptions {
    /// The model. There is no default: names come and go.
    pub model: String,
    /// How sound is sent, both ways: PCM by default.
    #[serde(default)]
    pub format: Format,
    /// How noise is taken out of what is heard; it is not, by default.
    #[serde(default)]
    pub noise_reduction: Option<NoiseReduction>,
    /// What writes down what the user says. Without it nothing does.
    #[serde(default)]
    pub transcription: Option<Transcription>,
    /// What happens to a conversation that is too long for the model.
    #[serde(default)]
    pub truncation: Option<Truncation>,
    /// How much the model thinks, if it is one that does.
    #[serde(default)]
    pub reasoning_effort: Option<Effort>,
    /// The longest answer, unless the settings of a session say so.
    #[serde(default)]
    pub max_output_tokens: Option<MaxTokens>,
    /// Whether one answer may call several tools.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// Whether OpenAI keeps a trace of the session, to be looked at there.
    #[serde(default)]
    pub tracing: Option<Tracing>,
    /// A prompt that is kept at OpenAI.
    #[serde(default)]
    pub prompt: Option<Prompt>,
    /// More that events are to tell.
    #[serde(default)]
    pub include: Vec<Include>,
    /// What answers are marked with there: at most 15 pairs.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl OpenAiOptions {
    /// Those of a session with this model.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            format: Format::Pcm,
            noise_reduction: None,
            transcription: None,
            truncation: None,
            reasoning_effort: None,
            max_output_tokens: None,
            parallel_tool_calls: None,
            tracing: None,
            prompt: None,
            include: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }
}

/// How sound is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// 16 bits, 24 kHz.
    #[default]
    Pcm,
    /// G.711 by µ-law, 8 kHz: a sixth of the bytes.
    Pcmu,
    /// G.711 by A-law, 8 kHz.
    Pcma,
}

impl Format {
    /// Its samples per second.
    #[must_use]
    pub const fn rate(self) -> SampleRate {
        let hz = match self {
            Self::Pcm => 24_000,
            Self::Pcmu | Self::Pcma => 8_000,
        };
        match SampleRate::new(hz) {
            Some(rate) => rate,
            None => SampleRate::SPEECH,
        }
    }
}

/// How noise is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseReduction {
    /// Where the microphone is.
    #[serde(rename = "type")]
    pub kind: Microphone,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
}

/// Where a microphone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Microphone {
    /// At the mouth, as in a headset.
    NearField,
    /// In the room, as in a laptop.
    FarField,
}

/// What writes down what the user says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Transcription {
    /// Its model.
    pub model: String,
    /// The language; that of the session's settings by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Languages that there may be, for models that take several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// What it is about, for models that take that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Words to be expected, for models that take them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// How long it may wait to be surer, for models that take that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Effort>,
}

impl Transcription {
    /// By this model.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            language: None,
            languages: Vec::new(),
            prompt: None,
            keywords: Vec::new(),
            delay: None,
        }
    }
}

/// How much of something that costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// As little as can be.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as can be.
    Xhigh,
}

/// What happens to a conversation that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Truncation {
    /// By a word.
    Mode(TruncationMode),
    /// More of it is forgotten at once, and less often.
    Ratio(RetentionRatio),
}

/// What happens to a conversation that is too long, by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TruncationMode {
    /// Its oldest messages are forgotten.
    Auto,
    /// It fails.
    Disabled,
}

/// More of a conversation is forgotten at once, so that what is cached of the rest lasts longer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRatio {
    /// Which way this is.
    #[serde(rename = "type", default)]
    pub kind: RetentionKind,
    /// How much is kept of what the model can take, from 0 to 1.
    pub retention_ratio: f32,
    /// A limit that is lower than the model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_limits: Option<TokenLimits>,
}

/// The name of [`RetentionRatio`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionKind {
    /// The only one.
    #[default]
    RetentionRatio,
}

/// Limits of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLimits {
    /// In tokens, without instructions and tools.
    pub post_instructions: u32,
}

/// The longest answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum MaxTokens {
    /// So many tokens, from 1 to 4,096.
    Tokens(u32),
    /// As the model can.
    Unbounded(Unbounded),
}

impl MaxTokens {
    /// As the model can.
    pub const UNBOUNDED: Self = Self::Unbounded(Unbounded::Inf);
}

/// No limit: `inf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unbounded {
    /// As the model can.
    Inf,
}

/// Whether a trace of the session is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Tracing {
    /// By a word.
    Mode(TracingMode),
    /// Under names.
    Named(TracingNames),
}

/// A trace without names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TracingMode {
    /// Names as OpenAI sees fit.
    Auto,
}

/// What a trace is called.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TracingNames {
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_name: Option<String>,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Anything else, a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// A prompt that is kept at OpenAI.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Its id.
    pub id: String,
    /// Which version; the latest by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Texts for its variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// More that events tell. Banter makes no use of it; a trace at OpenAI may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Include {
    /// How sure each word of what the user said is.
    #[serde(rename = "item.input_audio_transcription.logprobs")]
    TranscriptionLogprobs,
}
