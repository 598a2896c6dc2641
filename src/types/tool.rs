//! Tool calls, their results, and how an answer ended.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model is told about a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDescriptor {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to call it.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: Value,
    /// JSON Schema of its result, if it promises one. Models are not told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

impl ToolDescriptor {
    /// A tool called `name` that takes `parameters`.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self { name: name.into(), description: description.into(), parameters, output: None }
    }

    /// The same with results of this JSON Schema.
    #[must_use]
    pub fn with_output(mut self, schema: Value) -> Self {
        self.output = Some(schema);
        self
    }
}

/// A model's wish to have a tool called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The provider's name of this call; the result carries it back.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, an object.
    pub arguments: Value,
}

/// What came of a tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The result, or the error's text, as the model gets it.
    pub content: String,
    /// Whether the call failed.
    #[serde(default)]
    pub is_error: bool,
}

/// A call that has no result yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingCall {
    /// The call.
    pub call: ToolCall,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

impl PendingCall {
    /// What the model gets as long as there is no result.
    #[must_use]
    pub fn placeholder(&self) -> ToolResult {
        let Self { call, waits_for } = self;
        let content = format!(
            "no result yet: the call {waits_for}. Do not repeat it; its result will come by itself."
        );
        ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error: false }
    }
}

/// What a call without a result waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WaitsFor {
    /// A person who allows or refuses it.
    Approval(Approval),
    /// Whoever has the result: the program has no such tool.
    Result,
    /// The tool, which goes on after the answer.
    Tool,
}

/// What a person has to know who is to allow a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Why somebody must look at it: `refunds over 100 EUR`.
    pub reason: String,
    /// What the user of the conversation is told meanwhile; in a call it is spoken. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(Approval { reason, .. }) => write!(f, "waits for approval: {reason}"),
            Self::Result => f.write_str("waits for its result"),
            Self::Tool => f.write_str("is still running"),
        }
    }
}

/// Tokens spent on an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Those of the request that the provider had still at hand, which cost less.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// Those of the request that the provider has put at hand for later ones, which cost more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_written_tokens: u64,
    /// Those of the request that stand for sound, of which some may be cached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_input_tokens: u64,
    /// Those of the answer that stand for sound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_output_tokens: u64,
}

impl Usage {
    /// So many tokens of text, none of them cached.
    #[must_use]
    pub fn of_text(input_tokens: u64, output_tokens: u64) -> Self {
        Self { input_tokens, output_tokens, ..Self::default() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            cache_written_tokens: self
                .cache_written_tokens
                .saturating_add(other.cache_written_tokens),
            audio_input_tokens: self.audio_input_tokens.saturating_add(other.audio_input_tokens),
            audio_output_tokens: self.audio_output_tokens.saturating_add(other.audio_output_tokens),
        }
    }
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It had said all.
    Stop,
    /// It waits for the results of tools.
    ToolCalls,
    /// The limit of tokens was reached.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
}
