//! What a stage knows beside its elements: of the run, and of the turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Floor;
use crate::ids::{ResponseId, TurnId};
use crate::time::{SessionClock, SessionTime};
pub use crate::types::Metadata;
use crate::types::{Message, Parameters, ToolDescriptor, ToolPolicy};

/// What all stages of a run share.
#[derive(Clone, Debug)]
pub struct Context {
    /// The session's clock.
    pub clock: SessionClock,
    /// Which responses are cancelled or committed.
    pub floor: Floor,
    /// The session's metadata; a turn's own goes on top.
    pub metadata: Arc<Metadata>,
    last_activity: Arc<AtomicU64>,
}

impl Context {
    /// A context with no metadata.
    #[must_use]
    pub fn new(clock: SessionClock) -> Self {
        Self {
            clock,
            floor: Floor::default(),
            metadata: Arc::default(),
            last_activity: Arc::default(),
        }
    }

    /// The same with this metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Arc::new(metadata);
        self
    }

    /// Says that the run is alive: an idle time-out counts from here. Every element taken from
    /// an edge does so by itself.
    pub fn touch(&self) -> SessionTime {
        let now = self.clock.now();
        self.last_activity.store(now.as_nanos(), Ordering::Relaxed);
        now
    }

    pub(super) fn last_activity(&self) -> SessionTime {
        SessionTime::from_nanos(self.last_activity.load(Ordering::Relaxed))
    }
}

/// What a response is made from: the first thing that a stage gets of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnContext {
    /// The turn that is answered.
    pub turn: TurnId,
    /// The response.
    pub response: ResponseId,
    /// Instructions for the model.
    pub system: Arc<str>,
    /// The tools that the model may call.
    pub tools: Arc<[ToolDescriptor]>,
    /// How it may call them.
    pub tool_policy: ToolPolicy,
    /// How it is to answer.
    pub parameters: Arc<Parameters>,
    /// The conversation as it was heard, up to what is to be answered.
    pub history: Arc<[Message]>,
    /// What to say, word by word. The model is not asked then.
    pub script: Option<Arc<str>>,
    /// Metadata for the provider: the session's with the turn's own on top.
    pub metadata: Arc<Metadata>,
    /// It is begun before the user's turn has ended, and may be cancelled without trace: no more
    /// than its first clause is spoken before it is committed.
    pub ahead: bool,
    /// The model speaks for itself: what it says needs no synthesizer.
    pub own_voice: bool,
}

impl TurnContext {
    /// Asks for an answer to the last message of `history`, without instructions, tools and
    /// metadata, as the provider sees fit.
    #[must_use]
    pub fn new(turn: TurnId, response: ResponseId, history: impl Into<Arc<[Message]>>) -> Self {
        Self {
            turn,
            response,
            system: "".into(),
            tools: Arc::default(),
            tool_policy: ToolPolicy::default(),
            parameters: Arc::default(),
            history: history.into(),
            script: None,
            metadata: Arc::default(),
            ahead: false,
            own_voice: false,
        }
    }
}
