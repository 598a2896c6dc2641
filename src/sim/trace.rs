//! All that is known of a simulated call when it is over.

use std::time::Duration;

use super::devices::Audible;
use super::journal::{Happening, Who};
use super::mode::Mode;
use super::weather::Gone;
use crate::events::{Event, EventKind};
use crate::ids::{ResponseId, TurnId};
use crate::time::SessionTime;
use crate::types::Message;

/// What the properties are checked on.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) mode: Mode,
    pub(super) events: Vec<Event>,
    /// Events that the subscriber was too slow for.
    pub(super) lost: u64,
    pub(super) happenings: Vec<(SessionTime, Who, Happening)>,
    /// When the agent was audible.
    pub(super) audible: Vec<Audible>,
    pub(super) ending: Ending,
    /// When the speaker was unplugged.
    pub(super) speaker_gone: Option<Gone>,
    pub(super) limits: Limits,
}

/// What the session was set to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) transcript: Duration,
    pub(super) shutdown: Duration,
}

/// How the call ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// By itself, or because the program wished it.
    Ended(Vec<Message>),
    /// The model that speaks for itself could not be kept.
    Left(String),
    /// The session gave up.
    Failed(String),
    /// It never did.
    TimedOut(Duration),
}

/// A response from its beginning to its end.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) id: ResponseId,
    pub(super) started: SessionTime,
    /// When its first sound was in the air, and when that was told.
    pub(super) sounded: Option<SessionTime>,
    /// When it was not heard any more: when that was told.
    pub(super) silent: Option<SessionTime>,
    /// Its pieces.
    pub(super) clauses: Vec<String>,
    pub(super) heard_text: Option<String>,
    pub(super) outcome: Option<(SessionTime, &'static str)>,
    /// How often it was released after a hold.
    pub(super) releases: usize,
}

impl Response {
    pub(super) fn text(&self) -> String {
        self.clauses.concat().trim().to_owned()
    }

    fn new(id: ResponseId, started: SessionTime) -> Self {
        Self {
            id,
            started,
            sounded: None,
            silent: None,
            clauses: Vec::new(),
            heard_text: None,
            outcome: None,
            releases: 0,
        }
    }

    fn on(&mut self, event: &Event) {
        match &event.kind {
            EventKind::ResponseText { text } => self.clauses.push(text.clone()),
            EventKind::AgentSpeechStarted { start_ms } => {
                self.sounded = Some(SessionTime::from_nanos((start_ms * 1e6) as u64));
            }
            EventKind::AgentSpeechEnded { .. } => self.silent = Some(event.at),
            EventKind::Interrupted { heard_text, .. } => self.heard_text = Some(heard_text.clone()),
            EventKind::Released => self.releases += 1,
            EventKind::ResponseEnded { outcome } => self.outcome = Some((event.at, outcome)),
            _ => {}
        }
    }
}

impl Trace {
    /// The responses, in the order in which they began.
    pub(super) fn responses(&self) -> Vec<Response> {
        let mut responses: Vec<Response> = Vec::new();
        for event in &self.events {
            let Some(id) = event.response else { continue };
            if event.kind == EventKind::ResponseStarted {
                responses.push(Response::new(id, event.at));
            }
            if let Some(response) = responses.iter_mut().rfind(|response| response.id == id) {
                response.on(event);
            }
        }
        responses
    }

    /// When the program first wished for an end of the call, of either kind.
    pub(super) fn wished_end(&self) -> Option<SessionTime> {
        self.wished(&["hang up", "stop"])
    }

    /// When the program first wished for one of these.
    pub(super) fn wished(&self, wishes: &[&str]) -> Option<SessionTime> {
        self.happenings.iter().find_map(|(at, _, what)| match what {
            Happening::Wished { wish, taken: true } if wishes.contains(&&**wish) => Some(*at),
            _ => None,
        })
    }

    /// Whether the user typed a part of this turn, or the key was pressed: its words may be taken
    /// with what was typed.
    pub(super) fn wished_hearing(&self, turn: Option<TurnId>) -> bool {
        let typed = |event: &&Event| matches!(event.kind, EventKind::Typed { .. });
        self.events.iter().filter(typed).any(|event| event.turn == turn)
    }

    /// How long the agent was audible between two times.
    pub(super) fn audible_between(&self, from: SessionTime, to: SessionTime) -> Duration {
        let within =
            self.audible.iter().map(|stretch| stretch.to.min(to).since(stretch.from.max(from)));
        within.sum()
    }
}
