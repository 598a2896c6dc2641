//! What stages tell the session.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::DuplexFact;
use crate::audio::Tone;
use crate::device::Instants;
use crate::events::{EventKind, StageName};
use crate::hooks::Denied;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::Outcome;
use crate::providers::{ProviderError, RawExchange};
use crate::time::SessionTime;
use crate::turn::TurnSign;
use crate::types::{Media, PendingCall, ToolCall, ToolResult, Usage, Validation};
use crate::validators::ValidationError;

/// Something that happened in a stage.
#[derive(Debug)]
pub enum Fact {
    /// A frame of the user's sound was looked at.
    Voice {
        /// When the frame ends.
        end: SessionTime,
        /// How long it is.
        length: Duration,
        /// The detector's probability of speech.
        probability: f32,
        /// How loud it is, and how high the voice in it.
        tone: Tone,
    },
    /// A model has said how likely it is, from 0 to 1, that the user had finished.
    Judged {
        /// When it was asked.
        at: SessionTime,
        /// Its answer.
        likely: f32,
    },
    /// The program's own detector of turns has found something.
    Sign(TurnSign),
    /// The user's sound is over.
    StreamEnd,
    /// The recogniser understood something. The text is that of the whole turn so far.
    Transcript {
        /// The turn.
        turn: TurnId,
        /// What was understood.
        text: Arc<str>,
        /// Whether it will not change any more.
        is_final: bool,
    },
    /// The user pauses: this is what the turn's final would be if nothing more were said. The same
    /// words have come as a [`Transcript`](Self::Transcript).
    Provisional {
        /// The turn.
        turn: TurnId,
        /// What was understood.
        text: Arc<str>,
    },
    /// The recogniser believes that the user has finished.
    SpeechEnded {
        /// The turn.
        turn: TurnId,
    },
    /// The recogniser has heard a phrase that it was asked to listen for. The words of the turn are
    /// those behind it from here on.
    Spotted {
        /// The turn.
        turn: TurnId,
        /// The phrase.
        phrase: String,
    },
    /// A point on the way to the first sound of a response was reached.
    Marked {
        /// The response.
        response: ResponseId,
        /// Which point.
        mark: Mark,
        /// When.
        at: SessionTime,
    },
    /// A piece of the answer goes to the synthesizer.
    Clause {
        /// The response.
        response: ResponseId,
        /// Its text.
        text: String,
    },
    /// A tool is called.
    ToolCalled {
        /// The response.
        response: ResponseId,
        /// The call.
        call: Arc<ToolCall>,
        /// Until when it is waited for.
        until: SessionTime,
        /// It outlives the response.
        lasting: bool,
    },
    /// The response goes on, or ends, without the result of a call.
    ToolPending {
        /// The response.
        response: ResponseId,
        /// The call, and what it waits for.
        pending: Arc<PendingCall>,
    },
    /// A tool has answered.
    ToolFinished {
        /// The response.
        response: ResponseId,
        /// Its answer.
        result: Arc<ToolResult>,
        /// How long it took.
        took: Duration,
    },
    /// A stage tries once more, since nothing was heard of its failure.
    Retrying {
        /// The turn.
        turn: TurnId,
        /// The response.
        response: ResponseId,
        /// The stage.
        stage: StageName,
        /// What broke.
        error: String,
    },
    /// A stage could not do its part for a turn. The call goes on.
    Failed {
        /// The turn.
        turn: TurnId,
        /// The response, if there was one already.
        response: Option<ResponseId>,
        /// The stage.
        stage: StageName,
        /// What broke.
        error: Fault,
    },
    /// The answer shows or plays something beside its text.
    Shown {
        /// The response.
        response: ResponseId,
        /// What it is.
        media: Arc<Media>,
    },
    /// What the answer says was held against a rule.
    Validated {
        /// The response.
        response: ResponseId,
        /// What came of it.
        validation: Validation,
    },
    /// The model has told what a part of its answer took.
    Used {
        /// The response.
        response: ResponseId,
        /// The tokens of one request.
        usage: Usage,
    },
    /// The model's provider has told what went over the wire.
    Raw {
        /// The response.
        response: ResponseId,
        /// Of one request.
        raw: Arc<RawExchange>,
    },
    /// Something has happened in the session with a model that speaks for itself.
    Duplex(DuplexFact),
    /// Something that changes nothing for the session, and is only to be told.
    Event {
        /// The turn, if it is of one.
        turn: Option<TurnId>,
        /// The response, if it is of one.
        response: Option<ResponseId>,
        /// What happened.
        kind: EventKind,
    },
    /// The first audible sample of a response is in the air.
    Sounding {
        /// The response.
        response: ResponseId,
        /// When the device asked for it, and when it was in the air.
        instants: Instants,
    },
    /// A response is over, and nothing of it will be heard any more.
    Over {
        /// The response.
        response: ResponseId,
        /// How it ended.
        outcome: Outcome,
        /// The whole answer, as far as it was written.
        text: String,
        /// How many bytes of it were heard.
        heard_bytes: usize,
        /// How much of its sound was heard.
        heard: Duration,
        /// When the last of it was heard.
        at: SessionTime,
    },
}

impl Fact {
    /// The response that it is about.
    #[must_use]
    pub fn response(&self) -> Option<ResponseId> {
        match self {
            Self::Voice { .. }
            | Self::Judged { .. }
            | Self::Sign(_)
            | Self::StreamEnd
            | Self::Transcript { .. }
            | Self::Provisional { .. }
            | Self::SpeechEnded { .. }
            | Self::Spotted { .. }
            | Self::Duplex(_) => None,
            Self::Failed { response, .. } | Self::Event { response, .. } => *response,
            Self::Marked { response, .. }
            | Self::Clause { response, .. }
            | Self::ToolCalled { response, .. }
            | Self::ToolPending { response, .. }
            | Self::ToolFinished { response, .. }
            | Self::Retrying { response, .. }
            | Self::Shown { response, .. }
            | Self::Validated { response, .. }
            | Self::Used { response, .. }
            | Self::Raw { response, .. }
            | Self::Sounding { response, .. }
            | Self::Over { response, .. } => Some(*response),
        }
    }
}

/// What broke in a stage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The model.
    Provider(Arc<ProviderError>),
    /// A hook has said no.
    Denied(Denied),
    /// A validator refused the answer.
    Validation(ValidationError),
    /// Anything else, for people.
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(error) => error.fmt(f),
            Self::Denied(denied) => denied.fmt(f),
            Self::Validation(error) => error.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl From<String> for Fault {
    fn from(error: String) -> Self {
        Self::Other(error)
    }
}

/// The points on the way to the first sound of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The model gave its first text.
    FirstToken,
    /// There was enough text to speak.
    FirstClause,
    /// The synthesizer gave its first sound.
    FirstSound,
    /// The first audible sample was queued for the speaker.
    Queued,
}

/// Where stages send their facts. The channel is bounded: a session that falls behind holds its
/// stages back.
#[derive(Clone, Debug)]
pub struct Facts(Option<mpsc::Sender<Fact>>);

impl Facts {
    /// Facts for a session.
    #[must_use]
    pub fn to(session: mpsc::Sender<Fact>) -> Self {
        Self(Some(session))
    }

    /// Facts for nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Tells the session. When it has ended, so will the stage soon.
    pub async fn tell(&self, fact: Fact) {
        if let Some(session) = &self.0 {
            let _ended = session.send(fact).await;
        }
    }

    /// Waits until the session has ended.
    pub async fn closed(&self) {
        match &self.0 {
            Some(session) => session.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Tells the session that `response` reached `mark` at `at`.
    pub async fn mark(&self, response: ResponseId, mark: Mark, at: SessionTime) {
        self.tell(Fact::Marked { response, mark, at }).await;
    }
}
