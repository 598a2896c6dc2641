//! A response in flight, and what became of it.

use std::time::Duration;

use crate::events::StageName;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::Outcome;
use crate::time::SessionTime;
use crate::types::{Media, Message, PendingCall, Role, ToolCall, ToolResult, Usage, Validation};

/// A response in flight.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) turn: TurnId,
    pub(super) response: ResponseId,
    /// It was told what to say.
    pub(super) scripted: bool,
    /// A voice may interrupt it.
    pub(super) interruptible: bool,
    /// It is heard.
    pub(super) sounding: bool,
    /// The calls of tools and their results, in the order of a conversation.
    pub(super) tools: Vec<Message>,
    /// The calls whose results it did not wait for.
    pub(super) pending: Vec<PendingCall>,
    /// The calls of tools that outlive it.
    pub(super) lasting: Vec<ToolCall>,
    /// Until when its tools are waited for.
    pub(super) tools_until: SessionTime,
    /// The last sign of life of any stage.
    pub(super) alive: SessionTime,
    /// The stage whose turn it is to go on.
    pub(super) waits_for: StageName,
    /// When it began.
    pub(super) began: SessionTime,
    /// When the model gave its first text.
    pub(super) first_text: Option<SessionTime>,
    /// From the user's last sound to the agent's first, if both were heard.
    pub(super) voice_to_voice_ms: Option<f64>,
    /// What it shows or plays beside its text.
    pub(super) media: Vec<Media>,
    /// What the model's requests took, if it tells.
    pub(super) usage: Option<Usage>,
    /// What came of the rules for what was said.
    pub(super) validations: Vec<Validation>,
    /// It was given up.
    pub(super) failed: Option<Outcome>,
}

/// What the playout says of a response that is over.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) outcome: Outcome,
    pub(super) text: String,
    pub(super) heard_bytes: usize,
    pub(super) heard: Duration,
    pub(super) at: SessionTime,
}

impl Said {
    /// The part of the answer that was heard.
    pub(super) fn heard_text(&self) -> &str {
        self.text.get(..self.heard_bytes).unwrap_or(&self.text).trim()
    }
}

impl Answer {
    pub(super) fn new(
        turn: TurnId,
        response: ResponseId,
        scripted: bool,
        now: SessionTime,
    ) -> Self {
        Self {
            turn,
            response,
            scripted,
            interruptible: true,
            sounding: false,
            tools: Vec::new(),
            pending: Vec::new(),
            lasting: Vec::new(),
            tools_until: now,
            alive: now,
            waits_for: StageName::Provider,
            began: now,
            first_text: None,
            voice_to_voice_ms: None,
            media: Vec::new(),
            usage: None,
            validations: Vec::new(),
            failed: None,
        }
    }

    pub(super) fn is(&self, response: ResponseId) -> bool {
        self.response == response
    }

    /// A tool is called, and waited for until then.
    pub(super) fn called(&mut self, call: ToolCall, until: SessionTime, lasting: bool) {
        self.tools_until = self.tools_until.max(until);
        if lasting {
            self.lasting.push(call.clone());
        }
        match self.tools.last_mut() {
            Some(message) if message.role == Role::Assistant => message.tool_calls.push(call),
            _ => {
                let tool_calls = vec![call];
                self.tools.push(Message { tool_calls, ..Message::assistant("") });
            }
        }
    }

    /// A call has its result, or what stands in its place.
    pub(super) fn returned(&mut self, result: ToolResult) {
        self.lasting.retain(|call| call.id != result.id);
        self.tools.push(Message::tool(result));
        let calls: usize = self.tools.iter().map(|message| message.tool_calls.len()).sum();
        let results = self.tools.iter().filter(|message| message.role == Role::Tool).count();
        if results >= calls {
            // What it waits for now is the model.
            self.tools_until = self.began;
        }
    }

    /// Nobody waits for the result of a call any more.
    pub(super) fn left_pending(&mut self, pending: PendingCall) {
        self.pending.push(pending);
    }

    pub(super) fn used(&mut self, usage: Usage) {
        self.usage = Some(self.usage.map_or(usage, |before| before + usage));
    }

    /// When the wait for progress becomes too long.
    pub(super) fn deadline(&self) -> SessionTime {
        self.alive.max(self.tools_until) + LIMIT
    }
}

/// The longest wait for any progress of a response. Tools have what they ask for.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
