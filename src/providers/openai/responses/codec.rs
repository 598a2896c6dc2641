//! Reads an answer: the data of events in, what the model says and wants out.

use serde_json::{Value, json};

use super::wire::{Event, Response};
use crate::providers::asides::Asides;
use crate::providers::draft::{self, Calling, Draft};
use crate::providers::{ProviderError, ProviderEvent};
use crate::types::{FinishReason, Usage};

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Codec {
    draft: Draft,
    /// What it thought, as it is to be told again.
    thoughts: Vec<Value>,
    asides: Asides,
}

impl Codec {
    /// An answer to the request whose conversation has so many messages. What was thought before a
    /// call is kept in `asides`.
    pub(super) fn new(provider: &str, messages: usize, asides: Asides) -> Self {
        Self { draft: Draft::new(provider, messages), thoughts: Vec::new(), asides }
    }

    /// An item of the answer begins, or is there as a whole.
    fn item(
        &mut self,
        index: Option<u64>,
        item: &Value,
        is_whole: bool,
    ) -> Result<(), ProviderError> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "function_call" => {
                let (id, name, arguments) = (text("call_id"), text("name"), text("arguments"));
                let known = self.draft.calls().iter().rposition(|call| call.id == id);
                match known {
                    Some(at) if is_whole && !arguments.is_empty() => {
                        self.draft.change(at, |call| call.arguments = arguments.to_owned())?;
                    }
                    Some(_) => {}
                    None => {
                        self.draft.call(Calling {
                            index,
                            id: id.to_owned(),
                            name: name.to_owned(),
                            arguments: arguments.to_owned(),
                        })?;
                    }
                }
            }
            // Only what is signed can be told again.
            "reasoning"
                if is_whole
                    && !text("encrypted_content").is_empty()
                    && self.thoughts.len() < MOST_THOUGHTS =>
            {
                self.thoughts.push(item.clone());
            }
            // What the service's own tools do is not for us.
            _ => {}
        }
        Ok(())
    }

    fn over(&mut self, response: Response) -> Result<Vec<ProviderEvent>, ProviderError> {
        if let Some(error) = response.error {
            return Err(self.draft.complained(&json!({ "error": error })));
        }
        self.draft.usage = response.usage.map(|usage| {
            let details = usage.input_tokens_details.unwrap_or_default();
            Usage {
                cached_tokens: details.cached_tokens.unwrap_or_default(),
                cache_written_tokens: details.cache_write_tokens.unwrap_or_default(),
                ..Usage::of_text(usage.input_tokens, usage.output_tokens)
            }
        });
        let why = response.incomplete_details.and_then(|details| details.reason);
        self.draft.reason = Some(match (response.status.as_deref(), why.as_deref()) {
            (_, Some("content_filter")) => FinishReason::ContentFilter,
            (_, Some(_)) | (Some("incomplete"), None) => FinishReason::Length,
            (Some("failed" | "cancelled"), None) => {
                return Err(self.draft.failed("it gave up, and does not say why"));
            }
            _ => FinishReason::Stop,
        });
        draft::Codec::end(self)
    }
}

impl draft::Codec for Codec {
    fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let Some(event) = self.draft.parse::<Event>(data) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        match event {
            Event::ItemAdded { output_index, item } => self.item(output_index, &item, false)?,
            Event::ItemDone { output_index, item } => self.item(output_index, &item, true)?,
            Event::Text { delta } => self.draft.say(delta, &mut events),
            Event::Arguments { output_index, delta } => {
                let calls = self.draft.calls();
                let at = calls.iter().rposition(|call| call.index == output_index);
                if let Some(at) = at {
                    self.draft.change(at, |call| call.arguments.push_str(&delta))?;
                }
            }
            Event::Over { response } => return self.over(response),
            Event::Error(error) => return Err(self.draft.complained(&error)),
            Event::Known {} => {}
            Event::Unknown => self.draft.skip(),
        }
        if self.draft.is_too_long() {
            events.extend(self.end()?);
        }
        Ok(events)
    }

    fn whole(&mut self, body: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let Some(response) = self.draft.parse::<Response>(body) else { return self.end() };
        let mut events = Vec::new();
        for (index, item) in (0..).zip(response.output.iter().flatten()) {
            self.item(Some(index), item, true)?;
            let parts = item.get("content").and_then(Value::as_array);
            let texts = parts.into_iter().flatten().filter(|part| part["type"] != "reasoning_text");
            let texts = texts.filter_map(|part| part.get("text").or(part.get("refusal"))?.as_str());
            texts.for_each(|text| self.draft.say(text.to_owned(), &mut events));
        }
        events.extend(self.over(response)?);
        Ok(events)
    }

    fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let events = self.draft.end()?;
        let thoughts = std::mem::take(&mut self.thoughts);
        if let Some(ProviderEvent::ToolCall(call)) = events.first()
            && !thoughts.is_empty()
        {
            self.asides.put(call, Value::Array(thoughts));
        }
        Ok(events)
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }
}

const MOST_THOUGHTS: usize = 64;
