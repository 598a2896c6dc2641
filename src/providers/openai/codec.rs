//! Reads an answer: the data of events in, what the model says and wants out.

use serde_json::{Map, Value};

use super::wire::{CallDelta, Chunk, Delta};
use crate::providers::draft::{self, Calling, Draft};
use crate::providers::{ProviderError, ProviderEvent};
use crate::types::{FinishReason, Usage};

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Codec(Draft);

impl Codec {
    /// An answer to the request whose conversation has so many messages.
    pub(super) fn new(provider: &str, messages: usize) -> Self {
        Self(Draft::new(provider, messages))
    }

    fn delta(
        &mut self,
        delta: Delta,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        for text in [delta.content, delta.refusal].into_iter().flatten() {
            self.0.say(text, events);
        }
        delta.tool_calls.into_iter().flatten().try_for_each(|call| self.call(call))
    }

    fn call(&mut self, delta: CallDelta) -> Result<(), ProviderError> {
        let function = delta.function.unwrap_or_default();
        let (id, name) = (delta.id.unwrap_or_default(), function.name.unwrap_or_default());
        let calls = self.0.calls();
        let at = match calls.iter().rposition(|call| call.is_continued(delta.index, &id, &name)) {
            Some(at) => at,
            None => {
                self.0.call(Calling { index: delta.index, ..Calling::default() })?;
                self.0.calls().len() - 1
            }
        };
        self.0.change(at, |call| {
            if call.id.is_empty() {
                call.id = id;
            }
            if call.name.is_empty() {
                call.name = name;
            }
            match function.arguments {
                Some(Value::String(piece)) => call.arguments.push_str(&piece),
                None | Some(Value::Null) => {}
                Some(whole) => call.arguments = whole.to_string(),
            }
        })
    }
}

impl draft::Codec for Codec {
    fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        if data.trim() == "[DONE]" {
            return self.end();
        }
        let Some(chunk) = self.0.parse::<Chunk>(data) else { return Ok(Vec::new()) };
        if let Some(error) = chunk.error {
            return Err(self.0.complained(&serde_json::json!({ "error": error })));
        }
        if let Some(usage) = chunk.usage {
            let (input_tokens, output_tokens) = (usage.prompt_tokens, usage.completion_tokens);
            let asked = usage.prompt_tokens_details.unwrap_or_default();
            let answered = usage.completion_tokens_details.unwrap_or_default();
            self.0.usage = Some(Usage {
                cached_tokens: asked.cached_tokens.unwrap_or_default(),
                cache_written_tokens: asked.cache_write_tokens.unwrap_or_default(),
                audio_input_tokens: asked.audio_tokens.unwrap_or_default(),
                audio_output_tokens: answered.audio_tokens.unwrap_or_default(),
                ..Usage::of_text(input_tokens, output_tokens)
            });
        }
        let mut events = Vec::new();
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            self.delta(choice.delta.unwrap_or_default(), &mut events)?;
            // Some servers send an empty one with every piece.
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.0.reason = Some(finish_reason(&reason));
            }
        }
        if self.0.is_too_long() {
            self.0.reason = Some(FinishReason::Length);
            events.extend(self.end()?);
        } else if self.0.is_complete() && self.0.usage.is_some() {
            events.extend(self.end()?);
        }
        Ok(events)
    }

    fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        self.0.end()
    }

    fn draft(&self) -> &Draft {
        &self.0
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
