//! What Gemini's sessions have beyond what all duplex sessions have.

use serde::{Deserialize, Serialize};

/// What a session with Gemini Live is like beside its
/// [`DuplexSettings`](crate::duplex::DuplexSettings). What is not said is as Google sees fit.
///
/// It is read from a table of settings as it stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeminiOptions {
    /// The model, with or without `models/` before it. There is no default: names come and go.
    pub model: String,
    /// The version of the protocol: `v1beta` by default.
    #[serde(default = "version")]
    pub api_version: String,
    /// How what is written is sent while a session goes on.
    #[serde(default)]
    pub text: TextWay,
    /// How soon it takes a sound for a voice; else from the threshold of the session's settings.
    #[serde(default)]
    pub start_sensitivity: Option<Sensitivity>,
    /// How soon it takes a voice for finished; else from the patience of the session's settings.
    #[serde(default)]
    pub end_sensitivity: Option<Sensitivity>,
    /// What of its input belongs to a turn.
    #[serde(default)]
    pub turn_coverage: Option<TurnCoverage>,
    /// Whether it tells when the user begins and ceases to speak.
    #[serde(default)]
    pub explicit_vad_signal: bool,
    /// Whether a later connection goes on where one was lost. It does, by default.
    #[serde(default)]
    pub session_resumption: Resumption,
    /// What happens to a conversation that is too long for the model.
    #[serde(default)]
    pub context_window_compression: Option<Compression>,
    /// Whether the past is told as such, which older models do not know: it is, by default. Else it
    /// is told as if it were written now, without an answer.
    #[serde(default = "yes")]
    pub initial_history: bool,
    /// How it writes down what the user says.
    #[serde(default)]
    pub transcription: TranscriptionHints,
    /// Whether it may pass over what was not meant for it.
    #[serde(default)]
    pub proactive_audio: Option<bool>,
    /// Whether it may speak of what it is shown, unasked. That needs `proactive_audio`.
    #[serde(default)]
    pub proactive_video: Option<bool>,
    /// Whether it hears moods, and answers in kind.
    #[serde(default)]
    pub affective_dialog: Option<bool>,
    /// What it withholds.
    #[serde(default)]
    pub safety_settings: Vec<SafetySetting>,
    /// How much it thinks, if it does.
    #[serde(default)]
    pub thinking: Option<Thinking>,
    /// How closely it looks at pictures.
    #[serde(default)]
    pub media_resolution: Option<MediaResolution>,
}

impl GeminiOptions {
    /// Those of a session with this model.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            api_version: version(),
            text: TextWay::Content,
            start_sensitivity: None,
            end_sensitivity: None,
            turn_coverage: None,
            explicit_vad_signal: false,
            session_resumption: Resumption::On,
            context_window_compression: None,
            initial_history: true,
            transcription: TranscriptionHints::default(),
            proactive_audio: None,
            proactive_video: None,
            affective_dialog: None,
            safety_settings: Vec::new(),
            thinking: None,
            media_resolution: None,
        }
    }
}

fn version() -> String {
    "v1beta".to_owned()
}

const fn yes() -> bool {
    true
}

/// How what is written is sent while a session goes on. Models take one way, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextWay {
    /// As content, in order.
    #[default]
    Content,
    /// As input of that moment, as sound is: for models that take content as their past alone.
    Realtime,
}

/// Whether a later connection goes on where one was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resumption {
    /// It does, if the other side can.
    #[default]
    On,
    /// The other side tells as well up to which message it can, where it knows of that.
    Transparent,
    /// It is told the past.
    Off,
}

/// How soon something is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Sooner.
    High,
    /// Later.
    Low,
}

/// What of the input belongs to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum TurnCoverage {
    /// What was said and shown while the user spoke.
    #[serde(rename(deserialize = "activity", serialize = "TURN_INCLUDES_ONLY_ACTIVITY"))]
    Activity,
    /// All since the last turn.
    #[serde(rename(deserialize = "all", serialize = "TURN_INCLUDES_ALL_INPUT"))]
    All,
    /// What was said while the user spoke, and all that was shown.
    #[serde(rename(
        deserialize = "activity_and_video",
        serialize = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
    ))]
    ActivityAndVideo,
}

/// A conversation that is too long is cut at its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compression {
    /// From so many tokens on.
    #[serde(default)]
    pub trigger_tokens: Option<u32>,
    /// To so many.
    #[serde(default)]
    pub target_tokens: Option<u32>,
}

/// How what the user says is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriptionHints {
    /// Languages that there may be, as in `de-DE`; else that of the session's settings.
    #[serde(default)]
    pub language_codes: Vec<String>,
    /// Words to be expected.
    #[serde(default)]
    pub custom_vocabulary: Vec<String>,
}

/// How much it thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Thinking {
    /// In tokens: 0 for nothing, -1 for as it sees fit.
    #[serde(
        default,
        rename(serialize = "thinkingBudget"),
        skip_serializing_if = "Option::is_none"
    )]
    pub budget: Option<i32>,
    /// In a word.
    #[serde(default, rename(serialize = "thinkingLevel"), skip_serializing_if = "Option::is_none")]
    pub level: Option<ThinkingLevel>,
}

/// How much it thinks, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "lowercase", serialize = "UPPERCASE"))]
pub enum ThinkingLevel {
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

/// How closely pictures are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum MediaResolution {
    /// At a small copy: cheap.
    #[serde(rename(deserialize = "low", serialize = "MEDIA_RESOLUTION_LOW"))]
    Low,
    /// In between.
    #[serde(rename(deserialize = "medium", serialize = "MEDIA_RESOLUTION_MEDIUM"))]
    Medium,
    /// At all of it.
    #[serde(rename(deserialize = "high", serialize = "MEDIA_RESOLUTION_HIGH"))]
    High,
}

/// What of a kind is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SafetySetting {
    /// The kind.
    pub category: HarmCategory,
    /// From where on.
    pub threshold: HarmThreshold,
}

/// Kinds of what may be withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum HarmCategory {
    /// Harassment.
    #[serde(rename(deserialize = "harassment", serialize = "HARM_CATEGORY_HARASSMENT"))]
    Harassment,
    /// Hate.
    #[serde(rename(deserialize = "hate_speech", serialize = "HARM_CATEGORY_HATE_SPEECH"))]
    HateSpeech,
    /// What is explicit.
    #[serde(rename(
        deserialize = "sexually_explicit",
        serialize = "HARM_CATEGORY_SEXUALLY_EXPLICIT"
    ))]
    SexuallyExplicit,
    /// What is dangerous.
    #[serde(rename(
        deserialize = "dangerous_content",
        serialize = "HARM_CATEGORY_DANGEROUS_CONTENT"
    ))]
    DangerousContent,
    /// What may do harm to elections.
    #[serde(rename(deserialize = "civic_integrity", serialize = "HARM_CATEGORY_CIVIC_INTEGRITY"))]
    CivicIntegrity,
}

/// From where on something is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "snake_case", serialize = "SCREAMING_SNAKE_CASE"))]
pub enum HarmThreshold {
    /// All that might be of the kind.
    BlockLowAndAbove,
    /// What may well be.
    BlockMediumAndAbove,
    /// What is, in all likelihood.
    BlockOnlyHigh,
    /// Nothing.
    BlockNone,
    /// Nobody looks.
    Off,
}
