//! Reads an answer: the data of events in, what the model says and wants out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::thoughts::{Before, Thoughts};
use super::wire::{Delta, Event, Usage as WireUsage};
use crate::providers::draft::{self, Calling, Draft};
use crate::providers::{ProviderError, ProviderEvent};
use crate::types::{FinishReason, Usage};

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Codec {
    draft: Draft,
    usage: WireUsage,
    /// What it thinks, by the place of the block, as it is to be told again.
    thoughts: BTreeMap<u64, Value>,
    /// In bytes, of all that it thinks.
    thought: usize,
    known: Thoughts,
    before: Before,
}

impl Codec {
    /// An answer to the request whose conversation has so many messages. What is thought before a
    /// call is kept in `known`; `before` it stood what was asked.
    pub(super) fn new(provider: &str, messages: usize, known: Thoughts, before: Before) -> Self {
        Self {
            draft: Draft::new(provider, messages),
            usage: WireUsage::default(),
            thoughts: BTreeMap::new(),
            thought: 0,
            known,
            before,
        }
    }

    /// A block begins, or is there as a whole.
    fn block(
        &mut self,
        index: u64,
        block: &Value,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "text" => self.draft.say(text("text").to_owned(), events),
            "tool_use" => {
                let input = block.get("input").filter(|input| **input != json!({}));
                self.draft.call(Calling {
                    index: Some(index),
                    id: text("id").to_owned(),
                    name: text("name").to_owned(),
                    arguments: input.map(Value::to_string).unwrap_or_default(),
                })?;
            }
            "thinking" | "redacted_thinking" if self.thoughts.len() < MOST_THOUGHTS => {
                self.thoughts.insert(index, block.clone());
            }
            // What the service's own tools do is not for us.
            _ => {}
        }
        Ok(())
    }

    fn delta(
        &mut self,
        index: u64,
        delta: Delta,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        match delta {
            Delta::Text { text } => self.draft.say(text, events),
            Delta::InputJson { partial_json } => {
                let of_block = |call: &Calling| call.index == Some(index);
                if let Some(at) = self.draft.calls().iter().rposition(of_block) {
                    self.draft.change(at, |call| call.arguments.push_str(&partial_json))?;
                }
            }
            Delta::Thinking { thinking } => self.think(index, "thinking", &thinking),
            Delta::Signature { signature } => self.think(index, "signature", &signature),
            Delta::Unknown => {}
        }
        Ok(())
    }

    fn think(&mut self, index: u64, field: &str, more: &str) {
        self.thought += more.len();
        if self.thought > LONGEST_THOUGHTS {
            return;
        }
        if let Some(Value::Object(block)) = self.thoughts.get_mut(&index) {
            match block.entry(field).or_insert_with(|| json!("")) {
                Value::String(text) => text.push_str(more),
                other => *other = more.into(),
            }
        }
    }

    /// Later figures count, where there are any.
    fn cost(&mut self, told: Option<WireUsage>) {
        let (Some(told), known) = (told, &mut self.usage) else { return };
        for (known, told) in [
            (&mut known.input_tokens, told.input_tokens),
            (&mut known.output_tokens, told.output_tokens),
            (&mut known.cache_creation_input_tokens, told.cache_creation_input_tokens),
            (&mut known.cache_read_input_tokens, told.cache_read_input_tokens),
        ] {
            *known = told.or(*known);
        }
        let number = Option::unwrap_or_default;
        let written = number(known.cache_creation_input_tokens);
        let cached = number(known.cache_read_input_tokens);
        // Its input is what was neither read from the cache nor written to it.
        let input = number(known.input_tokens).saturating_add(cached).saturating_add(written);
        self.draft.usage = Some(Usage {
            cached_tokens: cached,
            cache_written_tokens: written,
            ..Usage::of_text(input, number(known.output_tokens))
        });
    }
}

impl draft::Codec for Codec {
    fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let Some(event) = self.draft.parse::<Event>(data) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        match event {
            Event::MessageStart { message } => self.cost(message.usage),
            Event::ContentBlockStart { index, content_block } => {
                self.block(index, &content_block, &mut events)?;
            }
            Event::ContentBlockDelta { index, delta } => self.delta(index, delta, &mut events)?,
            Event::ContentBlockStop {} => {}
            Event::MessageDelta { delta, usage } => {
                self.cost(usage);
                self.draft.reason = delta.stop_reason.as_deref().map(finish_reason);
            }
            Event::MessageStop {} => return self.end(),
            Event::Ping {} => self.draft.pass_over(),
            Event::Error { error } => {
                return Err(self.draft.complained(&json!({ "error": error })));
            }
            Event::Message { content, stop_reason, usage } => {
                for (index, block) in (0..).zip(&content) {
                    self.block(index, block, &mut events)?;
                }
                self.cost(usage);
                self.draft.reason = stop_reason.as_deref().map(finish_reason);
            }
            Event::Unknown => self.draft.skip(),
        }
        if self.draft.is_too_long() {
            events.extend(self.end()?);
        }
        Ok(events)
    }

    fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let events = self.draft.end()?;
        let thoughts = std::mem::take(&mut self.thoughts);
        if let Some(ProviderEvent::ToolCall(call)) = events.first()
            && !thoughts.is_empty()
            && self.thought <= LONGEST_THOUGHTS
        {
            self.known.put(self.before, call, thoughts.into_values().collect());
        }
        Ok(events)
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// In bytes. Who thinks more is not told again what it thought.
const LONGEST_THOUGHTS: usize = 128 << 10;
const MOST_THOUGHTS: usize = 64;
