//! Calls, message by message.

mod anything;
mod faults;
mod gemini;
mod in_memory;
mod openai;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{Knock, Peer, Say};
use crate::audio::{Resampler, SampleRate, WavReader};
use crate::bench::services::{Delays, Profile, Script, Services};
use crate::net::SocketMessage;
use crate::time::SessionTime;

/// A caller with a call, in a time of its own.
struct Caller {
    services: Arc<Services>,
    peer: Peer,
    rate: SampleRate,
    now: SessionTime,
    /// What came, and when, in milliseconds.
    heard: Vec<(f64, Value)>,
    end: Option<Say>,
}

fn services(delays: Delays, script: Value) -> Arc<Services> {
    let services = Services::new(delays, 1);
    services.script("me", serde_json::from_value::<Script>(script).unwrap());
    Arc::new(services)
}

impl Caller {
    fn new(services: &Arc<Services>, uri: &str, hz: u32, now: SessionTime) -> Self {
        let knock = Knock::new(&uri.parse().unwrap(), &HeaderMap::new(), 0, 1_000);
        let knock = Knock { caller: "me".to_owned(), ..knock.unwrap() };
        let peer = services.open(&knock, now).unwrap();
        let (services, rate) = (Arc::clone(services), SampleRate::new(hz).unwrap());
        let mut caller = Self { services, peer, rate, now, heard: Vec::new(), end: None };
        caller.pass(0);
        caller
    }

    fn openai(script: Value) -> Self {
        let services = services(Profile::Realistic.delays(), script);
        Self::new(&services, "/v1/realtime?model=m", 24_000, SessionTime::ZERO)
    }

    /// One whose setup is this.
    fn gemini(script: Value, setup: &Value) -> Self {
        let services = services(Profile::Realistic.delays(), script);
        Self::gemini_again(&services, setup, SessionTime::ZERO)
    }

    fn gemini_again(services: &Arc<Services>, setup: &Value, now: SessionTime) -> Self {
        let path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        let mut caller = Self::new(services, path, 16_000, now);
        let mut all = json!({"model": "models/m"});
        for (key, value) in setup.as_object().unwrap() {
            all[key] = value.clone();
        }
        caller.send(&json!({"setup": all}));
        caller
    }

    fn send(&mut self, message: &Value) {
        self.peer.hear(&SocketMessage::Text(message.to_string()), self.now);
        self.pass(0);
    }

    /// Lets so many milliseconds pass.
    fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        loop {
            while let Some(said) = self.peer.poll(self.now) {
                match said {
                    Say::Message(SocketMessage::Text(text)) => self.hears(text.as_bytes()),
                    Say::Message(SocketMessage::Binary(bytes)) => self.hears(&bytes),
                    end => self.end = Some(end),
                }
            }
            match self.peer.due().filter(|due| *due <= until) {
                Some(due) => self.now = due,
                None => break,
            }
        }
        self.now = until;
    }

    fn hears(&mut self, text: &[u8]) {
        let value = serde_json::from_slice(text).unwrap_or(Value::Null);
        self.heard.push((self.now.as_millis(), value));
    }

    /// Says a sentence of the fixtures as fast as it sounds, and is silent for a while.
    fn say(&mut self, sentence: &str, silence_ms: u64) {
        let mut sound = sentence_at(sentence, self.rate);
        sound
            .resize(sound.len() + self.rate.samples(Duration::from_millis(silence_ms)) as usize, 0);
        self.sound(&sound);
    }

    fn sound(&mut self, sound: &[i16]) {
        for piece in sound.chunks(self.rate.samples(PIECE) as usize) {
            let data = encoded(piece);
            let message = match self.rate.hz() {
                24_000 => json!({"type": "input_audio_buffer.append", "audio": data}),
                _ => {
                    json!({"realtimeInput": {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}})
                }
            };
            self.send(&message);
            self.pass(20);
        }
    }

    /// The types of what came, each run of the same once, and deltas left out.
    fn kinds(&self) -> Vec<&str> {
        let kinds = self.heard.iter().filter_map(|(_, event)| event["type"].as_str());
        let mut kinds: Vec<_> = kinds.filter(|kind| !kind.ends_with(".delta")).collect();
        kinds.dedup();
        kinds
    }

    fn all(&self, kind: &str) -> Vec<&Value> {
        let events = self.heard.iter().map(|(_, event)| event);
        events.filter(|event| event["type"] == kind).collect()
    }

    fn last(&self, kind: &str) -> &Value {
        self.all(kind).last().unwrap_or_else(|| panic!("no {kind} in {:?}", self.kinds()))
    }

    fn last_error(&self) -> &str {
        self.last("error")["error"]["code"].as_str().unwrap()
    }

    /// When the first event of this kind came.
    fn at(&self, kind: &str) -> f64 {
        self.heard.iter().find(|(_, event)| event["type"] == kind).unwrap().0
    }

    fn log(&self) -> super::CallLog {
        self.services.log("me").calls.last().unwrap().clone()
    }
}

fn sentence_at(sentence: &str, rate: SampleRate) -> Vec<i16> {
    let file = format!("{}/assets/sentences/{sentence}.wav", env!("CARGO_MANIFEST_DIR"));
    let sound = WavReader::open(file).unwrap().read_all().unwrap();
    let mut resampler = Resampler::new(sound.rate(), rate).unwrap();
    let mut out = Vec::new();
    resampler.process(sound.samples(), &mut out);
    resampler.flush(&mut out);
    out
}

fn encoded(samples: &[i16]) -> String {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

const PIECE: Duration = Duration::from_millis(20);
