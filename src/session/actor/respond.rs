//! Opens responses.

use std::sync::Arc;

use super::ahead::Ahead;
use super::{Actor, Ending, Line, Unanswered};
use crate::events::StageName;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Element, Outcome, Payload, TurnContext};
use crate::session::answer::Answer;
use crate::session::dialogue::{Begun, Unbegun};
use crate::turn::{Agent, Input};
use crate::types::Validation;

impl Actor {
    /// Opens a response to what the user said, or one with what the agent says of itself, once
    /// the one before is over and has reported what was heard of it.
    pub(super) async fn open_response(&mut self) {
        if self.own.is_some() {
            return self.open_own().await;
        }
        let more_to_come = self.talking || !self.awaited.is_empty();
        if self.answer.is_some() || more_to_come || self.stops() {
            return;
        }
        let Some((turn, line)) = self.next_to_say() else { return self.drop_ahead() };
        let interruptible = line.as_ref().is_none_or(|line| line.interruptible);
        let script = line.map(|line| line.text);
        let response = self.next_response();
        let now = self.clock.now();
        let tools = Arc::clone(&self.brief.tools);
        let begun = match self.dialogue.begin(turn, response, tools) {
            Ok(begun) => begun,
            Err(error) if script.is_none() => return self.speechless(turn, error),
            // What is to be said needs no instructions.
            Err(_) => Begun {
                context: TurnContext::new(turn, response, Vec::new()),
                validations: Vec::new(),
            },
        };
        let Begun { context, validations } = begun;
        // A rule for what the user said may have the answer.
        let context = TurnContext { script: script.or(context.script), ..context };
        if let Some(ahead) = self.ahead_of(&context) {
            let Ahead { response, began, facts, .. } = ahead;
            let answer = Answer::new(turn, response, false, now);
            self.opened(Answer { began, ..answer });
            self.validate(response, &validations);
            self.report.stood(response, began);
            facts.into_iter().for_each(|fact| self.on_fact(fact));
            return;
        }
        self.last_response = Some(response);
        let scripted = context.script.is_some();
        let answer = Answer::new(turn, response, scripted, now);
        self.opened(Answer { interruptible, ..answer });
        self.validate(response, &validations);
        self.begin(context).await;
    }

    /// This is the answer: it may be heard.
    pub(super) fn opened(&mut self, answer: Answer) {
        let Answer { turn, response, scripted, interruptible, .. } = answer;
        self.answer = Some(answer);
        let agent = if interruptible { Agent::Preparing } else { Agent::Announcing };
        self.machine.handle(Input::Agent(agent));
        self.answers();
        self.report.response_started(turn, response, scripted);
        self.wires.floor.commit(response);
    }

    fn validate(&mut self, response: ResponseId, validations: &[Validation]) {
        for validation in validations {
            self.validated(response, validation);
        }
    }

    /// Has the stages begin with a response.
    pub(super) async fn begin(&mut self, context: TurnContext) {
        let begin = Element::begin(self.clock.now(), context);
        // Who is cancelled before anybody took its beginning has an end all the same.
        let end = begin.with(Payload::TurnEnd(Outcome::Discarded));
        for element in [begin, end] {
            let _ended = self.wires.speak.send(element).await;
        }
    }

    pub(super) fn next_response(&self) -> ResponseId {
        self.last_response.map_or(ResponseId::FIRST, ResponseId::next)
    }

    /// There are no instructions to answer by, or a rule refused what the user said.
    pub(super) fn speechless(&mut self, turn: TurnId, error: Unbegun) {
        let (stage, error, validations) = match error {
            Unbegun::Instructions(error) => (StageName::Provider, error.to_string(), Vec::new()),
            Unbegun::Refused { error, validations } => {
                (StageName::Validate, error.to_string(), validations)
            }
        };
        self.dialogue.left(turn, Some(&error));
        for validation in validations {
            self.report.validated(turn, None, &validation);
        }
        self.report.failed(turn, None, stage, error);
        self.apologise(Arc::clone(&self.brief.apology.unanswered));
    }

    /// A turn for results that came after their answers.
    pub(super) fn of_results(&mut self) -> TurnId {
        let turn = self.machine.number_turn();
        self.last_turn = turn;
        self.dialogue.go_on(turn);
        turn
    }

    /// What came of a rule for what was said.
    pub(super) fn validated(&mut self, response: ResponseId, validation: &Validation) {
        let Some(answer) = self.alive(response) else { return };
        let turn = answer.turn;
        answer.validations.push(validation.clone());
        self.report.validated(turn, Some(response), validation);
    }

    /// The turn that is answered, and what is said, if the model is not to be asked.
    fn next_to_say(&mut self) -> Option<(TurnId, Option<Line>)> {
        if let Some(line) = self.lines.pop_front() {
            return Some((self.last_turn, Some(line)));
        }
        if self.ending != Ending::NotYet {
            return None;
        }
        let Some(&Unanswered { turn, .. }) = self.unanswered.last() else {
            let resumed = self.resume.take();
            let news = || self.dialogue.has_news().then(|| self.of_results());
            return resumed.or_else(news).map(|turn| (turn, None));
        };
        self.resume = None;
        for unanswered in self.unanswered.drain(..) {
            self.dialogue.said(unanswered.message());
        }
        Some((turn, None))
    }
}
