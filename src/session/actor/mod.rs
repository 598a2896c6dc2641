//! The owner of a session's turns, responses and history.
//!
//! It is told [`Fact`]s, one after the other, asks the turn machine what they mean, and answers
//! with commands: to the microphone's stage, to the playout, to the floor and the gate, and by
//! opening a response. It never waits for anything but the next fact.

mod answer;
mod history;
mod report;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::answer::Answer;
use self::history::History;
pub(super) use self::report::Reporter;
use crate::device::Gate;
use crate::events::{EventKind, StageName};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{self, Element, Floor, Metadata, Outlet, TurnContext};
use crate::stages::{Fact, PlayoutCommand, TurnCommand};
use crate::time::{SessionClock, SessionTime};
use crate::turn::{Action, Agent, EndReason, Input, TurnMachine};
use crate::types::{Message, ToolDescriptor};

/// What the actor commands.
#[derive(Debug)]
pub(super) struct Wires {
    pub(super) facts: mpsc::Receiver<Fact>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) turns: mpsc::Sender<TurnCommand>,
    pub(super) playout: mpsc::Sender<PlayoutCommand>,
    pub(super) speak: Outlet,
    pub(super) floor: Floor,
    pub(super) gate: Arc<Gate>,
}

/// What the actor gives to every response.
#[derive(Debug)]
pub(super) struct Brief {
    pub(super) system: Arc<str>,
    pub(super) tools: Arc<[ToolDescriptor]>,
    pub(super) metadata: Arc<Metadata>,
}

/// The settings that the actor needs itself.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) threshold: f32,
    pub(super) pre_roll: Duration,
}

/// The actor. See the [module](self).
#[derive(Debug)]
pub(super) struct Actor {
    wires: Wires,
    brief: Brief,
    rules: Rules,
    clock: SessionClock,
    machine: TurnMachine,
    report: Reporter,
    history: History,
    /// A turn has begun and is not over.
    talking: bool,
    /// Turns that are over, and whose words are still to come. Each waits for ten seconds at
    /// most, so that they are few.
    awaited: Vec<Awaited>,
    /// The last turn that the recogniser has failed in: no words will come.
    unheard: TurnId,
    /// What the user said that no response was opened for yet.
    unanswered: Vec<(TurnId, Arc<str>)>,
    answer: Option<Answer>,
    last_response: Option<ResponseId>,
    /// The microphone has ended.
    deaf: bool,
    stopping: bool,
}

/// The words of a turn that are still to come.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    turn: TurnId,
    until: SessionTime,
}

/// What is left of a session.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) messages: Vec<Message>,
    pub(super) turns: u32,
    pub(super) under_runs: u64,
}

impl Actor {
    pub(super) fn new(
        wires: Wires,
        brief: Brief,
        rules: Rules,
        clock: SessionClock,
        machine: TurnMachine,
        report: Reporter,
    ) -> Self {
        Self {
            wires,
            brief,
            rules,
            clock,
            machine,
            report,
            history: History::default(),
            talking: false,
            awaited: Vec::new(),
            unheard: TurnId::default(),
            unanswered: Vec::new(),
            answer: None,
            last_response: None,
            deaf: false,
            stopping: false,
        }
    }

    /// Runs until the microphone has ended and everything is said, or until it is stopped.
    pub(super) async fn run(mut self) -> Outcome {
        let clock = self.clock.clone();
        while !self.is_over() {
            let deadline = self.deadline();
            tokio::select! {
                biased;
                fact = self.wires.facts.recv() => match fact {
                    Some(fact) => self.on_fact(fact),
                    None => break, // every stage has ended: something failed
                },
                () = stopped(&mut self.wires.stop), if !self.stopping => self.stop(),
                () = until(&clock, deadline) => self.on_deadline(),
            }
            while let Some(action) = self.machine.poll_action() {
                self.act(action);
            }
            self.open_response().await;
        }
        let under_runs = self.wires.gate.under_runs();
        Outcome { messages: self.history.into_messages(), turns: self.report.turns(), under_runs }
    }

    fn is_over(&self) -> bool {
        let idle = self.answer.is_none() && self.awaited.is_empty() && self.unanswered.is_empty();
        (self.deaf || self.stopping) && !self.talking && idle
    }

    fn on_fact(&mut self, fact: Fact) {
        match fact {
            Fact::Voice { end, length, probability } => {
                self.look_for_progress();
                let voiced = probability >= self.rules.threshold;
                self.machine.handle(Input::Voice { end, length, voiced });
            }
            Fact::StreamEnd => {
                self.deaf = true;
                self.machine.handle(Input::StreamEnd);
            }
            Fact::Transcript { turn, text, is_final } => self.on_transcript(turn, text, is_final),
            Fact::SpeechEnded { turn } => self.machine.handle(Input::SpeechEnded(turn)),
            Fact::Failed { turn, response, stage, error } => {
                self.report.failed(turn, response, stage, error);
                if stage == StageName::Stt {
                    self.unheard = turn;
                    self.no_words(turn);
                }
            }
            Fact::Sounding { response, at } => {
                self.machine.handle(Input::Agent(Agent::Sounding));
                if let Some(answer) = self.alive(response) {
                    answer.sounding = true;
                    self.report.sounding(response, at);
                }
            }
            Fact::Over { response, outcome, text, heard_bytes, heard, at } => {
                let Some(answer) = self.answer.take_if(|answer| answer.is(response)) else {
                    return;
                };
                self.machine.handle(Input::Agent(Agent::Listening));
                let outcome = answer.failed.clone().unwrap_or(outcome);
                let said = answer::Said { outcome, text, heard_bytes, heard, at };
                self.report.over(response, &said, answer.sounding);
                self.history.answered(answer, &said);
            }
            Fact::Marked { response, mark, at } => {
                if let Some(answer) = self.alive(response) {
                    answer.waits_for = StageName::Tts;
                }
                self.report.marked(response, mark, at);
            }
            Fact::Clause { response, text } => {
                self.alive(response);
                self.report.clause(response, text);
            }
            Fact::ToolCalled { response, call } => {
                if let Some(answer) = self.alive(response) {
                    answer.called((*call).clone());
                }
                self.report.called(response, &call);
            }
            Fact::ToolFinished { response, result, took } => {
                if let Some(answer) = self.alive(response) {
                    answer.returned((*result).clone());
                }
                self.report.returned(response, &result, took);
            }
        }
    }

    /// The present answer, if it is this response. It has given a sign of life.
    fn alive(&mut self, response: ResponseId) -> Option<&mut Answer> {
        let now = self.clock.now();
        let answer = self.answer.as_mut().filter(|answer| answer.is(response))?;
        answer.alive = now;
        Some(answer)
    }

    fn on_transcript(&mut self, turn: TurnId, text: Arc<str>, is_final: bool) {
        self.report.transcript(turn, &text, is_final);
        if !text.is_empty() {
            self.machine.handle(Input::Words(turn));
        }
        if is_final && text.is_empty() {
            self.no_words(turn);
        } else if is_final {
            self.awaited.retain(|awaited| awaited.turn != turn);
            self.unanswered.push((turn, text));
        }
    }

    /// The turn is over and gave no words.
    fn no_words(&mut self, turn: TurnId) {
        self.awaited.retain(|awaited| awaited.turn != turn);
        self.machine.handle(Input::NoWords(turn));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Voice { since } => self.report.voice(since),
            Action::Duck => self.wires.gate.duck(),
            Action::Unduck => self.wires.gate.play(),
            Action::Hold => {
                self.wires.gate.hold_at(self.clock.now());
                self.report.of_response(self.current(), EventKind::Held);
            }
            Action::Release => {
                self.wires.gate.play();
                self.report.of_response(self.current(), EventKind::Released);
            }
            Action::Cancel => self.cancel(),
            Action::FinishSentence => {
                let _full = self.wires.playout.try_send(PlayoutCommand::FinishSentence);
            }
            Action::Begin { turn, since } => {
                self.talking = true;
                self.report.turn_started(turn, since);
                self.command(TurnCommand::Begin { turn, from: since - self.rules.pre_roll });
            }
            Action::Lull { turn } => self.command(TurnCommand::Lull { turn }),
            Action::End { turn, speech_end, reason } => {
                self.talking = false;
                self.report.turn_ended(turn, speech_end, reason);
                let discard = reason == EndReason::TooShort;
                self.command(TurnCommand::End { turn, discard });
                if !discard && turn != self.unheard {
                    let until = self.clock.now() + TRANSCRIPT_LIMIT;
                    self.awaited.push(Awaited { turn, until });
                }
            }
        }
    }

    /// Tells the microphone's stage. It reads commands before sound, so that its queue cannot
    /// fill up: a command stands for more sound than fits into all the queues before it.
    fn command(&mut self, command: TurnCommand) {
        if self.wires.turns.try_send(command).is_err() {
            tracing::error!(?command, "the microphone's stage does not listen");
        }
    }

    fn current(&self) -> Option<(TurnId, ResponseId)> {
        self.answer.as_ref().map(|answer| (answer.turn, answer.response))
    }

    fn cancel(&mut self) {
        if let Some(answer) = &self.answer {
            self.wires.floor.cancel(answer.response);
        }
    }

    /// Opens a response to what the user said, once the one before is over and has reported
    /// what was heard of it.
    async fn open_response(&mut self) {
        let more_to_come = self.talking || !self.awaited.is_empty();
        if self.answer.is_some() || more_to_come || self.stopping {
            return;
        }
        let Some(&(turn, _)) = self.unanswered.last() else { return };
        for (_, text) in self.unanswered.drain(..) {
            self.history.said(&text);
        }
        let response = self.last_response.map_or(ResponseId::FIRST, ResponseId::next);
        self.last_response = Some(response);
        let now = self.clock.now();
        let context = TurnContext {
            turn,
            response,
            system: Arc::clone(&self.brief.system),
            tools: Arc::clone(&self.brief.tools),
            history: self.history.snapshot(),
            metadata: Arc::clone(&self.brief.metadata),
        };
        self.answer = Some(Answer::new(turn, response, now, self.wires.gate.played()));
        self.machine.handle(Input::Agent(Agent::Preparing));
        self.report.response_started(turn, response);
        // Nobody speaks ahead of the end of the turn yet: every response is meant.
        self.wires.floor.commit(response);
        let _ended = self.wires.speak.send(Element::begin(now, context)).await;
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.talking = false;
        self.awaited.clear();
        self.unanswered.clear();
        self.cancel();
    }

    /// Sound that leaves the speaker is progress; while the gate holds, none is wanted.
    fn look_for_progress(&mut self) {
        let (held, played) = (self.wires.gate.holds(), self.wires.gate.played());
        if let Some(answer) = &mut self.answer
            && (std::mem::replace(&mut answer.played, played) != played || held)
        {
            answer.alive = self.clock.now();
        }
    }

    fn deadline(&self) -> Option<SessionTime> {
        let answer = self.answer.as_ref().map(Answer::deadline);
        answer.into_iter().chain(self.awaited.iter().map(|awaited| awaited.until)).min()
    }

    /// A wait has lasted too long: the turn has failed, and the session listens again.
    fn on_deadline(&mut self) {
        let now = self.clock.now();
        for Awaited { turn, .. } in
            self.awaited.extract_if(.., |awaited| awaited.until <= now).collect::<Vec<_>>()
        {
            let error = format!("the recogniser gave no result within {TRANSCRIPT_LIMIT:?}");
            self.report.failed(turn, None, StageName::Stt, error);
            self.command(TurnCommand::GiveUp { turn });
            self.machine.handle(Input::NoWords(turn));
        }
        self.look_for_progress();
        let Some(answer) = self.answer.as_mut().filter(|answer| answer.deadline() <= now) else {
            return;
        };
        answer.alive = now;
        let (turn, response) = (answer.turn, answer.response);
        let error = format!("there was no progress for {:?}", answer::LIMIT);
        answer.failed = Some(pipeline::Outcome::Failed { reason: error.as_str().into() });
        self.report.failed(turn, Some(response), answer.waits_for, error);
        self.wires.floor.cancel(response);
    }
}

async fn until(clock: &SessionClock, deadline: Option<SessionTime>) {
    match deadline {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// The longest wait for the words of a turn that is over.
const TRANSCRIPT_LIMIT: Duration = Duration::from_secs(10);
