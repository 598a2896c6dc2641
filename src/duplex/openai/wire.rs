//! The events of OpenAI Realtime, as far as they are used.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::options::{
    Effort, Include, MaxTokens, NoiseReduction, Prompt, Tracing, Transcription, Truncation,
};
use crate::duplex::Eagerness;
use crate::types::Detail;

/// An event of ours, with a name by which an error can refer to it.
#[derive(Debug, Serialize)]
pub(super) struct Sent<'a> {
    pub(super) event_id: &'a str,
    #[serde(flatten)]
    pub(super) event: ClientEvent<'a>,
}

/// What a client may say.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
#[cfg_attr(not(test), expect(dead_code, reason = "the protocol has more than is needed here"))]
pub(super) enum ClientEvent<'a> {
    #[serde(rename = "session.update")]
    SessionUpdate { session: Box<Session<'a>> },
    #[serde(rename = "input_audio_buffer.append")]
    Append { audio: &'a str },
    #[serde(rename = "input_audio_buffer.commit")]
    Commit,
    #[serde(rename = "input_audio_buffer.clear")]
    Clear,
    #[serde(rename = "output_audio_buffer.clear")]
    ClearOutput,
    #[serde(rename = "conversation.item.create")]
    CreateItem {
        item: Item<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        previous_item_id: Option<&'a str>,
    },
    #[serde(rename = "conversation.item.retrieve")]
    RetrieveItem { item_id: &'a str },
    #[serde(rename = "conversation.item.delete")]
    DeleteItem { item_id: &'a str },
    #[serde(rename = "conversation.item.truncate")]
    TruncateItem { item_id: &'a str, content_index: u32, audio_end_ms: u64 },
    #[serde(rename = "response.create")]
    CreateResponse { response: ResponseOptions<'a> },
    #[serde(rename = "response.cancel")]
    CancelResponse { response_id: &'a str },
}

/// What a session is like, or what changes about it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Session<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_modalities: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Audio::is_empty")]
    pub(super) audio: Audio<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<MaxTokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) truncation: Option<Truncation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt: Option<&'a Prompt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tracing: Option<&'a Tracing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) include: Option<&'a [Include]>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Audio<'a> {
    #[serde(skip_serializing_if = "AudioInput::is_empty")]
    pub(super) input: AudioInput<'a>,
    #[serde(skip_serializing_if = "AudioOutput::is_empty")]
    pub(super) output: AudioOutput<'a>,
}

impl Audio<'_> {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What may be null has two layers: whether it is said, and what.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct AudioInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<AudioFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) noise_reduction: Option<NoiseReduction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transcription: Option<Option<Cow<'a, Transcription>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) turn_detection: Option<Option<TurnDetection>>,
}

impl AudioInput<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct AudioOutput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<AudioFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speed: Option<f32>,
}

impl AudioOutput<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type")]
pub(super) enum AudioFormat {
    #[serde(rename = "audio/pcm")]
    Pcm { rate: u32 },
    #[serde(rename = "audio/pcmu")]
    Pcmu,
    #[serde(rename = "audio/pcma")]
    Pcma,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TurnDetection {
    ServerVad {
        #[serde(skip_serializing_if = "Option::is_none")]
        threshold: Option<f32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        prefix_padding_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        silence_duration_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        idle_timeout_ms: Option<u64>,
        create_response: bool,
        interrupt_response: bool,
    },
    SemanticVad {
        eagerness: Eagerness,
        create_response: bool,
        interrupt_response: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Reasoning {
    pub(super) effort: Effort,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters: &'a Value,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Mode(&'static str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
}

/// What is special about one answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct ResponseOptions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a>>,
    pub(super) metadata: BTreeMap<&'a str, &'a str>,
}

/// Something in a conversation.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message { role: &'static str, content: Vec<Content<'a>> },
    FunctionCall { call_id: &'a str, name: &'a str, arguments: String },
    FunctionCallOutput { call_id: &'a str, output: &'a str },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: Cow<'a, str>,
    },
    InputImage {
        image_url: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
    },
}

/// What every event of the other side has. All have an id but one.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) event_id: Option<Cow<'a, str>>,
}

/// More of an answer: of its sound, its words, or the arguments of a call.
#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) response_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) item_id: Cow<'a, str>,
    #[serde(default)]
    pub(super) content_index: u32,
    #[serde(borrow)]
    pub(super) delta: Cow<'a, str>,
}

/// All the words of a part of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Words {
    pub(super) response_id: String,
    pub(super) item_id: String,
    #[serde(default)]
    pub(super) content_index: u32,
    #[serde(alias = "transcript")]
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResponseEvent {
    pub(super) response: Response,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) id: String,
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status_details: Option<StatusDetails>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) output: Option<Vec<OutputItem>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusDetails {
    pub(super) reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error: Option<Error>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) input_tokens: u64,
    #[serde(default)]
    pub(super) output_tokens: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) input_token_details: Option<TokenDetails>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) output_token_details: Option<TokenDetails>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenDetails {
    pub(super) audio_tokens: Option<u64>,
    pub(super) cached_tokens: Option<u64>,
}

/// An item of an answer begins or is whole.
#[derive(Debug, Deserialize)]
pub(super) struct ItemEvent {
    pub(super) response_id: String,
    pub(super) item: OutputItem,
}

#[derive(Debug, Deserialize)]
pub(super) struct OutputItem {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) call_id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

/// All of a call.
#[derive(Debug, Deserialize)]
pub(super) struct CallDone {
    pub(super) response_id: String,
    pub(super) call_id: String,
    /// Older servers leave it out; it stands in the item.
    #[serde(default)]
    pub(super) name: Option<String>,
    pub(super) arguments: String,
}

/// Something happened to an item of the user's sound.
#[derive(Debug, Deserialize)]
pub(super) struct Spoken {
    pub(super) item_id: String,
    #[serde(default)]
    pub(super) audio_start_ms: Option<u64>,
    #[serde(default)]
    pub(super) audio_end_ms: Option<u64>,
}

/// What the user said, or more of it.
#[derive(Debug, Deserialize)]
pub(super) struct Transcribed {
    pub(super) item_id: String,
    #[serde(default)]
    pub(super) delta: Option<String>,
    #[serde(default)]
    pub(super) transcript: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) error: Option<Error>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorEvent {
    pub(super) error: Error,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Error {
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
    /// The event of ours that it is about.
    #[serde(default)]
    pub(super) event_id: Option<String>,
}

/// Nothing rather than an error: what cannot be read must not lose what stands beside it.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}
