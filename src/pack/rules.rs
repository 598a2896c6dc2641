//! What a prompt says of tools, answers, their judges and media: serde types, with the defaults of
//! the format.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::types::{self, ToolChoice};

/// How tools may be called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ToolPolicy {
    /// Whether the model must, may or may not call one. It may, by default.
    pub tool_choice: ToolChoice,
    /// Rounds of calls in one answer: 5 by default.
    #[serde(deserialize_with = "count")]
    pub max_rounds: u32,
    /// Calls in one answer: 10 by default.
    #[serde(deserialize_with = "count")]
    pub max_tool_calls_per_turn: u32,
    /// Tools that are not called, whatever the prompt's list says.
    pub blocklist: Vec<String>,
}

impl Default for ToolPolicy {
    fn default() -> Self {
        Self {
            tool_choice: ToolChoice::Auto,
            max_rounds: 5,
            max_tool_calls_per_turn: 10,
            blocklist: Vec::new(),
        }
    }
}

impl From<&ToolPolicy> for types::ToolPolicy {
    fn from(of: &ToolPolicy) -> Self {
        Self {
            choice: of.tool_choice.clone(),
            max_rounds: of.max_rounds,
            max_calls: of.max_tool_calls_per_turn,
            max_cost_usd: None,
            blocklist: of.blocklist.as_slice().into(),
        }
    }
}

/// How a model is to answer. What is not given is left to the model's service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Parameters {
    /// How free the choice of words is, 0 to 2.
    pub temperature: Option<f64>,
    /// The longest answer, in tokens.
    #[serde(default, deserialize_with = "whole")]
    pub max_tokens: Option<u32>,
    /// Words are chosen from the likeliest that together have this probability, 0 to 1.
    pub top_p: Option<f64>,
    /// From how many words one is chosen.
    #[serde(default, deserialize_with = "top_k")]
    pub top_k: Option<TopK>,
    /// Against words by how often they were said, -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// Against words that were said at all, -2 to 2.
    pub presence_penalty: Option<f64>,
}

impl Parameters {
    /// These, with those of `other` that it has.
    #[must_use]
    pub fn overridden(self, other: Self) -> Self {
        Self {
            temperature: other.temperature.or(self.temperature),
            max_tokens: other.max_tokens.or(self.max_tokens),
            top_p: other.top_p.or(self.top_p),
            top_k: other.top_k.or(self.top_k),
            frequency_penalty: other.frequency_penalty.or(self.frequency_penalty),
            presence_penalty: other.presence_penalty.or(self.presence_penalty),
        }
    }
}

impl From<Parameters> for types::Parameters {
    fn from(of: Parameters) -> Self {
        let number = |number: Option<f64>| number.map(|number| number as f32);
        Self {
            temperature: number(of.temperature),
            max_tokens: of.max_tokens,
            top_p: number(of.top_p),
            top_k: match of.top_k {
                Some(TopK::Of(number)) => Some(number),
                Some(TopK::All) | None => None,
            },
            frequency_penalty: number(of.frequency_penalty),
            presence_penalty: number(of.presence_penalty),
            ..Self::default()
        }
    }
}

/// From how many words one is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// From all: `null` in the file.
    All,
    /// From this many.
    Of(u32),
}

impl std::fmt::Display for TopK {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => out.write_str("all"),
            Self::Of(number) => number.fmt(out),
        }
    }
}

/// A rule for what is said.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Validator {
    /// Which rule.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is in force. It is, by default.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What the user is told instead.
    pub message: Option<String>,
    /// Whether a violation is an error. By default it is noted.
    #[serde(default)]
    pub fail_on_violation: bool,
    /// What the rule needs to know.
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// Something that is to be judged of answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Eval {
    /// Its identifier. A prompt's takes the place of the pack's.
    pub id: String,
    /// What it measures.
    pub description: Option<String>,
    /// How it is judged.
    #[serde(rename = "type")]
    pub kind: String,
    /// When: `every_turn`, `on_session_complete`, and others.
    pub trigger: String,
    /// Of which share, if it takes samples: 5 % by default.
    #[serde(default = "five")]
    pub sample_percentage: f64,
    /// Whether it is in force. It is, by default.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it needs to know.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// How it is counted.
    pub metric: Option<Value>,
    /// From which score on it is passed.
    pub threshold: Option<Value>,
    /// What is said of a failure.
    pub message: Option<String>,
    /// Under which conditions.
    pub when: Option<Value>,
    /// Which groups it belongs to.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Which images, sounds, videos and documents a prompt takes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Media {
    /// Whether it takes any.
    pub enabled: bool,
    /// The kinds that it takes; all, if it does not say.
    pub supported_types: Option<Vec<String>>,
    /// Messages as they may be.
    #[serde(default)]
    pub examples: Vec<Value>,
    /// What is allowed of each kind: `image`, `audio`, `video`, `document`, and others.
    #[serde(flatten)]
    pub limits: BTreeMap<String, MediaLimits>,
}

/// What is allowed of one kind of media. What is not given is not limited.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct MediaLimits {
    /// The largest file, in MiB.
    #[serde(default, deserialize_with = "whole")]
    pub max_size_mb: Option<u32>,
    /// The formats, as `png` or `mp3`.
    pub allowed_formats: Option<Vec<String>>,
    /// The longest sound or video, in seconds.
    #[serde(default, deserialize_with = "whole")]
    pub max_duration_sec: Option<u32>,
    /// The most pages of a document.
    #[serde(default, deserialize_with = "whole")]
    pub max_pages: Option<u32>,
    /// The most images in one message.
    #[serde(default, deserialize_with = "whole")]
    pub max_images_per_msg: Option<u32>,
    /// How closely a model looks at an image: `low`, `high`, `auto`.
    pub default_detail: Option<String>,
    /// How a document is read: `text`, `structured`, `raw`.
    pub extraction_mode: Option<String>,
    /// Whether an image needs a caption.
    #[serde(default)]
    pub require_caption: bool,
    /// Whether it needs a title or a description.
    #[serde(default)]
    pub require_metadata: bool,
    /// Rules for a kind that the format does not know.
    #[serde(default)]
    pub validation_params: Map<String, Value>,
}

fn yes() -> bool {
    true
}

fn five() -> f64 {
    5.0
}

/// A whole number, also if it is written as `3.0`, as JSON Schema allows.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        None => Ok(None),
        Some(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
            Ok(Some(number as u32))
        }
        Some(number) => Err(D::Error::custom(format!("expected a whole number, found {number}"))),
    }
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    whole(from)?.ok_or_else(|| D::Error::custom("expected a whole number, found null"))
}

fn top_k<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TopK>, D::Error> {
    Ok(Some(whole(from)?.map_or(TopK::All, TopK::Of)))
}
