//! A response in flight, and what became of it.

use std::time::Duration;

use crate::events::StageName;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::Outcome;
use crate::time::SessionTime;
use crate::types::{Message, Role, ToolCall, ToolResult};

/// A response in flight.
#[derive(Debug)]
pub(in crate::session) struct Answer {
    pub(in crate::session) turn: TurnId,
    pub(in crate::session) response: ResponseId,
    /// It is heard.
    pub(in crate::session) sounding: bool,
    /// The calls of tools and their results, in the order of a conversation.
    pub(in crate::session) tools: Vec<Message>,
    /// The last sign of life of any stage.
    pub(in crate::session) alive: SessionTime,
    /// How many samples had left the speaker when that was looked at last.
    pub(in crate::session) played: u64,
    /// The stage whose turn it is to go on.
    pub(in crate::session) waits_for: StageName,
    /// It was given up.
    pub(in crate::session) failed: Option<Outcome>,
}

/// What the playout says of a response that is over.
#[derive(Debug)]
pub(in crate::session) struct Said {
    pub(in crate::session) outcome: Outcome,
    pub(in crate::session) text: String,
    pub(in crate::session) heard_bytes: usize,
    pub(in crate::session) heard: Duration,
    pub(in crate::session) at: SessionTime,
}

impl Said {
    /// The part of the answer that was heard.
    pub(in crate::session) fn heard_text(&self) -> &str {
        self.text.get(..self.heard_bytes).unwrap_or(&self.text).trim()
    }
}

impl Answer {
    pub(in crate::session) fn new(
        turn: TurnId,
        response: ResponseId,
        now: SessionTime,
        played: u64,
    ) -> Self {
        let (tools, waits_for) = (Vec::new(), StageName::Provider);
        Self { turn, response, sounding: false, tools, alive: now, played, waits_for, failed: None }
    }

    pub(in crate::session) fn is(&self, response: ResponseId) -> bool {
        self.response == response
    }

    pub(in crate::session) fn called(&mut self, call: ToolCall) {
        match self.tools.last_mut() {
            Some(message) if message.role == Role::Assistant => message.tool_calls.push(call),
            _ => {
                let tool_calls = vec![call];
                self.tools.push(Message { tool_calls, ..Message::assistant("") });
            }
        }
    }

    pub(in crate::session) fn returned(&mut self, result: ToolResult) {
        self.tools.push(Message::tool(result));
    }

    /// When the wait for progress becomes too long.
    pub(in crate::session) fn deadline(&self) -> SessionTime {
        self.alive + LIMIT
    }
}

/// The longest wait for any progress of a response. Tools have less.
pub(in crate::session) const LIMIT: Duration = Duration::from_secs(30);
