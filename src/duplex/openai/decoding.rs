//! What the events of the other side mean.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::asks::Ask;
use super::codec::{ASKED, Named, OpenAiCodec};
use super::options::Format;
use super::refusals;
use super::replies::Reply;
use super::session::silence;
use super::wire::{
    CallDone, Delta, Error, ErrorEvent, Head, ItemEvent, OutputItem, Response, ResponseEvent,
    Spoken, Transcribed, Usage as WireUsage, Words,
};
use crate::audio::AudioChunk;
use crate::audio::codec::g711::Law;
use crate::duplex::{Decoded, Detecting, DuplexEvent, Refusal, ReplyEnd, ReplyId};
use crate::types::{ToolCall, Usage};

impl OpenAiCodec {
    /// Reads a frame; none if nothing can be made of it.
    pub(super) fn read(&mut self, frame: &[u8], decoded: &mut Decoded) -> Option<()> {
        let head: Head<'_> = event(frame)?;
        let is_named = head.event_id.as_ref().is_some_and(|id| !id.is_empty());
        if is_named && self.repeats.has(frame) {
            return None;
        }
        match &*head.kind {
            "session.updated" => self.agreed(decoded),
            "error" => self.complained(&event::<ErrorEvent>(frame)?.error, decoded),
            "response.created" => self.began(event::<ResponseEvent>(frame)?.response, decoded)?,
            "response.done" => self.done(event::<ResponseEvent>(frame)?.response, decoded)?,
            "response.output_item.added" => {
                self.under_way(&event::<ItemEvent>(frame)?.response_id, decoded)?;
            }
            "response.output_item.done" => {
                let ItemEvent { response_id, item } = event(frame)?;
                self.under_way(&response_id, decoded)?;
                self.item_done(item, decoded);
            }
            "response.output_audio.delta" => self.sounded(&event(frame)?, decoded)?,
            "response.output_audio_transcript.delta" | "response.output_text.delta" => {
                self.said(&event(frame)?, decoded)?;
            }
            "response.output_audio_transcript.done" | "response.output_text.done" => {
                self.said_all(&event(frame)?, decoded)?;
            }
            "response.function_call_arguments.done" => {
                let CallDone { response_id, call_id, name, arguments } = event(frame)?;
                self.under_way(&response_id, decoded)?;
                // Without a name the whole item follows.
                if let Some(name) = name {
                    self.called(call_id, name, &arguments, decoded);
                }
            }
            other => return self.heard_of_user(other, frame, decoded),
        }
        Some(())
    }

    fn heard_of_user(&mut self, kind: &str, frame: &[u8], decoded: &mut Decoded) -> Option<()> {
        match kind {
            "input_audio_buffer.speech_started" => {
                let spoken: Spoken = event(frame)?;
                let at = self.sent.at(Duration::from_millis(spoken.audio_start_ms?));
                self.hearing.started(spoken.item_id);
                decoded.events.push(DuplexEvent::SpeechStarted { at });
            }
            "input_audio_buffer.speech_stopped" => {
                let end = event::<Spoken>(frame)?.audio_end_ms?;
                // It counts the silence that has ended the turn.
                let end =
                    Duration::from_millis(end).saturating_sub(silence(self.settings.detecting));
                let at = self.sent.at(end);
                decoded.events.push(DuplexEvent::SpeechStopped { at });
            }
            "input_audio_buffer.committed" => {
                let turn = self.hearing.committed(event::<Spoken>(frame)?.item_id);
                let unwritten = self.settings.transcribes && self.options.transcription.is_none();
                if let Some(turn) = turn.filter(|_| unwritten) {
                    let reason = "no model that writes it down is set (transcription.model)";
                    let reason = reason.to_owned();
                    decoded.events.push(DuplexEvent::NoTranscript { turn, reason });
                }
            }
            "input_audio_buffer.timeout_triggered" => {
                self.hearing.nobody(event::<Spoken>(frame)?.item_id);
            }
            "conversation.item.input_audio_transcription.delta" => {
                let Transcribed { item_id, delta, .. } = event(frame)?;
                decoded.events.extend(self.hearing.more(&item_id, &delta.unwrap_or_default()));
            }
            "conversation.item.input_audio_transcription.completed" => {
                let Transcribed { item_id, transcript, .. } = event(frame)?;
                decoded.events.extend(self.hearing.whole(&item_id, &transcript?));
            }
            "conversation.item.input_audio_transcription.failed" => {
                let Transcribed { item_id, error, .. } = event(frame)?;
                let refusal = self.refusal(&error.unwrap_or_default(), false);
                decoded.events.extend(self.hearing.failed(&item_id, refusal.to_string()));
            }
            known if WITHOUT_MEANING.contains(&known) => {}
            _unknown => return None,
        }
        Some(())
    }

    /// The session is as it was told to be.
    fn agreed(&mut self, decoded: &mut Decoded) {
        if !std::mem::replace(&mut self.is_ready, true) {
            decoded.events.push(DuplexEvent::Ready { resumed: false });
        }
    }

    fn refusal(&self, error: &Error, late: bool) -> Refusal {
        refusals::refusal(error, late, &self.keys)
    }

    fn complained(&mut self, error: &Error, decoded: &mut Decoded) {
        let (named, number) = match &error.event_id {
            Some(id) => Named::of_event_id(id),
            None => (Named::Other, 0),
        };
        let refusal = self.refusal(error, named == Named::Correction);
        let of_session = !self.is_ready && (named == Named::Session || error.event_id.is_none());
        if refusals::is_final(&refusal) || of_session {
            decoded.refused = Some(refusal);
            return;
        }
        let is_busy = error.code.as_deref() == Some("conversation_already_has_active_response");
        match named {
            Named::Create(ask) if self.asks.is(ask) => self.not_begun(is_busy, refusal, decoded),
            Named::Other if self.asks.is_sent() && is_busy => {
                self.not_begun(true, refusal, decoded);
            }
            Named::Commit => {
                let reason = refusal.to_string();
                let turn = self.hearing.refused(number);
                let untold = turn.map(|turn| DuplexEvent::NoTranscript { turn, reason });
                decoded.events.extend(untold);
                decoded.events.push(DuplexEvent::Refused(refusal));
            }
            _ => decoded.events.push(DuplexEvent::Refused(refusal)),
        }
    }

    /// What was asked for was refused. If another answer is under way there, it is asked for again
    /// when that has ended; else whoever asked is answered, if by a failure.
    fn not_begun(&mut self, is_busy: bool, refusal: Refusal, decoded: &mut Decoded) {
        if !is_busy || !self.asks.again() {
            self.asks.begun();
            let (reply, how) = (self.replies.stillborn(), ReplyEnd::Failed(refusal));
            decoded.events.push(DuplexEvent::ReplyStarted { reply, asked: true });
            decoded.events.push(DuplexEvent::ReplyEnded { reply, how, usage: None });
        }
        self.ask(&mut decoded.frames);
    }

    /// An answer begins.
    fn began(&mut self, response: Response, decoded: &mut Decoded) -> Option<()> {
        if self.replies.is_active(&response.id) || self.replies.has_ended(&response.id) {
            return None;
        }
        let mark = response.metadata.as_ref().and_then(|marks| marks.get(ASKED));
        let number = mark.and_then(|mark| mark.parse().ok());
        self.begin(response.id, number, decoded);
        Some(())
    }

    fn begin(&mut self, response: String, mark: Option<u64>, decoded: &mut Decoded) {
        // There is one at a time: the end of that before was not told.
        let had_called = self.replies.active.as_ref().is_some_and(Reply::has_called);
        let how = if had_called { ReplyEnd::AwaitsTools } else { ReplyEnd::Completed };
        self.break_off(how, decoded);
        let asked = match mark {
            Some(number) => self.asks.is(number),
            // A server that does not return marks, and begins nothing by itself.
            None => self.asks.is_sent() && self.settings.detecting == Detecting::Here,
        };
        if asked {
            self.asks.begun();
        }
        let reply = self.replies.begin(response);
        decoded.events.push(DuplexEvent::ReplyStarted { reply, asked });
    }

    /// The reply that this response is; it begins if nobody told of its beginning.
    fn under_way(&mut self, response: &str, decoded: &mut Decoded) -> Option<ReplyId> {
        if !self.replies.is_active(response) {
            if response.is_empty() || self.replies.has_ended(response) {
                return None;
            }
            self.begin(response.to_owned(), None, decoded);
        }
        self.replies.active.as_ref().map(|reply| reply.id)
    }

    fn sounded(&mut self, delta: &Delta<'_>, decoded: &mut Decoded) -> Option<()> {
        let bytes = STANDARD.decode(delta.delta.as_bytes()).ok()?;
        let reply = self.under_way(&delta.response_id, decoded)?;
        let active = self.replies.active.as_mut()?;
        let part = active.part(&delta.item_id, delta.content_index)?;
        let mut samples = Vec::new();
        match self.options.format {
            Format::Pcm => samples = part.pcm(&bytes),
            Format::Pcmu => Law::Mu.decode(&bytes, &mut samples),
            Format::Pcma => Law::A.decode(&bytes, &mut samples),
        }
        part.sounded(samples.len());
        if !samples.is_empty() {
            self.hearing.answered();
            let audio = AudioChunk::new(samples, self.options.format.rate());
            decoded.events.push(DuplexEvent::Sound { reply, audio });
        }
        Some(())
    }

    fn said(&mut self, delta: &Delta<'_>, decoded: &mut Decoded) -> Option<()> {
        let reply = self.under_way(&delta.response_id, decoded)?;
        let part = self.replies.active.as_mut()?.part(&delta.item_id, delta.content_index)?;
        part.said(&delta.delta);
        if !delta.delta.is_empty() {
            self.hearing.answered();
            let delta = delta.delta.clone().into_owned();
            decoded.events.push(DuplexEvent::Text { reply, delta });
        }
        Some(())
    }

    /// What of a part's words was not told piece by piece.
    fn said_all(&mut self, words: &Words, decoded: &mut Decoded) -> Option<()> {
        let reply = self.under_way(&words.response_id, decoded)?;
        let part = self.replies.active.as_mut()?.part(&words.item_id, words.content_index)?;
        let missing = part.missing(&words.text).to_owned();
        if !missing.is_empty() {
            self.hearing.answered();
            part.said(&missing);
            decoded.events.push(DuplexEvent::Text { reply, delta: missing });
        }
        Some(())
    }

    /// Of the answer that is under way.
    fn item_done(&mut self, item: OutputItem, decoded: &mut Decoded) {
        let is_whole = item.status.as_deref() != Some("incomplete");
        if item.kind == "function_call"
            && is_whole
            && let (Some(id), Some(name)) = (item.call_id.or(item.id), item.name)
        {
            self.called(id, name, &item.arguments.unwrap_or_default(), decoded);
        }
    }

    fn called(&mut self, id: String, name: String, arguments: &str, decoded: &mut Decoded) {
        if let Some(active) = &mut self.replies.active
            && active.call(&id)
        {
            self.hearing.answered();
            let call = ToolCall { id, name, arguments: object(arguments) };
            decoded.events.push(DuplexEvent::ToolCall { reply: active.id, call });
        }
    }

    /// An answer has ended.
    fn done(&mut self, response: Response, decoded: &mut Decoded) -> Option<()> {
        if self.replies.has_ended(&response.id) {
            return None;
        }
        if !self.replies.is_active(&response.id) {
            let mark = response.metadata.as_ref().and_then(|marks| marks.get(ASKED));
            self.begin(response.id, mark.and_then(|mark| mark.parse().ok()), decoded);
        }
        let status = response.status.as_deref().unwrap_or("completed");
        // Calls of an answer that did not come to its end are not to be made.
        if status == "completed" {
            for item in response.output.into_iter().flatten() {
                self.item_done(item, decoded);
            }
        }
        let active = self.replies.active.as_ref()?;
        let (has_called, is_cancelled) = (active.has_called(), active.is_cancelled);
        let details = response.status_details;
        let reason = details.as_ref().and_then(|details| details.reason.as_deref());
        let how = match (status, reason) {
            ("completed", _) if has_called => ReplyEnd::AwaitsTools,
            ("cancelled", Some("turn_detected")) => ReplyEnd::Interrupted,
            ("cancelled", Some("client_cancelled")) => ReplyEnd::Cancelled,
            ("cancelled", _) if is_cancelled => ReplyEnd::Cancelled,
            ("cancelled", _) => ReplyEnd::Interrupted,
            ("incomplete", Some("content_filter")) => ReplyEnd::Withheld,
            ("incomplete", _) => ReplyEnd::TooLong,
            ("failed", _) => {
                let error = details.and_then(|details| details.error).unwrap_or_default();
                ReplyEnd::Failed(self.refusal(&error, false))
            }
            _ => ReplyEnd::Completed,
        };
        self.end(how, response.usage.map(usage), decoded);
        Some(())
    }

    fn end(&mut self, how: ReplyEnd, usage: Option<Usage>, decoded: &mut Decoded) {
        if let Some(reply) = self.replies.end(how.clone()) {
            decoded.events.push(DuplexEvent::ReplyEnded { reply: reply.id, how, usage });
            if reply.has_called() && reply.is_served() {
                self.asks.want(Ask::Answer);
            }
        }
        self.ask(&mut decoded.frames);
    }

    /// The answer that is under way, if any, will have no end of its own.
    pub(super) fn break_off(&mut self, how: ReplyEnd, decoded: &mut Decoded) {
        if let Some(reply) = self.replies.end(how.clone()) {
            decoded.events.push(DuplexEvent::ReplyEnded { reply: reply.id, how, usage: None });
        }
    }
}

fn event<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Option<T> {
    serde_json::from_slice(frame).ok()
}

/// A call's arguments; what is no object is told as it is, so that the model learns of it.
fn object(arguments: &str) -> Value {
    match serde_json::from_str(arguments) {
        _ if arguments.trim().is_empty() => Value::Object(Map::new()),
        Ok(Value::Null) => Value::Object(Map::new()),
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(arguments.to_owned()),
    }
}

fn usage(usage: WireUsage) -> Usage {
    let (input, output) = (usage.input_token_details, usage.output_token_details);
    let (input, output) = (input.unwrap_or_default(), output.unwrap_or_default());
    Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_tokens: input.cached_tokens.unwrap_or_default(),
        audio_input_tokens: input.audio_tokens.unwrap_or_default(),
        audio_output_tokens: output.audio_tokens.unwrap_or_default(),
        ..Usage::default()
    }
}

/// Events that are known, and say nothing that is not said otherwise: pieces of what comes whole,
/// confirmations of what was done here, and what only other kinds of connections and tools have.
pub(super) const WITHOUT_MEANING: &[&str] = &[
    "session.created",
    "conversation.created",
    "conversation.item.created",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.retrieved",
    "conversation.item.deleted",
    "conversation.item.truncated",
    "conversation.item.input_audio_transcription.segment",
    "input_audio_buffer.cleared",
    "input_audio_buffer.dtmf_event_received",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "output_audio_buffer.cleared",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_audio.done",
    "response.function_call_arguments.delta",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "rate_limits.updated",
];
