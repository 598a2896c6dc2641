//! Opens responses.

use std::sync::Arc;

use super::{Actor, Ending};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Element, Outcome, Payload, TurnContext};
use crate::session::answer::Answer;
use crate::turn::{Agent, Input};

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
        self.last_response = Some(response);
        let now = self.clock.now();
        let context = TurnContext {
            turn,
            response,
            system: Arc::clone(&self.brief.system),
            tools: Arc::clone(&self.brief.tools),
            tool_policy: self.brief.tool_policy,
            parameters: Arc::clone(&self.brief.parameters),
            history: self.history.snapshot(),
            metadata: Arc::clone(&self.brief.metadata),
            script,
        };
        let scripted = context.script.is_some();
        let played = self.wires.gate.played();
        self.answer = Some(Answer::new(turn, response, scripted, now, played));
        self.machine.handle(Input::Agent(Agent::Preparing));
        self.report.response_started(turn, response, scripted);
        // Nobody speaks ahead of the end of the turn yet: every response is meant.
        self.wires.floor.commit(response);
        let begin = Element::begin(now, context);
        // Who is cancelled before anybody took its beginning has an end all the same.
        let end = begin.with(Payload::TurnEnd(Outcome::Discarded));
        for element in [begin, end] {
            let _ended = self.wires.speak.send(element).await;
        }
    }

    /// The turn that is answered, and what is said, if the model is not to be asked.
    fn next_to_say(&mut self) -> Option<(TurnId, Option<Arc<str>>)> {
        if let Some(line) = self.lines.pop_front() {
            return Some((self.last_turn, Some(line)));
        }
        let &(turn, _) = self.unanswered.last().filter(|_| self.ending == Ending::NotYet)?;
        for (_, text) in self.unanswered.drain(..) {
            self.history.said(&text);
        }
        Some((turn, None))
    }
}
