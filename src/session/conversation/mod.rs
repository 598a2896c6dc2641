//! A conversation that a program holds with a model: by prompt packs, with variables, tools and a
//! memory, in writing and by voice.
//!
//! ```text
//! Conversation::open(pack, prompt) ─ provider, tools, store, … ─▶ start / resume
//!     │ send, stream ─▶ Response          in writing
//!     │ open_duplex ─▶ Session            by voice, with the same history
//!     └ fork, clear, close
//! ```

mod detect;
mod duplex;
mod error;
mod guards;
mod input;
mod media;
mod open;
mod response;
#[cfg(feature = "mcp")]
mod servers;
mod source;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

pub(crate) use self::duplex::CallPermit;
pub use self::duplex::Voice;
pub use self::error::ConversationError;
pub use self::input::Input;
pub use self::open::Opening;
pub use self::response::{Chunk, Response, ResponseStream};
pub use self::source::PackSource;
use super::SessionHandle;
use super::attach::ImageFit;
use super::dialogue::{Dialogue, OWN_ID, Terms};
use super::herald::Herald;
use super::modes::text::{Model, Permit, TextSession};
use super::pending::PendingCalls;
use crate::events::{Event, EventBus, EventKind, Subscription};
use crate::hooks::Hooks;
use crate::ids::ConversationId;
use crate::pack::{Media, Problem, Values};
use crate::providers::{Capabilities, Prices, Provider};
use crate::stages::{ContextConfig, MissingTools};
use crate::state::{Keeper, Revision, Saved, StateError, StateStore};
use crate::time::{SessionClock, UtcTime};
use crate::tools::ToolRegistry;
use crate::types::{Message, PendingCall, ToolResult};

/// A conversation. Cloning gives another handle to the same one, for any task.
///
/// ```
/// use banter::providers::mock::MockProvider;
/// use banter::session::Conversation;
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = MockProvider::new();
/// model.add_response("Good morning, Ann.");
/// let conversation = Conversation::open("tests/packs/valid/variables.json", "guide")
///     .provider(Arc::new(model))
///     .var("visitor", "Ann")
///     .var("age", 40)
///     .start()
///     .await?;
///
/// let response = conversation.send("Good morning!").await?;
/// assert_eq!(response.text(), "Good morning, Ann.");
/// assert_eq!(conversation.messages().len(), 2);
/// # Ok(())
/// # }
/// ```
///
/// One answer is under way at a time; whoever asks meanwhile waits for its end, for at most 60 s.
#[derive(Clone, Debug)]
pub struct Conversation {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parts: Parts,
    dialogue: Dialogue,
    /// The calls that wait for somebody.
    calls: PendingCalls,
    clock: SessionClock,
    text: Arc<tokio::sync::Mutex<TextSession>>,
    /// The call by voice, while there is one.
    duplex: Mutex<Option<SessionHandle>>,
    is_closed: AtomicBool,
}

/// What a conversation is made of; a fork has the same.
#[derive(Clone, Debug)]
struct Parts {
    id: ConversationId,
    terms: Terms,
    provider: Arc<dyn Provider>,
    tools: Arc<ToolRegistry>,
    #[cfg(feature = "mcp")]
    servers: servers::Servers,
    store: Option<Arc<dyn StateStore>>,
    /// What media the prompt takes, if it says.
    media: Option<Media>,
    warnings: Vec<Problem>,
    missing_tools: MissingTools,
    hooks: Hooks,
    prices: Option<Prices>,
    images: ImageFit,
    /// What is sent of a long conversation.
    context: Option<ContextConfig>,
    bus: EventBus,
}

impl Parts {
    /// What the model costs, as far as it is known.
    fn prices(&self) -> Option<Prices> {
        self.prices.or_else(|| self.provider.prices())
    }
}

impl Conversation {
    /// A conversation by a prompt of a pack.
    pub fn open(pack: impl Into<PackSource>, prompt: impl Into<String>) -> Opening {
        Opening::by(pack.into(), prompt.into())
    }

    /// A conversation by these instructions, without a pack.
    pub fn plain(instructions: impl Into<String>) -> Opening {
        Opening::plainly(instructions.into())
    }

    /// Says something and waits for the whole answer. With a store: until the turn is kept.
    ///
    /// # Errors
    ///
    /// When the model fails or cannot be told what to do, when the turn cannot be kept
    /// ([`ConversationError::NotKept`] has the answer), and while the conversation cannot take a
    /// turn. What was said of an answer that broke off stays in the history.
    pub async fn send(&self, input: impl Into<Input>) -> Result<Response, ConversationError> {
        self.stream(input).await?.response().await
    }

    /// Says something; the answer comes as it is written.
    ///
    /// # Errors
    ///
    /// While the conversation cannot take a turn, or not this message. The rest comes in the
    /// stream.
    pub async fn stream(
        &self,
        input: impl Into<Input>,
    ) -> Result<ResponseStream, ConversationError> {
        let Input { message, metadata } = input.into();
        if message.text.trim().is_empty() && message.media.is_empty() {
            return Err(ConversationError::Empty);
        }
        let input = Input { message: self.presented(message).await?, metadata };
        let permit = self.permit().await?;
        Ok(ResponseStream::new(Arc::clone(&self.shared), permit, Some(input)))
    }

    /// The calls that have no result yet.
    #[must_use]
    pub fn pending_tools(&self) -> Vec<PendingCall> {
        self.shared.calls.list()
    }

    /// Allows a call that waits for approval: its tool runs, with `arguments` in place of the
    /// model's if there are any. Gives what the model will get.
    ///
    /// # Errors
    ///
    /// When the conversation is closed, and as [`PendingCalls::approve`].
    pub async fn approve(
        &self,
        call: &str,
        arguments: Option<Value>,
    ) -> Result<ToolResult, ConversationError> {
        self.check_open()?;
        Ok(self.shared.calls.approve(call, arguments).await?)
    }

    /// Refuses a call that waits; the model is told why.
    ///
    /// # Errors
    ///
    /// When the conversation is closed, and as [`PendingCalls::reject`].
    pub async fn reject(&self, call: &str, reason: &str) -> Result<(), ConversationError> {
        self.check_open()?;
        Ok(self.shared.calls.reject(call, reason).await?)
    }

    /// Gives the model the result of a call that waits for one.
    ///
    /// # Errors
    ///
    /// When the conversation is closed, and as [`PendingCalls::resolve`].
    pub async fn resolve(
        &self,
        call: &str,
        result: Result<Value, String>,
    ) -> Result<(), ConversationError> {
        self.check_open()?;
        Ok(self.shared.calls.resolve(call, result).await?)
    }

    /// A handle to decide about calls with, for another task.
    #[must_use]
    pub fn pending_calls(&self) -> &PendingCalls {
        &self.shared.calls
    }

    /// Goes on with the answer that waited for the results of its calls.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), when a call still waits, and when none did.
    pub async fn continue_(&self) -> Result<Response, ConversationError> {
        self.stream_on().await?.response().await
    }

    /// The same, as it is written.
    ///
    /// # Errors
    ///
    /// As for [`continue_`](Self::continue_).
    pub async fn stream_on(&self) -> Result<ResponseStream, ConversationError> {
        let permit = self.permit().await?;
        let pending = self.shared.dialogue.awaited();
        if !pending.is_empty() {
            let calls = pending.into_iter().map(|pending| pending.call);
            let names = calls.map(|call| format!("{} ({})", call.name, call.id));
            return Err(ConversationError::PendingTools(names.collect()));
        }
        if !self.shared.dialogue.waits_to_go_on() {
            return Err(ConversationError::NothingPending);
        }
        Ok(ResponseStream::new(Arc::clone(&self.shared), permit, None))
    }

    /// A copy of the conversation under another id, with all that it is made of: from here on the
    /// two know nothing of each other. It may be made while an answer is under way, and even when
    /// this one can no longer be written.
    ///
    /// # Errors
    ///
    /// When the conversation is closed, or its copy cannot be kept.
    pub async fn fork(&self) -> Result<Self, ConversationError> {
        self.fork_as(open::fresh_id()).await
    }

    /// The same under an id of your own.
    ///
    /// # Errors
    ///
    /// As for [`fork`](Self::fork), and when there is a conversation of that id.
    pub async fn fork_as(&self, id: ConversationId) -> Result<Self, ConversationError> {
        self.check_open()?;
        let mut saved = self.shared.dialogue.saved();
        if let Some(opened) = &mut saved.opened {
            opened.forked_from = Some(self.id().clone());
            opened.at = UtcTime::now();
        }
        let entries = saved.clone().into_entries();
        saved.revision = Revision::new(entries.len() as u64);
        if let Some(store) = &self.shared.parts.store {
            store.append(&id, Revision::ZERO, entries).await.map_err(|error| match error {
                StateError::Conflict { .. } => ConversationError::Exists(id.clone()),
                other => other.into(),
            })?;
        }
        let mut parts = Parts { id, bus: EventBus::default(), ..self.shared.parts.clone() };
        let metadata = Arc::make_mut(&mut parts.terms.metadata);
        if metadata.get(OWN_ID).is_some_and(|id| *id == self.id().to_string()) {
            metadata.insert(OWN_ID.to_owned(), parts.id.to_string());
        }
        Ok(Self::of(parts, saved))
    }

    /// Forgets what was said; instructions and variables stay. A call by voice is ended first, an
    /// answer under way is waited for.
    ///
    /// # Errors
    ///
    /// When the conversation is closed, when an answer does not end, or when that cannot be kept.
    pub async fn clear(&self) -> Result<(), ConversationError> {
        let _permit = self.alone().await?;
        self.shared.dialogue.clear();
        Ok(self.shared.flush().await?)
    }

    /// Ends the conversation: a call by voice is ended, and all is kept; its MCP servers are ended.
    /// Later calls fail with
    /// [`ConversationError::Closed`]; closing again does nothing.
    ///
    /// # Errors
    ///
    /// When something cannot be kept, or an answer under way does not end.
    pub async fn close(&self) -> Result<(), ConversationError> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Ok(());
        }
        let ended = self.alone().await;
        self.shared.is_closed.store(true, Ordering::Release);
        self.shared.dialogue.farewell().await;
        #[cfg(feature = "mcp")]
        self.shared.parts.servers.close().await;
        self.shared.flush().await?;
        ended.map(drop)
    }

    /// What it is called.
    #[must_use]
    pub fn id(&self) -> &ConversationId {
        &self.shared.parts.id
    }

    /// What all answers of its model have cost so far, those before it was resumed as well: in the
    /// money of [`Response::cost`]. `None` if the model's prices are not known, or it told of no
    /// answer what it took. What a model that speaks for itself has cost is not in it.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        let prices = self.shared.parts.prices()?;
        let costs = self.shared.dialogue.usages().into_iter().map(|usage| prices.of(usage));
        costs.reduce(|sum, cost| Some(sum? + cost?)).flatten()
    }

    /// A copy of what was said, as it was heard.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.dialogue.messages()
    }

    /// What the model is told now, with the present values of all variables.
    ///
    /// # Errors
    ///
    /// When a variable has no value, or none that fits.
    pub fn instructions(&self) -> Result<Arc<str>, ConversationError> {
        Ok(self.shared.dialogue.instructions()?)
    }

    /// Sets a variable, from the next turn on. `null` takes it away.
    pub fn set_var(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.set_vars(Values::from([(name.into(), value.into())]));
    }

    /// Sets variables, all at once.
    pub fn set_vars(&self, values: Values) {
        self.shared.dialogue.set(values);
    }

    /// Sets variables from the environment: with `APP_`, `APP_CITY` is `city`.
    pub fn set_vars_from_env(&self, prefix: &str) {
        self.set_vars(open::from_environment(prefix));
    }

    /// The value of a variable that was set.
    #[must_use]
    pub fn get_var(&self, name: &str) -> Option<Value> {
        self.shared.dialogue.variables().remove(name)
    }

    /// All variables that were set.
    #[must_use]
    pub fn vars(&self) -> Values {
        self.shared.dialogue.variables()
    }

    /// The events from now on, in writing and by voice.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.shared.parts.bus.subscribe()
    }

    /// What its model can be asked for.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.shared.parts.provider.capabilities()
    }

    /// The tools that there are.
    #[must_use]
    pub fn tools(&self) -> &Arc<ToolRegistry> {
        &self.shared.parts.tools
    }

    /// The tools that its prompt names and that are not there now: see
    /// [`Opening::await_missing_tools`].
    #[must_use]
    pub fn missing_tools(&self) -> Vec<String> {
        self.shared.parts.terms.missing(&self.shared.parts.tools)
    }

    /// What its pack's author should know: fields that are not known, names that nothing declares.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.shared.parts.warnings
    }

    fn of(parts: Parts, saved: Saved) -> Self {
        let clock = SessionClock::live();
        let keeper = parts.store.as_ref().map(|store| {
            let (bus, clock) = (parts.bus.clone(), clock.clone());
            let report = move |error: &StateError| {
                let kind = EventKind::Warning { message: error.to_string() };
                bus.publish(Event { at: clock.now(), turn: None, response: None, kind });
            };
            Keeper::start(Arc::clone(store), parts.id.clone(), saved.revision, report)
        });
        let dialogue = Dialogue::new(parts.terms.clone(), saved, keeper);
        dialogue.tell(|| Herald::start(&parts.hooks, &clock));
        let budget = parts.budget(&dialogue);
        let calls = PendingCalls {
            dialogue: dialogue.clone(),
            tools: Arc::clone(&parts.tools),
            hooks: parts.hooks.clone(),
            clock: Arc::new(clock.clone().into()),
            bus: parts.bus.weak(),
        };
        let model = Model {
            provider: Arc::clone(&parts.provider),
            missing_tools: parts.missing_tools,
            prices: parts.prices,
            budget,
        };
        let text = TextSession::of(calls.clone(), parts.bus.clone(), model);
        let text = Arc::new(tokio::sync::Mutex::new(text));
        let (duplex, is_closed) = (Mutex::default(), AtomicBool::default());
        let shared = Shared { parts, dialogue, calls, clock, text, duplex, is_closed };
        Self { shared: Arc::new(shared) }
    }

    /// The right to go on with the conversation.
    async fn permit(&self) -> Result<Permit, ConversationError> {
        self.check_open()?;
        let text = Arc::clone(&self.shared.text);
        if let Ok(permit) = Arc::clone(&text).try_lock_owned() {
            return Ok(permit);
        }
        if self.shared.call().is_some() {
            return Err(ConversationError::DuplexRunning);
        }
        let permit = timeout(ANSWER_LIMIT, text.lock_owned()).await;
        let permit = permit.map_err(|_late| ConversationError::Busy(ANSWER_LIMIT))?;
        self.check_open()?;
        Ok(permit)
    }

    /// The same, for which a call by voice is ended.
    async fn alone(&self) -> Result<Permit, ConversationError> {
        if let Some(call) = self.shared.call() {
            call.stop();
            let text = Arc::clone(&self.shared.text).lock_owned();
            let permit = timeout(ANSWER_LIMIT, text).await;
            return permit.map_err(|_late| ConversationError::Busy(ANSWER_LIMIT));
        }
        self.permit().await
    }

    fn check_open(&self) -> Result<(), ConversationError> {
        let is_closed = self.shared.is_closed.load(Ordering::Acquire);
        if is_closed { Err(ConversationError::Closed) } else { Ok(()) }
    }
}

impl Parts {
    /// What is sent of a long conversation, which keeps its own summary.
    fn budget(&self, dialogue: &Dialogue) -> Option<ContextConfig> {
        let summaries = Some(Arc::new(dialogue.clone()) as _);
        self.context.clone().map(|context| ContextConfig { summaries, ..context })
    }
}

impl Shared {
    /// The call by voice, if one goes on.
    fn call(&self) -> Option<SessionHandle> {
        self.duplex.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all is kept that is to be.
    async fn flush(&self) -> Result<(), StateError> {
        self.dialogue.flush().await
    }
}

/// No answer takes longer: one without progress for half of that has ended.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
