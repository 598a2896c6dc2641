//! A conversation as a model is told it, whatever its protocol.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::types::{Message, ToolCall};

/// What the agent said, as far as it was heard; `None` if it was nothing.
pub(super) fn said(message: &Message) -> Option<Cow<'_, str>> {
    match (message.text.is_empty(), message.interrupted) {
        (true, _) => None,
        (false, true) => Some(Cow::Owned(message.text.clone() + CUT)),
        (false, false) => Some(Cow::Borrowed(&message.text)),
    }
}

/// Arguments that are no object are told as an empty one: some servers refuse the request, and
/// with it every later one. The result of the call says what was wrong with them.
pub(super) fn arguments(call: &ToolCall) -> Cow<'_, Value> {
    match call.arguments.is_object() {
        true => Cow::Borrowed(&call.arguments),
        false => Cow::Owned(Value::Object(Map::new())),
    }
}

/// Tells the model, as print does, that the words broke off here.
const CUT: &str = "—";
