//! The messages of the Responses interface, as far as they are used.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::providers::draft::lenient;
use crate::types::Detail;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<String>,
    pub(super) input: Vec<Item<'a>>,
    pub(super) stream: bool,
    pub(super) store: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<WireReasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Content<'a>,
    },
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: String,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: Cow<'a, str>,
    },
    /// What it thought, as it came.
    #[serde(untagged)]
    Thought(Value),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    /// What the model said: as parts, they would need the ids that its service gave them.
    Said(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Part<'a> {
    #[serde(rename = "input_text")]
    Text { text: Cow<'a, str> },
    #[serde(rename = "input_image")]
    Image { image_url: Cow<'a, str>, detail: Detail },
    #[serde(rename = "input_file")]
    File {
        #[serde(flatten)]
        file: File<'a>,
    },
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum File<'a> {
    Here { filename: &'a str, file_data: String },
    There { file_url: &'a str },
}

#[derive(Debug, Serialize)]
pub(super) struct WireReasoning {
    pub(super) effort: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Text<'a> {
    pub(super) format: Format<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Format<'a> {
    JsonObject,
    JsonSchema { name: &'a str, schema: &'a Value, strict: bool },
}

#[derive(Debug, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters: &'a Value,
    pub(super) strict: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Mode(&'static str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
}

/// A piece of an answer. What is not known is passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Event {
    #[serde(rename = "response.output_item.added")]
    ItemAdded { output_index: Option<u64>, item: Value },
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: Option<u64>, item: Value },
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    Text { delta: String },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments { output_index: Option<u64>, delta: String },
    #[serde(
        rename = "response.completed",
        alias = "response.incomplete",
        alias = "response.failed"
    )]
    Over { response: Response },
    #[serde(rename = "error")]
    Error(Value),
    /// What says no more than others do.
    #[serde(
        rename = "response.created",
        alias = "response.queued",
        alias = "response.in_progress",
        alias = "response.content_part.added",
        alias = "response.content_part.done",
        alias = "response.output_text.done",
        alias = "response.output_text.annotation.added",
        alias = "response.refusal.done",
        alias = "response.function_call_arguments.done",
        alias = "response.reasoning_summary_part.added",
        alias = "response.reasoning_summary_part.done",
        alias = "response.reasoning_summary_text.delta",
        alias = "response.reasoning_summary_text.done",
        alias = "response.reasoning_text.delta",
        alias = "response.reasoning_text.done"
    )]
    Known {},
    #[serde(other)]
    Unknown,
}

/// A whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) status: Option<String>,
    pub(super) output: Option<Vec<Value>>,
    pub(super) incomplete_details: Option<Incomplete>,
    pub(super) error: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Incomplete {
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    pub(super) input_tokens: u64,
    #[serde(default)]
    pub(super) output_tokens: u64,
    pub(super) input_tokens_details: Option<InputDetails>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct InputDetails {
    pub(super) cached_tokens: Option<u64>,
    pub(super) cache_write_tokens: Option<u64>,
}
