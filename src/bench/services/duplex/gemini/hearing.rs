//! What the user says: sound, activity that the client tells, or words.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::desk::{Desk, Event, Voice};
use super::super::ear::{self, Ear, Heard};
use super::super::mishap::Moment;
use super::fields::{get, has, seconds, unknown};
use super::setup::{Setup, cannot_find};
use super::talking::content;
use crate::audio::SampleRate;
use crate::bench::services::words;
use crate::time::SessionTime;
use crate::vad::Vad;

/// Hears the user.
#[derive(Debug)]
pub(super) struct Listener {
    ear: Ear,
    odd: Option<u8>,
    /// Since when the user speaks.
    speaking: Option<Voice>,
    transcripts: VecDeque<(SessionTime, String)>,
    /// The sound of the user's voice and of what comes just before, where a call can go on within it.
    speech: Option<Vec<i16>>,
    /// How much was heard in another call: times are told from the beginning of this one.
    before: Duration,
    /// The next turn is not written down.
    pub(super) fails: bool,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The user began to speak.
    Began,
    /// The user has finished.
    Spoken {
        /// What was said.
        text: String,
        /// How long it took.
        sound: Duration,
    },
    /// The user has written.
    Written(String),
}

impl Listener {
    pub(super) fn new(vad: Box<dyn Vad>) -> Self {
        Self {
            ear: Ear::new(SampleRate::SPEECH, vad),
            odd: None,
            speaking: None,
            transcripts: VecDeque::new(),
            speech: None,
            before: Duration::ZERO,
            fails: false,
        }
    }

    /// Hears as the setup has it, and goes on with what was heard in another call, if that was in the
    /// middle of what the user said.
    pub(super) fn follow(&mut self, setup: &Setup, heard: Option<Vec<i16>>, desk: &Desk) {
        self.ear.set_hearing(setup.hearing.as_ref());
        if setup.resumption.as_ref().is_some_and(|resumption| resumption.transparent) {
            self.speech = Some(Vec::new());
        }
        if let Some(heard) = heard {
            // That they began was told.
            self.ear.hear(&heard);
            self.before = self.ear.now();
            self.speaking = Some(desk.voice(Duration::ZERO));
            self.speech = self.speech.take().map(|_| heard);
        }
    }

    /// What the user says is under way: its sound, as far as it has come.
    pub(super) fn speech(&self) -> Option<Vec<i16>> {
        self.speaking.and_then(|_| self.speech.clone())
    }

    /// Keeps sound that another call may have to go on with: a moment of silence, or a voice.
    fn keep(&mut self, samples: &[i16]) {
        let most = if self.speaking.is_some() { LONGEST } else { BEFORE };
        if let Some(speech) = &mut self.speech {
            speech.extend(samples);
            speech.drain(..speech.len().saturating_sub(most));
        }
    }

    pub(super) fn due(&self) -> Option<SessionTime> {
        self.transcripts.front().map(|(at, _)| *at)
    }

    /// Tells what is written down by now.
    pub(super) fn advance(&mut self, desk: &mut Desk) -> bool {
        if self.due().is_none_or(|at| at > desk.now) {
            return false;
        }
        let Some((_, text)) = self.transcripts.pop_front() else { return false };
        for token in words::tokens(&text) {
            let told = json!({"inputTranscription": {"text": token}});
            desk.send(content("inputTranscription", told).delta());
        }
        let told = json!({"inputTranscription": {"finished": true}});
        desk.send(content("inputTranscription", told));
        true
    }

    /// Input in real time; what was heard in it, in order.
    pub(super) fn input(
        &mut self,
        asked: &Value,
        setup: &Setup,
        desk: &mut Desk,
    ) -> Result<Vec<Turn>, String> {
        if let Some(name) = unknown(asked, &KNOWN) {
            return Err(cannot_find(name, "realtime_input"));
        }
        let mut turns = Vec::new();
        if has(asked, "activityStart") || has(asked, "activityEnd") {
            if setup.hearing.is_some() {
                return Err("Explicit activity control is not supported when automatic activity \
                     detection is enabled."
                    .to_owned());
            }
            turns.extend(self.told(has(asked, "activityStart"), setup, desk));
        }
        let chunks = get(asked, "mediaChunks").as_array().into_iter().flatten();
        let blobs = chunks.chain([get(asked, "audio"), get(asked, "video")]);
        for blob in blobs.filter(|blob| blob.is_object()) {
            turns.extend(self.blob(blob, setup, desk)?);
        }
        if get(asked, "audioStreamEnd") == true {
            let heard = self.ear.pause();
            turns.extend(self.heard(heard, setup, desk));
        }
        if let Some(text) = get(asked, "text").as_str() {
            turns.push(Turn::Written(text.to_owned()));
        }
        Ok(turns)
    }

    fn blob(&mut self, blob: &Value, setup: &Setup, desk: &mut Desk) -> Result<Vec<Turn>, String> {
        let media = get(blob, "mimeType").as_str().unwrap_or_default();
        if !media.starts_with("audio/") {
            desk.log().write().images += 1;
            return Ok(Vec::new());
        }
        let rate = media.split(';').find_map(|part| part.trim().strip_prefix("rate="));
        let rate = rate.map_or(Some(16_000), |rate| rate.parse().ok()).and_then(ear::rate);
        let (Some(rate), true) = (rate, media.starts_with("audio/pcm")) else {
            return Err(format!("Unsupported audio mime type: {media}"));
        };
        let data = get(blob, "data").as_str().unwrap_or_default();
        // Protocol buffers take either alphabet.
        let data = data.replace('-', "+").replace('_', "/");
        let bytes = STANDARD.decode(data).map_err(|error| {
            format!("Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), {error}")
        })?;
        self.ear.set_rate(rate);
        let mut all = Vec::with_capacity(bytes.len() + 1);
        all.extend(self.odd.take());
        all.extend(bytes);
        let pairs = all.chunks_exact(2);
        self.odd = pairs.remainder().first().copied();
        let samples: Vec<_> = pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let heard = self.ear.hear(&samples);
        self.keep(&samples);
        desk.log().write().heard_ms = self.ear.now().saturating_sub(self.before).as_millis() as u64;
        Ok(self.heard(heard, setup, desk))
    }

    fn heard(&mut self, heard: Vec<Heard>, setup: &Setup, desk: &mut Desk) -> Vec<Turn> {
        let turn = |heard| match heard {
            Heard::Started { at } => self.begins(at, setup, desk),
            Heard::Ended { speech, at } => self.ends(speech, at, setup, desk),
        };
        heard.into_iter().map(turn).collect()
    }

    /// The client says that the user begins, or has finished.
    fn told(&mut self, begins: bool, setup: &Setup, desk: &mut Desk) -> Option<Turn> {
        let now = self.ear.now();
        match (begins, self.speaking) {
            (true, None) => Some(self.begins(now, setup, desk)),
            (false, Some(_)) => Some(self.ends(now, now, setup, desk)),
            _ => None,
        }
    }

    fn begins(&mut self, at: Duration, setup: &Setup, desk: &mut Desk) -> Turn {
        self.speaking = Some(desk.voice(at));
        desk.came(Moment::SpeechStarted);
        if setup.tells_voice {
            signal(true, at.saturating_sub(self.before), desk);
        }
        Turn::Began
    }

    fn ends(&mut self, speech: Duration, at: Duration, setup: &Setup, desk: &mut Desk) -> Turn {
        let voice = self.speaking.take().unwrap_or_else(|| desk.voice(speech));
        desk.came(Moment::TurnEnded);
        desk.log_turn(voice, speech);
        if setup.tells_voice {
            signal(false, at.saturating_sub(self.before), desk);
        }
        let text = desk.next_words();
        if setup.transcribes.input && !std::mem::take(&mut self.fails) {
            let delays = desk.delays();
            let due = desk.now + desk.chance.vary(delays.stt, delays.jitter);
            if self.transcripts.len() == MOST_TRANSCRIPTS {
                self.transcripts.pop_front();
            }
            self.transcripts.push_back((due, text.clone()));
        }
        Turn::Spoken { text, sound: speech.saturating_sub(voice.from) }
    }
}

fn signal(begins: bool, at: Duration, desk: &mut Desk) {
    let (signal, activity) = match begins {
        true => ("VAD_SIGNAL_TYPE_SOS", "ACTIVITY_START"),
        false => ("VAD_SIGNAL_TYPE_EOS", "ACTIVITY_END"),
    };
    let told = json!({"voiceActivityDetectionSignal": {"vadSignalType": signal}});
    desk.send(Event::new("voiceActivityDetectionSignal", told));
    let told = json!({"voiceActivityType": activity, "audioOffset": seconds(at)});
    desk.send(Event::new("voiceActivity", json!({"voiceActivity": told})));
}

/// What input there is.
pub(super) const KNOWN: [&str; 7] =
    ["mediaChunks", "audio", "audioStreamEnd", "video", "text", "activityStart", "activityEnd"];
/// Samples of a voice: 30 s.
const LONGEST: usize = 30 * 16_000;
/// Samples before a voice that may belong to it: half a second.
const BEFORE: usize = 8_000;
/// That are not told yet.
const MOST_TRANSCRIPTS: usize = 256;
