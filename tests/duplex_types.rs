//! What our client says to models that hear and speak for themselves, held against the types of
//! their makers' own clients: all that a codec can say, and nothing that these do not know.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use banter::audio::{AudioChunk, SampleRate};
use banter::duplex::gemini::{GeminiLive, GeminiOptions};
use banter::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use banter::duplex::{
    Codec, Decoded, Detecting, DuplexInput, DuplexSettings, Eagerness, Protocol, ReplyId,
    ServerTurns, Speaks,
};
use banter::ids::TurnId;
use banter::net::Endpoint;
use banter::time::SessionTime;
use banter::types::{
    Detail, Media, MediaKind, Message, Parameters, Role, ToolCall, ToolChoice, ToolDescriptor,
    ToolResult,
};
use serde_json::{Value, json};

use crate::lacking::lacking;

#[test]
fn openais_types_know_all_that_is_said_to_openai() {
    let Some(python) = python() else { return };
    let mut frames = Vec::new();
    for options in [
        json!({ "model": "m" }),
        json!({
            "model": "m", "format": "pcmu",
            "noise_reduction": { "type": "far_field", "strength": 0.5 },
            "transcription": {
                "model": "t", "languages": ["de", "fr"], "prompt": "about tea",
                "keywords": ["oolong"], "delay": "low",
            },
            "truncation": { "retention_ratio": 0.8, "token_limits": { "post_instructions": 5000 } },
            "reasoning_effort": "xhigh", "max_output_tokens": "inf", "parallel_tool_calls": true,
            "tracing": { "workflow_name": "w", "group_id": "g", "metadata": { "a": 1 } },
            "prompt": { "id": "p", "version": "2", "variables": { "city": "Rome" } },
            "include": ["item.input_audio_transcription.logprobs"],
            "metadata": { "tenant": "t" },
        }),
        json!({ "model": "m", "format": "pcma", "truncation": "disabled", "tracing": "auto",
                "transcription": { "model": "t" }, "max_output_tokens": 4096 }),
    ] {
        let options: OpenAiOptions = serde_json::from_value(options).unwrap();
        let endpoint = Endpoint::new("http://localhost/v1", None).unwrap();
        all_of_openai(&OpenAiRealtime::new(endpoint, options), &mut frames);
    }

    let seen = check(&python, "openai", &frames);

    assert_eq!(seen["wrong"], json!([]));
    let kinds: Vec<_> = seen["kinds"].as_object().unwrap().keys().collect();
    let all = [
        "conversation.item.create",
        "conversation.item.delete",
        "conversation.item.truncate",
        "input_audio_buffer.append",
        "input_audio_buffer.clear",
        "input_audio_buffer.commit",
        "response.cancel",
        "response.create",
        "session.update",
    ];
    assert_eq!(kinds, all);
}

#[test]
fn googles_types_know_all_that_is_said_to_gemini() {
    let Some(python) = python() else { return };
    let mut frames = Vec::new();
    for options in [
        json!({ "model": "m", "session_resumption": "off", "initial_history": false }),
        json!({
            "model": "models/m", "text": "realtime", "start_sensitivity": "high",
            "end_sensitivity": "low", "turn_coverage": "all", "explicit_vad_signal": true,
            "session_resumption": "transparent",
            "context_window_compression": { "trigger_tokens": 25_000, "target_tokens": 8_000 },
            "transcription": { "language_codes": ["de-DE"], "custom_vocabulary": ["oolong"] },
            "proactive_audio": true, "proactive_video": true, "affective_dialog": true,
            "safety_settings": [
                { "category": "harassment", "threshold": "block_low_and_above" },
                { "category": "hate_speech", "threshold": "block_medium_and_above" },
                { "category": "sexually_explicit", "threshold": "block_only_high" },
                { "category": "dangerous_content", "threshold": "block_none" },
                { "category": "civic_integrity", "threshold": "off" },
            ],
            "thinking": { "budget": -1, "level": "xhigh" }, "media_resolution": "medium",
        }),
        json!({ "model": "m", "turn_coverage": "activity_and_video", "media_resolution": "low",
                "thinking": { "level": "minimal" }, "start_sensitivity": "low",
                "context_window_compression": {} }),
    ] {
        let options: GeminiOptions = serde_json::from_value(options).unwrap();
        let endpoint = Endpoint::new("http://localhost", None).unwrap();
        all_of_gemini(&GeminiLive::new(endpoint, options), &mut frames);
    }

    let seen = check(&python, "gemini", &frames);

    assert_eq!(seen["wrong"], json!([]));
    let kinds: Vec<_> = seen["kinds"].as_object().unwrap().keys().map(String::as_str).collect();
    for kind in [
        "clientContent.turn_complete+turns",
        "contextUpdate.system_instruction+tools",
        "realtimeInput.activity_end",
        "realtimeInput.activity_start",
        "realtimeInput.audio",
        "realtimeInput.text",
        "realtimeInput.video",
        "toolResponse.function_responses",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert!(kinds.iter().any(|kind| kind.starts_with("setup.")));
}

#[test]
fn what_the_types_do_not_know_is_found() {
    let Some(python) = python() else { return };
    let update =
        json!({ "type": "session.update", "session": { "type": "realtime", "temper": 1 } });
    let unknown = json!({ "type": "input_audio_buffer.append" });
    let seen = check(&python, "openai", &[update.to_string(), unknown.to_string()]);
    let wrong = seen["wrong"].as_array().unwrap();
    assert_eq!(wrong[0], "session.update.session.temper");
    assert!(wrong[1].as_str().unwrap().contains("audio"));

    let setup = json!({ "setup": { "model": "m", "realtimeInputConfig": {}, "speed": 1 } });
    let input = json!({ "realtimeInput": { "sound": "x" } });
    let seen = check(&python, "gemini", &[setup.to_string(), input.to_string()]);
    assert_eq!(seen["wrong"].as_array().unwrap().len(), 2, "{seen}");
}

/// All that can be said to OpenAI: connections in which everything happens.
fn all_of_openai(protocol: &dyn Protocol, frames: &mut Vec<String>) {
    let mut line = Line::new(protocol);
    for settings in all_settings() {
        line.open(&settings, r#"{ "type": "session.updated" }"#);
        line.say_everything();
        line.hear(&json!({ "type": "response.created", "response": { "id": "r1" } }));
        for item in ["i1", "i2"] {
            line.hear(&json!({ "type": "response.output_audio.delta", "response_id": "r1",
                "item_id": item, "content_index": 0, "delta": "AAAA".repeat(1_000) }));
        }
        line.hear(&json!({ "type": "response.output_item.done", "response_id": "r1", "item": {
            "type": "function_call", "call_id": "c1", "name": "clock", "arguments": "{}" } }));
        line.interrupt(ReplyId::FIRST);
        line.hear(&json!({ "type": "response.done",
            "response": { "id": "r1", "status": "completed" } }));
        line.tell(DuplexInput::ToolResults(vec![result("c1")]));
        line.lose();
    }
    frames.append(&mut line.frames);
}

/// All that can be said to Gemini.
fn all_of_gemini(protocol: &dyn Protocol, frames: &mut Vec<String>) {
    let mut line = Line::new(protocol);
    for settings in all_settings() {
        line.open(&settings, r#"{ "setupComplete": {} }"#);
        line.say_everything();
        line.hear(&json!({ "toolCall": { "functionCalls": [
            { "id": "c1", "name": "clock", "args": {} },
        ] } }));
        line.tell(DuplexInput::ToolResults(vec![result("c1")]));
        line.interrupt(ReplyId::FIRST);
        line.hear(&json!({ "sessionResumptionUpdate": { "newHandle": "h", "resumable": true } }));
        line.lose();
        line.open(&settings, r#"{ "setupComplete": {} }"#);
        line.lose();
    }
    frames.append(&mut line.frames);
}

/// A codec, and all that it has said.
struct Line {
    codec: Box<dyn Codec>,
    rate: SampleRate,
    frames: Vec<String>,
}

impl Line {
    fn new(protocol: &dyn Protocol) -> Self {
        let rate = protocol.capabilities().hears;
        Self { codec: protocol.codec(), rate, frames: Vec::new() }
    }

    fn open(&mut self, settings: &DuplexSettings, agrees: &str) {
        self.codec.open(settings, &past(), &mut self.frames);
        self.hear(&serde_json::from_str(agrees).unwrap());
        assert!(self.codec.is_ready());
    }

    fn hear(&mut self, message: &Value) {
        let mut decoded = Decoded::default();
        self.codec.decode(message.to_string().as_bytes(), &mut decoded);
        self.frames.append(&mut decoded.frames);
    }

    #[expect(clippy::needless_pass_by_value, reason = "it reads as it is written")]
    fn tell(&mut self, input: DuplexInput) {
        self.codec.encode(&input, &mut self.frames);
    }

    fn lose(&mut self) {
        self.codec.lost(&mut Decoded::default());
    }

    /// Everything that a user may say and show, and settings that change.
    fn say_everything(&mut self) {
        let turn = TurnId::new(1);
        let at = SessionTime::ZERO;
        let audio = AudioChunk::new(vec![9; 100], self.rate);
        let sound = DuplexInput::Sound { at, audio };
        let image = Media::bytes(MediaKind::Image, "image/jpeg", vec![1]).with_detail(Detail::High);
        let image = Arc::new(image);
        for input in [
            DuplexInput::TurnBegan { turn },
            sound.clone(),
            DuplexInput::TurnDropped { turn },
            DuplexInput::TurnBegan { turn: turn.next() },
            sound,
            DuplexInput::TurnEnded { turn: turn.next() },
            DuplexInput::Text("Hello.".into()),
            DuplexInput::Image(Arc::clone(&image)),
            DuplexInput::Frame { at, image },
            DuplexInput::ToolResults(vec![result("forgotten")]),
            DuplexInput::Respond { say: Some("Bye.".into()) },
            DuplexInput::Respond { say: None },
        ] {
            self.tell(input);
        }
        for settings in all_settings() {
            self.tell(DuplexInput::Settings(Arc::new(settings)));
        }
    }

    /// An answer is cancelled after 10 ms of it were heard; so is one of an earlier connection.
    fn interrupt(&mut self, reply: ReplyId) {
        for reply in [reply, reply.next(), reply.next().next()] {
            let (sound, text) = (Duration::from_millis(10), "It is".into());
            self.tell(DuplexInput::Cancel { reply });
            self.tell(DuplexInput::Heard { reply, sound, text, whole: false });
        }
    }
}

fn all_settings() -> [DuplexSettings; 3] {
    let tool = ToolDescriptor::new("clock", "Tells the time.", json!({ "type": "object" }));
    let ms = Duration::from_millis;
    let by_silence = ServerTurns {
        threshold: Some(0.5),
        prefix: Some(ms(300)),
        silence: Some(ms(500)),
        idle: Some(ms(6_000)),
        ..ServerTurns::default()
    };
    let by_words =
        ServerTurns { semantic: Some(Eagerness::Low), goes_on: true, ..ServerTurns::default() };
    let here = DuplexSettings {
        system: "Be brief.".into(),
        tools: Arc::new([tool]),
        parameters: Parameters {
            temperature: Some(0.5),
            max_tokens: Some(100),
            top_p: Some(0.9),
            top_k: Some(40),
            frequency_penalty: Some(0.1),
            presence_penalty: Some(0.1),
            seed: Some(u64::MAX),
            format: None,
        },
        voice: Some("a-voice".into()),
        speed: Some(1.25),
        language: Some("de-CH".into()),
        transcribes: true,
        ..DuplexSettings::default()
    };
    let there = DuplexSettings {
        detecting: Detecting::There(by_silence),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        system: "Sing.".into(),
        ..here.clone()
    };
    let judged = DuplexSettings {
        detecting: Detecting::There(by_words),
        tool_choice: ToolChoice::Required,
        speaks: Speaks::Text,
        tools: Arc::new([]),
        ..DuplexSettings::default()
    };
    [here, there, judged]
}

/// One message of each kind.
fn past() -> Vec<Message> {
    let arguments = json!({ "zone": "UTC" });
    let call = ToolCall { id: "c0".into(), name: "clock".into(), arguments };
    let picture = Media::bytes(MediaKind::Image, "image/png", vec![1]);
    let far = Media::url(MediaKind::Image, "image/png", "https://example.org/a.png");
    vec![
        Message { role: Role::System, ..Message::user("It is Monday.") },
        Message::user("What is this?").with(picture).with(far),
        Message { tool_calls: vec![call], ..Message::assistant("Let me see.") },
        Message::tool(result("c0")),
        Message { interrupted: true, ..Message::assistant("It is no") },
    ]
}

fn result(id: &str) -> ToolResult {
    let (name, content) = ("clock".into(), "{\"hour\":12}".into());
    ToolResult { id: id.into(), name, content, is_error: false }
}

/// What is wrong with what was said, by the types.
fn check(python: &Path, protocol: &str, frames: &[String]) -> Value {
    let mut checking = Command::new(python)
        .arg(folder().join("client_events.py"))
        .arg(protocol)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = checking.stdin.take().unwrap();
    let said = frames.join("\n");
    let writing = std::thread::spawn(move || lines.write_all(said.as_bytes()).unwrap());
    let output = checking.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The Python that has these clients.
fn python() -> Option<PathBuf> {
    let python = folder().join("python/bin/python");
    if python.exists() {
        return Some(python);
    }
    lacking("pip", "scripts/setup.sh --tests installs the clients of OpenAI and Google");
    None
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/duplex")
}
