//! Opens responses.

use std::sync::Arc;

use super::{Actor, Ending};
use crate::events::StageName;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Element, Outcome, Payload, TurnContext};
use crate::session::answer::Answer;
use crate::session::dialogue::{Begun, Unbegun};
use crate::turn::{Agent, Input};
use crate::types::{Message, Validation};

impl Actor {
    /// Opens a response to what the user said, or one with what the agent says of itself, once
    /// the one before is over and has reported what was heard of it.
    pub(super) async fn open_response(&mut self) {
        let more_to_come = self.talking || !self.awaited.is_empty();
        if self.answer.is_some() || more_to_come || self.stops() {
            return;
        }
        let Some((turn, script)) = self.next_to_say() else { return };
        let response = self.last_response.map_or(ResponseId::FIRST, ResponseId::next);
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
        self.last_response = Some(response);
        let scripted = context.script.is_some();
        let played = self.wires.gate.played();
        self.answer = Some(Answer::new(turn, response, scripted, now, played));
        self.machine.handle(Input::Agent(Agent::Preparing));
        self.report.response_started(turn, response, scripted);
        for validation in &validations {
            self.validated(response, validation);
        }
        // Nobody speaks ahead of the end of the turn yet: every response is meant.
        self.wires.floor.commit(response);
        let begin = Element::begin(now, context);
        // Who is cancelled before anybody took its beginning has an end all the same.
        let end = begin.with(Payload::TurnEnd(Outcome::Discarded));
        for element in [begin, end] {
            let _ended = self.wires.speak.send(element).await;
        }
    }

    /// There are no instructions to answer by, or a rule refused what the user said.
    fn speechless(&mut self, turn: TurnId, error: Unbegun) {
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
    fn of_results(&mut self) -> TurnId {
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
    fn next_to_say(&mut self) -> Option<(TurnId, Option<Arc<str>>)> {
        if let Some(line) = self.lines.pop_front() {
            return Some((self.last_turn, Some(line)));
        }
        if self.ending != Ending::NotYet {
            return None;
        }
        let Some(&(turn, _)) = self.unanswered.last() else {
            return self.dialogue.has_news().then(|| (self.of_results(), None));
        };
        for (_, text) in self.unanswered.drain(..) {
            self.dialogue.said(Message::user(&*text));
        }
        Some((turn, None))
    }
}
