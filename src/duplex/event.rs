//! What happens in a duplex session.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{DuplexError, Refusal};
use crate::audio::AudioChunk;
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::types::{ToolCall, Usage};

/// One answer of the other side. A later one has a greater number, across connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(u32);

impl ReplyId {
    /// The first reply of a session.
    pub const FIRST: Self = Self(1);

    /// The reply after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number, from 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ReplyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What happens in a duplex session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DuplexEvent {
    /// The other side listens: for the first time, or again.
    Ready {
        /// It knows what was said on the connection before, and was not told anew.
        resumed: bool,
    },
    /// The connection is lost, and another one is opened. What is said meanwhile is kept.
    Lost {
        /// Why.
        error: DuplexError,
        /// When the next connection is tried.
        again_in: Duration,
    },
    /// The other side will end the connection. Another one is opened before, in a silence if there
    /// is one.
    GoingAway {
        /// When.
        left: Duration,
    },
    /// So much of what the user said while there was no connection was not kept: the oldest of it.
    Forgotten(Duration),
    /// The other side detects turns, and hears the user speak.
    SpeechStarted {
        /// Since when, as far as it tells.
        at: SessionTime,
    },
    /// The same says that the user has finished.
    SpeechStopped {
        /// When the user ceased to speak, as far as it tells.
        at: SessionTime,
    },
    /// What the user said, as the other side understood it: all of the turn so far.
    Transcript {
        /// The turn.
        turn: TurnId,
        /// The words.
        text: Arc<str>,
        /// Whether they will not change any more.
        is_final: bool,
    },
    /// The other side cannot say what the user said in a turn. It may have understood it all the
    /// same.
    NoTranscript {
        /// The turn.
        turn: TurnId,
        /// Why.
        reason: String,
    },
    /// An answer begins.
    ReplyStarted {
        /// The answer.
        reply: ReplyId,
        /// It is what was asked for by [`DuplexInput::Respond`](super::DuplexInput::Respond) or
        /// [`DuplexInput::ToolResults`](super::DuplexInput::ToolResults); else the other side has
        /// begun it by itself.
        asked: bool,
    },
    /// More words of an answer: those that are spoken, or written in place of speech.
    Text {
        /// The answer.
        reply: ReplyId,
        /// The words.
        delta: String,
    },
    /// More sound of an answer.
    Sound {
        /// The answer.
        reply: ReplyId,
        /// The sound, at the rate that the [`capabilities`](super::DuplexCapabilities) say.
        audio: AudioChunk,
    },
    /// The answer wants a tool called.
    ToolCall {
        /// The answer.
        reply: ReplyId,
        /// The call. It comes once, whichever of its events the other side sends.
        call: ToolCall,
    },
    /// The results of these calls are not wanted any more.
    ToolsCancelled {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Nothing more of an answer comes.
    ReplyEnded {
        /// The answer.
        reply: ReplyId,
        /// How it ended.
        how: ReplyEnd,
        /// What it took, if that is told.
        usage: Option<Usage>,
    },
    /// The other side refuses something that it was told. The session goes on.
    Refused(Refusal),
    /// The session is over: what ended it cannot be mended by another connection, or too many
    /// were tried.
    Closed(DuplexError),
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyEnd {
    /// All of it was given.
    Completed,
    /// It wants the results of its tools; another answer follows them.
    AwaitsTools,
    /// The other side has cut it short, since the user speaks.
    Interrupted,
    /// It was cancelled by [`DuplexInput::Cancel`](super::DuplexInput::Cancel).
    Cancelled,
    /// It reached the limit of its length.
    TooLong,
    /// The other side withheld the rest.
    Withheld,
    /// It broke off.
    Failed(Refusal),
    /// The connection was lost in the middle of it.
    Lost,
}
