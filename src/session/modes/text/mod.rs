//! Text mode: what is typed goes to the language model, and its answer is read as it is written.
//!
//! ```text
//!  send ─▶ provider ─▶ next, next, …        history: what was typed, and what was shown
//!             ⇅ tools
//! ```

mod reply;

use std::sync::Arc;

use tokio::sync::{OwnedMutexGuard, mpsc};

use self::reply::gone;
pub use self::reply::{ReplyError, TextEvent, TextReply};
use crate::events::{EventBus, Subscription};
use crate::hooks::Hooks;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{
    Context, Element, Metadata, Node, Outlet, PipelineBuilder, PipelineConfig, Run,
};
use crate::providers::{Capabilities, Prices, Provider};
use crate::session::SessionError;
use crate::session::answer::Answer;
use crate::session::conversation::Input;
use crate::session::dialogue::{Begun, Dialogue, Instructions, Terms, Unbegun};
use crate::session::pending::PendingCalls;
use crate::session::report::Reporter;
use crate::stages::{
    ContextConfig, ContextStage, Fact, Facts, MissingTools, ProviderStage, Validate,
};
use crate::state::Mode;
use crate::time::SessionClock;
use crate::tools::ToolRegistry;
use crate::types::{Direction, Message, Parameters, ToolPolicy};
use crate::validators::{Guards, Portion};

/// Who has it goes on with the conversation, and nobody else does meanwhile.
pub(crate) type Permit = OwnedMutexGuard<TextSession>;

/// The settings of a conversation in writing.
#[derive(Clone, Debug, Default)]
pub struct TextConfig {
    /// Instructions for the model; none by default.
    pub system: String,
    /// How the model is to answer; as its provider sees fit by default.
    pub parameters: Parameters,
    /// How it may call tools.
    pub tool_policy: ToolPolicy,
    /// How much of a long conversation is sent to the model: all of it by default.
    pub context: Option<ContextConfig>,
    /// Metadata that reaches every provider request; none by default.
    pub metadata: Metadata,
    /// The rules for what is said; none by default.
    pub guards: Guards,
    /// What is put around requests, tools and turns; nothing by default.
    pub hooks: Hooks,
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
    model: Model,
    calls: PendingCalls,
    bus: EventBus,
    context: Context,
    /// Built when first needed, and again should a tool's panic have ended it.
    line: Option<Line>,
    dialogue: Dialogue,
    report: Reporter,
    turn: TurnId,
    last_response: Option<ResponseId>,
}

/// The model of a conversation, and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) missing_tools: MissingTools,
    pub(crate) prices: Option<Prices>,
    /// What is sent of a long conversation; all of it, if nothing is said.
    pub(crate) budget: Option<ContextConfig>,
}

/// The pipeline while it runs.
#[derive(Debug)]
struct Line {
    input: Outlet,
    run: Run,
    facts: mpsc::Receiver<Fact>,
}

impl TextSession {
    /// A conversation with this model, which may call these tools.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, tools: Arc<ToolRegistry>, config: TextConfig) -> Self {
        let terms = Terms {
            instructions: Instructions::Text(config.system.into()),
            parameters: Arc::new(config.parameters),
            tool_policy: config.tool_policy,
            metadata: Arc::new(config.metadata),
            model: provider.name().to_owned(),
            guards: Arc::new(config.guards),
        };
        let bus = EventBus::default();
        let calls = PendingCalls {
            dialogue: Dialogue::fleeting(terms),
            tools,
            hooks: config.hooks,
            clock: Arc::default(),
            bus: bus.weak(),
        };
        let (missing_tools, budget) = (MissingTools::Refused, config.context);
        Self::of(calls, bus, Model { provider, missing_tools, prices: None, budget })
    }

    /// One that goes on with a conversation.
    pub(crate) fn of(calls: PendingCalls, bus: EventBus, model: Model) -> Self {
        let clock = calls.clock().clone();
        let dialogue = calls.dialogue.clone();
        let report = Reporter::new(bus.clone(), clock.clone(), Vec::new());
        let metadata = (*dialogue.terms().metadata).clone();
        Self {
            model,
            calls,
            bus,
            context: Context::new(clock).with_metadata(metadata),
            line: None,
            dialogue,
            report,
            turn: TurnId::default(),
            last_response: None,
        }
    }

    /// Says `message` to the model, which begins to answer when the reply is read. A text is what
    /// the user says; [`Message::with`] shows media beside it.
    pub fn send(&mut self, message: impl Into<Message>) -> TextReply<&mut Self> {
        TextReply::to(self, Some(Input::from(message)))
    }

    /// The events from now on: what is typed, answered and called.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.bus.subscribe()
    }

    pub(crate) fn clock(&self) -> &SessionClock {
        &self.context.clock
    }

    /// The conversation so far, as it was shown.
    #[must_use]
    pub fn messages(&self) -> Arc<[Message]> {
        self.dialogue.messages().into()
    }

    /// What its model can be asked for and shown.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.model.provider.capabilities()
    }

    /// Forgets the conversation.
    pub fn clear(&mut self) {
        self.dialogue.clear();
    }

    /// The next response: to `input`, or to what came of the calls that it waited for.
    fn begin(&mut self, input: Option<Input>) -> (Answer, Result<Element, ReplyError>) {
        let mut own = Metadata::default();
        if let Some(Input { message, metadata }) = input {
            own = metadata;
            self.turn = self.turn.next();
            self.report.typed(self.turn, &message.text);
            self.dialogue.enter(Mode::Text);
            self.dialogue.said(message);
        } else {
            self.dialogue.go_on(self.turn);
        }
        let turn = self.turn;
        let response = self.last_response.map_or(ResponseId::FIRST, ResponseId::next);
        self.last_response = Some(response);
        let tools = self.dialogue.terms().offered(&self.calls.tools).into();
        let now = self.context.clock.now();
        self.report.response_started(turn, response, false);
        let (begin, validations) = match self.dialogue.begin(turn, response, tools) {
            Ok(Begun { mut context, validations }) => {
                if !own.is_empty() {
                    Arc::make_mut(&mut context.metadata).extend(own);
                }
                (Ok(context), validations)
            }
            Err(Unbegun::Instructions(error)) => (Err(error.into()), Vec::new()),
            Err(Unbegun::Refused { error, validations }) => (Err(error.into()), validations),
        };
        for validation in &validations {
            self.report.validated(turn, Some(response), validation);
        }
        // A rule may have the answer: no model is asked then.
        let scripted = begin.as_ref().is_ok_and(|context| context.script.is_some());
        let answer = Answer::new(turn, response, scripted, now);
        let begin = begin.map(|context| Element::begin(now, context));
        (Answer { validations, ..answer }, begin)
    }

    fn line(&mut self) -> Result<&mut Line, SessionError> {
        if self.line.is_none() {
            let (facts_in, facts) = mpsc::channel(FACTS);
            let facts_in = Facts::to(facts_in);
            let Model { provider, missing_tools, prices, budget } = self.model.clone();
            let model = Arc::clone(&provider);
            let context = budget.map(|config| ContextStage::new(config, model, facts_in.clone()));
            let stage =
                ProviderStage::new(provider, Arc::clone(&self.calls.tools), facts_in.clone())
                    .with_missing_tools(missing_tools)
                    .with_hooks(self.calls.hooks.clone())
                    .with_prices(prices)
                    .with_late_results(Arc::new(self.calls.clone()));
            let guards = Arc::clone(&self.dialogue.terms().guards);
            let validate = guards.look_at(Direction::Output);
            let validate = validate.then(|| Validate::new(guards, Portion::Words, facts_in));
            let nodes = context.map(Node::stage).into_iter().chain([Node::stage(stage)]);
            let nodes = nodes.chain(validate.map(Node::stage));
            // Between two lines there may be any silence; the reply has a watchdog of its own.
            let config = PipelineConfig { idle_timeout: None, ..PipelineConfig::default() };
            let pipeline = PipelineBuilder::new(config).chain(nodes).build()?;
            let mut run = pipeline.run(&self.context);
            let Some(input) = run.take_input() else { return Err(gone()) };
            self.line = Some(Line { input, run, facts });
        }
        self.line.as_mut().ok_or_else(gone)
    }
}

/// A reader that falls behind by more holds the model back.
const FACTS: usize = 64;

#[cfg(test)]
mod tests;
