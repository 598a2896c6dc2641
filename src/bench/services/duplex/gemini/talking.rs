//! An answer in progress: each beat of the persona as messages.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::desk::{Desk, Event};
use super::super::log::ResponseLog;
use super::super::mishap::Moment;
use super::super::persona::{self, Beat, Talk};
use super::history::sound_tokens;
use super::setup::Setup;
use crate::bench::services::script::{Answer, Call};
use crate::bench::services::words;
use crate::time::SessionTime;

/// An answer in progress.
#[derive(Debug)]
pub(super) struct Talking {
    talk: Talk,
    pub(super) text: String,
    samples: usize,
    /// When its first sound was sent: it is taken to be heard from there on.
    first: Option<SessionTime>,
    pub(super) calls: Vec<Call>,
    /// All was sent; it is over when it has been heard.
    heard_by: Option<SessionTime>,
    log: ResponseLog,
}

impl Talking {
    pub(super) fn begin(setup: &Setup, desk: &mut Desk) -> Self {
        let delays = desk.delays();
        let answer = desk.answer();
        let answer = answer.unwrap_or_else(|| Answer::Text(words::text(delays.tokens)));
        let now = desk.now;
        let talk = Talk::new(&answer, setup.manner, &delays, &mut desk.chance, now);
        desk.came(Moment::ResponseBegun);
        Self {
            talk,
            text: String::new(),
            samples: 0,
            first: None,
            calls: Vec::new(),
            heard_by: None,
            log: desk.log_begun(),
        }
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        self.heard_by.or_else(|| self.talk.due())
    }

    /// Says what is due; whether all is said, and heard.
    pub(super) fn advance(&mut self, setup: &Setup, desk: &mut Desk) -> bool {
        if self.heard_by.is_some() {
            return true;
        }
        match self.talk.next(desk.now) {
            Some(Beat::Text(text)) => self.say(&text, setup, desk),
            Some(Beat::Sound { from, samples }) => self.sound(from, samples, desk),
            Some(Beat::Call(call)) => self.calls.push(call),
            Some(Beat::End(_)) if !self.calls.is_empty() => return true,
            Some(Beat::End(_)) => {
                let whole = json!({"generationComplete": true});
                desk.send(content("generationComplete", whole));
                // The service takes it that the answer is played as fast as it sounds.
                self.heard_by = Some(self.heard_at().max(desk.now));
            }
            None => {}
        }
        false
    }

    /// How much of it was heard by now.
    pub(super) fn heard(&self, now: SessionTime) -> Duration {
        let since = self.first.map_or(Duration::ZERO, |first| now.since(first));
        since.min(self.spoken())
    }

    pub(super) fn spoken(&self) -> Duration {
        persona::lasts(self.samples)
    }

    pub(super) fn output_tokens(&self) -> (u64, u64) {
        match self.samples {
            0 => (words::tokens(&self.text).len() as u64, 0),
            _ => (0, sound_tokens(self.spoken())),
        }
    }

    pub(super) fn over(mut self, status: &str, desk: &Desk) {
        self.log.spoken_ms = self.spoken().as_millis() as u64;
        desk.log_response(self.log, status);
    }

    fn heard_at(&self) -> SessionTime {
        self.first.map_or(SessionTime::ZERO, |first| first + self.spoken())
    }

    fn say(&mut self, text: &str, setup: &Setup, desk: &mut Desk) {
        self.text.push_str(text);
        if !setup.manner.audible {
            let turn = json!({"modelTurn": {"role": "model", "parts": [{"text": text}]}});
            let event = self.first(content("modelTurn", turn).delta(), desk);
            desk.send(event);
        } else if setup.transcribes.output {
            let said = json!({"outputTranscription": {"text": text}});
            desk.send(content("outputTranscription", said).delta());
        }
    }

    fn sound(&mut self, from: usize, samples: usize, desk: &mut Desk) {
        self.samples += samples;
        let data = STANDARD.encode(desk.services().voice(from, samples));
        let sound = json!({"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}});
        let turn = json!({"modelTurn": {"role": "model", "parts": [sound]}});
        let mut event = content("modelTurn", turn).delta().at(Moment::Audio);
        event.sound_ms = persona::lasts(samples).as_millis() as u64;
        let event = self.first(event, desk);
        desk.send(event);
    }

    /// The first that is heard or read of it is a moment.
    fn first(&mut self, event: Event, desk: &Desk) -> Event {
        if self.first.is_some() {
            return event;
        }
        self.first = Some(desk.now);
        self.log.first = Some(desk.stamp());
        event.at(Moment::FirstAudio)
    }
}

/// A message with content of the service's.
pub(super) fn content(kind: &'static str, content: Value) -> Event {
    let mut body = json!({});
    body["serverContent"] = content;
    Event::new(kind, body)
}
