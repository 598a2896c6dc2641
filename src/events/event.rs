//! The vocabulary.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Latency;
use crate::ids::{ResponseId, SessionId, TurnId};
use crate::time::SessionTime;
use crate::turn::EndReason;
use crate::types::WaitsFor;
use crate::types::{Direction, ValidationAction};

/// The version of the vocabulary. New fields and types do not change it; a reader skips what it
/// does not know.
pub const VERSION: u32 = 1;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When it was told.
    #[serde(rename = "t_ms", serialize_with = "millis")]
    pub at: SessionTime,
    /// The turn that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The response that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. All times are in milliseconds; those that end in `_ms` after a noun (such as
/// `start_ms`) count from the session's start, unless their text says that they are a length.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The session listens.
    SessionStarted {
        /// The vocabulary's [`VERSION`].
        version: u32,
        /// The session's name.
        session: SessionId,
        /// The voice detector.
        vad: String,
        /// The speech recogniser.
        stt: String,
        /// The language model.
        llm: String,
        /// The speech synthesizer.
        tts: String,
    },
    /// There is voice; it may become a turn.
    SpeechStarted {
        /// When it began.
        start_ms: f64,
    },
    /// A turn of the user began.
    TurnStarted {
        /// When its first voice was heard.
        start_ms: f64,
    },
    /// A turn of the user is over.
    TurnEnded {
        /// When the user ceased to speak, as the detector has it.
        speech_end_ms: f64,
        /// How long the user had been silent when the turn was ended: a length.
        silence_ms: f64,
        /// Why it is over.
        reason: EndReason,
    },
    /// What the recogniser understood of the turn so far.
    Transcript {
        /// The text of the whole turn so far.
        text: String,
        /// Whether it will not change any more.
        #[serde(rename = "final")]
        is_final: bool,
    },
    /// The agent is awake: what is said is for it. Told where a phrase wakes it.
    Woken {
        /// The phrase that woke it; none if it was a key, a typed line, or its own speech.
        #[serde(skip_serializing_if = "Option::is_none")]
        phrase: Option<String>,
    },
    /// The agent sleeps: what is said is for nobody, and no event has its words.
    Asleep,
    /// The agent begins to answer.
    ResponseStarted,
    /// The answer was begun before the user's turn had ended. Told behind `response_started`; what
    /// was made of it by then follows at once.
    SpeculationCommitted {
        /// How long before: a length.
        ahead_ms: f64,
    },
    /// An answer was begun before the user's turn had ended, and in vain. No other event tells of
    /// it, nothing of it was heard, and the history does not know it.
    SpeculationDiscarded {
        /// Tokens of the request.
        input_tokens: u64,
        /// Tokens of what was written until then.
        output_tokens: u64,
        /// The model has not told: this is an estimate.
        estimated: bool,
    },
    /// A piece of the answer.
    ResponseText {
        /// Its text; the pieces of a response make up its answer.
        text: String,
    },
    /// The synthesizer begins with a piece of the answer.
    SynthesisStarted {
        /// How many characters the piece has.
        characters: usize,
    },
    /// The agent is heard.
    AgentSpeechStarted {
        /// When the first audible sample was in the air.
        start_ms: f64,
    },
    /// The agent is not heard any more.
    AgentSpeechEnded {
        /// When the last of it was in the air.
        end_ms: f64,
        /// How much of its sound was heard: a length.
        heard_ms: f64,
        /// Whether that is all of the answer.
        complete: bool,
    },
    /// The agent's voice is held: the user may be interrupting.
    Held,
    /// The speaker has obeyed: from here on it plays silence.
    Silenced {
        /// From the decision to the device's call that was first given silence: a length.
        callback_ms: f64,
        /// From there until that silence was in the air, which is the device's share: a length.
        device_ms: f64,
    },
    /// The agent goes on: the user said no words.
    Released,
    /// The user interrupted the agent.
    Interrupted {
        /// How much of the answer's sound was heard: a length.
        heard_ms: f64,
        /// The part of the answer that was heard.
        heard_text: String,
    },
    /// A response is over.
    ResponseEnded {
        /// `completed`, `interrupted`, `failed`, `awaiting_tools` when somebody else has the results of
        /// its calls, or `discarded` when nothing of it was heard.
        outcome: &'static str,
    },
    /// The model calls a tool.
    ToolCalled {
        /// The call.
        call: String,
        /// The tool.
        name: String,
        /// Its arguments.
        arguments: Value,
    },
    /// A tool has answered.
    ToolFinished {
        /// The call.
        call: String,
        /// The tool.
        name: String,
        /// Whether it gave a result.
        ok: bool,
        /// How long it took: a length.
        took_ms: f64,
    },
    /// The answer goes on, or ends, without the result of a call.
    ToolPending {
        /// The call.
        call: String,
        /// The tool.
        name: String,
        /// What it waits for.
        waits_for: WaitsFor,
    },
    /// A person has decided about a call, or given its result, or the tool has given one after its
    /// answer.
    ToolResolved {
        /// The call.
        call: String,
        /// The tool.
        name: String,
        /// Whether there is a result.
        ok: bool,
    },
    /// The user typed a turn.
    Typed {
        /// The text.
        text: String,
    },
    /// A stage failed before anything of its work was heard, and tries once more.
    Retried {
        /// Which stage.
        stage: StageName,
        /// What broke.
        error: String,
    },
    /// A turn could not be answered. The call goes on.
    TurnFailed {
        /// Which stage failed.
        stage: StageName,
        /// What broke and what to do about it.
        error: String,
    },
    /// What was said breaks a rule.
    ValidationFailed {
        /// The rule.
        validator: String,
        /// Its kind.
        kind: String,
        /// Whose words: `input` or `output`.
        direction: Direction,
        /// What is done: `replaced`, `truncated`, `warned` or `failed`.
        action: ValidationAction,
        /// What is wrong. It never repeats what is withheld.
        message: String,
    },
    /// Less than the whole conversation was sent to the model: it would be over the budget.
    ContextCut {
        /// How many messages were left out.
        left_out: usize,
        /// How many of these a summary told of.
        summarised: usize,
        /// The size of what was sent, in tokens.
        tokens: u32,
    },
    /// Where the time went from the user's last word to the agent's first sound.
    Latency(Latency),
    /// Something beside the conversation failed, such as a recording. The call goes on.
    Warning {
        /// What broke and what to do about it.
        message: String,
    },
    /// The model that speaks for itself listens: for the first time, or again.
    ConnectionReady {
        /// It knows what was said on the connection before, and was not told anew.
        resumed: bool,
    },
    /// The connection to it is lost, and another one is opened. What is said meanwhile is kept.
    ConnectionLost {
        /// Why.
        error: String,
        /// When the next one is tried: a length.
        again_in_ms: f64,
    },
    /// The model will end the connection. Another one is opened before.
    ConnectionEnding {
        /// When: a length.
        left_ms: f64,
    },
    /// So much of what was said without a connection was not kept: the oldest of it.
    SoundForgotten {
        /// A length.
        sound_ms: f64,
    },
    /// The model that speaks for itself is lost for good, and others go on with the call.
    ModeChanged {
        /// How it goes on: `vad`.
        mode: &'static str,
        /// Why.
        reason: String,
        /// The speech recogniser from here on.
        stt: String,
        /// The language model.
        llm: String,
        /// The synthesizer.
        tts: String,
    },
    /// Another device is in use.
    DeviceChanged {
        /// `microphone` or `speaker`.
        device: &'static str,
        /// What the user knows it by.
        name: String,
    },
    /// The session is over.
    SessionEnded {
        /// How many turns the user had.
        turns: u32,
        /// How often the speaker ran out of sound in the middle of an answer.
        under_runs: u64,
        /// How much of the microphone's sound was lost because nobody took it in time: a length.
        lost_ms: f64,
    },
}

/// A stage that can fail a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Speech to text.
    Stt,
    /// The language model.
    Provider,
    /// Text to speech.
    Tts,
    /// What of the conversation is sent to the model.
    Context,
    /// The rules for what is said.
    Validate,
}

fn millis<S: Serializer>(at: &SessionTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(round(at.as_millis()))
}

/// To a microsecond: finer is not known.
pub(super) fn round(ms: f64) -> f64 {
    // Adding zero makes -0 plain 0.
    (ms * 1e3).round() / 1e3 + 0.0
}
