//! Calls that wait: what is shown of them, and what is decided.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::super::decision::{Decision, What};
use super::{Show, Talker, one_line};
use crate::cli::harmless::harmless;
use crate::cli::pending;
use crate::session::ConversationError;
use crate::types::{PendingCall, ToolResult, WaitsFor};

/// A call that waits, as programs read it: what the events `tool_called` and `tool_pending` tell.
#[derive(Debug, Serialize)]
pub(super) struct Waiting {
    call: String,
    name: String,
    arguments: Value,
    waits_for: WaitsFor,
}

impl From<&PendingCall> for Waiting {
    fn from(pending: &PendingCall) -> Self {
        let PendingCall { call, waits_for } = pending.clone();
        Self { call: call.id, name: call.name, arguments: call.arguments, waits_for }
    }
}

impl Talker {
    /// Shows the calls that wait, if they are others than those that were shown. Programs are
    /// told with the answer.
    pub(super) fn show_waiting(&mut self, waiting: &[PendingCall]) -> io::Result<()> {
        if self.shown == waiting {
            return Ok(());
        }
        self.shown = waiting.to_vec();
        if waiting.is_empty() {
            return Ok(());
        }
        let list = pending::list(waiting);
        match self.show {
            Show::Live => writeln!(self.output, "{list}{HOW}"),
            Show::Lines => write!(self.complaints, "{list}"),
            Show::Json => Ok(()),
        }
    }

    /// Shows them since somebody asks.
    pub(super) fn show_pending(&mut self) -> io::Result<()> {
        match self.conversation.pending_tools() {
            waiting if waiting.is_empty() => writeln!(self.complaints, "no call waits"),
            waiting => write!(self.complaints, "{}", pending::list(&waiting)),
        }
    }

    /// Does what was decided; then the answer goes on, unless it waits for more. Says whether it
    /// was interrupted.
    pub(super) async fn decide(
        &mut self,
        decision: Decision,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> anyhow::Result<bool> {
        let waiting = self.conversation.pending_tools();
        let call = match decision.of(&waiting) {
            Ok(pending) => pending.call.id.clone(),
            Err(reason) => {
                writeln!(self.complaints, "banter: {reason}")?;
                return Ok(false);
            }
        };
        let done = tokio::select! {
            biased;
            Some(()) = interrupts.recv() => None,
            done = self.carry_out(&call, decision.what) => Some(done),
        };
        match done {
            None => return Ok(true),
            Some(Err(error)) => {
                writeln!(self.complaints, "banter: {error}")?;
                return Ok(false);
            }
            Some(Ok(result)) => self.show_result(result)?,
        }
        match self.conversation.stream_on().await {
            Err(ConversationError::PendingTools(_) | ConversationError::NothingPending) => {
                self.show_waiting(&self.conversation.pending_tools())?;
                Ok(false)
            }
            stream => self.follow(None, stream, interrupts).await,
        }
    }

    /// Gives the result of a tool that was run.
    async fn carry_out(
        &self,
        call: &str,
        what: What,
    ) -> Result<Option<ToolResult>, ConversationError> {
        match what {
            What::Approve(arguments) => self.conversation.approve(call, arguments).await.map(Some),
            What::Reject(reason) => self.conversation.reject(call, &reason).await.map(|()| None),
            What::Result(result) => {
                self.conversation.resolve(call, Ok(result)).await.map(|()| None)
            }
        }
    }

    fn show_result(&mut self, result: Option<ToolResult>) -> io::Result<()> {
        let Some(result) = result.filter(|_| self.show == Show::Live) else { return Ok(()) };
        let shown: String = one_line(&harmless(&result.content)).chars().take(MOST).collect();
        writeln!(self.output, "[{}: {shown}]", harmless(&result.name))
    }
}

/// What is shown of a result that the person has allowed; the model gets all of it.
const MOST: usize = 200;

const HOW: &str = "     /approve, /reject or /result decides; /help explains";

#[cfg(test)]
mod tests;
