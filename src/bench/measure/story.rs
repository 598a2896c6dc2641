//! The events of a call, put together: turns, responses, holds.

use crate::events::{Event, EventKind, Latency};
use crate::ids::{ResponseId, TurnId};
use crate::time::SessionTime;
use crate::turn::EndReason;

/// What happened in a call.
#[derive(Debug, Default)]
pub(super) struct Story<'a> {
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) responses: Vec<Response<'a>>,
    pub(super) holds: Vec<Hold>,
}

/// A turn of the user, as the session has it.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    id: TurnId,
    pub(super) start_ms: f64,
    /// When speech ended, and why the turn did.
    pub(super) ended: Option<(f64, EndReason)>,
    /// The final transcript.
    pub(super) text: Option<&'a str>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Response<'a> {
    id: ResponseId,
    /// Its pieces, as they were given to the synthesizer.
    pub(super) clauses: Vec<&'a str>,
    pub(super) latency: Option<Latency>,
    /// When it was first heard.
    pub(super) start_ms: Option<f64>,
    pub(super) end: Option<End>,
    /// What was heard of it, if it was interrupted.
    pub(super) interrupted: Option<&'a str>,
}

/// The end of a response that was heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at_ms: f64,
    pub(super) heard_ms: f64,
    pub(super) complete: bool,
}

/// The agent was held.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) at: SessionTime,
    /// From there to silence at the ring.
    pub(super) silenced_ms: Option<f64>,
}

impl<'a> Story<'a> {
    pub(super) fn of(events: &'a [Event]) -> Self {
        let mut story = Self::default();
        events.iter().for_each(|event| story.add(event));
        story
    }

    fn add(&mut self, event: &'a Event) {
        match &event.kind {
            EventKind::TurnStarted { start_ms } => {
                let Some(id) = event.turn else { return };
                self.turns.push(Turn { id, start_ms: *start_ms, ended: None, text: None });
            }
            EventKind::Held => self.holds.push(Hold { at: event.at, silenced_ms: None }),
            EventKind::Silenced { callback_ms, .. } => {
                if let Some(hold) = self.holds.last_mut() {
                    hold.silenced_ms = Some(*callback_ms);
                }
            }
            EventKind::SpeculationDiscarded { .. } => {} // nobody heard of it
            EventKind::TurnEnded { .. } | EventKind::Transcript { .. } => self.add_to_turn(event),
            _ => self.add_to_response(event),
        }
    }

    fn add_to_turn(&mut self, event: &'a Event) {
        let Some(turn) = self.turns.iter_mut().rfind(|turn| Some(turn.id) == event.turn) else {
            return;
        };
        match &event.kind {
            EventKind::TurnEnded { speech_end_ms, reason, .. } => {
                turn.ended = Some((*speech_end_ms, *reason));
            }
            EventKind::Transcript { text, is_final: true } => turn.text = Some(text),
            _ => {}
        }
    }

    fn add_to_response(&mut self, event: &'a Event) {
        let Some(id) = event.response else { return };
        if self.responses.last().is_none_or(|last| last.id < id) {
            let (clauses, latency, start_ms) = (Vec::new(), None, None);
            let (end, interrupted) = (None, None);
            self.responses.push(Response { id, clauses, latency, start_ms, end, interrupted });
        }
        let Some(response) = self.responses.iter_mut().rfind(|response| response.id == id) else {
            return;
        };
        match &event.kind {
            EventKind::ResponseText { text } => response.clauses.push(text),
            EventKind::AgentSpeechStarted { start_ms } => response.start_ms = Some(*start_ms),
            EventKind::AgentSpeechEnded { end_ms, heard_ms, complete } => {
                let (at_ms, heard_ms, complete) = (*end_ms, *heard_ms, *complete);
                response.end = Some(End { at_ms, heard_ms, complete });
            }
            EventKind::Interrupted { heard_text, .. } => response.interrupted = Some(heard_text),
            EventKind::Latency(latency) => response.latency = Some(*latency),
            _ => {}
        }
    }
}

impl Turn<'_> {
    /// Whether it is one: not a noise that was found too short.
    pub(super) fn counts(&self) -> bool {
        !matches!(self.ended, Some((_, EndReason::TooShort)))
    }
}
