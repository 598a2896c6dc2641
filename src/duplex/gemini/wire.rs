//! The messages of Gemini Live, as far as they are used.
//!
//! What comes may be spelled in either way of Google's JSON: `serverContent` or `server_content`.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::options::{MediaResolution, SafetySetting, Thinking, TurnCoverage};

/// What a client may say: one thing in each message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ClientMessage<'a> {
    Setup(Box<Setup<'a>>),
    ClientContent(ClientContent<'a>),
    RealtimeInput(RealtimeInput<'a>),
    ToolResponse(ToolResponse<'a>),
    ContextUpdate(ContextUpdate<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setup<'a> {
    pub(super) model: String,
    pub(super) generation_config: GenerationConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) realtime_input_config: RealtimeInputConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_resumption: Option<SessionResumption<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context_window_compression: Option<ContextWindowCompression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_audio_transcription: Option<AudioTranscription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_audio_transcription: Option<AudioTranscription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proactivity: Option<Proactivity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explicit_vad_signal: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history_config: Option<HistoryConfig>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) safety_settings: &'a [SafetySetting],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    pub(super) response_modalities: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speech_config: Option<SpeechConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_config: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_resolution: Option<MediaResolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enable_affective_dialog: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpeechConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice_config: Option<VoiceConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language_code: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoiceConfig<'a> {
    pub(super) prebuilt_voice_config: PrebuiltVoice<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrebuiltVoice<'a> {
    pub(super) voice_name: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool<'a> {
    pub(super) function_declarations: Vec<FunctionDeclaration<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionDeclaration<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters_json_schema: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RealtimeInputConfig {
    pub(super) automatic_activity_detection: ActivityDetection,
    pub(super) activity_handling: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) turn_coverage: Option<TurnCoverage>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActivityDetection {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_of_speech_sensitivity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_of_speech_sensitivity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prefix_padding_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) silence_duration_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionResumption<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) handle: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) transparent: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextWindowCompression {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trigger_tokens: Option<u32>,
    pub(super) sliding_window: SlidingWindow,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlidingWindow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_tokens: Option<u32>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AudioTranscription<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) language_codes: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) custom_vocabulary: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Proactivity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proactive_audio: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proactive_video: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryConfig {
    pub(super) initial_history_in_client_content: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientContent<'a> {
    pub(super) turns: Vec<Content<'a>>,
    pub(super) turn_complete: bool,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Part<'a> {
    Text(Cow<'a, str>),
    InlineData(Blob<'a>),
    FileData(FileData<'a>),
    FunctionCall(FunctionCall<'a>),
    FunctionResponse(FunctionResponse<'a>),
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    pub(super) mime_type: Cow<'a, str>,
    pub(super) data: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    pub(super) mime_type: &'a str,
    pub(super) file_uri: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) args: Cow<'a, Value>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionResponse<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) response: Value,
}

/// One of these at a time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RealtimeInput<'a> {
    Audio(Blob<'a>),
    Video(Blob<'a>),
    Text(Cow<'a, str>),
    ActivityStart {},
    ActivityEnd {},
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResponse<'a> {
    pub(super) function_responses: Vec<FunctionResponse<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<UpdatedTools<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct UpdatedTools<'a> {
    pub(super) tools: Vec<Tool<'a>>,
}

/// What the other side says: any of these together. What is new is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServerMessage<'a> {
    #[serde(alias = "setup_complete")]
    pub(super) setup_complete: Option<Empty>,
    #[serde(alias = "server_content", borrow)]
    pub(super) server_content: Option<ServerContent<'a>>,
    #[serde(alias = "tool_call")]
    pub(super) tool_call: Option<CalledTools>,
    #[serde(alias = "tool_call_cancellation")]
    pub(super) tool_call_cancellation: Option<CancelledTools>,
    #[serde(alias = "usage_metadata", deserialize_with = "lenient")]
    pub(super) usage_metadata: Option<Usage>,
    #[serde(alias = "go_away")]
    pub(super) go_away: Option<GoAway>,
    #[serde(alias = "session_resumption_update", deserialize_with = "lenient")]
    pub(super) session_resumption_update: Option<ResumptionUpdate>,
    #[serde(alias = "voice_activity", deserialize_with = "lenient")]
    pub(super) voice_activity: Option<VoiceActivity>,
    #[serde(alias = "voice_activity_detection_signal", deserialize_with = "lenient")]
    pub(super) voice_activity_detection_signal: Option<VadSignal>,
    #[serde(deserialize_with = "lenient")]
    pub(super) error: Option<Status>,
}

/// That it is there says all.
#[derive(Debug, Deserialize)]
pub(super) struct Empty {}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServerContent<'a> {
    #[serde(alias = "model_turn", borrow)]
    pub(super) model_turn: Option<ModelTurn<'a>>,
    #[serde(alias = "turn_complete")]
    pub(super) turn_complete: Option<bool>,
    pub(super) interrupted: Option<bool>,
    #[serde(alias = "generation_complete")]
    pub(super) generation_complete: Option<bool>,
    #[serde(alias = "turn_complete_reason")]
    pub(super) turn_complete_reason: Option<String>,
    #[serde(alias = "input_transcription")]
    pub(super) input_transcription: Option<Transcription>,
    #[serde(alias = "interim_input_transcription")]
    pub(super) interim_input_transcription: Option<Transcription>,
    #[serde(alias = "output_transcription")]
    pub(super) output_transcription: Option<Transcription>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transcription {
    pub(super) text: Option<String>,
    pub(super) finished: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelTurn<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<ModelPart<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ModelPart<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Cow<'a, str>>,
    /// It is not said, but thought.
    pub(super) thought: Option<bool>,
    #[serde(alias = "inline_data", borrow)]
    pub(super) inline_data: Option<InlineData<'a>>,
    #[serde(alias = "function_call")]
    pub(super) function_call: Option<CalledTool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InlineData<'a> {
    #[serde(alias = "mime_type", borrow)]
    pub(super) mime_type: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CalledTools {
    #[serde(alias = "function_calls")]
    pub(super) function_calls: Option<Vec<CalledTool>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CalledTool {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) args: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CancelledTools {
    pub(super) ids: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GoAway {
    #[serde(alias = "time_left")]
    pub(super) time_left: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResumptionUpdate {
    #[serde(alias = "new_handle")]
    pub(super) new_handle: Option<String>,
    pub(super) resumable: Option<bool>,
    /// As text, since it has 64 bits.
    #[serde(alias = "last_consumed_client_message_index")]
    pub(super) last_consumed_client_message_index: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VoiceActivity {
    #[serde(alias = "voice_activity_type", alias = "type")]
    pub(super) voice_activity_type: Option<String>,
    #[serde(alias = "audio_offset")]
    pub(super) audio_offset: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VadSignal {
    #[serde(alias = "vad_signal_type")]
    pub(super) vad_signal_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Usage {
    #[serde(alias = "prompt_token_count")]
    pub(super) prompt_token_count: Option<u64>,
    #[serde(alias = "cached_content_token_count")]
    pub(super) cached_content_token_count: Option<u64>,
    #[serde(
        alias = "response_token_count",
        alias = "candidatesTokenCount",
        alias = "candidates_token_count"
    )]
    pub(super) response_token_count: Option<u64>,
    #[serde(alias = "tool_use_prompt_token_count")]
    pub(super) tool_use_prompt_token_count: Option<u64>,
    #[serde(alias = "thoughts_token_count")]
    pub(super) thoughts_token_count: Option<u64>,
    #[serde(alias = "prompt_tokens_details")]
    pub(super) prompt_tokens_details: Option<Vec<ModalityTokens>>,
    #[serde(
        alias = "response_tokens_details",
        alias = "candidatesTokensDetails",
        alias = "candidates_tokens_details"
    )]
    pub(super) response_tokens_details: Option<Vec<ModalityTokens>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ModalityTokens {
    pub(super) modality: String,
    #[serde(alias = "token_count")]
    pub(super) token_count: Option<u64>,
}

/// An error in the words of Google's services.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) message: String,
    pub(super) status: Option<String>,
}

/// Nothing rather than an error: what cannot be read must not lose what stands beside it.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}
