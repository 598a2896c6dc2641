//! What the messages of the other side mean.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::answers::Piece;
use super::codec::{GeminiCodec, Opening, Place};
use super::options::Resumption;
use super::wire::{
    CalledTool, GoAway, InlineData, ModalityTokens, ModelPart, ResumptionUpdate, ServerContent,
    ServerMessage, Status, Transcription, Usage as WireUsage,
};
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::refusals::presentable;
use crate::duplex::{Decoded, DuplexEvent, Known, Refusal, RefusalKind, ReplyEnd, ReplyId, Speaks};
use crate::time::SessionTime;
use crate::types::{ToolCall, Usage};

impl GeminiCodec {
    /// Reads a message; none if nothing can be made of it.
    pub(super) fn read(&mut self, frame: &[u8], decoded: &mut Decoded) -> Option<()> {
        let message: ServerMessage<'_> = serde_json::from_slice(frame).ok()?;
        self.answers.settle(decoded);
        let mut known = false;
        if message.setup_complete.is_some() {
            known = true;
            self.agreed(decoded);
        }
        // It may come beside the end of the turn that it is about.
        if let Some(usage) = message.usage_metadata {
            known = true;
            self.answers.took(of_usage(&usage));
        }
        let calls = message.tool_call.map(|called| called.function_calls.unwrap_or_default());
        if message.server_content.is_some() || calls.is_some() {
            known = true;
            let content = message.server_content.unwrap_or_default();
            self.content(content, calls.unwrap_or_default(), decoded);
        }
        if let Some(cancelled) = message.tool_call_cancellation {
            known = true;
            self.cancelled(&cancelled.ids.unwrap_or_default(), decoded);
        }
        if let Some(update) = message.session_resumption_update {
            known = true;
            self.resumable(update);
        }
        if let Some(GoAway { time_left }) = message.go_away {
            known = true;
            let left = time_left.as_deref().and_then(seconds).unwrap_or_default();
            decoded.events.push(DuplexEvent::GoingAway { left });
        }
        let activity = message
            .voice_activity
            .and_then(|activity| Some((activity.voice_activity_type?, activity.audio_offset)));
        let signal = message.voice_activity_detection_signal;
        let signal = signal.and_then(|signal| Some((signal.vad_signal_type?, None)));
        for (kind, offset) in activity.into_iter().chain(signal) {
            known = true;
            self.activity(&kind, offset.as_deref(), decoded);
        }
        if let Some(status) = message.error {
            known = true;
            self.complained(status, decoded);
        }
        known.then_some(())
    }

    fn agreed(&mut self, decoded: &mut Decoded) {
        if let Opening::Asked { resumes } = self.opening {
            self.opening = Opening::Ready;
            decoded.frames.append(&mut self.past);
            decoded.events.push(DuplexEvent::Ready { resumed: resumes });
        }
    }

    /// What there is of an answer comes before what ends it.
    fn content(
        &mut self,
        content: ServerContent<'_>,
        calls: Vec<CalledTool>,
        decoded: &mut Decoded,
    ) {
        if let Some(Transcription { text, finished }) = content.input_transcription {
            decoded.events.extend(self.hearing.more(&text.unwrap_or_default()));
            if finished == Some(true) {
                decoded.events.extend(self.hearing.whole());
            }
        }
        if let Some(Transcription { text: Some(text), .. }) = content.interim_input_transcription {
            decoded.events.extend(self.hearing.maybe(&text));
        }
        if let Some(Transcription { text: Some(text), .. }) = content.output_transcription {
            self.said(text, Piece::Transcript, decoded);
        }
        let parts = content.model_turn.and_then(|turn| turn.parts).unwrap_or_default();
        let mut wanted = Vec::new();
        for part in parts {
            wanted.extend(self.part(part, decoded));
        }
        wanted.extend(calls);
        if !wanted.is_empty() {
            self.called(wanted, decoded);
        }
        if content.interrupted == Some(true) {
            self.heard_all(false, decoded);
            self.answers.interrupted(decoded);
        }
        if content.generation_complete == Some(true) {
            self.heard_all(false, decoded);
            self.answers.generated();
        }
        if content.turn_complete == Some(true) {
            self.heard_all(true, decoded);
            let how = how(content.turn_complete_reason.as_deref());
            self.answers.complete(how, decoded);
            self.turn_answered();
        }
    }

    /// The user's words are complete when what answers them is.
    fn heard_all(&mut self, is_over: bool, decoded: &mut Decoded) {
        if self.answers.has_answered(self.hearing.turn()) {
            decoded.events.extend(match is_over && self.settings.transcribes {
                true => self.hearing.over("nothing of it was written down"),
                false => self.hearing.whole(),
            });
        }
    }

    fn part(&mut self, part: ModelPart<'_>, decoded: &mut Decoded) -> Option<CalledTool> {
        if let Some(data) = &part.inline_data {
            self.sounded(data, decoded);
        }
        let text = part.text.filter(|_| part.thought != Some(true));
        // What is written beside sound is what is spoken, unless that is told by itself.
        if let Some(text) = text
            && (self.settings.speaks == Speaks::Text || !self.answers.has_transcript())
        {
            self.said(text.into_owned(), Piece::Content, decoded);
        }
        part.function_call
    }

    fn said(&mut self, delta: String, piece: Piece, decoded: &mut Decoded) {
        if delta.is_empty() {
            return;
        }
        if let Some(reply) = self.begin(piece, decoded) {
            decoded.events.push(DuplexEvent::Text { reply, delta });
        }
    }

    fn sounded(&mut self, data: &InlineData<'_>, decoded: &mut Decoded) {
        let Some(rate) = rate(&data.mime_type) else {
            return;
        };
        let is_url_safe = data.data.contains(['-', '_']);
        let engine = if is_url_safe { &URL_SAFE } else { &STANDARD };
        let Ok(bytes) = engine.decode(data.data.as_bytes()) else {
            self.skipped += 1;
            return;
        };
        if bytes.is_empty() {
            return;
        }
        if let Some(reply) = self.begin(Piece::Content, decoded) {
            let samples = self.answers.pcm(&bytes);
            if !samples.is_empty() {
                let audio = AudioChunk::new(samples, rate);
                decoded.events.push(DuplexEvent::Sound { reply, audio });
            }
        }
    }

    fn called(&mut self, calls: Vec<CalledTool>, decoded: &mut Decoded) {
        for CalledTool { id, name, args } in calls {
            // The older protocol named no calls.
            let id = id.unwrap_or_else(|| name.clone());
            if name.is_empty() || !self.calls.begin(&id) {
                self.skipped += 1;
                continue;
            }
            match self.begin(Piece::Content, decoded) {
                Some(reply) => {
                    let arguments = args.unwrap_or_else(|| Value::Object(Map::new()));
                    let call = ToolCall { id, name, arguments };
                    decoded.events.push(DuplexEvent::ToolCall { reply, call });
                }
                None => drop(self.calls.cancel(&[id])),
            }
        }
        self.heard_all(false, decoded);
        self.answers.awaits_tools(decoded);
    }

    fn begin(&mut self, piece: Piece, decoded: &mut Decoded) -> Option<ReplyId> {
        let turn = self.hearing.turn();
        let reply = self.answers.piece(piece, turn, decoded);
        if reply.is_some() {
            // What is known there goes on from here: an older place would forget this.
            self.place = None;
        }
        reply
    }

    fn cancelled(&mut self, ids: &[String], decoded: &mut Decoded) {
        let ids = self.calls.cancel(ids);
        if !ids.is_empty() {
            decoded.events.push(DuplexEvent::ToolsCancelled { ids });
            self.respond_to_calls(&mut decoded.frames);
        }
    }

    /// Without a word about what is known there, a place in the middle of what the user says is none:
    /// what is told again would be heard twice. The one before knows nothing of it.
    fn resumable(&mut self, update: ResumptionUpdate) {
        let handle = update.new_handle.filter(|handle| !handle.is_empty());
        let Some(handle) = handle.filter(|_| {
            update.resumable == Some(true) && self.options.session_resumption != Resumption::Off
        }) else {
            self.place = None;
            return;
        };
        match update.last_consumed_client_message_index.as_ref().and_then(number) {
            Some(last) => self.place = Some(Place { handle, known: Known::UpTo(last) }),
            None if self.is_open() => {}
            None => self.place = Some(Place { handle, known: Known::Before }),
        }
    }

    fn activity(&mut self, kind: &str, offset: Option<&str>, decoded: &mut Decoded) {
        let at = match offset.and_then(seconds) {
            Some(offset) => self.sent.at(offset),
            None => self.sent.at(Duration::MAX),
        };
        let starts = kind == "ACTIVITY_START" || kind == "VAD_SIGNAL_TYPE_SOS";
        let ends = kind == "ACTIVITY_END" || kind == "VAD_SIGNAL_TYPE_EOS";
        if (starts && !self.speaks) || (ends && self.speaks) {
            self.speaks = starts;
            decoded.events.push(speech(starts, at));
        }
    }

    /// Errors come as the reason with which a connection is closed, as a rule; from what stands
    /// between, as messages.
    fn complained(&mut self, status: Status, decoded: &mut Decoded) {
        let Status { code, message, status } = status;
        let kind = match (code, status.as_deref()) {
            // Of HTTP, or of Google's own numbers.
            (401 | 403 | 7 | 16, _) | (_, Some("UNAUTHENTICATED" | "PERMISSION_DENIED")) => {
                RefusalKind::Unauthorized
            }
            (429 | 8, _) | (_, Some("RESOURCE_EXHAUSTED")) => RefusalKind::Busy,
            (400 | 404 | 3 | 5 | 9, _) | (_, Some("INVALID_ARGUMENT" | "NOT_FOUND")) => {
                RefusalKind::Invalid
            }
            _ => RefusalKind::Failed,
        };
        let message = presentable(&message, &self.keys);
        let code = status.map(|status| presentable(&status, &self.keys));
        let refusal = Refusal { kind, code, message };
        if self.opening != Opening::Ready || kind == RefusalKind::Unauthorized {
            decoded.refused = Some(refusal);
        } else if !self.answers.fail(&refusal, decoded) {
            decoded.events.push(DuplexEvent::Refused(refusal));
        }
    }
}

fn speech(starts: bool, at: SessionTime) -> DuplexEvent {
    if starts { DuplexEvent::SpeechStarted { at } } else { DuplexEvent::SpeechStopped { at } }
}

fn how(reason: Option<&str>) -> ReplyEnd {
    let Some(reason) = reason else {
        return ReplyEnd::Completed;
    };
    match reason {
        "TURN_COMPLETE_REASON_UNSPECIFIED" | "NEED_MORE_INPUT" => ReplyEnd::Completed,
        "MALFORMED_FUNCTION_CALL"
        | "GENERATED_OTHER"
        | "INPUT_OTHER"
        | "MAX_REGENERATION_REACHED" => {
            let (code, message) = (Some(reason.to_owned()), "it could not go on".to_owned());
            ReplyEnd::Failed(Refusal { kind: RefusalKind::Failed, code, message })
        }
        // What is left are reasons to withhold something.
        _ => ReplyEnd::Withheld,
    }
}

/// The rate of `audio/pcm;rate=24000`; none if it is no such sound.
fn rate(mime: &str) -> Option<SampleRate> {
    let rest = mime.strip_prefix("audio/pcm").or_else(|| mime.strip_prefix("audio/L16"))?;
    let rate = rest.split(';').find_map(|part| part.trim().strip_prefix("rate="));
    SampleRate::new(rate.map_or(Some(SPEAKS), |rate| rate.parse().ok())?)
}

/// A number, which may be written as a text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// As in `50s` or `1.250s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn of_usage(usage: &WireUsage) -> Usage {
    let sum = |counts: [Option<u64>; 2]| {
        counts.into_iter().flatten().fold(0, |sum: u64, count| sum.saturating_add(count))
    };
    let audio = |details: &Option<Vec<ModalityTokens>>| {
        let audio = details.iter().flatten().filter(|tokens| tokens.modality == "AUDIO");
        audio.filter_map(|tokens| tokens.token_count).fold(0, |sum: u64, n| sum.saturating_add(n))
    };
    Usage {
        input_tokens: sum([usage.prompt_token_count, usage.tool_use_prompt_token_count]),
        output_tokens: sum([usage.response_token_count, usage.thoughts_token_count]),
        cached_tokens: usage.cached_content_token_count.unwrap_or_default(),
        audio_input_tokens: audio(&usage.prompt_tokens_details),
        audio_output_tokens: audio(&usage.response_tokens_details),
        ..Usage::default()
    }
}

/// What it speaks, in Hz, unless it says otherwise.
pub(super) const SPEAKS: u32 = 24_000;
/// Google's JSON has both, with or without the signs that fill up.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
