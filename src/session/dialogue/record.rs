//! From what happened to what is written down of it.

use std::collections::BTreeSet;

use crate::pipeline::Outcome;
use crate::session::answer::{Answer, Said};
use crate::state::{Mode, TurnLatency, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Message, PendingCall, Role, WaitsFor};

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
        let validations = answer.validations.clone();
        let pending = left_pending(&answer);
        let mut messages = self.user;
        messages.extend(of_agent(answer, said, &pending));
        if messages.is_empty() && error.is_none() {
            return None;
        }
        let new = || TurnRecord::new(UtcTime::now(), self.mode, Vec::new());
        let mut record = before.cloned().unwrap_or_else(new);
        record.at = UtcTime::now();
        record.messages.extend(messages);
        record.pending.extend(pending);
        record.validations.extend(validations);
        record.error = error.or(record.error);
        if asked {
            record.usage = sum(record.usage, usage);
            record.latency = record.latency.or(Some(latency));
            record.model = Some(self.model.to_owned()).filter(|model| !model.is_empty());
        }
        Some(record)
    }
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

/// The calls that go on without the answer: those that it did not wait for, and those that it left
/// running when it was cut off.
fn left_pending(answer: &Answer) -> Vec<PendingCall> {
    let mut pending = answer.pending.clone();
    for call in &answer.lasting {
        if !pending.iter().any(|left| left.call.id == call.id) {
            pending.push(PendingCall { call: call.clone(), waits_for: WaitsFor::Tool });
        }
    }
    pending
}

/// What the agent called and said. A call that was cut off, and its tool with it, was not made.
fn of_agent(answer: Answer, said: &Said, pending: &[PendingCall]) -> Vec<Message> {
    let mut messages = answer.tools;
    let done: BTreeSet<String> = results(&messages).into_iter().map(str::to_owned).collect();
    let open = pending.iter().filter(|pending| !done.contains(&pending.call.id));
    messages.extend(open.map(|pending| Message::tool(pending.placeholder())));
    let mut messages = complete(&messages);
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
