//! Calls that have no result yet: somebody must allow them, has their results, or their tools are
//! still running.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::dialogue::Dialogue;
use crate::error::Recovery;
use crate::events::{Event, EventKind, WeakEventBus};
use crate::hooks::Hooks;
use crate::ids::{ResponseId, TurnId};
use crate::stages::{LateResult, LateResults};
use crate::state::StateError;
use crate::time::SessionClock;
use crate::tools::{ToolContext, ToolRegistry, run};
use crate::types::{PendingCall, ToolCall, ToolResult, WaitsFor};

/// The calls of a conversation that have no result yet. Cloning gives another handle.
///
/// The first decision about a call counts, and is kept before a tool runs by it. In a call by
/// voice the agent goes on by itself when a result is there; in writing
/// [`Conversation::continue_`](super::Conversation::continue_) does.
#[derive(Clone, Debug)]
pub struct PendingCalls {
    pub(super) dialogue: Dialogue,
    pub(super) tools: Arc<ToolRegistry>,
    pub(super) hooks: Hooks,
    /// That of the session, once it runs.
    pub(super) clock: Arc<OnceLock<SessionClock>>,
    pub(super) bus: WeakEventBus,
}

/// Why nothing came of a decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PendingError {
    /// No such call waits: it was decided, or never made.
    #[error("no call {0} waits for a decision or a result; `pending` lists those that do")]
    NoSuchCall(String),
    /// Somebody was first, and the tool runs.
    #[error("the call {0} was allowed already, and runs")]
    Running(String),
    /// There is no tool to run.
    #[error("there is no tool for the call {0}: give its result with `resolve`")]
    NoTool(String),
    /// The decision could not be kept, so that nothing was done by it.
    #[error("the decision about the call {id} could not be kept: {source}")]
    NotKept {
        /// The call.
        id: String,
        /// Why.
        source: StateError,
    },
}

impl PendingError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::NotKept { source, .. } => source.recovery(),
            Self::NoSuchCall(_) | Self::Running(_) | Self::NoTool(_) => Recovery::AskUser,
        }
    }
}

impl PendingCalls {
    /// Those that there are, in the order in which they were made.
    #[must_use]
    pub fn list(&self) -> Vec<PendingCall> {
        self.dialogue.pending()
    }

    /// Allows a call: its tool runs, with other arguments than the model's if there are any, which
    /// the model is told. Gives what it will get; a tool that fails is such a result.
    ///
    /// # Errors
    ///
    /// When the call waits for no approval, or somebody else was first.
    pub async fn approve(
        &self,
        id: &str,
        arguments: Option<Value>,
    ) -> Result<ToolResult, PendingError> {
        let PendingCall { mut call, waits_for } = self.find(id)?;
        if waits_for == WaitsFor::Result || self.tools.get(&call.name).is_none() {
            return Err(PendingError::NoTool(id.to_owned()));
        }
        self.claim(id)?;
        let note = arguments
            .as_ref()
            .map(|changed| format!("(it was allowed with other arguments: {changed})\n"));
        call.arguments = arguments.unwrap_or(call.arguments);
        if let Err(error) = self.keep(id).await {
            self.dialogue.unclaim(id, waits_for);
            return Err(error);
        }
        // Whoever loses interest leaves a call that was allowed and has no result.
        let mut left = Left { calls: self, call: Some(call.clone()) };
        let mut result = self.run(&call).await;
        result.content.insert_str(0, note.as_deref().unwrap_or_default());
        left.call = None;
        self.take(result.clone()).await?;
        Ok(result)
    }

    /// Refuses a call: the model is told, with the reason.
    ///
    /// # Errors
    ///
    /// When the call waits for nobody, or somebody else was first.
    pub async fn reject(&self, id: &str, reason: &str) -> Result<(), PendingError> {
        let call = self.claim(id)?;
        let reason = if reason.trim().is_empty() { "no reason was given" } else { reason };
        let content = format!("refused by a person: {reason}");
        self.take(ToolResult { id: call.id, name: call.name, content, is_error: true }).await
    }

    /// Gives the result of a call, or why there is none. It takes the place of the tool, if there
    /// is one.
    ///
    /// # Errors
    ///
    /// When the call waits for nobody, or somebody else was first.
    pub async fn resolve(
        &self,
        id: &str,
        result: Result<Value, String>,
    ) -> Result<(), PendingError> {
        let call = self.claim(id)?;
        let is_error = result.is_err();
        let content = match result {
            Ok(Value::String(text)) | Err(text) => text,
            Ok(value) => value.to_string(),
        };
        self.take(ToolResult { id: call.id, name: call.name, content, is_error }).await
    }

    pub(super) fn clock(&self) -> &SessionClock {
        self.clock.get_or_init(SessionClock::live)
    }

    fn find(&self, id: &str) -> Result<PendingCall, PendingError> {
        let pending = self.list().into_iter().find(|pending| pending.call.id == id);
        pending.ok_or_else(|| PendingError::NoSuchCall(id.to_owned()))
    }

    /// The call, about which nobody else can decide from here on.
    fn claim(&self, id: &str) -> Result<ToolCall, PendingError> {
        let PendingCall { call, .. } = self.find(id)?;
        if self.dialogue.claim(id) { Ok(call) } else { Err(PendingError::Running(id.to_owned())) }
    }

    async fn run(&self, call: &ToolCall) -> ToolResult {
        let mut call = call.clone();
        if let Err(denied) = self.hooks.before_tool(self.clock(), &mut call).await {
            let content = denied.to_string();
            return ToolResult { id: call.id, name: call.name, content, is_error: true };
        }
        let (turn, response) = (TurnId::default(), ResponseId::FIRST);
        let metadata = Arc::clone(&self.dialogue.terms().metadata);
        let clock = self.clock().clone();
        let context = ToolContext::new(&*call.id, turn, response, metadata, clock);
        let mut result = run(&self.tools, &call, context).await;
        self.hooks.after_tool(self.clock(), &call, &mut result).await;
        result
    }

    /// The call has its result.
    async fn take(&self, result: ToolResult) -> Result<(), PendingError> {
        let id = result.id.clone();
        self.resolved(result, true)?;
        self.keep(&id).await
    }

    fn resolved(&self, result: ToolResult, is_wanted: bool) -> Result<(), PendingError> {
        let (call, name, ok) = (result.id.clone(), result.name.clone(), !result.is_error);
        if !self.dialogue.resolve(result, is_wanted) {
            return Err(PendingError::NoSuchCall(call));
        }
        let kind = EventKind::ToolResolved { call, name, ok };
        self.bus.publish(Event { at: self.clock().now(), turn: None, response: None, kind });
        Ok(())
    }

    async fn keep(&self, id: &str) -> Result<(), PendingError> {
        let kept = self.dialogue.flush().await;
        kept.map_err(|source| PendingError::NotKept { id: id.to_owned(), source })
    }
}

impl LateResults for PendingCalls {
    /// A result that came after its answer is said if it is still wanted: if the tool was not
    /// called again since. One that will never come is only written down.
    fn late(&self, late: LateResult) {
        let LateResult { call, result, .. } = late;
        let is_wanted = result.is_some() && !self.dialogue.is_superseded(&call);
        let _forgotten = self.resolved(result.unwrap_or_else(|| cut_off(&call)), is_wanted);
    }
}

/// Writes down that a call was cut off, unless it was not.
struct Left<'a> {
    calls: &'a PendingCalls,
    call: Option<ToolCall>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let _forgotten = self.calls.resolved(cut_off(&call), true);
        }
    }
}

fn cut_off(call: &ToolCall) -> ToolResult {
    let content = "it was cut off; it is not known whether it was done".to_owned();
    ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error: true }
}
