//! Text mode: what is typed goes to the language model, and its answer is read as it is written.
//!
//! ```text
//!  send ─▶ provider ─▶ next, next, …        history: what was typed, and what was shown
//!             ⇅ tools
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{
    Context, Element, Metadata, Node, Outcome, Outlet, Payload, PipelineBuilder, PipelineConfig,
    Run, TurnContext,
};
use crate::providers::Provider;
use crate::session::SessionError;
use crate::session::answer::{Answer, LIMIT, Said};
use crate::session::history::History;
use crate::stages::{Facts, ProviderStage};
use crate::time::{SessionClock, SessionTime};
use crate::tools::ToolRegistry;
use crate::types::{Message, Parameters, ToolCall, ToolPolicy, ToolResult};

/// The settings of a conversation in writing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextConfig {
    /// Instructions for the model; none by default.
    pub system: String,
    /// How the model is to answer; as its provider sees fit by default.
    pub parameters: Parameters,
    /// How it may call tools.
    pub tool_policy: ToolPolicy,
    /// Metadata that reaches every provider request; none by default.
    pub metadata: Metadata,
}

/// A conversation in writing.
///
/// ```
/// use std::sync::Arc;
///
/// use banter::providers;
/// use banter::session::{TextConfig, TextEvent, TextSession};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = providers::by_name("scripted")?;
/// let mut session = TextSession::new(provider, Arc::default(), TextConfig::default());
/// let mut reply = session.send("How much is two plus three?");
/// let mut answer = String::new();
/// while let Some(event) = reply.next().await {
///     if let TextEvent::Delta(text) = event {
///         answer += &text;
///     }
/// }
/// assert_eq!(answer, "It is five.");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TextSession {
    provider: Arc<dyn Provider>,
    tools: Arc<ToolRegistry>,
    config: TextConfig,
    context: Context,
    /// Built when first needed, and again should a tool's panic have ended it.
    line: Option<Line>,
    history: History,
    turn: TurnId,
    last_response: Option<ResponseId>,
}

/// The pipeline while it runs.
#[derive(Debug)]
struct Line {
    input: Outlet,
    run: Run,
}

impl TextSession {
    /// A conversation with this model, which may call these tools.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, tools: Arc<ToolRegistry>, config: TextConfig) -> Self {
        let context = Context::new(SessionClock::live()).with_metadata(config.metadata.clone());
        Self {
            provider,
            tools,
            config,
            context,
            line: None,
            history: History::default(),
            turn: TurnId::default(),
            last_response: None,
        }
    }

    /// Says `text` to the model, which begins to answer when the reply is read.
    pub fn send(&mut self, text: &str) -> TextReply<'_> {
        self.history.said(text);
        self.turn = self.turn.next();
        let response = self.last_response.map_or(ResponseId::FIRST, ResponseId::next);
        self.last_response = Some(response);
        let now = self.context.clock.now();
        let turn = TurnContext {
            turn: self.turn,
            response,
            system: self.config.system.as_str().into(),
            tools: self.tools.descriptors().into(),
            tool_policy: self.config.tool_policy,
            parameters: Arc::new(self.config.parameters.clone()),
            history: self.history.snapshot(),
            metadata: Arc::clone(&self.context.metadata),
            script: None,
        };
        TextReply {
            answer: Some(Answer::new(self.turn, response, false, now, 0)),
            begin: Some(Element::begin(now, turn)),
            shown: String::new(),
            waits_since: None,
            session: self,
        }
    }

    /// The conversation so far, as it was shown.
    #[must_use]
    pub fn messages(&self) -> Arc<[Message]> {
        self.history.snapshot()
    }

    /// Forgets the conversation.
    pub fn clear(&mut self) {
        self.history = History::default();
    }

    fn line(&mut self) -> Result<&mut Line, SessionError> {
        if self.line.is_none() {
            let stage = ProviderStage::new(
                Arc::clone(&self.provider),
                Arc::clone(&self.tools),
                Facts::none(),
            );
            // Between two lines there may be any silence; the reply has a watchdog of its own.
            let config = PipelineConfig { idle_timeout: None, ..PipelineConfig::default() };
            let pipeline = PipelineBuilder::new(config).chain([Node::stage(stage)]).build()?;
            let mut run = pipeline.run(&self.context);
            let Some(input) = run.take_input() else { return Err(gone()) };
            self.line = Some(Line { input, run });
        }
        self.line.as_mut().ok_or_else(gone)
    }
}

/// A piece of a reply. [`Done`](Self::Done) or [`Failed`](Self::Failed) is the last.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TextEvent {
    /// More text. Never the text so far.
    Delta(String),
    /// The model calls a tool.
    ToolCalled(ToolCall),
    /// A tool has answered.
    ToolFinished(ToolResult),
    /// The answer broke off, or never began. The conversation goes on.
    Failed {
        /// What broke and what to do about it.
        error: String,
    },
    /// The answer is complete.
    Done,
}

/// An answer as it is written.
///
/// Dropping it cancels what is left: the model and its tools end, and what was shown counts as
/// said.
#[derive(Debug)]
pub struct TextReply<'a> {
    session: &'a mut TextSession,
    /// `None` when the answer is over and in the history.
    answer: Option<Answer>,
    /// What the model has still to be sent.
    begin: Option<Element>,
    shown: String,
    /// Since when the reader waits for the next piece.
    waits_since: Option<SessionTime>,
}

impl TextReply<'_> {
    /// The next piece; `None` after the last. Fails the answer when nothing comes for 30 s.
    ///
    /// Cancel-safe. Must be called within a Tokio runtime.
    pub async fn next(&mut self) -> Option<TextEvent> {
        let answer = self.answer.as_ref()?;
        let (response, clock) = (answer.response, self.session.context.clock.clone());
        let since = *self.waits_since.get_or_insert_with(|| clock.now());
        loop {
            let read = read(self.session, &mut self.begin, response);
            let element = tokio::select! {
                biased;
                element = read => element,
                () = clock.sleep_until(since + LIMIT) => {
                    let error = format!("there was no progress for {LIMIT:?}; ask again");
                    return Some(self.fail(error));
                }
            };
            let event = match element {
                Ok(element) => self.take(element.payload),
                Err(error) => {
                    self.session.line = None;
                    Some(self.fail(error.to_string()))
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

    /// Writes down what an element says, and tells it.
    fn take(&mut self, payload: Payload) -> Option<TextEvent> {
        match payload {
            Payload::TextDelta(text) => {
                self.shown.push_str(&text);
                Some(TextEvent::Delta(text.into()))
            }
            Payload::ToolCall(call) => {
                self.answer.as_mut()?.called((*call).clone());
                Some(TextEvent::ToolCalled((*call).clone()))
            }
            Payload::ToolResult(result) => {
                self.answer.as_mut()?.returned((*result).clone());
                Some(TextEvent::ToolFinished((*result).clone()))
            }
            Payload::TurnEnd(Outcome::Failed { reason }) => Some(self.fail(reason.to_string())),
            Payload::TurnEnd(outcome) => {
                self.end(outcome);
                Some(TextEvent::Done)
            }
            _ => None,
        }
    }

    fn fail(&mut self, error: String) -> TextEvent {
        self.end(Outcome::Failed { reason: error.as_str().into() });
        TextEvent::Failed { error }
    }

    /// The answer is over, and what was shown of it is said.
    fn end(&mut self, outcome: Outcome) {
        let Some(answer) = self.answer.take() else { return };
        self.session.context.floor.cancel(answer.response);
        let text = std::mem::take(&mut self.shown);
        let at = self.session.context.clock.now();
        let said = Said { outcome, heard_bytes: text.len(), text, heard: LENGTH_OF_TEXT, at };
        self.session.history.answered(answer, &said);
    }

    /// Tools that have run did so, whether or not anybody has read it.
    fn drain(&mut self) {
        let Some(response) = self.answer.as_ref().map(|answer| answer.response) else { return };
        while let Some(line) = &mut self.session.line
            && let Some(Ok(Some(element))) = line.run.output.recv().now_or_never()
        {
            if element.response != Some(response) {
                continue;
            }
            match (element.payload, self.answer.as_mut()) {
                (Payload::ToolCall(call), Some(answer)) => answer.called((*call).clone()),
                (Payload::ToolResult(result), Some(answer)) => answer.returned((*result).clone()),
                _ => {}
            }
        }
    }
}

impl Drop for TextReply<'_> {
    fn drop(&mut self) {
        if self.answer.is_some() {
            self.drain();
            self.end(Outcome::Interrupted { heard: LENGTH_OF_TEXT });
        }
    }
}

/// The next element of `response`. What is left of those before it is passed over.
async fn read(
    session: &mut TextSession,
    begin: &mut Option<Element>,
    response: ResponseId,
) -> Result<Element, SessionError> {
    let floor = session.context.floor.clone();
    let Line { input, run } = session.line()?;
    if let Some(element) = begin {
        // Whoever types means it.
        floor.commit(response);
        input.send(element.clone()).await.map_err(|_closed| gone())?;
        *begin = None;
    }
    loop {
        match run.output.recv().await {
            Ok(Some(element)) if element.response == Some(response) => return Ok(element),
            Ok(Some(_)) => {}
            Ok(None) => {
                run.wait().await?;
                return Err(gone());
            }
            Err(error) => return Err(SessionError::Pipeline(error.into())),
        }
    }
}

fn gone() -> SessionError {
    SessionError::BrokeOff("the model's stage has ended; ask again".to_owned())
}

/// Text makes no sound.
const LENGTH_OF_TEXT: Duration = Duration::ZERO;

#[cfg(test)]
mod tests;
