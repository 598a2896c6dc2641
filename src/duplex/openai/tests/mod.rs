//! Exchanges with OpenAI Realtime, written by hand in the shape of its events.

mod answers;
mod arbitrary;
mod opening;
mod refusals;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::codec::OpenAiCodec;
use super::{OpenAiOptions, Transcription};
use crate::audio::AudioChunk;
use crate::duplex::{
    Codec, Decoded, Detecting, DuplexEvent, DuplexInput, DuplexSettings, ReplyId, ServerTurns,
};
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::types::{Message, Secret};

const FIRST: ReplyId = ReplyId::FIRST;
const SECOND: ReplyId = FIRST.next();

/// Both sides of a connection.
struct Call {
    codec: OpenAiCodec,
    decoded: Decoded,
    /// Events of the other side that were written, for their ids.
    written: u32,
}

impl Call {
    /// One that is not open.
    fn closed(options: OpenAiOptions) -> Self {
        let codec = OpenAiCodec::new(Arc::new(options), vec![Secret::new("sk-1234")]);
        Self { codec, decoded: Decoded::default(), written: 0 }
    }

    /// One that is ready; turns are told.
    fn new() -> Self {
        Self::with(DuplexSettings::default())
    }

    /// One in which the other side detects turns.
    fn detecting() -> Self {
        let detecting = Detecting::There(ServerTurns::default());
        Self::with(DuplexSettings { detecting, ..DuplexSettings::default() })
    }

    /// One that is ready, and writes down what the user says.
    fn with(settings: DuplexSettings) -> Self {
        let mut options = options();
        options.transcription = Some(Transcription::new("scribe"));
        let mut call = Self::closed(options);
        call.open(&DuplexSettings { transcribes: true, ..settings }, &[]);
        let events = call.hear("session.updated", json!({ "session": { "type": "realtime" } }));
        assert_eq!(events, [DuplexEvent::Ready { resumed: false }]);
        call
    }

    fn open(&mut self, settings: &DuplexSettings, past: &[Message]) -> Vec<Value> {
        let mut frames = Vec::new();
        self.codec.open(settings, past, &mut frames);
        read(&frames)
    }

    /// The other side says this. Returns what happens.
    fn hear(&mut self, kind: &str, mut event: Value) -> Vec<DuplexEvent> {
        self.written += 1;
        event["type"] = kind.into();
        event["event_id"] = format!("event_{}", self.written).into();
        self.raw(&event.to_string())
    }

    fn raw(&mut self, frame: &str) -> Vec<DuplexEvent> {
        self.codec.decode(frame.as_bytes(), &mut self.decoded);
        std::mem::take(&mut self.decoded.events)
    }

    /// What the codec has answered at once.
    fn answered(&mut self) -> Vec<Value> {
        read(&std::mem::take(&mut self.decoded.frames))
    }

    #[expect(clippy::needless_pass_by_value, reason = "it reads as it is written")]
    fn tell(&mut self, input: DuplexInput) -> Vec<Value> {
        let mut frames = Vec::new();
        self.codec.encode(&input, &mut frames);
        read(&frames)
    }

    fn lose(&mut self) -> Vec<DuplexEvent> {
        self.codec.lost(&mut self.decoded);
        std::mem::take(&mut self.decoded.events)
    }

    /// Asks for an answer, which begins as `response`.
    fn ask(&mut self, response: &str) -> Vec<DuplexEvent> {
        let sent = self.tell(DuplexInput::Respond { say: None });
        assert_eq!(kinds(&sent), ["response.create"]);
        let metadata = sent[0]["response"]["metadata"].clone();
        self.hear(
            "response.created",
            json!({ "response": { "id": response, "metadata": metadata } }),
        )
    }

    /// So much sound of an answer comes, at 24 kHz.
    fn sound(&mut self, response: &str, item: &str, index: u32, ms: usize) -> Vec<DuplexEvent> {
        let delta = base64(&vec![1_u8; ms * 48]);
        self.hear(
            "response.output_audio.delta",
            json!({ "response_id": response, "item_id": item, "output_index": 0,
                    "content_index": index, "delta": delta }),
        )
    }

    fn words(&mut self, response: &str, item: &str, delta: &str) -> Vec<DuplexEvent> {
        self.hear(
            "response.output_audio_transcript.delta",
            json!({ "response_id": response, "item_id": item, "output_index": 0,
                    "content_index": 0, "delta": delta }),
        )
    }

    fn done(&mut self, response: &str, status: &str) -> Vec<DuplexEvent> {
        self.hear("response.done", json!({ "response": { "id": response, "status": status } }))
    }

    /// The user speaks for so long, from then on.
    fn speak(&mut self, from_ms: u64, ms: u64) -> Vec<Value> {
        let rate = self.codec.options.format.rate();
        let samples = vec![7; rate.samples(Duration::from_millis(ms)) as usize];
        let audio = AudioChunk::new(samples, rate);
        self.tell(DuplexInput::Sound { at: SessionTime::from_millis(from_ms), audio })
    }

    /// A turn of the user's, told from its beginning to its end.
    fn turn(&mut self, number: u32) -> Vec<Value> {
        let turn = TurnId::new(number);
        self.tell(DuplexInput::TurnBegan { turn });
        self.speak(1_000 * u64::from(number), 500);
        self.tell(DuplexInput::TurnEnded { turn })
    }
}

fn options() -> OpenAiOptions {
    OpenAiOptions::new("a-model")
}

fn read(frames: &[String]) -> Vec<Value> {
    frames.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
