//! What both protocols work with: the caller's script, chance, the log, and what is to be sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::chance::Chance;
use super::super::script::Answer;
use super::super::{Delays, Services};
use super::log::{KEPT, Line, ResponseLog, SharedLog, Truncated, TurnLog, keep};
use super::mishap::Moment;
use crate::time::SessionTime;

/// The desk of one call.
#[derive(Debug)]
pub(super) struct Desk {
    services: Arc<Services>,
    caller: String,
    pub(super) chance: Chance,
    log: SharedLog,
    /// What the log adds to times.
    origin: u64,
    /// The time of what is being done.
    pub(super) now: SessionTime,
    out: VecDeque<Out>,
    /// Answers in progress.
    open: usize,
    /// Moments of what has come.
    moments: VecDeque<Moment>,
}

/// Where a voice began in the sound, and when that was known on the log's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    pub(super) from: Duration,
    known: u64,
}

/// What is to happen on the socket, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Out {
    /// An event is sent.
    Event(Event),
    /// It closes with this code, for this reason.
    Close(u16, String),
}

/// An event of the service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// What the log calls it.
    pub(super) kind: &'static str,
    /// It is one of many that make a whole.
    pub(super) is_delta: bool,
    /// The moment that it makes.
    pub(super) moment: Option<Moment>,
    /// The sound in it.
    pub(super) sound_ms: u64,
    /// All of it.
    pub(super) body: Value,
}

impl Event {
    pub(super) const fn new(kind: &'static str, body: Value) -> Self {
        Self { kind, is_delta: false, moment: None, sound_ms: 0, body }
    }

    pub(super) fn delta(self) -> Self {
        Self { is_delta: true, ..self }
    }

    pub(super) fn at(self, moment: Moment) -> Self {
        Self { moment: Some(moment), ..self }
    }
}

impl Desk {
    pub(super) fn new(
        services: Arc<Services>,
        caller: String,
        chance: Chance,
        log: SharedLog,
        origin: u64,
        now: SessionTime,
    ) -> Self {
        let (out, moments) = (VecDeque::new(), VecDeque::new());
        Self { services, caller, chance, log, origin, now, out, open: 0, moments }
    }

    pub(super) fn delays(&self) -> Delays {
        *self.services.delays()
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    pub(super) fn caller(&self) -> &str {
        &self.caller
    }

    pub(super) const fn log(&self) -> &SharedLog {
        &self.log
    }

    /// An id of this kind, which no other call has.
    pub(super) fn id(&mut self, kind: &str) -> String {
        format!("{kind}_{}", self.chance.id())
    }

    /// What the user says in the turn that is over.
    pub(super) fn next_words(&self) -> String {
        self.services.next_words(&self.caller)
    }

    /// What is answered now; `None` is the text that nobody wrote. It is to be told what becomes of
    /// it: [`answered`](Self::answered) or [`lost`](Self::lost).
    pub(super) fn answer(&mut self) -> Option<Answer> {
        self.open += 1;
        self.services.take_answer(&self.caller)
    }

    /// An answer was given, as far as it was wanted.
    pub(super) const fn answered(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// An answer was lost: the next one says the same.
    pub(super) fn lost(&mut self) {
        self.services.give_back(&self.caller, self.open.min(1));
        self.answered();
    }

    /// The call is over, and so are the answers in progress.
    pub(super) fn all_lost(&mut self) {
        self.services.give_back(&self.caller, std::mem::take(&mut self.open));
    }

    pub(super) fn send(&mut self, event: Event) {
        self.out.push_back(Out::Event(event));
    }

    pub(super) fn close(&mut self, code: u16, reason: impl Into<String>) {
        self.out.push_back(Out::Close(code, reason.into()));
    }

    /// Too much waits: nothing of it is sent any more.
    pub(super) fn give_up(&mut self) {
        self.out.clear();
        self.close(1008, "too much is asked while nothing is answered");
    }

    /// Something has come that is a moment of the call.
    pub(super) fn came(&mut self, moment: Moment) {
        self.moments.push_back(moment);
    }

    pub(super) fn next_moment(&mut self) -> Option<Moment> {
        self.moments.pop_front()
    }

    pub(super) fn next_out(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// How much waits to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// The time on the log's clock.
    pub(super) const fn stamp(&self) -> u64 {
        self.origin.saturating_add(self.now.as_nanos())
    }

    /// The user has finished, at this place of the sound.
    pub(super) fn log_turn(&self, voice: Voice, ended: Duration) {
        let ms = |at: Duration| at.as_millis() as u64;
        let (started_ms, ended_ms) = (ms(voice.from), ms(ended));
        let turn = TurnLog { started_ms, ended_ms, began: voice.known, over: self.stamp() };
        keep(&mut self.log.write().turns, turn);
    }

    /// The user has begun to speak, at this place of the sound.
    pub(super) const fn voice(&self, from: Duration) -> Voice {
        Voice { from, known: self.stamp() }
    }

    pub(super) fn log_error(&self, code: &str) {
        keep(&mut self.log.write().errors, code.to_owned());
    }

    pub(super) fn log_truncated(&self, truncated: Truncated) {
        keep(&mut self.log.write().truncated, truncated);
    }

    pub(super) fn log_conversation(&self, mut lines: Vec<Line>) {
        lines.drain(..lines.len().saturating_sub(KEPT));
        self.log.write().conversation = lines;
    }

    /// A response has begun: its entry, for [`log_response`](Self::log_response).
    pub(super) fn log_begun(&self) -> ResponseLog {
        let status = "in_progress".to_owned();
        ResponseLog { began: self.stamp(), first: None, over: None, status, spoken_ms: 0 }
    }

    /// A response is over.
    pub(super) fn log_response(&self, mut response: ResponseLog, status: &str) {
        response.over = Some(self.stamp());
        status.clone_into(&mut response.status);
        keep(&mut self.log.write().responses, response);
    }
}
