//! Of what an actor is made.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::OwnVoice;
use crate::device::Gate;
use crate::pipeline::{Floor, Outlet};
use crate::providers::Provider;
use crate::session::Apology;
use crate::session::dialogue::Dialogue;
use crate::session::handle::Wishes;
use crate::session::report::Reporter;
use crate::stages::{Fact, PlayoutCommand, TurnCommand};
use crate::tts::Synthesizer;
use crate::turn::speculation::Budget;
use crate::turn::{Endpointer, StillThere, TurnMachine, Wake};
use crate::types::ToolDescriptor;

/// What the actor commands.
#[derive(Debug)]
pub(in crate::session) struct Wires {
    pub(in crate::session) facts: mpsc::Receiver<Fact>,
    pub(in crate::session) wishes: Wishes,
    pub(in crate::session) turns: mpsc::Sender<TurnCommand>,
    pub(in crate::session) playout: mpsc::Sender<PlayoutCommand>,
    pub(in crate::session) speak: Outlet,
    pub(in crate::session) floor: Floor,
    pub(in crate::session) gate: Arc<Gate>,
}

/// Of whom the actor is made.
#[derive(Debug)]
pub(in crate::session) struct Members {
    pub(in crate::session) machine: TurnMachine,
    pub(in crate::session) report: Reporter,
    pub(in crate::session) brief: Brief,
    pub(in crate::session) dialogue: Dialogue,
    /// Nothing is warmed where the model has a connection of its own.
    pub(in crate::session) services: Option<Services>,
    pub(in crate::session) rules: Rules,
    pub(in crate::session) own: Option<OwnVoice>,
}

impl Members {
    /// The same with somebody else who says how much silence ends a turn.
    pub(in crate::session) fn with_endpointer(
        mut self,
        endpointer: Option<Box<dyn Endpointer>>,
    ) -> Self {
        if let Some(endpointer) = endpointer {
            self.machine = self.machine.with_endpointer(endpointer);
        }
        self
    }
}

/// What is warmed when the user begins to speak.
#[derive(Debug)]
pub(in crate::session) struct Services {
    pub(in crate::session) provider: Arc<dyn Provider>,
    pub(in crate::session) synthesizer: Arc<dyn Synthesizer>,
}

impl Services {
    pub(super) fn warm(&self) {
        self.provider.warm();
        self.synthesizer.warm();
    }
}

/// What the actor gives to every response, besides what was said before.
#[derive(Debug)]
pub(in crate::session) struct Brief {
    pub(in crate::session) tools: Arc<[ToolDescriptor]>,
    pub(in crate::session) apology: Apology,
}

/// The settings that the actor needs itself.
#[derive(Debug)]
pub(in crate::session) struct Rules {
    pub(in crate::session) pre_roll: Duration,
    pub(in crate::session) transcript_limit: Duration,
    pub(in crate::session) wake: Option<Wake>,
    pub(in crate::session) still_there: Option<StillThere>,
    /// By whose rules words so far are complete; none where they cannot be trusted.
    pub(in crate::session) language: String,
    /// How many answers may be begun before their turns have ended; `None` if none may.
    pub(in crate::session) ahead: Option<Budget>,
    /// The recogniser is asked at each lull for what its final would be.
    pub(in crate::session) asks_at_lulls: bool,
}
