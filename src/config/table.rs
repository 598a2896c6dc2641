//! The table of all settings.

use super::value::{Kind, Value};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Its name in the file; tables by the dot.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is where nothing sets it; nothing, if empty.
    pub default: &'static str,
    /// One line for people.
    pub help: &'static str,
}

impl Setting {
    /// The setting of this key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|setting| setting.key == key)
    }

    /// Reads a value; an empty one unsets. The error names the setting.
    pub(super) fn value(&self, text: &str) -> Result<Value, String> {
        if text.is_empty() {
            return Ok(Value::Unset);
        }
        self.kind.parse(text).map_err(|problem| format!("{}: {problem}", self.key))
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// What is allowed.
    pub fn check(&self, text: &str) -> Result<(), String> {
        self.kind.parse(text).map(drop)
    }

    /// Its environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        let name = self.key.replace('.', "_").to_uppercase();
        if self.key.starts_with("openai.") { name } else { format!("BANTER_{name}") }
    }
}

const fn row(key: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind, default, help }
}

/// All settings, in the order in which they are shown.
pub const TABLE: &[Setting] = &[
    row("input", Kind::Text, "", "The microphone, by name or id, or a WAV file"),
    row("output", Kind::Text, "", "The speaker, by name or id, or a WAV file"),
    row("language", Kind::Text, "en", "The language of the conversation"),
    row("greeting", Kind::Text, "", "What the agent says first"),
    row("timeout_ms", Kind::Integer(100, 25_000), "10000", "How long a service may be silent"),
    row("vad.engine", Kind::Engine(VAD), "earshot", "The voice detector"),
    row("stt.engine", Kind::Engine(STT), "auto", "The speech recogniser"),
    row("stt.model", Kind::Text, "gpt-4o-mini-transcribe", "The service's recogniser"),
    row("stt.stream", Kind::Choice(&["auto", "true", "false"]), "auto", "Words while they come"),
    row("stt.prompt", Kind::Text, "", "Names and words that the recogniser should expect"),
    row("stt.base_url", Kind::Address, "", "The recogniser's address, if it has its own"),
    row("stt.api_key", Kind::Secret, "", "The recogniser's key, if it has its own"),
    row("llm.engine", Kind::Engine(LLM), "auto", "The language model"),
    row("llm.model", Kind::Text, "gpt-4o-mini", "The service's model"),
    row("llm.system", Kind::Text, SYSTEM, "Instructions for the model"),
    row("llm.temperature", Kind::Number(0.0, 2.0), "", "How freely it answers"),
    row("llm.max_tokens", Kind::Integer(1, 1_000_000), "", "The longest answer, in tokens"),
    row("llm.base_url", Kind::Address, "", "The model's address, if it has its own"),
    row("llm.api_key", Kind::Secret, "", "The model's key, if it has its own"),
    row(
        "context.tokens",
        Kind::Integer(100, 100_000_000),
        "",
        "The longest request to the model, in tokens",
    ),
    row("context.strategy", Kind::Choice(CUT), "sliding", "What happens to a longer one"),
    row("context.summariser", Kind::Engine(LLM), "", "The model that summarises, if another"),
    row("context.embeddings", Kind::Engine(EMBEDDINGS), "hashed", "What messages are compared by"),
    row("tts.engine", Kind::Engine(TTS), "auto", "The synthesizer"),
    row("tts.model", Kind::Text, "gpt-4o-mini-tts", "The service's synthesizer"),
    row("tts.voice", Kind::Text, "alloy", "The service's voice"),
    row("tts.speed", Kind::Number(0.5, 2.0), "1", "How fast the agent speaks"),
    row("tts.instructions", Kind::Text, "", "How the service should speak"),
    row("tts.base_url", Kind::Address, "", "The synthesizer's address, if it has its own"),
    row("tts.api_key", Kind::Secret, "", "The synthesizer's key, if it has its own"),
    row("openai.api_key", Kind::Secret, "", "The key of all services"),
    row("openai.base_url", Kind::Address, "https://api.openai.com/v1", "Where the services are"),
    row("apology.unheard", Kind::Text, UNHEARD, "Said when the user could not be heard"),
    row("apology.unanswered", Kind::Text, UNANSWERED, "Said when there is no answer"),
    row("validation.mode", Kind::Choice(VALIDATION), "error", "What a pack's validators may do"),
    row("state.store", Kind::Store, "files", "Where conversations are kept"),
    row(
        "state.keep_days",
        Kind::Integer(1, 36_500),
        "",
        "Days after its last entry until a conversation expires",
    ),
    row("tools.approve", Kind::Names, "", "Tools of which somebody must allow every call"),
    row("tools.filler", Kind::Text, "One moment.", "Said while a tool is waited for"),
    row(
        "tools.filler_after_ms",
        Kind::Integer(100, 60_000),
        "1500",
        "How long a tool is waited for in silence",
    ),
    row("turn.silence_ms", Kind::Integer(100, 10_000), "800", "The silence that ends a turn"),
    row("turn.barge_in", Kind::Choice(BARGE_IN), "immediate", "What speaking over the agent does"),
    row("turn.push_to_talk", Kind::Bool, "false", "Listen only while a key is pressed"),
];

const SYSTEM: &str = "You are speaking with someone aloud. Answer in one or two short sentences, \
                      in plain words, without lists, markup or emoji.";
const UNHEARD: &str = "Sorry, I could not hear that. Please say it again.";
const UNANSWERED: &str = "Sorry, something went wrong. Please ask me again.";
const VAD: &[&str] =
    &["earshot", "webrtc", "webrtc:0", "webrtc:1", "webrtc:2", "webrtc:3", "energy"];
const STT: &[&str] = &["auto", "openai", "openai:MODEL", "pocketsphinx", "mock"];
const LLM: &[&str] = &["auto", "openai", "openai:MODEL", "scripted", "scripted:FILE.toml", "mock"];
const TTS: &[&str] = &[
    "auto",
    "openai",
    "openai:MODEL",
    "flite",
    "flite:VOICE",
    "espeak-ng",
    "espeak-ng:VOICE",
    "mock",
];
const CUT: &[&str] = &["sliding", "summarise", "relevance", "fail"];
const VALIDATION: &[&str] = &["error", "warn", "off"];
const EMBEDDINGS: &[&str] = &["hashed", "openai", "openai:MODEL"];
const BARGE_IN: &[&str] = &["immediate", "deferred", "ignore"];
