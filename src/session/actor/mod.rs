//! The owner of a session's turns and responses.
//!
//! It is told [`Fact`]s, one after the other, asks the turn machine what they mean, and answers
//! with commands: to the microphone's stage, to the playout, to the floor and the gate, and by
//! opening a response. It never waits for anything but the next fact.

mod ahead;
mod aside;
mod members;
mod own;
mod quiet;
mod respond;
mod succession;
mod unanswered;
mod waits;
mod wake;
mod wishes;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use self::ahead::{Ahead, DISCARDED};
use self::aside::Aside;
pub(super) use self::members::{Brief, Members, Rules, Services, Wires};
pub(super) use self::own::OwnVoice;
pub(super) use self::succession::Successor;
use self::unanswered::Unanswered;
use self::wishes::Line;
use crate::device::Instants;
use crate::events::{EventKind, StageName};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline;
use crate::session::answer::{Answer, Said};
use crate::session::dialogue::Dialogue;
use crate::session::report::Reporter;
use crate::stages::{Fact, Mark, PlayoutCommand, TurnCommand};
use crate::text::{Completeness, Words};
use crate::time::{SessionClock, SessionTime};
use crate::turn::speculation::Budget;
use crate::turn::{Action, Agent, Attention, EndReason, Input, Silence, TurnMachine, TurnSign};
use crate::types::Message;

/// The actor. See the [module](self).
#[derive(Debug)]
pub(super) struct Actor {
    wires: Wires,
    brief: Brief,
    services: Option<Services>,
    rules: Rules,
    /// The model speaks for itself.
    own: Option<OwnVoice>,
    clock: SessionClock,
    machine: TurnMachine,
    report: Reporter,
    dialogue: Dialogue,
    /// A turn has begun and is not over.
    talking: bool,
    /// Turns that are over, and whose words are still to come. Each waits for ten seconds at
    /// most, so that they are few.
    awaited: Vec<Awaited>,
    /// The last turn that the recogniser has failed in: no words will come.
    unheard: TurnId,
    /// What the user said that no response was opened for yet.
    unanswered: Vec<Unanswered>,
    /// What was said last over the agent, which went on.
    aside: Option<Aside>,
    /// The turn that somebody who is gone has not answered, or not to its end; and the response in
    /// which.
    resume: Option<TurnId>,
    left: Option<ResponseId>,
    /// What the agent is to say of itself, before it answers.
    lines: VecDeque<Line>,
    answer: Option<Answer>,
    /// What an answer is to be begun to ahead of the end of the turn.
    guess: Option<(TurnId, Arc<str>)>,
    /// The answer that was begun ahead.
    ahead: Option<Ahead>,
    /// The last ones that were begun in vain.
    discarded: VecDeque<ResponseId>,
    /// The response that was held and may still be heard.
    silencing: Option<(TurnId, ResponseId)>,
    last_response: Option<ResponseId>,
    /// The last turn that began.
    last_turn: TurnId,
    /// The end of the last frame that was looked at.
    heard_until: SessionTime,
    /// The microphone has ended.
    deaf: bool,
    /// Nobody sees what is shown, as was told.
    blind: bool,
    ending: Ending,
    /// Whether what is said is meant, where a phrase wakes the agent.
    attention: Option<Attention>,
    /// How long nobody has said anything, if somebody is to ask.
    silence: Option<Silence>,
    /// How often the agent has apologised, or tried to, since it answered the user.
    apologies: u32,
}

/// Whether the session is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// When the microphone does.
    NotYet,
    /// With the goodbye that is being said, if the user leaves it at that.
    TakingLeave,
    /// With what is being said.
    HangingUp,
    /// Now.
    Stopping,
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
    /// Why the model that speaks for itself has left.
    pub(super) left: Option<String>,
}

impl Actor {
    pub(super) fn new(wires: Wires, members: Members, clock: SessionClock) -> Self {
        let Members { machine, report, brief, dialogue, services, rules, own } = members;
        let attention = rules.wake.as_ref().map(|wake| Attention::new(wake.awake));
        let silence = rules.still_there.clone().map(Silence::new);
        Self {
            attention,
            silence,
            wires,
            brief,
            services,
            rules,
            own,
            clock,
            machine,
            report,
            dialogue,
            talking: false,
            awaited: Vec::new(),
            unheard: TurnId::default(),
            unanswered: Vec::new(),
            aside: None,
            resume: None,
            left: None,
            lines: VecDeque::new(),
            answer: None,
            guess: None,
            ahead: None,
            discarded: VecDeque::with_capacity(DISCARDED),
            silencing: None,
            last_response: None,
            last_turn: TurnId::default(),
            heard_until: SessionTime::ZERO,
            deaf: false,
            blind: false,
            ending: Ending::NotYet,
            apologies: 0,
        }
    }

    /// Runs until the microphone has ended and everything is said, or until it is stopped.
    pub(super) async fn run(mut self) -> Outcome {
        let clock = self.clock.clone();
        let dialogue = self.dialogue.clone();
        self.warm();
        self.report_asleep();
        while !self.is_over() {
            let deadline = self.deadline();
            tokio::select! {
                biased;
                fact = self.wires.facts.recv() => match fact {
                    Some(fact) => self.hear_of(fact),
                    None => break, // every stage has ended: something failed
                },
                () = stopped(&mut self.wires.wishes.stop), if !self.stops() => self.stop(),
                Some(wish) = self.wires.wishes.wishes.recv() => self.on_wish(wish),
                () = dialogue.news() => {} // there may be a response to open
                () = until(&clock, deadline) => self.on_deadline(),
            }
            while let Some(action) = self.machine.poll_action() {
                self.act(action);
            }
            self.begin_ahead().await;
            self.open_response().await;
            self.look_for_quiet();
        }
        self.leave();
        let under_runs = self.wires.gate.under_runs();
        let left = self.own.and_then(|own| own.over);
        let (messages, turns) = (self.dialogue.messages(), self.report.turns());
        Outcome { messages, turns, under_runs, left }
    }

    fn is_over(&self) -> bool {
        let silent = self.answer.is_none() && self.lines.is_empty();
        let idle = self.awaited.is_empty()
            && self.unanswered.is_empty()
            && self.resume.is_none()
            && !self.talking
            && self.own.as_ref().is_none_or(OwnVoice::is_idle);
        match self.ending {
            Ending::NotYet => silent && self.deaf && idle && !self.dialogue.has_news(),
            // Who speaks over the goodbye may have something to say.
            Ending::TakingLeave => silent && idle,
            Ending::HangingUp => silent,
            // What is said or fails from then on is answered by nobody.
            Ending::Stopping => self.answer.is_none(),
        }
    }

    fn on_fact(&mut self, fact: Fact) {
        match fact {
            Fact::Voice { end, length, probability, tone } => {
                self.heard_until = end;
                self.look_for_progress();
                self.look_for_silence();
                self.machine.handle(Input::Voice { end, length, probability, tone });
            }
            Fact::Judged { at, likely } => self.machine.handle(Input::Judged { at, likely }),
            Fact::Sign(sign) => self.machine.handle(match sign {
                TurnSign::Started { at } => Input::Started { at },
                TurnSign::Ended { speech_end } => Input::Ended { at: speech_end },
            }),
            Fact::StreamEnd => {
                self.deaf = true;
                self.machine.handle(Input::StreamEnd);
            }
            Fact::Transcript { turn, text, is_final } if self.own.is_some() => {
                self.on_own_words(turn, &text, is_final);
            }
            Fact::Transcript { turn, text, is_final } => self.on_words(turn, text, is_final),
            Fact::Duplex(fact) => self.on_duplex(fact),
            Fact::Provisional { turn, text } => self.guess(turn, text),
            Fact::Spotted { turn, phrase } => self.on_phrase(turn, phrase),
            Fact::SpeechEnded { turn } => self.machine.handle(Input::SpeechEnded(turn)),
            // The wait for it was over before.
            Fact::Failed { turn, stage: StageName::Stt, .. } if turn == self.unheard => {}
            Fact::Failed { turn, response, stage, error } => {
                self.report.failed(turn, response, stage, error.to_string());
                if stage == StageName::Stt {
                    self.on_unheard(turn);
                }
            }
            Fact::Sounding { response, instants } => self.on_sounding(response, instants),
            Fact::Over { response, outcome, text, heard_bytes, heard, at } => {
                self.on_over(response, Said { outcome, text, heard_bytes, heard, at });
            }
            Fact::Retrying { turn, response, stage, error } => {
                self.alive(response);
                self.report.retrying(turn, response, stage, error);
            }
            Fact::Event { turn, response, kind } => self.report.publish(turn, response, kind),
            Fact::Marked { response, mark, at } => self.on_mark(response, mark, at),
            Fact::Shown { response, media } => {
                if let Some(answer) = self.alive(response) {
                    answer.media.push((*media).clone());
                }
            }
            Fact::Validated { response, validation } => self.validated(response, &validation),
            Fact::Used { response, usage } => {
                if let Some(answer) = self.alive(response) {
                    answer.used(usage);
                }
            }
            Fact::Raw { .. } => {} // for a hook, in a call
            Fact::Clause { response, text } => {
                self.alive(response);
                self.report.clause(response, text);
            }
            Fact::ToolCalled { response, call, until, lasting } => {
                if let Some(answer) = self.alive(response) {
                    answer.called((*call).clone(), until, lasting);
                }
                self.report.called(response, &call);
            }
            Fact::ToolPending { response, pending } => {
                if let Some(answer) = self.alive(response) {
                    answer.left_pending((*pending).clone());
                }
                self.report.pending(response, &pending);
            }
            Fact::ToolFinished { response, result, took } => {
                if let Some(answer) = self.alive(response) {
                    answer.returned((*result).clone());
                }
                self.report.returned(response, &result, took);
            }
        }
    }

    fn on_mark(&mut self, response: ResponseId, mark: Mark, at: SessionTime) {
        if let Some(answer) = self.alive(response) {
            if mark == Mark::FirstToken {
                answer.first_text.get_or_insert(at);
            }
            answer.waits_for = StageName::Tts;
        }
        self.report.marked(response, mark, at);
    }

    /// The recogniser has failed in this turn.
    fn on_unheard(&mut self, turn: TurnId) {
        self.unheard = turn;
        let meant = self.is_meant(turn);
        self.no_words(turn);
        if meant {
            self.apologise(Arc::clone(&self.brief.apology.unheard));
        }
    }

    /// The agent is heard.
    fn on_sounding(&mut self, response: ResponseId, instants: Instants) {
        let agent = match &self.answer {
            Some(answer) if !answer.interruptible => Agent::Announcing,
            _ => Agent::Sounding,
        };
        self.machine.handle(Input::Agent(agent));
        if self.alive(response).is_some() {
            let latency = self.report.sounding(response, instants);
            let Some(answer) = &mut self.answer else { return };
            answer.sounding = true;
            answer.voice_to_voice_ms = latency.map(|latency| latency.total_ms);
        }
    }

    /// A response is over, and nothing more of it will be heard.
    fn on_over(&mut self, response: ResponseId, mut said: Said) {
        let Some(answer) = self.answer.take_if(|answer| answer.is(response)) else {
            return;
        };
        self.look_for_silence();
        if !matches!(said.outcome, pipeline::Outcome::Interrupted { .. }) {
            self.silencing = None; // it ended by itself
        }
        // It may have been lowered between its end and this report of it.
        self.wires.gate.play();
        self.machine.handle(Input::Agent(Agent::Listening));
        self.answered();
        said.outcome = answer.failed.clone().unwrap_or(said.outcome);
        self.report.over(response, &said, answer.sounding);
        self.take_up(said.outcome == pipeline::Outcome::Completed, said.at);
        // An apology that fails as well is not apologised for.
        let failed = matches!(said.outcome, pipeline::Outcome::Failed { .. });
        if failed {
            // Nobody will hear what the model goes on to say.
            self.wires.floor.cancel(response);
        }
        if failed && !answer.scripted && self.ending == Ending::NotYet {
            self.apologise(Arc::clone(&self.brief.apology.unanswered));
        } else if !failed && !answer.scripted && answer.sounding {
            self.apologies = 0;
        }
        match self.own {
            Some(_) => self.own_over(answer, said),
            None if self.left == Some(response) => self.left_over(answer, said),
            None => self.dialogue.answered(answer, &said),
        }
    }

    /// The present answer, if it is this response. It has given a sign of life.
    fn alive(&mut self, response: ResponseId) -> Option<&mut Answer> {
        let now = self.clock.now();
        let answer = self.answer.as_mut().filter(|answer| answer.is(response))?;
        answer.alive = now;
        Some(answer)
    }

    /// Words that are for the agent.
    fn on_transcript(&mut self, turn: TurnId, text: Arc<str>, is_final: bool) {
        self.report.transcript(turn, &text, is_final);
        let words = Words::of(&text, &self.rules.language);
        let passes_over = self.machine.passes_over(turn, words);
        if !text.is_empty() {
            self.machine.handle(Input::Words(turn, words));
        }
        if !text.is_empty() && !passes_over {
            self.understood();
        }
        if !is_final {
            let words = Completeness::of(&text, &self.rules.language);
            self.machine.handle(Input::Said(turn, words));
        }
        if is_final && passes_over {
            self.pass_over(turn, text);
        } else if is_final && text.is_empty() {
            self.no_words(turn);
        } else if is_final {
            self.awaited.retain(|awaited| awaited.turn != turn);
            self.unanswered.push(Unanswered::user(turn, text));
            self.settled(turn);
        }
    }

    /// The turn is over and gave no words.
    fn no_words(&mut self, turn: TurnId) {
        self.awaited.retain(|awaited| awaited.turn != turn);
        self.settled(turn);
        self.machine.handle(Input::NoWords(turn));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Voice { since } => {
                self.warm();
                if self.answer.is_none() {
                    self.sign_of_life(); // over the agent's voice it may be an echo
                }
                self.report.voice(since);
            }
            Action::Duck => self.wires.gate.duck(),
            Action::Unduck => self.wires.gate.play(),
            Action::Hold => {
                self.wires.gate.hold_at(self.clock.now());
                let sounding = self.answer.as_ref().is_some_and(|answer| answer.sounding);
                self.silencing = self.current().filter(|_| sounding);
                self.report.of_response(self.current(), EventKind::Held);
            }
            Action::Release => {
                self.look_for_silence();
                self.silencing = None;
                self.wires.gate.play();
                self.report.of_response(self.current(), EventKind::Released);
            }
            Action::Cancel => {
                if self.ending == Ending::TakingLeave {
                    self.ending = Ending::NotYet; // by key: the words are to come
                }
                self.cancel();
            }
            Action::FinishSentence => {
                let _full = self.wires.playout.try_send(PlayoutCommand::FinishSentence);
            }
            Action::Begin { turn, since } => {
                self.drop_ahead();
                self.talking = true;
                self.sign_of_life();
                self.wires.gate.set_taken(true);
                self.begun(turn);
                self.warm();
                self.last_turn = turn;
                self.own_turn_begun(since);
                self.report.turn_started(turn, since);
                self.command(TurnCommand::Begin { turn, from: since - self.rules.pre_roll });
            }
            Action::Ask { at, .. } => self.command(TurnCommand::Ask { at }),
            Action::Lull { turn } if self.rules.asks_at_lulls => {
                self.command(TurnCommand::Lull { turn });
            }
            Action::Lull { .. } => {}
            Action::GoesOn { turn } => {
                self.drop_ahead();
                if self.rules.asks_at_lulls {
                    self.command(TurnCommand::GoesOn { turn });
                }
            }
            Action::End { turn, speech_end, reason, silence } => {
                self.talking = false;
                self.wires.gate.set_taken(false);
                self.report.turn_ended(turn, (speech_end, self.heard_until), reason, silence);
                let discard = reason == EndReason::TooShort;
                self.command(TurnCommand::End { turn, discard });
                if discard {
                    self.settled(turn);
                }
                if !discard && self.own.is_some() {
                    self.own_turn_over(turn, speech_end);
                } else if !discard && turn != self.unheard {
                    let until = self.clock.now() + self.rules.transcript_limit;
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

    /// Nothing more of the answer is heard: who has some of it, and has not played it, forgets that.
    fn cancel(&mut self) {
        if let Some(answer) = &self.answer {
            if !self.wires.gate.holds() {
                self.wires.gate.hold_at(self.clock.now());
            }
            self.wires.floor.cancel(answer.response);
        }
    }

    /// What was said and will not be answered was said all the same.
    fn leave(&mut self) {
        self.drop_ahead();
        self.leave_own();
        for unanswered in self.unanswered.drain(..) {
            self.dialogue.said(unanswered.message());
        }
        self.dialogue.left(self.last_turn, None);
    }

    fn stops(&self) -> bool {
        self.ending == Ending::Stopping
    }

    fn stop(&mut self) {
        self.ending = Ending::Stopping;
        self.talking = false;
        self.lines.clear();
        match &mut self.own {
            // The words that it has not told are told, as far as they are known, with the end.
            Some(own) => own.stop(),
            None => self.awaited.clear(),
        }
        self.drop_ahead();
        self.cancel();
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
