//! What flows through a pipeline.

use std::any::Any;
use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;
use std::time::Duration;

use super::TurnContext;
use crate::audio::AudioChunk;
use crate::ids::{ResponseId, TurnId};
use crate::time::SessionTime;
use crate::turn::SpeechMark;
use crate::types::{Media, Message, ToolCall, ToolResult};

/// One unit of data on its way through the pipeline.
#[derive(Clone, Debug)]
pub struct Element {
    /// The turn it belongs to.
    pub turn: TurnId,
    /// The response it belongs to; `None` for what is the user's. Elements of a cancelled
    /// response are dropped at the next edge.
    pub response: Option<ResponseId>,
    /// When its content happened: capture time of sound, arrival time of text.
    pub at: SessionTime,
    /// The content.
    pub payload: Payload,
}

/// The content of an [`Element`]: exactly one thing.
#[derive(Clone)]
#[non_exhaustive]
pub enum Payload {
    /// A response begins. A stage that changes the context sends a new one on.
    Begin(Arc<TurnContext>),
    /// The user's voice.
    Heard(AudioChunk),
    /// What left the speaker beside the user's voice that follows: what an echo is made of.
    Rendered(AudioChunk),
    /// The user pauses and may have finished.
    LikelyEnd,
    /// The user goes on after such a pause.
    GoesOn,
    /// What the recogniser made of the user's voice.
    Transcript(Transcript),
    /// A whole message.
    Message(Arc<Message>),
    /// A piece of the answer, as it is written.
    TextDelta(Box<str>),
    /// The agent's voice.
    Spoken {
        /// The sound.
        audio: AudioChunk,
        /// The piece of the answer that begins with this sound.
        mark: Option<SpeechMark>,
    },
    /// What the answer shows or plays beside its text.
    Media(Arc<Media>),
    /// The model calls a tool.
    ToolCall(Arc<ToolCall>),
    /// What came of it.
    ToolResult(Arc<ToolResult>),
    /// Nothing more of this turn or response follows on this edge.
    TurnEnd(Outcome),
    /// Anything else, for stages of users.
    Custom(Arc<dyn Any + Send + Sync>),
}

/// What the recogniser made of the user's voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transcript {
    /// May still change.
    Partial(Arc<str>),
    /// What was said.
    Final(Arc<str>),
}

/// How a turn or a response ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Completed,
    /// The user spoke over it.
    Interrupted {
        /// How much of its sound was heard.
        heard: Duration,
    },
    /// Something broke; the call goes on.
    Failed {
        /// What broke, for people.
        reason: Arc<str>,
    },
    /// It goes on when tools have answered.
    AwaitingTools,
    /// It was nothing: noise, or an answer nobody waited for any more.
    Discarded,
}

/// Elements are moved on every hop: they fit into a cache line.
const _: () = assert!(size_of::<Element>() <= 64);

impl Element {
    /// An element of no response.
    #[must_use]
    pub fn new(turn: TurnId, at: SessionTime, payload: Payload) -> Self {
        Self { turn, response: None, at, payload }
    }

    /// The beginning of a response: what the speaking half of a conversation starts from.
    #[must_use]
    pub fn begin(at: SessionTime, context: TurnContext) -> Self {
        let (turn, response) = (context.turn, context.response);
        Self::new(turn, at, Payload::Begin(Arc::new(context))).of(response)
    }

    /// The user's voice.
    #[must_use]
    pub fn heard(turn: TurnId, at: SessionTime, audio: AudioChunk) -> Self {
        Self::new(turn, at, Payload::Heard(audio))
    }

    /// A whole message.
    #[must_use]
    pub fn message(turn: TurnId, at: SessionTime, message: Message) -> Self {
        Self::new(turn, at, Payload::Message(Arc::new(message)))
    }

    /// The same element as part of `response`.
    #[must_use]
    pub fn of(mut self, response: ResponseId) -> Self {
        self.response = Some(response);
        self
    }

    /// Something else in its place, of the same turn, response and time.
    #[must_use]
    pub fn with(&self, payload: Payload) -> Self {
        Self { turn: self.turn, response: self.response, at: self.at, payload }
    }

    /// Whether it is the end of its turn or response.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.payload, Payload::TurnEnd(_))
    }
}

/// What goes first where elements compete: at a merge, and on edges with a priority queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Extras.
    Low,
    /// Text.
    Normal,
    /// Sound.
    High,
    /// Begin and end.
    Critical,
}

impl Priority {
    /// All, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];
}

impl Payload {
    /// How urgent it is.
    #[must_use]
    pub fn priority(&self) -> Priority {
        match self {
            Self::Begin(_) | Self::TurnEnd(_) => Priority::Critical,
            // A pause says something about the sound before it, and stays behind it.
            Self::Heard(_)
            | Self::Rendered(_)
            | Self::LikelyEnd
            | Self::GoesOn
            | Self::Spoken { .. } => Priority::High,
            Self::Transcript(_)
            | Self::Message(_)
            | Self::TextDelta(_)
            | Self::Media(_)
            | Self::ToolCall(_)
            | Self::ToolResult(_) => Priority::Normal,
            Self::Custom(_) => Priority::Low,
        }
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> Kinds {
        match self {
            Self::Begin(_) => Kinds::BEGIN,
            Self::Heard(_) => Kinds::HEARD,
            Self::Rendered(_) => Kinds::RENDERED,
            Self::LikelyEnd | Self::GoesOn => Kinds::LIKELY_END,
            Self::Transcript(_) => Kinds::TRANSCRIPT,
            Self::Message(_) => Kinds::MESSAGE,
            Self::TextDelta(_) => Kinds::TEXT_DELTA,
            Self::Media(_) => Kinds::MEDIA,
            Self::Spoken { .. } => Kinds::SPOKEN,
            Self::ToolCall(_) => Kinds::TOOL_CALL,
            Self::ToolResult(_) => Kinds::TOOL_RESULT,
            Self::TurnEnd(_) => Kinds::TURN_END,
            Self::Custom(_) => Kinds::CUSTOM,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(context) => f.debug_tuple("Begin").field(context).finish(),
            Self::Heard(audio) => f.debug_tuple("Heard").field(audio).finish(),
            Self::Rendered(audio) => f.debug_tuple("Rendered").field(audio).finish(),
            Self::LikelyEnd => f.write_str("LikelyEnd"),
            Self::GoesOn => f.write_str("GoesOn"),
            Self::Transcript(transcript) => transcript.fmt(f),
            Self::Message(message) => message.fmt(f),
            Self::TextDelta(text) => f.debug_tuple("TextDelta").field(text).finish(),
            Self::Spoken { audio, mark } => {
                f.debug_struct("Spoken").field("audio", audio).field("mark", mark).finish()
            }
            Self::Media(media) => media.fmt(f),
            Self::ToolCall(call) => call.fmt(f),
            Self::ToolResult(result) => result.fmt(f),
            Self::TurnEnd(outcome) => f.debug_tuple("TurnEnd").field(outcome).finish(),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// A set of payload kinds: what a stage accepts or emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// [`Payload::Begin`].
    pub const BEGIN: Self = Self(1);
    /// [`Payload::Heard`].
    pub const HEARD: Self = Self(1 << 1);
    /// [`Payload::LikelyEnd`] and [`Payload::GoesOn`].
    pub const LIKELY_END: Self = Self(1 << 2);
    /// [`Payload::Transcript`].
    pub const TRANSCRIPT: Self = Self(1 << 3);
    /// [`Payload::Message`].
    pub const MESSAGE: Self = Self(1 << 4);
    /// [`Payload::TextDelta`].
    pub const TEXT_DELTA: Self = Self(1 << 5);
    /// [`Payload::Spoken`].
    pub const SPOKEN: Self = Self(1 << 6);
    /// [`Payload::ToolCall`].
    pub const TOOL_CALL: Self = Self(1 << 7);
    /// [`Payload::ToolResult`].
    pub const TOOL_RESULT: Self = Self(1 << 8);
    /// [`Payload::TurnEnd`].
    pub const TURN_END: Self = Self(1 << 9);
    /// [`Payload::Custom`].
    pub const CUSTOM: Self = Self(1 << 10);
    /// [`Payload::Media`].
    pub const MEDIA: Self = Self(1 << 11);
    /// [`Payload::Rendered`].
    pub const RENDERED: Self = Self(1 << 12);
    /// Everything.
    pub const ALL: Self = Self((1 << 13) - 1);

    /// Whether the two have a kind in common. An end alone is no common ground: every stage
    /// passes it.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 & !Self::TURN_END.0 != 0
    }

    /// Those of one or the other, for constants.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}
