//! Lets of an answer be said what its guardrails allow, while it is written.
//!
//! ```text
//!  provider ─ text ─▶ Judge ─ what may be said ─▶ tts, or who reads
//!      ▲ enough         │ told as `Validated`, and `Failed`
//!      └── the floor ◀──┘
//! ```
//!
//! A voice that comes with its words, of a model that speaks for itself, is held back: no sound goes on
//! before the words that came before it. What stands in place of words the model is asked to say.
//!
//! What is told to say a script is not judged: the program wrote it. What the user said is held
//! against the rules for it before an answer begins: [`admit`](crate::validators::admit).

use std::collections::VecDeque;
use std::sync::Arc;

use super::{DuplexFact, Fact, Facts, Fault};
use crate::events::{EventKind, StageName};
use crate::ids::ResponseId;
use crate::pipeline::{
    Context, Element, Inlet, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture,
    StageIo, StageKind,
};
use crate::types::Validation;
use crate::validators::{Guards, Judge, Portion, Ruling, ValidationError};

/// The stage. It stands behind the model's, which it stops when an answer has broken a rule: what
/// nobody will hear is not written.
///
/// Without rules that act, text goes on at once. Else it goes on word by word or clause by clause,
/// as soon as no rule can object any more; a rule that must have all of an answer holds all of it
/// back. Of an answer in the [model's own voice](crate::pipeline::TurnContext::own_voice) what stands in
/// place of its words is none of it, but told as [`DuplexFact::Instead`].
#[derive(Debug)]
pub struct Validate {
    guards: Arc<Guards>,
    portion: Portion,
    facts: Facts,
}

impl Validate {
    /// A stage with these rules, which gives answers on in these portions.
    #[must_use]
    pub fn new(guards: Arc<Guards>, portion: Portion, facts: Facts) -> Self {
        Self { guards, portion, facts }
    }
}

/// The stage while it runs.
struct Validating {
    stage: Validate,
    outlet: Outlet,
    context: Context,
    answer: Option<Answer>,
    /// The last response that was ended here. More of it may still come.
    over: Option<ResponseId>,
}

/// The answer that is judged.
struct Answer {
    response: ResponseId,
    /// An element of it, for those to come.
    origin: Element,
    judge: Judge,
    own_voice: bool,
    /// So many of its validations were told.
    told: usize,
    /// So many bytes of it have come.
    given: usize,
    /// So many bytes were let through when it was ruled of last.
    said: usize,
    /// Sound, and how many bytes came before it.
    held: VecDeque<(usize, Element)>,
}

impl Validating {
    async fn run(mut self, mut inlet: Inlet) -> Result<(), StageError> {
        while let Some(element) = inlet.recv().await? {
            if element.response.is_some() && element.response <= self.over {
                continue;
            }
            self.on_element(element).await;
        }
        Ok(())
    }

    async fn on_element(&mut self, element: Element) {
        if let Payload::Begin(turn) = &element.payload {
            let judge = Judge::new(&self.stage.guards, &self.stage.portion);
            self.answer = turn.script.is_none().then(|| Answer {
                response: turn.response,
                origin: element.with(Payload::TurnEnd(Outcome::Completed)),
                judge,
                own_voice: turn.own_voice,
                told: 0,
                given: 0,
                said: 0,
                held: VecDeque::new(),
            });
        }
        let of_answer = self.answer.as_mut().filter(|one| element.response == Some(one.response));
        let Some(answer) = of_answer else { return self.send(element).await };
        match &element.payload {
            Payload::Spoken { .. } if answer.held.len() == HELD => self.give_up().await,
            Payload::Spoken { .. } => {
                answer.held.push_back((answer.given, element));
                self.let_sound_through().await;
            }
            Payload::TextDelta(text) => {
                answer.given += text.len();
                let ruling = answer.judge.text(text);
                self.obey(ruling, None).await;
            }
            Payload::ToolCall(call) => {
                answer.judge.call(call);
                self.send(element).await;
            }
            Payload::ToolResult(result) => {
                answer.judge.result(result);
                self.send(element).await;
            }
            Payload::TurnEnd(outcome @ (Outcome::Completed | Outcome::AwaitingTools)) => {
                let ruling = answer.judge.end();
                self.obey(ruling, Some(outcome.clone())).await;
            }
            Payload::TurnEnd(outcome) => {
                let rest = Ruling::Say(answer.judge.broke_off());
                self.obey(rest, Some(outcome.clone())).await;
            }
            _ => self.send(element).await,
        }
    }

    /// Does what was ruled of the answer, which has `ended` or goes on.
    async fn obey(&mut self, ruling: Ruling, ended: Option<Outcome>) {
        self.tell_validations().await;
        match self.without_a_message(ruling).await {
            Ruling::Say(text) => {
                self.say(text).await;
                self.let_sound_through().await;
                if let Some(outcome) = ended {
                    self.end(outcome).await;
                }
            }
            Ruling::Stop(last) => {
                self.stop_the_model();
                self.say(last).await;
                self.let_sound_through().await;
                self.end(ended.unwrap_or(Outcome::Completed)).await;
            }
            Ruling::Fail(last, error) => {
                self.stop_the_model();
                self.say(last).await;
                self.let_sound_through().await;
                let outcome = self.failed(error).await;
                self.end(outcome).await;
            }
        }
    }

    /// What a model that speaks for itself has not said is not said by the answer: it is to be asked for.
    async fn without_a_message(&mut self, ruling: Ruling) -> Ruling {
        let Some(answer) = self.answer.as_mut().filter(|answer| answer.own_voice) else {
            return ruling;
        };
        let said = answer.judge.said() - std::mem::replace(&mut answer.said, answer.judge.said());
        let Ruling::Stop(last) = &ruling else { return ruling };
        let (of_answer, message) = last.split_at(said.min(last.len()));
        let (of_answer, message) = (of_answer.to_owned(), message.trim());
        if !message.is_empty() {
            let instead = DuplexFact::Instead { response: answer.response, text: message.into() };
            self.stage.facts.tell(Fact::Duplex(instead)).await;
        }
        Ruling::Stop(of_answer)
    }

    /// Sends the sound whose words were let through.
    async fn let_sound_through(&mut self) {
        while let Some(answer) = &mut self.answer {
            let said = answer.judge.said();
            if answer.held.front().is_none_or(|(given, _)| *given > said) {
                return;
            }
            let Some((_, element)) = answer.held.pop_front() else { return };
            self.send(element).await;
        }
    }

    /// There is more sound without words that may be said than can be kept.
    async fn give_up(&mut self) {
        self.stop_the_model();
        let Some(answer) = &self.answer else { return };
        let message = "an answer was ended: more of its sound waits to be judged than can be kept";
        let kind = EventKind::Warning { message: message.to_owned() };
        let (turn, response) = (Some(answer.origin.turn), Some(answer.response));
        self.stage.facts.tell(Fact::Event { turn, response, kind }).await;
        self.end(Outcome::Completed).await;
    }

    fn stop_the_model(&self) {
        if let Some(answer) = &self.answer {
            self.context.floor.enough(answer.response);
        }
    }

    /// Tells of rules that were broken as soon as they are, of the others at the end.
    async fn tell_validations(&mut self) {
        let Some(answer) = &mut self.answer else { return };
        let all = answer.judge.validations();
        let new: Vec<Validation> = all.get(answer.told..).unwrap_or_default().to_vec();
        answer.told = all.len();
        let response = answer.response;
        for validation in new {
            self.stage.facts.tell(Fact::Validated { response, validation }).await;
        }
    }

    async fn say(&mut self, text: String) {
        let Some(answer) = self.answer.as_ref().filter(|_| !text.is_empty()) else { return };
        let at = self.context.clock.now();
        let delta = answer.origin.with(Payload::TextDelta(text.into()));
        self.send(Element { at, ..delta }).await;
    }

    async fn failed(&mut self, error: ValidationError) -> Outcome {
        let reason = error.to_string().into();
        if let Some(answer) = &self.answer {
            let (turn, response) = (answer.origin.turn, Some(answer.response));
            let (stage, error) = (StageName::Validate, Fault::Validation(error));
            self.stage.facts.tell(Fact::Failed { turn, response, stage, error }).await;
        }
        Outcome::Failed { reason }
    }

    async fn end(&mut self, outcome: Outcome) {
        let Some(answer) = self.answer.take() else { return };
        self.over = Some(answer.response);
        let at = self.context.clock.now();
        let end = answer.origin.with(Payload::TurnEnd(outcome));
        self.send(Element { at, ..end }).await;
    }

    async fn send(&mut self, element: Element) {
        let _ended = self.outlet.send(element).await;
    }
}

impl Stage for Validate {
    fn name(&self) -> &'static str {
        "validate"
    }

    fn kind(&self) -> StageKind {
        StageKind::Transform
    }

    fn accepts(&self) -> Kinds {
        Kinds::BEGIN | Kinds::TEXT_DELTA | Kinds::SPOKEN | Kinds::TOOL_CALL | Kinds::TOOL_RESULT
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        let StageIo { inlet, outlet, context } = io;
        let stage = Validating { stage: *self, outlet, context, answer: None, over: None };
        Box::pin(stage.run(inlet))
    }
}

/// Pieces of sound that wait for their words: of 100 ms, 7 minutes.
const HELD: usize = 4_096;

#[cfg(test)]
mod tests;
