//! Calls that have everything in them that a service can say, in a time of their own.

use std::sync::Arc;
use std::time::Duration;

use banter::audio::{Resampler, SampleRate, WavReader};
use banter::bench::services::duplex::{Knock, Peer, Protocol, Say};
use banter::bench::services::{Profile, Script, Services};
use banter::net::SocketMessage;
use banter::time::SessionTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A call, and all that came in it.
pub(crate) struct Call {
    services: Arc<Services>,
    protocol: Protocol,
    peer: Peer,
    now: SessionTime,
    pub(crate) heard: Vec<Value>,
}

impl Call {
    pub(crate) fn openai() -> Self {
        Self::new(Protocol::OpenAi)
    }

    pub(crate) fn gemini() -> Self {
        Self::new(Protocol::Gemini)
    }

    fn new(protocol: Protocol) -> Self {
        let services = Services::new(Profile::Realistic.delays(), 1);
        let calls = json!({"say": "Wait.", "calls": [{"tool": "clock"}, {"tool": "light"}]});
        let script: Script = serde_json::from_value(json!({
            "heard": ["hello"],
            "answers": [calls, "Hello there, how are you?", calls, "Fine.", "One two three."],
            "duplex": {"limit_ms": 600_000, "faults": [
                {"at": "ready", "fault": "unheard"},
                {"at": "response_begun", "nth": 5, "after_ms": 600, "fault": "fail:server_error"},
            ]},
        }))
        .unwrap();
        services.script("me", script);
        let services = Arc::new(services);
        let peer = open(&services, protocol, SessionTime::ZERO);
        let mut call = Self { services, protocol, peer, now: SessionTime::ZERO, heard: Vec::new() };
        call.pass(0);
        call
    }

    /// Everything, one thing after the other.
    pub(crate) fn whole_life(&mut self) {
        match self.protocol {
            Protocol::OpenAi => self.life_with_openai(),
            Protocol::Gemini => self.life_with_gemini(),
        }
    }

    fn life_with_openai(&mut self) {
        let input =
            json!({"transcription": {"model": "t"}, "turn_detection": {"idle_timeout_ms": 5000}});
        let tool = json!({"type": "function", "name": "clock", "parameters": {"type": "object"}});
        self.update(
            &json!({"audio": {"input": input}, "tools": [tool], "instructions": "Be brief."}),
        );
        self.say(1_500);
        self.answer_tools();
        self.send(json!({"type": "response.create"}));
        self.pass(700);
        let item = self.last("response.output_item.added")["item"]["id"].clone();
        self.say(1_500);
        self.send(json!({"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 300}));
        self.send(json!({"type": "conversation.item.retrieve", "item_id": item}));
        self.send(json!({"type": "conversation.item.delete", "item_id": item}));
        self.pass(20_000);
        self.send(json!({"type": "input_audio_buffer.clear"}));
        let modes = json!({"output_modalities": ["text"], "conversation": "none", "metadata": {"a": "b"}, "max_output_tokens": 2});
        self.send(json!({"type": "response.create", "response": modes}));
        self.pass(2_000);
        self.send(json!({"type": "response.create"}));
        self.pass(400);
        self.send(json!({"type": "response.cancel"}));
        self.send(json!({"type": "response.cancel"}));
        for (role, kind) in
            [("user", "input_text"), ("assistant", "output_text"), ("system", "input_text")]
        {
            let content = json!([{"type": kind, "text": "hello"}]);
            let item = json!({"type": "message", "role": role, "content": content});
            self.send(json!({"type": "conversation.item.create", "item": item, "previous_item_id": "root"}));
        }
        let formats = json!({"input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "semantic_vad"}}, "output": {"format": {"type": "audio/pcma"}}});
        self.update(&json!({"audio": formats}));
        self.send(json!({"type": "response.create"}));
        self.pass(600_000);
    }

    fn life_with_gemini(&mut self) {
        self.send(json!({"setup": {
            "model": "models/m", "inputAudioTranscription": {}, "outputAudioTranscription": {},
            "explicitVadSignal": true, "sessionResumption": {"transparent": true},
        }}));
        self.say(1_500);
        self.answer_tools();
        self.pass(700);
        self.write("interrupted");
        self.pass(2_000);
        self.write("and its calls are cancelled");
        self.pass(5_000);
        // It ends by an error.
        self.say(1_500);
        self.again(
            json!({"model": "models/m", "generationConfig": {"responseModalities": ["TEXT"]}}),
        );
        self.write("in writing");
        self.pass(600_000);
    }

    /// Another call of the same caller.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is sent")]
    fn again(&mut self, setup: Value) {
        self.peer = open(&self.services, self.protocol, self.now);
        self.send(json!({"setup": setup}));
    }

    fn update(&mut self, session: &Value) {
        let mut session = session.clone();
        session["type"] = "realtime".into();
        self.send(json!({"type": "session.update", "session": session}));
    }

    fn write(&mut self, text: &str) {
        let turns = json!([{"role": "user", "parts": [{"text": text}]}]);
        self.send(json!({"clientContent": {"turns": turns, "turnComplete": true}}));
    }

    fn answer_tools(&mut self) {
        for event in self.heard.clone() {
            if event["type"] == "response.function_call_arguments.done" {
                let result = json!({"type": "function_call_output", "call_id": event["call_id"], "output": "ok"});
                self.send(json!({"type": "conversation.item.create", "item": result}));
            }
            for call in event["toolCall"]["functionCalls"].as_array().into_iter().flatten() {
                let result =
                    json!({"id": call["id"], "name": call["name"], "response": {"ok": true}});
                self.send(json!({"toolResponse": {"functionResponses": [result]}}));
            }
        }
    }

    /// Says hello, and is silent for a while.
    fn say(&mut self, silence_ms: u64) {
        let hz = if self.protocol == Protocol::OpenAi { 24_000 } else { 16_000 };
        let rate = SampleRate::new(hz).unwrap();
        let file = format!("{}/assets/sentences/01.wav", env!("CARGO_MANIFEST_DIR"));
        let sound = WavReader::open(file).unwrap().read_all().unwrap();
        let mut resampler = Resampler::new(sound.rate(), rate).unwrap();
        let mut samples = Vec::new();
        resampler.process(sound.samples(), &mut samples);
        let silence = rate.samples(Duration::from_millis(silence_ms)) as usize;
        samples.resize(samples.len() + silence, 0);
        for piece in samples.chunks(rate.samples(Duration::from_millis(20)) as usize) {
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let data = STANDARD.encode(bytes);
            self.send(match self.protocol {
                Protocol::OpenAi => json!({"type": "input_audio_buffer.append", "audio": data}),
                Protocol::Gemini => {
                    json!({"realtimeInput": {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}})
                }
            });
            self.pass(20);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is sent")]
    fn send(&mut self, message: Value) {
        self.peer.hear(&SocketMessage::Text(message.to_string()), self.now);
        self.pass(0);
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        loop {
            while let Some(said) = self.peer.poll(self.now) {
                let text = match said {
                    Say::Message(SocketMessage::Text(text)) => text.into_bytes(),
                    Say::Message(SocketMessage::Binary(bytes)) => bytes.to_vec(),
                    _ => continue,
                };
                self.heard.push(serde_json::from_slice(&text).unwrap());
            }
            match self.peer.due().filter(|due| *due <= until) {
                Some(due) => self.now = due,
                None => break,
            }
        }
        self.now = until;
    }

    fn last(&self, kind: &str) -> &Value {
        self.heard.iter().rfind(|event| event["type"] == kind).unwrap()
    }
}

fn open(services: &Arc<Services>, protocol: Protocol, now: SessionTime) -> Peer {
    let model = Some("m".to_owned());
    let knock = Knock { protocol, caller: "me".to_owned(), model, origin: 0, unix: 0 };
    services.open(&knock, now).unwrap()
}

/// The fields of a message; of content, the names of what is in it.
pub(crate) fn fields(message: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    for (key, value) in message.as_object().unwrap() {
        match value.as_object() {
            Some(content) if key == "serverContent" => fields.extend(content.keys().cloned()),
            _ => fields.push(key.clone()),
        }
    }
    fields
}

/// All that there is, in order.
pub(crate) const OF_OPENAI: [&str; 32] = [
    "conversation.created",
    "conversation.item.added",
    "conversation.item.deleted",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "error",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "rate_limits.updated",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "session.created",
    "session.updated",
];

/// All that there is, in order.
pub(crate) const OF_GEMINI: [&str; 15] = [
    "generationComplete",
    "goAway",
    "inputTranscription",
    "interrupted",
    "modelTurn",
    "outputTranscription",
    "sessionResumptionUpdate",
    "setupComplete",
    "toolCall",
    "toolCallCancellation",
    "turnComplete",
    "turnCompleteReason",
    "usageMetadata",
    "voiceActivity",
    "voiceActivityDetectionSignal",
];
