//! Reads an answer: the data of events in, what the model says and wants out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::wire::{Candidate, Chunk, Modality, SaidBlob, SaidPart, Usage as WireUsage};
use crate::providers::asides::Asides;
use crate::providers::draft::{self, Calling, Draft};
use crate::providers::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, Media, MediaKind, Usage};

/// One answer, as it comes.
#[derive(Debug)]
pub(super) struct Codec {
    provider: String,
    draft: Draft,
    /// What each call is to be told with again, in their order.
    signatures: Vec<Option<Value>>,
    asides: Asides,
}

impl Codec {
    /// An answer to the request whose conversation has so many messages. The signatures of calls
    /// are kept in `asides`.
    pub(super) fn new(provider: &str, messages: usize, asides: Asides) -> Self {
        let draft = Draft::new(provider, messages);
        Self { provider: provider.to_owned(), draft, signatures: Vec::new(), asides }
    }

    fn candidate(
        &mut self,
        candidate: Candidate,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten().filter(|part| !part.thought) {
            self.part(part, events)?;
        }
        let Some(reason) = candidate.finish_reason else { return Ok(()) };
        let reason = match &*reason {
            "FINISH_REASON_UNSPECIFIED" => return Ok(()),
            "MAX_TOKENS" => FinishReason::Length,
            reason if WITHHELD.contains(&reason) => {
                let why = candidate.finish_message;
                self.draft.withheld = Some(why.unwrap_or_else(|| reason.to_owned()));
                FinishReason::ContentFilter
            }
            reason if MALFORMED.contains(&reason) => {
                let why = candidate.finish_message;
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                return Err(self.draft.failed(&format!("{reason}{why}")));
            }
            _ => FinishReason::Stop,
        };
        // What it said stays said, however it was cut.
        self.draft.reason = Some(reason);
        Ok(())
    }

    fn part(
        &mut self,
        part: SaidPart,
        events: &mut Vec<ProviderEvent>,
    ) -> Result<(), ProviderError> {
        if let Some(text) = part.text {
            self.draft.say(text, events);
        }
        if let Some(media) = part.inline_data.and_then(media) {
            self.draft.show(ProviderEvent::Media(media), events);
        }
        let Some(call) = part.function_call else { return Ok(()) };
        self.signatures.push(part.thought_signature);
        self.draft.call(Calling {
            index: None,
            id: call.id.unwrap_or_default(),
            name: call.name,
            arguments: String::new(),
        })?;
        let at = self.draft.calls().len() - 1;
        let args = call.args.filter(|args| !args.is_null());
        self.draft.change(at, |call| {
            call.arguments = args.map(|args| args.to_string()).unwrap_or_default()
        })
    }
}

impl draft::Codec for Codec {
    fn read(&mut self, data: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let Some(chunk) = self.draft.parse::<Chunk>(data) else { return Ok(Vec::new()) };
        if let Some(error) = chunk.error {
            return Err(self.draft.complained(&json!({ "error": error })));
        }
        let feedback = chunk.prompt_feedback;
        if let Some((Some(reason), why)) =
            feedback.map(|feedback| (feedback.block_reason, feedback.block_reason_message))
        {
            let why = why.unwrap_or(reason);
            let why = format!("what it was asked is blocked: {why}");
            return Err(ProviderError::new(&*self.provider, ProviderErrorKind::ContentPolicy, why));
        }
        if let Some(usage) = chunk.usage_metadata {
            self.draft.usage = Some(of_usage(&usage));
        }
        let mut events = Vec::new();
        if let Some(candidate) = chunk.candidates.into_iter().flatten().next() {
            self.candidate(candidate, &mut events)?;
        }
        if self.draft.is_too_long() || (self.draft.is_complete() && self.draft.usage.is_some()) {
            events.extend(self.end()?);
        }
        Ok(events)
    }

    /// One value, or a list of the pieces.
    fn whole(&mut self, body: &str) -> Result<Vec<ProviderEvent>, ProviderError> {
        let pieces = serde_json::from_str::<Vec<Value>>(body);
        let pieces = pieces.map(|pieces| pieces.iter().map(Value::to_string).collect());
        let pieces = pieces.unwrap_or_else(|_| vec![body.to_owned()]);
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(self.read(&piece)?);
            if matches!(events.last(), Some(ProviderEvent::Finished { .. })) {
                return Ok(events);
            }
        }
        events.extend(self.end()?);
        Ok(events)
    }

    fn end(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let events = self.draft.end()?;
        let signatures = std::mem::take(&mut self.signatures);
        for (event, signature) in events.iter().zip(signatures) {
            if let (ProviderEvent::ToolCall(call), Some(signature)) = (event, signature) {
                self.asides.put(call, signature);
            }
        }
        Ok(events)
    }

    fn draft(&self) -> &Draft {
        &self.draft
    }
}

fn media(blob: SaidBlob) -> Option<Media> {
    let kind = match blob.mime_type.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    };
    let bytes = STANDARD.decode(blob.data).ok()?;
    Some(Media::bytes(kind, blob.mime_type, bytes))
}

fn of_usage(usage: &WireUsage) -> Usage {
    let sum = |counts: [Option<u64>; 2]| {
        counts.into_iter().flatten().fold(0, |sum: u64, count| sum.saturating_add(count))
    };
    let audio = |details: &Option<Vec<Modality>>| {
        let of_sound = |one: &&Modality| one.modality.as_deref() == Some("AUDIO");
        let audio = details.iter().flatten().filter(of_sound);
        audio.filter_map(|one| one.token_count).fold(0, |sum: u64, count| sum.saturating_add(count))
    };
    Usage {
        cached_tokens: usage.cached_content_token_count.unwrap_or_default(),
        audio_input_tokens: audio(&usage.prompt_tokens_details),
        audio_output_tokens: audio(&usage.candidates_tokens_details),
        ..Usage::of_text(
            sum([usage.prompt_token_count, usage.tool_use_prompt_token_count]),
            sum([usage.candidates_token_count, usage.thoughts_token_count]),
        )
    }
}

/// Reasons for which the rest is withheld.
const WITHHELD: &[&str] = &[
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];
/// It wrote what nobody can use; another try may do better.
const MALFORMED: &[&str] =
    &["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"];
