//! Exchanges with Gemini Live, written by hand in the shape of its messages.

mod answers;
mod arbitrary;
mod opening;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::GeminiOptions;
use super::codec::GeminiCodec;
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::{
    Codec, Decoded, Detecting, DuplexEvent, DuplexInput, DuplexSettings, ReplyEnd, ReplyId,
    ServerTurns,
};
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::types::{Message, Secret};

const FIRST: ReplyId = ReplyId::FIRST;
const SECOND: ReplyId = FIRST.next();

/// Both sides of a connection.
struct Call {
    codec: GeminiCodec,
    decoded: Decoded,
    /// The other side writes `server_content`, not `serverContent`.
    snake: bool,
}

impl Call {
    /// One that is not open.
    fn closed(options: GeminiOptions) -> Self {
        let codec = GeminiCodec::new(Arc::new(options), vec![Secret::new("AIza-1")]);
        Self { codec, decoded: Decoded::default(), snake: false }
    }

    /// One that is ready; turns are told.
    fn new() -> Self {
        Self::with(options(), DuplexSettings::default())
    }

    /// One in which the other side detects turns.
    fn detecting() -> Self {
        let detecting = Detecting::There(ServerTurns::default());
        Self::with(options(), DuplexSettings { detecting, ..DuplexSettings::default() })
    }

    /// One that is ready, and writes down what the user says.
    fn with(options: GeminiOptions, settings: DuplexSettings) -> Self {
        let mut call = Self::closed(options);
        call.open(&DuplexSettings { transcribes: true, ..settings }, &[]);
        let ready = [DuplexEvent::Ready { resumed: false }];
        assert_eq!(call.hear(json!({ "setupComplete": {} })), ready);
        call
    }

    fn open(&mut self, settings: &DuplexSettings, past: &[Message]) -> Vec<Value> {
        let mut frames = Vec::new();
        self.codec.open(settings, past, &mut frames);
        read(&frames)
    }

    /// The other side says this. Returns what happens.
    fn hear(&mut self, message: Value) -> Vec<DuplexEvent> {
        let message = if self.snake { snake(message) } else { message };
        self.codec.decode(message.to_string().as_bytes(), &mut self.decoded);
        std::mem::take(&mut self.decoded.events)
    }

    #[expect(clippy::needless_pass_by_value, reason = "it reads as it is written")]
    fn content(&mut self, content: Value) -> Vec<DuplexEvent> {
        self.hear(json!({ "serverContent": content }))
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

    fn sound(&mut self) -> Vec<DuplexEvent> {
        self.content(sound(&[1, 0, 2, 0]))
    }

    fn words(&mut self, words: &str) -> Vec<DuplexEvent> {
        self.content(json!({ "outputTranscription": { "text": words } }))
    }

    fn complete(&mut self) -> Vec<DuplexEvent> {
        self.content(json!({ "turnComplete": true }))
    }

    fn speak(&mut self, from_ms: u64, ms: u64) -> Vec<Value> {
        let audio = AudioChunk::new(vec![7; (ms * 16) as usize], SampleRate::SPEECH);
        self.tell(DuplexInput::Sound { at: SessionTime::from_millis(from_ms), audio })
    }

    /// A turn of the user's, told from its beginning to its end, with the wish for an answer.
    fn turn(&mut self, number: u32) -> Vec<Value> {
        let turn = TurnId::new(number);
        let mut sent = self.tell(DuplexInput::TurnBegan { turn });
        sent.extend(self.speak(1_000 * u64::from(number), 20));
        sent.extend(self.tell(DuplexInput::TurnEnded { turn }));
        sent.extend(self.tell(DuplexInput::Respond { say: None }));
        sent
    }
}

fn options() -> GeminiOptions {
    GeminiOptions::new("a-model")
}

fn sound(bytes: &[u8]) -> Value {
    let data = json!({ "mimeType": "audio/pcm;rate=24000", "data": base64(bytes) });
    json!({ "modelTurn": { "role": "model", "parts": [{ "inlineData": data }] } })
}

fn chunk(samples: &[i16]) -> AudioChunk {
    AudioChunk::new(samples, SampleRate::new(24_000).unwrap())
}

fn started(reply: ReplyId, asked: bool) -> DuplexEvent {
    DuplexEvent::ReplyStarted { reply, asked }
}

fn text(reply: ReplyId, delta: &str) -> DuplexEvent {
    DuplexEvent::Text { reply, delta: delta.to_owned() }
}

fn ended(reply: ReplyId, how: ReplyEnd) -> DuplexEvent {
    DuplexEvent::ReplyEnded { reply, how, usage: None }
}

fn read(frames: &[String]) -> Vec<Value> {
    frames.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
}

/// The message in the other spelling of its names.
fn snake(message: Value) -> Value {
    match message {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let name = name.chars().flat_map(|c| {
                    c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())
                });
                (name.collect::<String>(), snake(value))
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(snake).collect(),
        other => other,
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
