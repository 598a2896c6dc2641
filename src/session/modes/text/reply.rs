//! A reply in writing, piece by piece.

use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

use super::{Line, TextSession};
use crate::error::Recovery;
use crate::events::EventKind;
use crate::hooks::Denied;
use crate::ids::ResponseId;
use crate::pipeline::{Element, Outcome, Payload};
use crate::providers::{ProviderError, RawExchange};
use crate::session::SessionError;
use crate::session::answer::{Answer, LIMIT, Said};
use crate::session::conversation::Input;
use crate::session::dialogue::InstructionsError;
use crate::session::herald::Herald;
use crate::stages::{Fact, Fault, Mark};
use crate::time::SessionTime;
use crate::types::{Media, ToolCall, ToolResult, Usage, Validation};
use crate::validators::ValidationError;

/// A piece of a reply. [`Done`](Self::Done) or [`Failed`](Self::Failed) is the last.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TextEvent {
    /// More text. Never the text so far.
    Delta(String),
    /// A picture, sound or document beside the text.
    Media(Media),
    /// The model calls a tool.
    ToolCalled(ToolCall),
    /// A tool has answered.
    ToolFinished(ToolResult),
    /// The answer broke off, or never began. The conversation goes on.
    Failed {
        /// What broke and what to do about it.
        error: ReplyError,
    },
    /// The answer is complete, or waits for the results of calls that nobody has registered a
    /// tool for.
    Done,
}

/// Why a reply broke off, or never began. The conversation goes on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The model failed.
    #[error(transparent)]
    Provider(Arc<ProviderError>),
    /// A hook has said no.
    #[error(transparent)]
    Denied(Denied),
    /// The model cannot be told what it is to do.
    #[error(transparent)]
    Instructions(#[from] InstructionsError),
    /// A rule refused what was said.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// Nothing came for too long.
    #[error("there was no progress for {0:?}; ask again")]
    NoProgress(Duration),
    /// Something else broke.
    #[error("{0}")]
    Broken(String),
}

impl ReplyError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Provider(error) => error.recovery(),
            Self::Denied(_) => Recovery::Abort,
            Self::Instructions(_) | Self::Validation(_) => Recovery::AskUser,
            Self::NoProgress(_) | Self::Broken(_) => Recovery::FallBack,
        }
    }
}

/// An answer as it is written.
///
/// Dropping it cancels what is left: the model and its tools end, and what was shown counts as
/// said.
#[derive(Debug)]
pub struct TextReply<S: DerefMut<Target = TextSession>> {
    session: S,
    /// `None` when the answer is over and in the history.
    answer: Option<Answer>,
    /// What the model has still to be sent, or why it cannot be asked.
    begin: Option<Result<Element, ReplyError>>,
    shown: String,
    /// What broke, before the end of the answer says that something did.
    fault: Option<Fault>,
    usage: Option<Usage>,
    raw: Vec<Arc<RawExchange>>,
    /// What came of the rules, once the answer is over.
    validations: Vec<Validation>,
    /// Since when the reader waits for the next piece.
    waits_since: Option<SessionTime>,
}

impl<S: DerefMut<Target = TextSession>> TextReply<S> {
    /// The reply to `input`, or to what came of the calls that the last one waited for.
    pub(crate) fn to(mut session: S, input: Option<Input>) -> Self {
        let (answer, begin) = session.begin(input);
        let (shown, fault, usage, waits_since) = (String::new(), None, None, None);
        Self {
            session,
            answer: Some(answer),
            begin: Some(begin),
            shown,
            fault,
            usage,
            raw: Vec::new(),
            validations: Vec::new(),
            waits_since,
        }
    }

    /// The next piece; `None` after the last. Fails the answer when nothing comes for 30 s.
    ///
    /// Cancel-safe. Must be called within a Tokio runtime.
    pub async fn next(&mut self) -> Option<TextEvent> {
        let response = self.answer.as_ref()?.response;
        let TextSession { dialogue, calls, context, .. } = &*self.session;
        dialogue.tell(|| Herald::start(&calls.hooks, &context.clock));
        if let Some(Err(error)) = self.begin.take_if(|begin| begin.is_err()) {
            return Some(self.fail(error));
        }
        let clock = self.session.context.clock.clone();
        let since = *self.waits_since.get_or_insert_with(|| clock.now());
        loop {
            let tools_until = self.answer.as_ref()?.tools_until;
            let read = read(&mut self.session, &mut self.begin, response);
            let news = tokio::select! {
                biased;
                news = read => news,
                () = clock.sleep_until(since.max(tools_until) + LIMIT) => {
                    return Some(self.fail(ReplyError::NoProgress(LIMIT)));
                }
            };
            let event = match news {
                Ok(News::Fact(fact)) => {
                    self.note(fact);
                    None
                }
                Ok(News::Element(element)) => self.take(element.payload),
                Err(error) => {
                    self.session.line = None;
                    Some(self.fail(ReplyError::Broken(error.to_string())))
                }
            };
            if event.is_some() {
                self.waits_since = None;
                return event;
            }
        }
    }

    /// Ends the answer here. Dropping it does the same.
    pub fn cancel(self) {
        drop(self);
    }

    /// What went over the wire so far, if the provider is to say so.
    pub(crate) fn raw(&self) -> &[Arc<RawExchange>] {
        &self.raw
    }

    /// What the model's requests have taken so far, if it tells.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// What came of the rules for what was said, when the answer is over: of those that were broken,
    /// and of those that looked at the whole and were not.
    #[must_use]
    pub fn validations(&self) -> &[Validation] {
        &self.validations
    }

    /// Writes down what an element says, and tells it.
    fn take(&mut self, payload: Payload) -> Option<TextEvent> {
        match payload {
            Payload::TextDelta(text) => {
                let answer = self.answer.as_ref()?;
                let kind = EventKind::ResponseText { text: text.to_string() };
                self.session.report.publish(Some(answer.turn), Some(answer.response), kind);
                self.shown.push_str(&text);
                Some(TextEvent::Delta(text.into()))
            }
            Payload::Media(media) => Some(TextEvent::Media((*media).clone())),
            Payload::ToolCall(call) => Some(TextEvent::ToolCalled((*call).clone())),
            Payload::ToolResult(result) => Some(TextEvent::ToolFinished((*result).clone())),
            Payload::TurnEnd(outcome) => {
                self.note_all();
                Some(match (outcome, self.fault.take()) {
                    (Outcome::Failed { .. }, Some(Fault::Provider(error))) => {
                        self.fail(ReplyError::Provider(error))
                    }
                    (Outcome::Failed { .. }, Some(Fault::Validation(error))) => {
                        self.fail(ReplyError::Validation(error))
                    }
                    (Outcome::Failed { .. }, Some(Fault::Denied(denied))) => {
                        self.fail(ReplyError::Denied(denied))
                    }
                    (Outcome::Failed { reason }, _) => {
                        self.fail(ReplyError::Broken(reason.to_string()))
                    }
                    (outcome, _) => {
                        self.end(outcome);
                        TextEvent::Done
                    }
                })
            }
            _ => None,
        }
    }

    /// Writes down what the model's stage says of itself.
    fn note(&mut self, fact: Fact) {
        let report = &self.session.report;
        let Some(answer) = self.answer.as_mut() else { return };
        match fact {
            Fact::Marked { response, mark: Mark::FirstToken, at } if answer.is(response) => {
                answer.first_text.get_or_insert(at);
            }
            Fact::Validated { response, validation } if answer.is(response) => {
                report.validated(answer.turn, Some(response), &validation);
                answer.validations.push(validation);
            }
            Fact::Used { response, usage } if answer.is(response) => {
                answer.used(usage);
                self.usage = answer.usage;
            }
            Fact::Raw { response, raw } if answer.is(response) => self.raw.push(raw),
            Fact::Shown { response, media } if answer.is(response) => {
                answer.media.push((*media).clone());
            }
            Fact::ToolCalled { response, call, until, lasting } => {
                report.called(response, &call);
                if answer.is(response) {
                    answer.called((*call).clone(), until, lasting);
                }
            }
            Fact::ToolPending { response, pending } => {
                report.pending(response, &pending);
                if answer.is(response) {
                    answer.left_pending((*pending).clone());
                }
            }
            Fact::ToolFinished { response, result, took } => {
                report.returned(response, &result, took);
                if answer.is(response) {
                    answer.returned((*result).clone());
                }
            }
            Fact::Retrying { turn, response, stage, error } => {
                report.retrying(turn, response, stage, error);
            }
            Fact::Event { turn, response, kind } => report.publish(turn, response, kind),
            Fact::Failed { turn, response, stage, error } => {
                report.failed(turn, response, stage, error.to_string());
                self.fault = Some(error).filter(|_| response == Some(answer.response));
            }
            _ => {}
        }
    }

    /// Facts are told before the elements that they are about.
    fn note_all(&mut self) {
        while let Some(line) = &mut self.session.line
            && let Ok(fact) = line.facts.try_recv()
        {
            self.note(fact);
        }
    }

    fn fail(&mut self, error: ReplyError) -> TextEvent {
        self.end(Outcome::Failed { reason: error.to_string().into() });
        TextEvent::Failed { error }
    }

    /// The answer is over, and what was shown of it is said.
    fn end(&mut self, outcome: Outcome) {
        self.note_all();
        let Some(answer) = self.answer.take() else { return };
        self.validations.clone_from(&answer.validations);
        self.session.context.floor.cancel(answer.response);
        let text = std::mem::take(&mut self.shown);
        let at = self.session.context.clock.now();
        let said = Said { outcome, heard_bytes: text.len(), text, heard: LENGTH_OF_TEXT, at };
        self.session.report.over(answer.response, &said, false);
        self.session.dialogue.answered(answer, &said);
    }
}

impl<S: DerefMut<Target = TextSession>> Drop for TextReply<S> {
    fn drop(&mut self) {
        if self.answer.is_some() {
            self.end(Outcome::Interrupted { heard: LENGTH_OF_TEXT });
        }
    }
}

/// What comes of the model's stage.
enum News {
    Element(Element),
    Fact(Fact),
}

/// The next element of `response`, or fact. What is left of those before it is passed over.
async fn read(
    session: &mut TextSession,
    begin: &mut Option<Result<Element, ReplyError>>,
    response: ResponseId,
) -> Result<News, SessionError> {
    let floor = session.context.floor.clone();
    let Line { input, run, facts } = session.line()?;
    if let Some(Ok(element)) = begin {
        // Whoever types means it.
        floor.commit(response);
        input.send(element.clone()).await.map_err(|_closed| gone())?;
        *begin = None;
    }
    loop {
        let element = tokio::select! {
            biased;
            Some(fact) = facts.recv() => return Ok(News::Fact(fact)),
            element = run.output.recv() => element,
        };
        match element {
            Ok(Some(element)) if element.response == Some(response) => {
                return Ok(News::Element(element));
            }
            Ok(Some(_)) => {}
            Ok(None) => {
                run.wait().await?;
                return Err(gone());
            }
            Err(error) => return Err(SessionError::Pipeline(error.into())),
        }
    }
}

pub(super) fn gone() -> SessionError {
    SessionError::BrokeOff("the model's stage has ended; ask again".to_owned())
}

/// Text makes no sound.
const LENGTH_OF_TEXT: Duration = Duration::ZERO;
