//! What a session is told when it opens, and when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::audio::codec::g711::Law;
use crate::duplex::openai::{
    Effort, Format, Include, MaxTokens, Microphone, NoiseReduction, OpenAiRealtime, Tracing,
    TracingMode, Truncation,
};
use crate::duplex::{Eagerness, Protocol, Speaks};
use crate::net::Endpoint;
use crate::types::{
    Media, MediaKind, Parameters, Role, ToolCall, ToolChoice, ToolDescriptor, ToolResult,
};

#[test]
fn a_session_is_told_all_of_itself() {
    let mut call = Call::closed(OpenAiOptions {
        noise_reduction: Some(NoiseReduction { kind: Microphone::FarField, strength: None }),
        transcription: Some(Transcription::new("scribe")),
        truncation: Some(toml("{ retention_ratio = 0.5 }")),
        reasoning_effort: Some(Effort::Low),
        max_output_tokens: Some(MaxTokens::Tokens(900)),
        parallel_tool_calls: Some(true),
        tracing: Some(Tracing::Mode(TracingMode::Auto)),
        prompt: Some(toml("{ id = \"pmpt_1\", variables = { city = \"Rome\" } }")),
        include: vec![Include::TranscriptionLogprobs],
        ..options()
    });
    let settings = DuplexSettings {
        system: "Be brief.".into(),
        tools: Arc::new([ToolDescriptor::new(
            "clock",
            "Tells the time.",
            json!({"type": "object"}),
        )]),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        voice: Some("marin".into()),
        speed: Some(1.25),
        language: Some("de-CH".into()),
        transcribes: true,
        ..DuplexSettings::default()
    };

    let frames = call.open(&settings, &[]);

    let format = json!({ "type": "audio/pcm", "rate": 24_000 });
    let session = json!({
        "type": "realtime",
        "instructions": "Be brief.",
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": format,
                "noise_reduction": { "type": "far_field" },
                "transcription": { "model": "scribe", "language": "de" },
                "turn_detection": null,
            },
            "output": { "format": format, "voice": "marin", "speed": 1.25 },
        },
        "tools": [{ "type": "function", "name": "clock", "description": "Tells the time.",
                    "parameters": { "type": "object" } }],
        "tool_choice": { "type": "function", "name": "clock" },
        "parallel_tool_calls": true,
        "max_output_tokens": 900,
        "truncation": { "type": "retention_ratio", "retention_ratio": 0.5 },
        "reasoning": { "effort": "low" },
        "prompt": { "id": "pmpt_1", "variables": { "city": "Rome" } },
        "tracing": "auto",
        "include": ["item.input_audio_transcription.logprobs"],
    });
    let update = json!({ "type": "session.update", "event_id": "session-1", "session": session });
    assert_eq!(frames, [update]);
    assert!(!call.codec.is_ready());
}

#[test]
fn what_is_not_said_is_left_to_the_other_side() {
    let frames = Call::closed(options()).open(&DuplexSettings::default(), &[]);
    let format = json!({ "type": "audio/pcm", "rate": 24_000 });
    let session = json!({
        "type": "realtime", "output_modalities": ["audio"], "tools": [], "tool_choice": "auto",
        "audio": {
            "input": { "format": format, "transcription": null, "turn_detection": null },
            "output": { "format": format },
        },
    });
    assert_eq!(frames[0]["session"], session);
}

#[test]
fn the_other_side_detects_turns_by_silence_or_by_what_is_said() {
    let ms = Duration::from_millis;
    let by_silence = ServerTurns {
        threshold: Some(0.5),
        prefix: Some(ms(300)),
        silence: Some(ms(450)),
        idle: Some(ms(6_000)),
        ..ServerTurns::default()
    };
    let by_words =
        ServerTurns { semantic: Some(Eagerness::High), goes_on: true, ..ServerTurns::default() };
    for (turns, told) in [
        (
            by_silence,
            json!({ "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                    "silence_duration_ms": 450, "idle_timeout_ms": 6_000,
                    "create_response": true, "interrupt_response": true }),
        ),
        (
            by_words,
            json!({ "type": "semantic_vad", "eagerness": "high",
                    "create_response": true, "interrupt_response": false }),
        ),
    ] {
        let detecting = Detecting::There(turns);
        let settings = DuplexSettings { detecting, ..DuplexSettings::default() };
        let frames = Call::closed(options()).open(&settings, &[]);
        assert_eq!(frames[0]["session"]["audio"]["input"]["turn_detection"], told);
    }
}

#[test]
fn it_is_ready_when_it_has_agreed_and_says_so_once() {
    let mut call = Call::closed(options());
    call.open(&DuplexSettings::default(), &[]);
    assert_eq!(call.hear("session.created", json!({ "session": {} })), []);
    assert!(!call.codec.is_ready());
    let ready = [DuplexEvent::Ready { resumed: false }];
    assert_eq!(call.hear("session.updated", json!({ "session": {} })), ready);
    assert!(call.codec.is_ready());
    assert_eq!(call.hear("session.updated", json!({ "session": {} })), []);

    call.lose();
    assert!(!call.codec.is_ready());
    call.open(&DuplexSettings::default(), &[]);
    assert_eq!(call.hear("session.updated", json!({ "session": {} })), ready);
}

#[test]
fn another_connection_is_told_the_past_as_it_was_heard() {
    let call_of_tool =
        ToolCall { id: "c1".into(), name: "clock".into(), arguments: json!({ "zone": "UTC" }) };
    let result = ToolResult {
        id: "c1".into(),
        name: "clock".into(),
        content: "noon".into(),
        is_error: false,
    };
    let picture = Media::bytes(MediaKind::Image, "image/png", vec![1, 2, 3]);
    let film = Media::bytes(MediaKind::Video, "video/mp4", vec![1]).with_name("me.mp4");
    let past = [
        Message { role: Role::System, ..Message::user("It is Monday.") },
        Message::user("What time is it?").with(picture).with(film),
        Message { tool_calls: vec![call_of_tool], ..Message::assistant("Let me see.") },
        Message::tool(result),
        Message { interrupted: true, ..Message::assistant("It is no") },
        Message::user(""),
    ];

    let frames = Call::closed(options()).open(&DuplexSettings::default(), &past);

    let items: Vec<_> = frames[1..].iter().map(|frame| frame["item"].clone()).collect();
    assert_eq!(
        items,
        [
            json!({ "type": "message", "role": "system",
                    "content": [{ "type": "input_text", "text": "It is Monday." }] }),
            json!({ "type": "message", "role": "user", "content": [
                { "type": "input_text", "text": "What time is it?" },
                { "type": "input_image", "image_url": "data:image/png;base64,AQID" },
                { "type": "input_text", "text": "[video me.mp4, which was not shown to you]" },
            ] }),
            json!({ "type": "message", "role": "assistant",
                    "content": [{ "type": "output_text", "text": "Let me see." }] }),
            json!({ "type": "function_call", "call_id": "c1", "name": "clock",
                    "arguments": "{\"zone\":\"UTC\"}" }),
            json!({ "type": "function_call_output", "call_id": "c1", "output": "noon" }),
            json!({ "type": "message", "role": "assistant",
                    "content": [{ "type": "output_text", "text": "It is no—" }] }),
        ]
    );
}

#[test]
fn settings_tell_what_has_changed_and_nothing_else() {
    let before = DuplexSettings { voice: Some("marin".into()), ..DuplexSettings::default() };
    let mut call = Call::with(before.clone());
    let before = DuplexSettings { transcribes: true, ..before };
    let changed = |call: &mut Call, settings: DuplexSettings| {
        call.tell(DuplexInput::Settings(Arc::new(settings)))
            .into_iter()
            .map(|frame| frame["session"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(changed(&mut call, before.clone()), [json!(null); 0]);

    let other = DuplexSettings {
        system: "Sing.".into(),
        speaks: Speaks::Text,
        speed: Some(0.75),
        tool_choice: ToolChoice::None,
        parameters: Parameters { max_tokens: Some(50), ..Parameters::default() },
        detecting: Detecting::There(ServerTurns::default()),
        transcribes: false,
        ..before.clone()
    };
    let told = changed(&mut call, other);
    let turns =
        json!({ "type": "server_vad", "create_response": true, "interrupt_response": true });
    assert_eq!(
        told,
        [json!({
            "type": "realtime", "instructions": "Sing.", "output_modalities": ["text"],
            "tool_choice": "none", "max_output_tokens": 50,
            "audio": {
                "input": { "transcription": null, "turn_detection": turns },
                "output": { "speed": 0.75 },
            },
        })]
    );

    let told = changed(&mut call, before);
    assert_eq!(
        told,
        [json!({
            "type": "realtime", "instructions": "", "output_modalities": ["audio"],
            "tool_choice": "auto", "max_output_tokens": "inf",
            "audio": {
                "input": { "transcription": { "model": "scribe" }, "turn_detection": null },
                "output": { "speed": 1.0 },
            },
        })]
    );
}

#[test]
fn options_are_read_from_settings_and_unknown_ones_refused() {
    let read = |text: &str| toml::from_str::<OpenAiOptions>(text);
    let options = read(
        "model = \"m\"\nformat = \"pcmu\"\nmax_output_tokens = \"inf\"\ntruncation = \"disabled\"\n\
         tracing = { workflow_name = \"w\" }\nmetadata = { tenant = \"t\" }\n\
         [transcription]\nmodel = \"s\"\ndelay = \"minimal\"\n[noise_reduction]\ntype = \"near_field\"\n",
    )
    .unwrap();
    assert_eq!(options.format, Format::Pcmu);
    assert_eq!(options.max_output_tokens, Some(MaxTokens::UNBOUNDED));
    assert!(matches!(options.truncation, Some(Truncation::Mode(_))));
    assert_eq!(options.metadata, BTreeMap::from([("tenant".to_owned(), "t".to_owned())]));
    assert_eq!(options.transcription.unwrap().delay, Some(Effort::Minimal));

    let error = |text: &str| read(text).unwrap_err().to_string();
    assert!(error("format = \"pcm\"").contains("missing field `model`"));
    assert!(error("model = \"m\"\nmodle = 1").contains("unknown field `modle`"));
    assert!(error("model = \"m\"\n[transcription]\nmodel = \"s\"\nlang = \"en\"").contains("lang"));
}

#[test]
fn a_connection_is_asked_for_with_the_model_and_a_key_that_is_not_shown() {
    let endpoint =
        Endpoint::new("https://api.openai.com/v1", Some(Secret::new("sk-1234"))).unwrap();
    let provider = OpenAiRealtime::new(endpoint, OpenAiOptions::new("a model/2"));

    let request = provider.request();

    let address = "https://api.openai.com/v1/realtime?model=a%20model%2F2";
    assert_eq!(request.uri().to_string(), address);
    assert_eq!(request.headers()["authorization"], "Bearer sk-1234");
    assert!(request.headers()["authorization"].is_sensitive());
    assert!(!request.headers().contains_key("openai-beta"));
    assert!(!format!("{provider:?} {request:?} {:?}", provider.codec()).contains("sk-1234"));
    assert_eq!(provider.name(), "openai:a model/2");
    assert!(provider.is_metered());
    assert_eq!(provider.capabilities().hears.hz(), 24_000);
    assert_eq!(provider.capabilities().lasts, Some(Duration::from_secs(3_600)));
}

#[test]
fn sound_of_telephones_is_heard_and_said_at_8_khz() {
    for (format, code) in [(Format::Pcmu, Law::Mu), (Format::Pcma, Law::A)] {
        let mut call = Call::closed(OpenAiOptions { format, ..options() });
        let frames = call.open(&DuplexSettings::default(), &[]);
        let kind = if code == Law::Mu { "audio/pcmu" } else { "audio/pcma" };
        assert_eq!(frames[0]["session"]["audio"]["input"]["format"], json!({ "type": kind }));
        call.hear("session.updated", json!({}));

        let sent = call.speak(0, 1);
        assert_eq!(sent[0]["audio"], base64(&[code.encode_sample(7); 8]));
        call.ask("r1");
        let events = call.hear(
            "response.output_audio.delta",
            json!({ "response_id": "r1", "item_id": "i1", "content_index": 0,
                    "delta": base64(&[code.encode_sample(1_000); 80]) }),
        );
        let heard =
            AudioChunk::new(vec![code.decode_sample(code.encode_sample(1_000)); 80], format.rate());
        assert_eq!(events, [DuplexEvent::Sound { reply: FIRST, audio: heard }]);
    }
}

fn toml<T: serde::de::DeserializeOwned>(value: &str) -> T {
    #[derive(serde::Deserialize)]
    struct At<T> {
        at: T,
    }
    toml::from_str::<At<T>>(&format!("at = {value}")).unwrap().at
}
