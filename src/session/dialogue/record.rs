//! From what happened to what is written down of it.

use std::collections::BTreeSet;

use crate::pipeline::Outcome;
use crate::session::answer::{Answer, Said};
use crate::state::{Entry, Mode, Saved, TurnLatency, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Message, Role, ToolCall, ToolResult};

/// What is known of a turn beside its answer.
#[derive(Debug)]
pub(super) struct Of<'a> {
    pub(super) mode: Mode,
    pub(super) model: &'a str,
    /// What the user said.
    pub(super) user: Vec<Message>,
}

impl Of<'_> {
    /// The turn with this answer: a record of its own, or, with more of it, that of `before`. An
    /// answer of which nothing was heard, to nothing that was said, is none.
    pub(super) fn answered(
        self,
        answer: Answer,
        said: &Said,
        before: Option<&TurnRecord>,
    ) -> Option<TurnRecord> {
        let asked = !answer.scripted;
        let latency = TurnLatency {
            first_text_ms: answer.first_text.map(|at| at.millis_since(answer.began)),
            voice_to_voice_ms: answer.voice_to_voice_ms,
            whole_ms: Some(said.at.millis_since(answer.began)),
        };
        let error = match &said.outcome {
            Outcome::Failed { reason } => Some(reason.to_string()),
            _ => None,
        };
        let usage = answer.usage;
        let mut messages = self.user;
        messages.extend(of_agent(answer, said));
        if messages.is_empty() && error.is_none() {
            return None;
        }
        let new = || TurnRecord::new(UtcTime::now(), self.mode, Vec::new());
        let mut record = before.cloned().unwrap_or_else(new);
        record.at = UtcTime::now();
        record.messages.extend(messages);
        record.error = error.or(record.error);
        if asked {
            record.usage = sum(record.usage, usage);
            record.latency = record.latency.or(Some(latency));
            record.model = Some(self.model.to_owned()).filter(|model| !model.is_empty());
        }
        Some(record)
    }
}

/// The calls of the last turn that wait for their results.
pub(super) fn pending(saved: &Saved) -> Vec<ToolCall> {
    let Some((_, turn)) = last(saved) else { return Vec::new() };
    let done = results(&turn.messages);
    let calls = turn.messages.iter().flat_map(|message| &message.tool_calls);
    calls.filter(|call| !done.contains(call.id.as_str())).cloned().collect()
}

/// The last turn with the result of a call that waited for one.
pub(super) fn resolved(saved: &Saved, result: ToolResult) -> Option<Entry> {
    if !pending(saved).iter().any(|call| call.id == result.id) {
        return None;
    }
    let (turn, last) = last(saved)?;
    let mut record = last.clone();
    record.messages.push(Message::tool(result));
    Some(Entry::Amended { turn, record })
}

/// The messages of a turn without the calls that have no result: a model takes no call without
/// one.
pub(super) fn complete(messages: &[Message]) -> Vec<Message> {
    if messages.iter().all(|message| message.tool_calls.is_empty()) {
        return messages.to_vec();
    }
    let done = results(messages);
    let keep = |message: &Message| {
        let had_calls = !message.tool_calls.is_empty();
        let mut message = message.clone();
        message.tool_calls.retain(|call| done.contains(call.id.as_str()));
        let nothing_left = had_calls && message.tool_calls.is_empty() && message.text.is_empty();
        (!nothing_left).then_some(message)
    };
    messages.iter().filter_map(keep).collect()
}

/// What the agent called and said. Only an answer that waits for them has calls without results.
fn of_agent(answer: Answer, said: &Said) -> Vec<Message> {
    let mut messages = answer.tools;
    if said.outcome != Outcome::AwaitingTools {
        messages = complete(&messages);
    }
    let heard = said.heard_text();
    if !heard.is_empty() || !answer.media.is_empty() {
        let interrupted = matches!(said.outcome, Outcome::Interrupted { .. });
        let words = Message { interrupted, media: answer.media, ..Message::assistant(heard) };
        // What is called last is to be answered next.
        let at = if said.outcome == Outcome::AwaitingTools { 0 } else { messages.len() };
        messages.insert(at, words);
    }
    messages
}

fn last(saved: &Saved) -> Option<(u64, &TurnRecord)> {
    let last = saved.turns.last()?;
    Some((saved.turns.len() as u64 - 1, last))
}

fn results(messages: &[Message]) -> BTreeSet<&str> {
    let of_tools = messages.iter().filter(|message| message.role == Role::Tool);
    of_tools.filter_map(|message| Some(message.tool_result.as_ref()?.id.as_str())).collect()
}

fn sum<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}
