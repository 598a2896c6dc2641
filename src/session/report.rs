//! What a conversation tells the world: events, and the latency of each turn.

use std::time::Duration;

use crate::device::{self, Silenced};
use crate::events::{Event, EventBus, EventKind, Instants, Latency, SpeechEnd, StageName};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::Outcome;
use crate::session::answer::Said;
use crate::stages::Mark;
use crate::time::{SessionClock, SessionTime};
use crate::turn::EndReason;
use crate::types::{PendingCall, ToolCall, ToolResult, Validation};

/// Writes events, and keeps the instants that a latency is made of.
#[derive(Debug)]
pub(super) struct Reporter {
    bus: EventBus,
    clock: SessionClock,
    /// True ends of speech, if they are known.
    labels: Vec<SessionTime>,
    turns: u32,
    /// The turn that was ended last.
    ended: Option<Ended>,
    /// The response to it.
    answer: Option<Way>,
    /// Answers wait for words.
    words: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    turn: TurnId,
    speech_end: SessionTime,
    /// The silence that ended it.
    silence: Duration,
    /// The end of the sound that decided it.
    decided: SessionTime,
    at: SessionTime,
    /// When its words were known.
    transcript: Option<SessionTime>,
}

/// The way of a response to its first sound.
#[derive(Clone, Copy, Debug)]
struct Way {
    turn: TurnId,
    response: ResponseId,
    /// It answers nothing that was said.
    scripted: bool,
    marks: [Option<SessionTime>; 4],
}

impl Reporter {
    pub(super) fn new(bus: EventBus, clock: SessionClock, labels: Vec<SessionTime>) -> Self {
        Self { bus, clock, labels, turns: 0, ended: None, answer: None, words: true }
    }

    /// The same for a model that answers before the words of a turn are known.
    pub(super) fn without_words(self) -> Self {
        Self { words: false, ..self }
    }

    /// Answers wait for words from here on.
    pub(super) fn await_words(&mut self) {
        self.words = true;
    }

    pub(super) fn turns(&self) -> u32 {
        self.turns
    }

    pub(super) fn voice(&self, since: SessionTime) {
        self.publish(None, None, EventKind::SpeechStarted { start_ms: ms(since) });
    }

    pub(super) fn turn_started(&self, turn: TurnId, since: SessionTime) {
        self.publish(Some(turn), None, EventKind::TurnStarted { start_ms: ms(since) });
    }

    /// `heard` is when speech ended, by the detector, and how far the sound was heard; `silence`
    /// is what ended the turn.
    pub(super) fn turn_ended(
        &mut self,
        turn: TurnId,
        heard: (SessionTime, SessionTime),
        reason: EndReason,
        silence: Duration,
    ) {
        let (speech_end, heard_until) = heard;
        self.turns += u32::from(reason != EndReason::TooShort);
        let at = self.clock.now();
        // What a key ends, no sound decides.
        let decided = if silence.is_zero() { at } else { heard_until.min(at) };
        let transcript = (!self.words).then_some(at);
        self.ended = Some(Ended { turn, speech_end, silence, decided, at, transcript });
        let silence_ms = round(at.millis_since(speech_end));
        let kind = EventKind::TurnEnded { speech_end_ms: ms(speech_end), silence_ms, reason };
        self.publish(Some(turn), None, kind);
    }

    pub(super) fn transcript(&mut self, turn: TurnId, text: &str, is_final: bool) {
        if is_final
            && self.words
            && let Some(ended) = self.ended.as_mut().filter(|ended| ended.turn == turn)
        {
            ended.transcript = Some(self.clock.now());
        }
        let kind = EventKind::Transcript { text: text.to_owned(), is_final };
        self.publish(Some(turn), None, kind);
    }

    pub(super) fn typed(&mut self, turn: TurnId, text: &str) {
        self.turns += 1;
        self.publish(Some(turn), None, EventKind::Typed { text: text.to_owned() });
    }

    pub(super) fn response_started(&mut self, turn: TurnId, response: ResponseId, scripted: bool) {
        self.answer = Some(Way { turn, response, scripted, marks: [None; 4] });
        self.publish(Some(turn), Some(response), EventKind::ResponseStarted);
    }

    /// The response was begun ahead, then.
    pub(super) fn stood(&self, response: ResponseId, began: SessionTime) {
        let ahead_ms = round(self.clock.now().millis_since(began));
        self.of(response, EventKind::SpeculationCommitted { ahead_ms });
    }

    pub(super) fn marked(&mut self, response: ResponseId, mark: Mark, at: SessionTime) {
        if let Some(way) = self.answer.as_mut().filter(|way| way.response == response) {
            way.marks[mark as usize].get_or_insert(at);
        }
    }

    pub(super) fn clause(&self, response: ResponseId, text: String) {
        let characters = text.chars().count();
        self.of(response, EventKind::ResponseText { text });
        self.of(response, EventKind::SynthesisStarted { characters });
    }

    /// The response is heard: after how long, if that is known.
    pub(super) fn sounding(&self, response: ResponseId, at: device::Instants) -> Option<Latency> {
        self.of(response, EventKind::AgentSpeechStarted { start_ms: ms(at.in_air) });
        let latency = self.latency(response, at)?;
        self.of(response, EventKind::Latency(latency));
        Some(latency)
    }

    pub(super) fn over(&self, response: ResponseId, said: &Said, sounded: bool) {
        let heard_ms = round(said.heard.as_secs_f64() * 1e3);
        let interrupted = matches!(said.outcome, Outcome::Interrupted { .. });
        if sounded {
            let complete = said.outcome == Outcome::Completed;
            self.of(
                response,
                EventKind::AgentSpeechEnded { end_ms: ms(said.at), heard_ms, complete },
            );
        }
        if sounded && interrupted {
            let heard_text = said.heard_text().to_owned();
            self.of(response, EventKind::Interrupted { heard_ms, heard_text });
        }
        let outcome = match &said.outcome {
            Outcome::Completed => "completed",
            Outcome::Failed { .. } => "failed",
            Outcome::Interrupted { .. } if sounded || !said.heard_text().is_empty() => {
                "interrupted"
            }
            Outcome::AwaitingTools => "awaiting_tools",
            Outcome::Interrupted { .. } | Outcome::Discarded => "discarded",
        };
        self.of(response, EventKind::ResponseEnded { outcome });
    }

    pub(super) fn called(&self, response: ResponseId, call: &ToolCall) {
        let ToolCall { id, name, arguments } = call.clone();
        self.of(response, EventKind::ToolCalled { call: id, name, arguments });
    }

    pub(super) fn returned(&self, response: ResponseId, result: &ToolResult, took: Duration) {
        let (call, name) = (result.id.clone(), result.name.clone());
        let took_ms = round(took.as_secs_f64() * 1e3);
        let ok = !result.is_error;
        self.of(response, EventKind::ToolFinished { call, name, ok, took_ms });
    }

    pub(super) fn pending(&self, response: ResponseId, pending: &PendingCall) {
        let ToolCall { id, name, .. } = pending.call.clone();
        let waits_for = pending.waits_for.clone();
        self.of(response, EventKind::ToolPending { call: id, name, waits_for });
    }

    /// Of rules that are kept nobody needs to hear.
    pub(super) fn validated(
        &self,
        turn: TurnId,
        response: Option<ResponseId>,
        validation: &Validation,
    ) {
        let Validation { validator, kind, direction, action, message, .. } = validation.clone();
        if let (Some(action), Some(message)) = (action, message) {
            let kind = EventKind::ValidationFailed { validator, kind, direction, action, message };
            self.publish(Some(turn), response, kind);
        }
    }

    pub(super) fn retrying(
        &self,
        turn: TurnId,
        response: ResponseId,
        stage: StageName,
        error: String,
    ) {
        self.publish(Some(turn), Some(response), EventKind::Retried { stage, error });
    }

    pub(super) fn failed(
        &self,
        turn: TurnId,
        response: Option<ResponseId>,
        stage: StageName,
        error: String,
    ) {
        self.publish(Some(turn), response, EventKind::TurnFailed { stage, error });
    }

    pub(super) fn silenced(&self, held: Option<(TurnId, ResponseId)>, silenced: Silenced) {
        let Silenced { held: at, ran, in_air } = silenced;
        let callback_ms = round(ran.millis_since(at));
        let device_ms = round(in_air.millis_since(ran));
        self.of_response(held, EventKind::Silenced { callback_ms, device_ms });
    }

    pub(super) fn of_response(&self, current: Option<(TurnId, ResponseId)>, kind: EventKind) {
        let (turn, response) = current.unzip();
        self.publish(turn, response, kind);
    }

    pub(super) fn publish(
        &self,
        turn: Option<TurnId>,
        response: Option<ResponseId>,
        kind: EventKind,
    ) {
        // Before the first turn there is none.
        let turn = turn.filter(|turn| *turn != TurnId::default());
        self.bus.publish(Event { at: self.clock.now(), turn, response, kind });
    }

    fn of(&self, response: ResponseId, kind: EventKind) {
        let way = self.answer.filter(|way| way.response == response);
        self.publish(way.map(|way| way.turn), Some(response), kind);
    }

    fn latency(&self, response: ResponseId, sound: device::Instants) -> Option<Latency> {
        let way = self.answer.filter(|way| way.response == response && !way.scripted)?;
        let ended = self.ended.filter(|ended| ended.turn == way.turn)?;
        let [first_token, first_clause, first_sound, queued] = way.marks;
        let (from, speech_end) = match self.label(ended.speech_end) {
            Some(label) => (SpeechEnd::Label, label),
            None => (SpeechEnd::Estimate, ended.speech_end),
        };
        // What was done before the words were final has taken none of the time after.
        let transcript = ended.transcript?;
        let at = Instants {
            speech_end,
            decided: ended.decided,
            turn_ended: ended.at,
            transcript,
            first_token: first_token?.max(transcript),
            first_clause: first_clause?.max(transcript),
            first_sound: first_sound?.max(transcript),
            queued: queued?,
            rendered: sound.ran,
            in_air: sound.in_air,
        };
        Some(Latency::new(from, &at, ended.silence))
    }

    /// The label that an estimate is about.
    fn label(&self, estimate: SessionTime) -> Option<SessionTime> {
        let distance = |label: &SessionTime| label.since(estimate).max(estimate.since(*label));
        self.labels
            .iter()
            .copied()
            .min_by_key(distance)
            .filter(|label| distance(label) <= LABEL_DISTANCE)
    }
}

fn ms(at: SessionTime) -> f64 {
    round(at.as_millis())
}

fn round(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

/// No detector is off by more and still ends the turn that the label means.
const LABEL_DISTANCE: Duration = Duration::from_millis(500);
