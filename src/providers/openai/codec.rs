//! Reads an answer: the data of events in, what the model says and wants out.

use serde_json::{Map, Value};

use super::wire::{CallDelta, Chunk, Delta};
use crate::providers::{ProviderError, ProviderEvent};
use crate::types::{FinishReason, ToolCall, Usage};

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Codec {
    provider: String,
    /// What the ids of calls begin with where the server gives none.
    unnamed: String,
    calls: Vec<Calling>,
    text: usize,
    arguments: usize,
    spoke: bool,
    read: usize,
    skipped: usize,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct Calling {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Codec {
    /// An answer to the request whose conversation has so many messages.
    pub(super) fn new(provider: &str, messages: usize) -> Self {
        Self {
            provider: provider.to_owned(),
            unnamed: format!("call-{messages}"),
            calls: Vec::new(),
            text: 0,
            arguments: 0,
            spoke: false,
            read: 0,
            skipped: 0,
            reason: None,
            usage: None,
        }
    }

    /// Takes the data of an event. The answer is over when the last event is
    /// [`ProviderEvent::Finished`].
    pub(super) fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        if data.trim() == "[DONE]" {
            return self.end();
        }
        let Ok(chunk) = serde_json::from_str::<Chunk>(data) else {
            self.skipped += 1;
            return Ok(Vec::new());
        };
        self.read += 1;
        if let Some(error) = &chunk.error {
            return Err(self.complained(error));
        }
        if let Some(usage) = chunk.usage {
            let (input_tokens, output_tokens) = (usage.prompt_tokens, usage.completion_tokens);
            self.usage = Some(Usage::of_text(input_tokens, output_tokens));
        }
        let mut events = Vec::new();
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            self.delta(choice.delta.unwrap_or_default(), &mut events)?;
            // Some servers send an empty one with every piece.
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.reason = Some(finish_reason(&reason));
            }
        }
        if self.text >= LONGEST_TEXT {
            self.reason = Some(FinishReason::Length);
            events.extend(self.end()?);
        } else if self.is_complete() && self.usage.is_some() {
            events.extend(self.end()?);
        }
        Ok(events)
    }

    /// Whether only the cost may follow.
    pub(super) fn is_complete(&self) -> bool {
        self.reason.is_some()
    }

    /// How many events could not be read.
    pub(super) fn skipped(&self) -> usize {
        self.skipped
    }

    /// Nothing follows.
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
        // With a proper end, it may have said all before it called its tools.
        let broke_off = self.reason.is_none() || reason == FinishReason::Length;
        if !self.spoke && !called && broke_off {
            return Err(self.failed(match (self.read, self.skipped) {
                (0, 1..) => "nothing in its answer could be read",
                _ if reason == FinishReason::Length => "it said nothing before its limit of tokens",
                _ => "it said nothing",
            }));
        }
        events.push(ProviderEvent::Finished { reason, usage: self.usage });
        Ok(events)
    }

    fn delta(
        &mut self,
        delta: Delta,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        for mut text in [delta.content, delta.refusal].into_iter().flatten() {
            text.truncate(text.floor_char_boundary(LONGEST_TEXT.saturating_sub(self.text)));
            if !text.is_empty() {
                self.text += text.len();
                self.spoke |= !text.trim().is_empty();
                events.push(ProviderEvent::TextDelta(text));
            }
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.call(call);
            if self.calls.len() > MOST_CALLS || self.arguments > LONGEST_ARGUMENTS {
                return Err(self.failed("its tool calls have no end"));
            }
        }
        Ok(())
    }

    fn call(&mut self, delta: CallDelta) {
        let function = delta.function.unwrap_or_default();
        let (id, name) = (delta.id.unwrap_or_default(), function.name.unwrap_or_default());
        let at = self.calls.iter().rposition(|call| call.is_continued(delta.index, &id, &name));
        let at = at.unwrap_or_else(|| {
            self.calls.push(Calling { index: delta.index, ..Calling::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        let before = call.arguments.len();
        match function.arguments {
            Some(Value::String(piece)) => call.arguments.push_str(&piece),
            None | Some(Value::Null) => {}
            Some(whole) => call.arguments = whole.to_string(),
        }
        self.arguments += call.arguments.len().saturating_sub(before);
    }

    /// A service's error in the middle of its answer.
    fn complained(&self, error: &Value) -> ProviderError {
        let said = error.pointer("/message").unwrap_or(error);
        let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
        let is = |test: fn(&Value) -> bool| {
            ["/code", "/type"].iter().filter_map(|at| error.pointer(at)).any(test)
        };
        let provider = self.provider.clone();
        if is(|kind| kind == OUT_OF_CREDIT) {
            ProviderError::OutOfCredit { provider, reason: said }
        } else if is(|kind| *kind == 429 || kind.as_str().is_some_and(is_of_haste)) {
            ProviderError::RateLimited { provider, retry_after: None }
        } else {
            self.failed(&said)
        }
    }

    fn failed(&self, reason: &str) -> ProviderError {
        let (provider, reason) = (self.provider.clone(), reason.to_owned());
        ProviderError::Failed { provider, reason }
    }
}

impl Calling {
    /// Whether a delta belongs to this call. Servers may give neither index nor id, or the same
    /// index to all calls.
    fn is_continued(&self, index: Option<u64>, id: &str, name: &str) -> bool {
        if !id.is_empty() && !self.id.is_empty() {
            return self.id == id;
        }
        let same = index.is_none() || self.index == index;
        let new = !name.is_empty() && (index.is_none() || is_object(&self.arguments));
        same && !new
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

fn is_of_haste(kind: &str) -> bool {
    kind.contains("rate_limit")
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// In bytes: over an hour of speech. Whoever writes more does not stop.
const LONGEST_TEXT: usize = 64 << 10;
/// In bytes, of all calls.
const LONGEST_ARGUMENTS: usize = 256 << 10;
/// How the protocol says that an account is empty.
const OUT_OF_CREDIT: &str = "insufficient_quota";
/// Far more than an answer needs.
const MOST_CALLS: usize = 64;
