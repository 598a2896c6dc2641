//! What has come of an answer so far, whatever protocol it comes by: the codecs fill it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, ToolCall, Usage};

/// Reads one answer: the data of events in, what the model says and wants out.
pub(super) trait Codec: Send {
    /// Takes the data of an event. The answer is over when the last event is
    /// [`ProviderEvent::Finished`].
    fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError>;

    /// Nothing follows.
    fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError>;

    /// What has come so far.
    fn draft(&self) -> &Draft;

    /// Takes an answer that comes as a whole.
    fn whole(&mut self, body: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let mut events = self.read(body)?;
        if !matches!(events.last(), Some(ProviderEvent::Finished { .. })) {
            events.extend(self.end()?);
        }
        Ok(events)
    }
}

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Draft {
    provider: String,
    /// What the ids of calls begin with where the server gives none.
    unnamed: String,
    calls: Vec<Calling>,
    text: usize,
    arguments: usize,
    spoke: bool,
    read: usize,
    skipped: usize,
    /// Why it ended; until then nothing.
    pub(super) reason: Option<FinishReason>,
    /// What it cost, as far as it is known.
    pub(super) usage: Option<Usage>,
    /// Why it was withheld, if somebody says.
    pub(super) withheld: Option<String>,
}

/// A tool call, as it comes.
#[derive(Debug, Default)]
pub(super) struct Calling {
    /// Its place, as the protocol counts.
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    /// JSON's text so far.
    pub(super) arguments: String,
}

impl Draft {
    /// An answer to the request whose conversation has so many messages.
    pub(super) fn new(provider: &str, messages: usize) -> Self {
        Self {
            provider: provider.to_owned(),
            unnamed: format!("{UNNAMED}{messages}"),
            calls: Vec::new(),
            text: 0,
            arguments: 0,
            spoke: false,
            read: 0,
            skipped: 0,
            reason: None,
            usage: None,
            withheld: None,
        }
    }

    /// What an event says; `None`, and counted, if that cannot be read.
    pub(super) fn parse<T: DeserializeOwned>(&mut self, data: &str) -> Option<T> {
        let parsed = serde_json::from_str(data).ok();
        match parsed {
            Some(_) => self.read += 1,
            None => self.skipped += 1,
        }
        parsed
    }

    /// The model says more. Over 64 KiB it is cut, and has ended.
    pub(super) fn say(&mut self, mut text: String, events: &mut Vec<ProviderEvent>) {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT.saturating_sub(self.text)));
        if !text.is_empty() {
            self.text += text.len();
            self.spoke |= !text.trim().is_empty();
            events.push(ProviderEvent::TextDelta(text));
        }
        if self.is_too_long() {
            self.reason = Some(FinishReason::Length);
        }
    }

    pub(super) fn calls(&self) -> &[Calling] {
        &self.calls
    }

    /// Another call begins.
    pub(super) fn call(&mut self, call: Calling) -> Result<&mut Calling, ProviderError> {
        if self.calls.len() == MOST_CALLS {
            return Err(self.failed(ENDLESS));
        }
        self.arguments += call.arguments.len();
        if self.arguments > LONGEST_ARGUMENTS {
            return Err(self.failed(ENDLESS));
        }
        self.calls.push(call);
        let last = self.calls.len() - 1;
        Ok(&mut self.calls[last])
    }

    /// A call changes: more arguments, or its name.
    pub(super) fn change(
        &mut self,
        at: usize,
        change: impl FnOnce(&mut Calling),
    ) -> Result<(), ProviderError> {
        let Some(call) = self.calls.get_mut(at) else { return Ok(()) };
        let before = call.arguments.len();
        change(call);
        self.arguments = (self.arguments + call.arguments.len()).saturating_sub(before);
        if self.arguments > LONGEST_ARGUMENTS { Err(self.failed(ENDLESS)) } else { Ok(()) }
    }

    /// Whether only the cost may follow.
    pub(super) fn is_complete(&self) -> bool {
        self.reason.is_some()
    }

    /// Whether it has no end.
    pub(super) fn is_too_long(&self) -> bool {
        self.text >= LONGEST_TEXT
    }

    /// How many events were read: signs of life.
    pub(super) fn read(&self) -> usize {
        self.read
    }

    /// How many events could not be read.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    /// The model gives something beside its text.
    pub(super) fn show(&mut self, event: ProviderEvent, events: &mut Vec<ProviderEvent>) {
        self.spoke = true;
        events.push(event);
    }

    /// An event that says nothing of the answer.
    pub(super) fn pass_over(&mut self) {
        self.read = self.read.saturating_sub(1);
    }

    /// An event that nobody knows.
    pub(super) fn skip(&mut self) {
        self.pass_over();
        self.skipped += 1;
    }

    /// Nothing follows: the calls, and why it has ended.
    pub(super) fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let mut events = Vec::new();
        let called = !self.calls.is_empty();
        for (number, call) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let id = match call.id.is_empty() {
                true => format!("{}-{number}", self.unnamed),
                false => call.id,
            };
            let arguments = arguments(call.arguments);
            events.push(ProviderEvent::ToolCall(ToolCall { id, name: call.name, arguments }));
        }
        let reason = match self.reason {
            None | Some(FinishReason::Stop) if called => FinishReason::ToolCalls,
            None => FinishReason::Stop,
            Some(FinishReason::ToolCalls) if !called => FinishReason::Stop,
            Some(reason) => reason,
        };
        let silent = !self.spoke && !called;
        if silent && reason == FinishReason::ContentFilter {
            let why = self.withheld.take().unwrap_or_else(|| "it says no more".to_owned());
            return Err(ProviderError::new(&*self.provider, ProviderErrorKind::ContentPolicy, why));
        }
        // With a proper end, it may have said all before it called its tools.
        let broke_off = self.reason.is_none() || reason == FinishReason::Length;
        if silent && broke_off {
            let (kind, why) = match (self.read, self.skipped) {
                (0, 1..) => (ProviderErrorKind::Protocol, "nothing in its answer could be read"),
                _ if reason == FinishReason::Length => {
                    (ProviderErrorKind::Failed, "it said nothing before its limit of tokens")
                }
                _ => (ProviderErrorKind::Failed, "it said nothing"),
            };
            return Err(ProviderError::new(&*self.provider, kind, why));
        }
        events.push(ProviderEvent::Finished { reason, usage: self.usage });
        Ok(events)
    }

    pub(super) fn failed(&self, reason: &str) -> ProviderError {
        ProviderError::failed(&*self.provider, reason)
    }

    /// A service's error in the middle of its answer: `value` has it as `error`, or is it.
    pub(super) fn complained(&self, value: &Value) -> ProviderError {
        let said = ["/error/message", "/error", "/message"].iter().find_map(|at| value.pointer(at));
        let said = said.unwrap_or(value);
        let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
        ProviderError::said(&*self.provider, &crate::net::codes(value), said)
    }
}

/// The object, or the text that is none: whoever runs the call tells the model.
fn arguments(text: String) -> Value {
    match serde_json::from_str(&text) {
        _ if text.trim().is_empty() => Value::Object(Map::new()),
        Ok(Value::Null) => Value::Object(Map::new()),
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text),
    }
}

/// Nothing rather than an error: a cost that cannot be read must not lose the words beside it.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}

/// What the ids of calls begin with that a server gives none.
pub(super) const UNNAMED: &str = "call-";
const ENDLESS: &str = "its tool calls have no end";
/// In bytes: over an hour of speech. Whoever writes more does not stop.
const LONGEST_TEXT: usize = 64 << 10;
/// In bytes, of all calls.
const LONGEST_ARGUMENTS: usize = 256 << 10;
/// Far more than an answer needs.
const MOST_CALLS: usize = 64;
