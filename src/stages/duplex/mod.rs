//! Where a conversation meets a model that hears and speaks for itself.
//!
//! ```text
//!  listening  … ▶ audio_turn ▶ resample ▶ duplex ⇄ DuplexSession
//!                                           ⇅ asks, answers
//!  speaking              Begin ▶ provider (DuplexModel) ▶ playout ▶ speaker
//! ```
//!
//! The stage owns the session. The user's sound goes into it, what the other side says of turns and
//! words becomes facts, and its answers go to whoever asks for them: the model's stage, by a
//! [`DuplexModel`], as it asks any model. So tools, hooks, limits and the floor are those of all
//! answers. One that the other side begins by itself is offered to the session, which opens a
//! response for it.
//!
//! A session that is lost for good may have followers, who hear behind this stage: then it hands on
//! to them what was said and not answered, and all that is said from there on.

mod hub;
mod kept;
mod model;
mod owed;
mod passing;
mod replies;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use self::hub::Hub;
pub use self::model::DuplexModel;
use crate::duplex::{DuplexProvider, Opening, ReplyId};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Kinds, Stage, StageFuture, StageIo, StageKind};
use crate::stages::Facts;
use crate::time::SessionTime;
use crate::types::Media;

/// The stage: it hears [`Heard`](crate::pipeline::Payload::Heard) and ends of turns.
#[derive(Debug)]
pub struct Duplex(Hub);

/// What the session wants of the stage.
#[derive(Clone, Debug, PartialEq)]
pub enum DuplexCommand {
    /// A response begins: what its first request is about.
    Begin {
        /// The response.
        response: ResponseId,
        /// What it answers.
        to: AnswerTo,
    },
    /// A response is not heard any more.
    Over {
        /// The response.
        response: ResponseId,
        /// How much of its sound was heard.
        sound: Duration,
        /// The words of it that were heard.
        text: String,
        /// It was heard to its end.
        whole: bool,
        /// What it answers needs no other answer.
        answered: bool,
    },
    /// The user shows something beside what is said.
    Image(Arc<Media>),
    /// A frame of what a camera or a screen shows.
    Frame {
        /// When it was taken.
        at: SessionTime,
        /// The picture.
        image: Arc<Media>,
    },
    /// Other instructions, from here on.
    Instructions(Arc<str>),
}

/// What a response answers.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerTo {
    /// The other side has begun it by itself.
    Itself(ReplyId),
    /// It is to be asked for.
    Asked {
        /// The spoken turn, whose sound must have been told before.
        turn: Option<TurnId>,
        /// What the user has written.
        texts: Vec<Arc<str>>,
        /// What it is to say, word by word, in place of an answer.
        say: Option<Arc<str>>,
    },
}

/// What happens in the session that the conversation must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DuplexFact {
    /// The other side listens: for the first time, or again, and then to what it has not answered as
    /// well.
    Ready,
    /// The other side has begun an answer by itself.
    Offered(ReplyId),
    /// An answer that it has begun ended before anybody asked for it.
    Withdrawn(ReplyId),
    /// It has cut its answer short, since the user speaks.
    Cut(ResponseId),
    /// A rule for what is said has ended an answer, in place of whose rest this is to be said.
    Instead {
        /// The response.
        response: ResponseId,
        /// What is to be said.
        text: Arc<str>,
    },
    /// There will be no words of this turn.
    Wordless {
        /// The turn.
        turn: TurnId,
        /// Why.
        reason: String,
    },
    /// Whether the other side is there to tell of turns, if it is to. Told where somebody follows.
    Hears(bool),
    /// The session is over.
    Over {
        /// Why.
        reason: String,
        /// The turns that whoever follows hears from here on: what there is of them.
        again: Vec<TurnId>,
    },
    /// The session is over, and this response waits for an answer of it, or for the rest of one. It is
    /// to be ended: nothing more of it comes.
    Unanswered(ResponseId),
}

impl Duplex {
    /// A stage with a session of `provider`, which opens at once; the model that answers; and where
    /// the stage is told what is wanted. Must be called within a Tokio runtime.
    #[must_use]
    pub fn open(
        provider: Arc<dyn DuplexProvider>,
        opening: Opening,
        facts: Facts,
    ) -> (Self, DuplexModel, mpsc::Sender<DuplexCommand>) {
        let (ask, asks) = mpsc::channel(ASKS);
        let (command, commands) = mpsc::channel(COMMANDS);
        let hub = Hub::new(&*provider, opening, facts, asks, commands);
        (Self(hub), DuplexModel::new(provider, ask), command)
    }

    /// The same before a stage that hears in its place once the session is lost for good.
    #[must_use]
    pub fn followed(mut self) -> Self {
        self.0.hand_on();
        self
    }
}

impl Stage for Duplex {
    fn name(&self) -> &'static str {
        "duplex"
    }

    fn kind(&self) -> StageKind {
        StageKind::Bidirectional
    }

    fn accepts(&self) -> Kinds {
        Kinds::HEARD | Kinds::TURN_END
    }

    fn emits(&self) -> Kinds {
        if self.0.hands_on() { Kinds::HEARD | Kinds::TURN_END } else { Kinds::NONE }
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.0.serve(io))
    }
}

/// One answer is asked for at a time.
const ASKS: usize = 4;

/// A response has two, a camera gives one a second.
const COMMANDS: usize = 64;
