//! How a model is to answer, and how it may call tools.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a model is to answer. What is `None` is left to the provider; what a provider does not
/// know, it leaves out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// How free the choice of words is, from 0 to 2.
    pub temperature: Option<f32>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Words are chosen from the likeliest that together have this probability, from 0 to 1.
    pub top_p: Option<f32>,
    /// From how many words one is chosen.
    pub top_k: Option<u32>,
    /// Against words by how often they were said, from -2 to 2.
    pub frequency_penalty: Option<f32>,
    /// Against words that were said at all, from -2 to 2.
    pub presence_penalty: Option<f32>,
    /// Seed for a repeatable answer.
    pub seed: Option<u64>,
    /// The form of the answer; plain text by default.
    pub format: Option<ResponseFormat>,
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
            seed: other.seed.or(self.seed),
            format: other.format.or(self.format),
        }
    }
}

/// The form of an answer that a program reads.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Any JSON object. The instructions must ask for JSON as well.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        /// The schema's name: letters, digits, `_` and `-`.
        name: String,
        /// JSON Schema.
        schema: Value,
        /// Whether the answer must follow it to the letter, where the provider can see to that.
        strict: bool,
    },
}

/// How a model may call tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolPolicy {
    /// Whether it must, may or may not call one. It may, by default.
    pub choice: ToolChoice,
    /// How often it may call tools before it must answer: 5 by default.
    pub max_rounds: u32,
    /// How many calls one answer may have: 10 by default. Further ones are refused, and the model
    /// is told.
    pub max_calls: u32,
    /// What the tokens of one answer may cost, in US dollars; anything by default. It is looked at
    /// before each further request of an answer, and needs prices.
    pub max_cost_usd: Option<f64>,
    /// Tools that are neither offered nor called: names, in which `*` stands for anything. None by
    /// default.
    pub blocklist: Arc<[String]>,
}

impl Default for ToolPolicy {
    fn default() -> Self {
        let blocklist = Arc::default();
        Self {
            choice: ToolChoice::Auto,
            max_rounds: 5,
            max_calls: 10,
            max_cost_usd: None,
            blocklist,
        }
    }
}

/// Whether a model calls tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoice {
    /// When it sees fit.
    #[default]
    Auto,
    /// It must, before its answer.
    Required,
    /// Never.
    None,
    /// It must call this one before its answer.
    #[serde(skip)]
    Named(String),
}
