//! Errors as the service words them.

use serde_json::{Value, json};

use super::super::desk::{Desk, Event};

/// What is wrong with an event of the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) param: Option<String>,
}

impl Wrong {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), param: None }
    }

    /// A parameter has a value that it cannot have.
    pub(super) fn value(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new("invalid_value", message) }
    }

    /// A parameter is missing.
    pub(super) fn missing(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        let missing = Self::new("missing_required_parameter", message);
        Self { param: Some(param.to_owned()), ..missing }
    }

    fn kind(&self) -> &'static str {
        match self.code.as_str() {
            "server_error" | "internal_error" => "server_error",
            "rate_limit_exceeded" => "rate_limit_exceeded",
            _ => "invalid_request_error",
        }
    }

    /// As an object, in answer to the event with this id.
    pub(super) fn object(&self, event_id: &Value) -> Value {
        json!({
            "type": self.kind(), "code": self.code, "message": self.message,
            "param": self.param, "event_id": event_id,
        })
    }

    /// Tells the caller.
    pub(super) fn tell(&self, event_id: &Value, desk: &mut Desk) {
        desk.log_error(&self.code);
        let error = event(desk, "error", json!({"error": self.object(event_id)}));
        desk.send(error);
    }
}

/// An event of the service's.
pub(super) fn event(desk: &mut Desk, kind: &'static str, mut body: Value) -> Event {
    body["type"] = kind.into();
    body["event_id"] = desk.id("event").into();
    Event::new(kind, body)
}

/// Sends an event of the service's.
pub(super) fn send(desk: &mut Desk, kind: &'static str, body: Value) {
    let event = event(desk, kind, body);
    desk.send(event);
}
