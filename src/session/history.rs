//! The conversation, as it was heard.

use std::sync::Arc;

use super::answer::{Answer, Said};
use crate::pipeline::Outcome;
use crate::types::Message;

/// The conversation so far.
#[derive(Debug, Default)]
pub(super) struct History {
    messages: Vec<Message>,
}

impl History {
    /// The user said something.
    pub(super) fn said(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// A response is over: what was heard of it, and what its tools did, happened.
    pub(super) fn answered(&mut self, answer: Answer, said: &Said) {
        self.messages.extend(complete(answer.tools));
        let heard = said.heard_text();
        if !heard.is_empty() {
            let interrupted = matches!(said.outcome, Outcome::Interrupted { .. });
            self.messages.push(Message { interrupted, ..Message::assistant(heard) });
        }
    }

    pub(super) fn snapshot(&self) -> Arc<[Message]> {
        self.messages.as_slice().into()
    }

    pub(super) fn into_messages(self) -> Vec<Message> {
        self.messages
    }
}

/// The messages of tools without the calls that were cancelled before they had a result: a
/// model takes no call without one.
fn complete(messages: Vec<Message>) -> Vec<Message> {
    let answered: Vec<String> = messages
        .iter()
        .filter_map(|message| message.tool_result.as_ref())
        .map(|result| result.id.clone())
        .collect();
    let keep = |mut message: Message| {
        message.tool_calls.retain(|call| answered.contains(&call.id));
        let empty = message.tool_calls.is_empty() && message.tool_result.is_none();
        (!empty).then_some(message)
    };
    messages.into_iter().filter_map(keep).collect()
}
