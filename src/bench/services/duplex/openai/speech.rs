//! The input audio buffer: what the user says, and what becomes of it.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::desk::{Desk, Voice};
use super::super::ear::{Ear, Heard, Hearing};
use super::super::mishap::Moment;
use super::items::{self, Items};
use super::session::Session;
use super::sound::Format;
use super::wrong::{Wrong, event, send};
use crate::bench::services::words;
use crate::time::SessionTime;
use crate::vad::Vad;

/// What the user says.
#[derive(Debug)]
pub(super) struct Speech {
    ear: Ear,
    format: Format,
    hearing: Option<Hearing>,
    odd: Option<u8>,
    /// The item that the voice will be, and when it began.
    speaking: Option<(String, Voice)>,
    /// What is still to be written down.
    transcripts: VecDeque<Transcript>,
    /// The next transcription fails.
    pub(super) fails: bool,
}

#[derive(Debug)]
struct Transcript {
    at: SessionTime,
    item: String,
    text: String,
    sound: Duration,
    fails: bool,
}

/// What was heard, for the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The user began to speak.
    Began,
    /// What was said is an item now.
    Ended,
}

impl Speech {
    pub(super) fn new(session: &Session, vad: Box<dyn Vad>) -> Self {
        let format = session.input();
        let mut speech = Self {
            ear: Ear::new(format.rate(), vad),
            format,
            hearing: None,
            odd: None,
            speaking: None,
            transcripts: VecDeque::new(),
            fails: false,
        };
        speech.follow(session);
        speech
    }

    /// The session's settings have changed.
    pub(super) fn follow(&mut self, session: &Session) {
        if session.input() != self.format {
            self.format = session.input();
            self.odd = None;
            self.ear.set_rate(self.format.rate());
        }
        if session.hearing() != self.hearing {
            self.hearing = session.hearing();
            self.ear.set_hearing(self.hearing.as_ref());
            self.speaking = None;
        }
    }

    /// More sound; what was heard in it, in order, each of which is to be
    /// [`followed`](Self::heard).
    pub(super) fn append(
        &mut self,
        asked: &Value,
        session: &Session,
        desk: &Desk,
    ) -> Result<Vec<Heard>, Wrong> {
        let audio = asked["audio"].as_str().ok_or_else(|| Wrong::missing("audio"))?;
        if audio.len() > LARGEST {
            return Err(Wrong::value("audio", "Invalid 'audio': expected at most 15 MiB."));
        }
        let bytes = STANDARD.decode(audio).map_err(|_| {
            Wrong::value("audio", "Invalid 'audio'. Expected base64-encoded audio bytes.")
        })?;
        let samples = self.format.read(&bytes, &mut self.odd);
        let heard = self.ear.hear(&samples);
        desk.log().write().heard_ms = self.ear.now().as_millis() as u64;
        if heard.is_empty() && self.speaking.is_none() && self.hearing.is_some() {
            // Silence is not kept.
            let spare = self.ear.waiting().saturating_sub(session.prefix());
            self.ear.forget(spare);
        }
        Ok(heard)
    }

    /// What was heard happens.
    pub(super) fn heard(
        &mut self,
        heard: Heard,
        session: &Session,
        items: &mut Items,
        desk: &mut Desk,
    ) -> Turn {
        match heard {
            Heard::Started { at } => {
                let id = desk.id("item");
                let from = at.saturating_sub(session.prefix()).as_millis() as u64;
                let started = json!({"audio_start_ms": from, "item_id": id});
                let started = event(desk, "input_audio_buffer.speech_started", started);
                desk.send(started.at(Moment::SpeechStarted));
                self.speaking = Some((id, desk.voice(at)));
                Turn::Began
            }
            Heard::Ended { speech, at } => {
                let begun = self.speaking.take();
                let (id, voice) = begun.unwrap_or_else(|| (desk.id("item"), desk.voice(speech)));
                let stopped = json!({"audio_end_ms": at.as_millis() as u64, "item_id": id});
                send(desk, "input_audio_buffer.speech_stopped", stopped);
                desk.log_turn(voice, speech);
                self.ear.take();
                self.becomes(
                    id,
                    at.saturating_sub(voice.from) + session.prefix(),
                    session,
                    items,
                    desk,
                );
                Turn::Ended
            }
        }
    }

    /// The client says that what it has sent is a turn.
    pub(super) fn commit(
        &mut self,
        session: &Session,
        items: &mut Items,
        desk: &mut Desk,
    ) -> Result<(), Wrong> {
        let sound = self.ear.waiting();
        if sound < SHORTEST {
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of \
                 audio, but buffer only has {:.2}ms of audio.",
                sound.as_secs_f64() * 1e3
            );
            return Err(Wrong::new("input_audio_buffer_commit_empty", message));
        }
        self.ear.take();
        let now = self.ear.now();
        let begun = self.forget_voice();
        let from = now.saturating_sub(sound);
        let (id, voice) = begun.unwrap_or_else(|| (desk.id("item"), desk.voice(from)));
        desk.log_turn(voice, now);
        self.becomes(id, sound, session, items, desk);
        Ok(())
    }

    /// What came is forgotten.
    pub(super) fn clear(&mut self, desk: &mut Desk) {
        self.ear.take();
        self.forget_voice();
        send(desk, "input_audio_buffer.cleared", json!({}));
    }

    /// Nobody has spoken for so long that the model is to.
    pub(super) fn times_out(&mut self, items: &mut Items, desk: &mut Desk) {
        let id = desk.id("item");
        let end = self.ear.now();
        let sound = self.ear.take();
        let body = json!({
            "audio_start_ms": end.saturating_sub(sound).as_millis() as u64,
            "audio_end_ms": end.as_millis() as u64, "item_id": id,
        });
        send(desk, "input_audio_buffer.timeout_triggered", body);
        Self::committed(&id, sound, items, desk);
    }

    pub(super) const fn is_speaking(&self) -> bool {
        self.speaking.is_some()
    }

    fn forget_voice(&mut self) -> Option<(String, Voice)> {
        if self.ear.is_speech() {
            self.ear.set_hearing(self.hearing.as_ref());
        }
        self.speaking.take()
    }

    /// What was said becomes an item, and is written down soon.
    fn becomes(
        &mut self,
        id: String,
        sound: Duration,
        session: &Session,
        items: &mut Items,
        desk: &mut Desk,
    ) {
        let text = desk.next_words();
        Self::committed(&id, sound, items, desk);
        if session.transcribes() {
            let delays = desk.delays();
            let at = desk.now + desk.chance.vary(delays.stt, delays.jitter);
            let fails = std::mem::take(&mut self.fails);
            if self.transcripts.len() == MOST_TRANSCRIPTS {
                self.transcripts.pop_front();
            }
            self.transcripts.push_back(Transcript { at, item: id, text, sound, fails });
        }
    }

    fn committed(id: &str, sound: Duration, items: &mut Items, desk: &mut Desk) {
        let item = items::spoken(id, sound);
        let body = item.body.clone();
        let previous = items.push(item);
        let committed = json!({"item_id": id, "previous_item_id": previous});
        let committed = event(desk, "input_audio_buffer.committed", committed);
        desk.send(committed.at(Moment::TurnEnded));
        for kind in ["conversation.item.added", "conversation.item.done"] {
            send(desk, kind, json!({"item": body, "previous_item_id": previous}));
        }
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        self.transcripts.front().map(|transcript| transcript.at)
    }

    /// Writes down what is due.
    pub(super) fn advance(&mut self, items: &mut Items, desk: &mut Desk) -> bool {
        if self.due().is_none_or(|at| at > desk.now) {
            return false;
        }
        let Some(Transcript { item, text, sound, fails, .. }) = self.transcripts.pop_front() else {
            return false;
        };
        let place = json!({"item_id": item, "content_index": 0});
        let told = |more: (&str, Value)| {
            let mut body = place.clone();
            body[more.0] = more.1;
            body
        };
        if fails {
            let error = json!({
                "type": "transcription_error", "code": "audio_unintelligible",
                "message": "The audio could not be transcribed.", "param": null,
            });
            let kind = "conversation.item.input_audio_transcription.failed";
            send(desk, kind, told(("error", error)));
            return true;
        }
        for token in words::tokens(&text) {
            let kind = "conversation.item.input_audio_transcription.delta";
            let delta = event(desk, kind, told(("delta", token.into())));
            desk.send(delta.delta());
        }
        if let Some(item) = items.get_mut(&item) {
            item.body["content"][0]["transcript"] = text.clone().into();
        }
        let mut done = told(("transcript", text.into()));
        done["usage"] = json!({"type": "duration", "seconds": sound.as_secs_f64()});
        send(desk, "conversation.item.input_audio_transcription.completed", done);
        true
    }
}

/// In characters: 15 MiB of sound, as the service has it, in base 64.
const LARGEST: usize = 20 << 20;
/// Of a turn.
const SHORTEST: Duration = Duration::from_millis(100);
/// That are not told yet.
const MOST_TRANSCRIPTS: usize = 256;
