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
        let is_known =
            ["openai.", "anthropic.", "gemini."].iter().any(|owner| self.key.starts_with(owner));
        if is_known { name } else { format!("BANTER_{name}") }
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
    row("mode", Kind::Choice(MODE), "vad", "Engines one after the other, or one model that speaks"),
    row("audio.echo", Kind::Choice(AUTO), "auto", "Take the agent's own voice out of yours"),
    row("audio.noise", Kind::Choice(NOISE), "auto", "How much noise the recogniser is spared"),
    row("audio.gain", Kind::Choice(AUTO), "auto", "Bring your voice to an even level"),
    row("vad.engine", Kind::Detector(VAD), "earshot", "The voice detector, or two with a +"),
    row("onnx.library", Kind::Text, "", "The ONNX Runtime, if not where `models pull` puts it"),
    row("onnx.silero", Kind::Text, "", "The model of Silero, if not where `models pull` puts it"),
    row(
        "onnx.smart_turn",
        Kind::Text,
        "",
        "The model of smart-turn, if not where `models pull` puts it",
    ),
    row("duplex.provider", Kind::Choice(DUPLEX), "openai", "Who speaks for itself in mode asm"),
    row("duplex.model", Kind::Text, "", "Its model"),
    row("duplex.voice", Kind::Text, "", "Its voice, by the provider's name"),
    row("duplex.turns", Kind::Choice(TURNS), "here", "Who says when you have finished"),
    row("duplex.transcribe", Kind::Bool, "true", "Have it write down what you say"),
    row("duplex.fallback", Kind::Choice(FALLBACK), "none", "Who goes on when it is lost for good"),
    row("duplex.options", Kind::Text, "", "What else the provider is told, as JSON"),
    row("duplex.base_url", Kind::Address, "", "Its address, if it has its own"),
    row("duplex.api_key", Kind::Secret, "", "Its key, if it has its own"),
    row("stt.engine", Kind::Engine(STT), "auto", "The speech recogniser"),
    row("stt.model", Kind::Text, "gpt-4o-mini-transcribe", "The service's recogniser"),
    row("stt.stream", Kind::Choice(&["auto", "true", "false"]), "auto", "Words while they come"),
    row("stt.prompt", Kind::Text, "", "Names and words that the recogniser should expect"),
    row("stt.base_url", Kind::Address, "", "The recogniser's address, if it has its own"),
    row("stt.api_key", Kind::Secret, "", "The recogniser's key, if it has its own"),
    row("llm.engine", Kind::Model(LLM), "auto", "The language model"),
    row("llm.model", Kind::Text, "gpt-4o-mini", "The service's model"),
    row("llm.system", Kind::Text, SYSTEM, "Instructions for the model"),
    row("llm.temperature", Kind::Number(0.0, 2.0), "", "How freely it answers"),
    row("llm.max_tokens", Kind::Integer(1, 1_000_000), "", "The longest answer, in tokens"),
    row("llm.retries", Kind::Integer(0, 10), "1", "How often a model that fails is asked again"),
    row("llm.at_once", Kind::Integer(1, 10_000), "", "How many requests to it may be under way"),
    row("llm.filler", Kind::Text, "", "Said while the model is waited for"),
    row(
        "llm.filler_after_ms",
        Kind::Integer(100, 60_000),
        "1500",
        "How long the model is waited for in silence",
    ),
    row("llm.base_url", Kind::Address, "", "The model's address, if it has its own"),
    row("llm.api_key", Kind::Secret, "", "The model's key, if it has its own"),
    row(
        "replay.speed",
        Kind::Number(0.0, 1_000.0),
        "1",
        "How fast replayed answers come; 0: at once",
    ),
    row(
        "replay.match",
        Kind::Choice(MATCHING),
        "question",
        "What a replayed request must have alike",
    ),
    row(
        "context.tokens",
        Kind::Integer(100, 100_000_000),
        "",
        "The longest request to the model, in tokens",
    ),
    row("context.strategy", Kind::Choice(CUT), "sliding", "What happens to a longer one"),
    row("context.summariser", Kind::Model(LLM), "", "The model that summarises, if another"),
    row("context.embeddings", Kind::Engine(EMBEDDINGS), "hashed", "What messages are compared by"),
    row("embeddings.base_url", Kind::Address, "", "Where vectors are made, if it has its own"),
    row("embeddings.api_key", Kind::Secret, "", "The key of that, if it has its own"),
    row("tts.engine", Kind::Engine(TTS), "auto", "The synthesizer"),
    row("tts.model", Kind::Text, "gpt-4o-mini-tts", "The service's synthesizer"),
    row("tts.voice", Kind::Text, "alloy", "The service's voice"),
    row("tts.speed", Kind::Number(0.5, 2.0), "1", "How fast the agent speaks"),
    row("tts.instructions", Kind::Text, "", "How the service should speak"),
    row("tts.base_url", Kind::Address, "", "The synthesizer's address, if it has its own"),
    row("tts.api_key", Kind::Secret, "", "The synthesizer's key, if it has its own"),
    row("openai.api_key", Kind::Secret, "", "The key of all services"),
    row("openai.base_url", Kind::Address, "https://api.openai.com/v1", "Where the services are"),
    row("responses.reasoning", Kind::Choice(REASONING), "", "How hard a model of OpenAI's thinks"),
    row("anthropic.api_key", Kind::Secret, "", "The key of Anthropic"),
    row("anthropic.base_url", Kind::Address, ANTHROPIC, "Where Anthropic is"),
    row(
        "anthropic.thinking",
        Kind::Amount(ANTHROPIC_THINKING, 1_024, 128_000),
        "",
        "How it thinks before an answer, in a word or in tokens",
    ),
    row("anthropic.cache", Kind::Bool, "true", "Have it keep at hand what is asked again"),
    row("gemini.api_key", Kind::Secret, "", "The key of Gemini"),
    row("gemini.base_url", Kind::Address, GEMINI, "Where Gemini is"),
    row(
        "gemini.thinking",
        Kind::Amount(GEMINI_THINKING, 0, 65_536),
        "",
        "How it thinks before an answer, in a word or in tokens",
    ),
    row("gemini.safety", Kind::Choice(SAFETY), "", "What it withholds, if not what is usual"),
    row("gemini.cached_content", Kind::Text, "", "What it keeps, with instructions and tools"),
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
    row("turn.endpoint", Kind::Choice(ENDPOINT), "balanced", "How soon the agent takes its turn"),
    row("turn.model", Kind::Choice(END_MODEL), "off", "What hears whether you have finished"),
    row(
        "turn.silence_ms",
        Kind::Integer(100, 10_000),
        "800",
        "The silence that ends a turn by `fixed`, which it makes turn.endpoint where none is set",
    ),
    row(
        "turn.speculation",
        Kind::Choice(SPECULATION),
        "free",
        "Begin answers at a lull, before your turn has ended",
    ),
    row("turn.speculations_per_turn", Kind::Integer(1, 100), "3", "How many in a turn"),
    row("turn.speculations_per_minute", Kind::Integer(1, 1_000), "30", "How many in a minute"),
    row("turn.barge_in", Kind::Choice(BARGE_IN), "immediate", "What speaking over the agent does"),
    row(
        "turn.barge_in_words",
        Kind::Integer(1, 20),
        "1",
        "How many words it takes to end what the agent says",
    ),
    row(
        "turn.barge_in_patience_ms",
        Kind::Integer(500, 60_000),
        "2000",
        "How long the agent is silent for a voice without words",
    ),
    row("turn.push_to_talk", Kind::Bool, "false", "Listen only while a key is pressed"),
    row("still_there.line", Kind::Text, "", "Said when you say nothing after an answer"),
    row(
        "still_there.after_ms",
        Kind::Integer(1_000, 3_600_000),
        "10000",
        "How long you may say nothing before it is said",
    ),
    row("still_there.times", Kind::Integer(1, 100), "2", "How often it is said in a row"),
    row("still_there.hang_up", Kind::Bool, "false", "End the call if you say nothing even then"),
    row("wake.phrase", Kind::Phrases, "", "Listen only when one of these phrases was said"),
    row("wake.awake_ms", Kind::Integer(1_000, 600_000), "8000", "How long it then stays awake"),
    row("wake.acknowledgement", Kind::Text, "", "Said to a phrase without a question"),
];

const ANTHROPIC: &str = "https://api.anthropic.com";
const GEMINI: &str = "https://generativelanguage.googleapis.com";
/// What is harmful with a high, a medium or a low likelihood is withheld, or nothing.
const SAFETY: &[&str] = &["off", "high", "medium", "low"];
const REASONING: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];
/// The last five are efforts of adaptive thinking.
const ANTHROPIC_THINKING: &[&str] =
    &["off", "between_tools", "adaptive", "low", "medium", "high", "xhigh", "max"];
const GEMINI_THINKING: &[&str] = &["off", "adaptive", "minimal", "low", "medium", "high", "xhigh"];
const MODE: &[&str] = &["vad", "asm"];
const DUPLEX: &[&str] = &["openai", "gemini"];
/// `here`: the session's own rules. `there`: the model's. `both`: the model answers, and the rules
/// silence it as well.
const TURNS: &[&str] = &["here", "there", "both"];
/// `none`: the call ends. `vad`: the engines of mode vad.
const FALLBACK: &[&str] = &["none", "vad"];
const SYSTEM: &str = "You are speaking with someone aloud. Answer in one or two short sentences, \
                      in plain words, without lists, markup or emoji.";
const UNHEARD: &str = "Sorry, I could not hear that. Please say it again.";
const UNANSWERED: &str = "Sorry, something went wrong. Please ask me again.";
const VAD: &[&str] =
    &["earshot", "silero", "webrtc", "webrtc:0", "webrtc:1", "webrtc:2", "webrtc:3", "energy"];
const STT: &[&str] = &["auto", "openai", "openai:MODEL", "pocketsphinx", "mock"];
const LLM: &[&str] = &[
    "auto",
    "openai",
    "openai:MODEL",
    "anthropic",
    "anthropic:MODEL",
    "responses",
    "responses:MODEL",
    "gemini",
    "gemini:MODEL",
    "ollama:MODEL",
    "vllm:MODEL",
    "llama-server",
    "lm-studio:MODEL",
    "scripted",
    "scripted:FILE.toml",
    "replay:FILE",
    "mock",
];
/// The whole request, its last message, or nothing: then one answer follows the other.
const MATCHING: &[&str] = &["question", "exact", "order"];
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
/// `auto` is `on` where sound comes from a live device and goes to one.
const AUTO: &[&str] = &["auto", "on", "off"];
const NOISE: &[&str] = &["auto", "off", "low", "moderate", "high"];
const CUT: &[&str] = &["sliding", "summarise", "relevance", "fail"];
const VALIDATION: &[&str] = &["error", "warn", "off"];
const EMBEDDINGS: &[&str] =
    &["hashed", "openai", "openai:MODEL", "gemini", "gemini:MODEL", "ollama", "ollama:MODEL"];
const ENDPOINT: &[&str] = &["eager", "balanced", "patient", "fixed"];
const SPECULATION: &[&str] = &["free", "always", "never"];
const END_MODEL: &[&str] = &["off", "smart-turn"];
const BARGE_IN: &[&str] = &["immediate", "deferred", "ignore"];
