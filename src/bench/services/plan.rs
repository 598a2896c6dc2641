//! An answer before it is played: what is sent, and when.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::Fault;
use super::chance::Chance;
use super::log::ExchangeId;

/// An answer as it is to be played. Its head travels with its first step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Names the exchange to [`Services::sent`](super::Services::sent) and
    /// [`Services::over`](super::Services::over).
    pub exchange: ExchangeId,
    /// The status.
    pub status: u16,
    /// The header `retry-after`.
    pub retry_after: Option<Duration>,
    /// The header `content-type`.
    pub content_type: &'static str,
    /// The body, in order.
    pub steps: Vec<Step>,
    /// What comes after the last step.
    pub end: End,
}

/// A piece of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From the step before, or for the first one from the request's last byte, whenever those
    /// were really sent: delays do not add up.
    pub after: Duration,
    /// What is sent.
    pub bytes: Bytes,
}

/// What comes after the last step, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The end of the answer.
    Finish,
    /// The connection breaks off; before any step, there is not even a head.
    Cut,
    /// Nothing, until the caller gives up.
    Stall,
}

/// What a service answers, before anything goes wrong.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) content_type: &'static str,
    pub(super) steps: Vec<Step>,
    /// Of each step, for the log.
    pub(super) texts: Vec<String>,
    /// What the request showed, for the log.
    pub(super) media: u64,
    pub(super) end: End,
}

impl Reply {
    pub(super) fn new(content_type: &'static str) -> Self {
        let (steps, texts) = (Vec::new(), Vec::new());
        let end = End::Finish;
        Self { status: 200, retry_after: None, content_type, steps, texts, media: 0, end }
    }

    /// The same with one more step.
    pub(super) fn then(mut self, after: Duration, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step { after, bytes: bytes.into() });
        self
    }

    /// The same with one more step, in which the model says `text`.
    pub(super) fn saying(mut self, after: Duration, bytes: impl Into<Bytes>, text: &str) -> Self {
        self.texts.push(text.to_owned());
        self.then(after, bytes)
    }

    /// A refusal, at once.
    pub(super) fn refusal(status: u16, message: &str) -> Self {
        let (kind, code) = match status {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            404 => ("invalid_request_error", Some("not_found")),
            429 => ("requests", Some("rate_limit_exceeded")),
            400..=499 => ("invalid_request_error", None),
            _ => ("server_error", None),
        };
        let body = json!({
            "error": {"message": message, "type": kind, "param": null, "code": code}
        });
        Self { status, ..Self::new(JSON) }.then(Duration::ZERO, body.to_string())
    }

    /// The same with each delay longer or shorter.
    pub(super) fn varied(mut self, chance: &mut Chance, jitter: f64) -> Self {
        for step in &mut self.steps {
            step.after = chance.vary(step.after, jitter);
        }
        self
    }

    /// What becomes of it when this goes wrong. `nonsense` is what this service could say instead.
    pub(super) fn with(self, fault: Fault, nonsense: &'static [u8]) -> Self {
        match fault {
            Fault::Refuse { status, retry_after } => {
                let message = format!("refused with {status}, as it was asked for");
                Self { retry_after, ..Self::refusal(status, &message) }
            }
            Fault::Cut { after } => Self { end: End::Cut, ..self.broken(after) },
            Fault::Stall { after } => Self { end: End::Stall, ..self.broken(after) },
            Fault::Malformed => {
                let after = self.steps.first().map_or(Duration::ZERO, |step| step.after);
                Self::new(self.content_type).then(after, nonsense)
            }
            Fault::Slow { factor } => {
                let mut slow = self;
                for step in &mut slow.steps {
                    let after = Duration::try_from_secs_f64(step.after.as_secs_f64() * factor);
                    step.after = after.unwrap_or(step.after);
                }
                slow
            }
        }
    }

    /// Its first part, in bytes.
    fn broken(mut self, part: f64) -> Self {
        let all: usize = self.steps.iter().map(|step| step.bytes.len()).sum();
        let mut left = (all as f64 * part) as usize;
        let mut kept = 0;
        for step in &mut self.steps {
            if left == 0 {
                break;
            }
            if step.bytes.len() > left {
                step.bytes.truncate(left);
                if let Some(text) = self.texts.get_mut(kept) {
                    text.clear();
                }
            }
            left -= step.bytes.len();
            kept += 1;
        }
        self.steps.truncate(kept);
        self.texts.truncate(kept);
        self
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";
