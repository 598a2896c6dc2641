//! What a session is told when it opens, and when it changes; where it goes on.

use super::*;
use crate::duplex::gemini::{
    Compression, GeminiLive, HarmCategory, HarmThreshold, MediaResolution, Resumption,
    SafetySetting, Sensitivity, TextWay, Thinking, ThinkingLevel, TurnCoverage,
};
use crate::duplex::{Eagerness, Known, Protocol, RefusalKind, Speaks, Turns};
use crate::net::Endpoint;
use crate::types::{
    Media, MediaKind, Parameters, Role, ToolCall, ToolChoice, ToolDescriptor, ToolResult,
};

fn all_options() -> GeminiOptions {
    GeminiOptions {
        turn_coverage: Some(TurnCoverage::ActivityAndVideo),
        explicit_vad_signal: true,
        session_resumption: Resumption::Transparent,
        context_window_compression: Some(Compression {
            trigger_tokens: Some(25_000),
            target_tokens: Some(8_000),
        }),
        proactive_audio: Some(true),
        proactive_video: Some(false),
        affective_dialog: Some(true),
        safety_settings: vec![SafetySetting {
            category: HarmCategory::HateSpeech,
            threshold: HarmThreshold::BlockOnlyHigh,
        }],
        thinking: Some(Thinking { budget: Some(0), level: Some(ThinkingLevel::Minimal) }),
        media_resolution: Some(MediaResolution::Low),
        end_sensitivity: Some(Sensitivity::Low),
        ..options()
    }
}

fn all_settings() -> DuplexSettings {
    let ms = Duration::from_millis;
    DuplexSettings {
        system: "Be brief.".into(),
        tools: Arc::new([ToolDescriptor::new(
            "clock",
            "Tells the time.",
            json!({"type": "object"}),
        )]),
        parameters: Parameters {
            temperature: Some(0.5),
            top_p: Some(0.75),
            top_k: Some(40),
            max_tokens: Some(900),
            seed: Some(u64::MAX),
            presence_penalty: Some(0.25),
            frequency_penalty: Some(-0.25),
            format: None,
        },
        voice: Some("Kore".into()),
        language: Some("de-CH".into()),
        detecting: Detecting::There(ServerTurns {
            threshold: Some(0.75),
            prefix: Some(ms(20)),
            silence: Some(ms(400)),
            semantic: Some(Eagerness::High),
            goes_on: true,
            ..ServerTurns::default()
        }),
        transcribes: true,
        ..DuplexSettings::default()
    }
}

#[test]
fn a_session_is_told_all_of_itself() {
    let mut call = Call::closed(all_options());
    let frames = call.open(&all_settings(), &[]);

    let setup = json!({
        "model": "models/a-model",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {
                "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": "Kore" } },
                "languageCode": "de-CH",
            },
            "temperature": 0.5, "topP": 0.75, "topK": 40, "maxOutputTokens": 900,
            "presencePenalty": 0.25, "frequencyPenalty": -0.25, "seed": 0x7fff_ffff_u32,
            "thinkingConfig": { "thinkingBudget": 0, "thinkingLevel": "MINIMAL" },
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "enableAffectiveDialog": true,
        },
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "tools": [{ "functionDeclarations": [{
            "name": "clock", "description": "Tells the time.",
            "parametersJsonSchema": { "type": "object" },
        }] }],
        "realtimeInputConfig": {
            "automaticActivityDetection": {
                "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
                "prefixPaddingMs": 20, "silenceDurationMs": 400,
            },
            "activityHandling": "NO_INTERRUPTION",
            "turnCoverage": "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
        },
        "sessionResumption": { "transparent": true },
        "contextWindowCompression": {
            "triggerTokens": 25_000, "slidingWindow": { "targetTokens": 8_000 },
        },
        "inputAudioTranscription": { "languageCodes": ["de-CH"] },
        "outputAudioTranscription": {},
        "proactivity": { "proactiveAudio": true, "proactiveVideo": false },
        "explicitVadSignal": true,
        "safetySettings": [{
            "category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH",
        }],
    });
    assert_eq!(frames, [json!({ "setup": setup })]);
    assert!(!call.codec.is_ready());
}

#[test]
fn what_is_not_said_is_left_to_the_other_side() {
    let mut call = Call::closed(GeminiOptions { session_resumption: Resumption::Off, ..options() });
    let settings = DuplexSettings { speaks: Speaks::Text, ..DuplexSettings::default() };
    let setup = json!({
        "model": "models/a-model",
        "generationConfig": { "responseModalities": ["TEXT"] },
        "realtimeInputConfig": {
            "automaticActivityDetection": { "disabled": true },
            "activityHandling": "START_OF_ACTIVITY_INTERRUPTS",
        },
    });
    assert_eq!(call.open(&settings, &[]), [json!({ "setup": setup })]);
}

#[test]
fn another_connection_is_told_the_past_as_it_was_heard_once_it_has_agreed() {
    let call_of_tool =
        ToolCall { id: "c1".into(), name: "clock".into(), arguments: json!({ "zone": "UTC" }) };
    let result = |content: &str, is_error| {
        let (id, name) = ("c1".into(), "clock".into());
        Message::tool(ToolResult { id, name, content: content.into(), is_error })
    };
    let picture = Media::bytes(MediaKind::Image, "image/png", vec![1, 2, 3]);
    let film = Media::bytes(MediaKind::Video, "video/mp4", vec![1]);
    let past = [
        Message { role: Role::System, ..Message::user("It is Monday.") },
        Message::user("What time is it?").with(picture).with(film),
        Message { tool_calls: vec![call_of_tool], ..Message::assistant("") },
        result("{\"hour\":12}", false),
        result("broken", true),
        Message { interrupted: true, ..Message::assistant("It is no") },
        Message::user(""),
    ];
    let turns = json!([
        { "role": "user", "parts": [{ "text": "It is Monday." }] },
        { "role": "user", "parts": [
            { "text": "What time is it?" },
            { "inlineData": { "mimeType": "image/png", "data": "AQID" } },
            { "text": "[video, which was not shown to you]" },
        ] },
        { "role": "model", "parts": [
            { "functionCall": { "id": "c1", "name": "clock", "args": { "zone": "UTC" } } },
        ] },
        { "role": "user", "parts": [{ "functionResponse": {
            "id": "c1", "name": "clock", "response": { "output": { "hour": 12 } } } }] },
        { "role": "user", "parts": [{ "functionResponse": {
            "id": "c1", "name": "clock", "response": { "error": "broken" } } }] },
        { "role": "model", "parts": [{ "text": "It is no—" }] },
    ]);
    for initial_history in [true, false] {
        let mut call = Call::closed(GeminiOptions { initial_history, ..options() });
        let frames = call.open(&DuplexSettings::default(), &past);
        assert_eq!(frames.len(), 1);
        let told = &frames[0]["setup"]["historyConfig"];
        let expected = json!({ "initialHistoryInClientContent": true });
        assert_eq!(*told, if initial_history { expected } else { json!(null) });

        call.hear(json!({ "setupComplete": {} }));
        let content = json!({ "turns": turns, "turnComplete": initial_history });
        assert_eq!(call.answered(), [json!({ "clientContent": content })]);
    }
}

#[test]
fn instructions_and_tools_may_change_in_a_session() {
    let mut call = Call::new();
    let same = DuplexSettings { transcribes: true, ..DuplexSettings::default() };
    assert!(call.tell(DuplexInput::Settings(Arc::new(same.clone()))).is_empty());

    let tools = Arc::new([ToolDescriptor::new("clock", "Tells.", json!({}))]);
    let other = DuplexSettings { system: "Sing.".into(), tools, ..same };
    let declared = json!([{ "functionDeclarations": [
        { "name": "clock", "description": "Tells.", "parametersJsonSchema": {} },
    ] }]);
    let update = json!({
        "systemInstruction": { "parts": [{ "text": "Sing." }] }, "tools": { "tools": declared },
    });
    let sent = call.tell(DuplexInput::Settings(Arc::new(other.clone())));
    assert_eq!(sent, [json!({ "contextUpdate": update })]);

    let none = DuplexSettings { tool_choice: ToolChoice::None, ..other };
    let sent = call.tell(DuplexInput::Settings(Arc::new(none)));
    assert_eq!(sent, [json!({ "contextUpdate": { "tools": { "tools": [] } } })]);
}

#[test]
fn a_session_goes_on_where_nothing_was_answered_since() {
    let update = |handle: &str, resumable: bool| json!({ "sessionResumptionUpdate": { "newHandle": handle, "resumable": resumable } });
    let past = [Message::user("hello")];
    let reopened = |call: &mut Call| {
        call.lose();
        let setup = call.open(&DuplexSettings::default(), &past).remove(0);
        let handle = setup["setup"]["sessionResumption"]["handle"].as_str().map(str::to_owned);
        (handle, call.hear(json!({ "setupComplete": { "sessionId": "s" } })), call.answered().len())
    };
    let ready = |resumed| vec![DuplexEvent::Ready { resumed }];

    let mut call = Call::new();
    assert_eq!(reopened(&mut call), (None, ready(false), 1));
    call.hear(update("h1", true));
    assert_eq!(reopened(&mut call), (Some("h1".to_owned()), ready(true), 0));
    assert_eq!(reopened(&mut call), (Some("h1".to_owned()), ready(true), 0), "and again");
    call.hear(update("h2", true));
    call.hear(update("", false));
    assert_eq!(reopened(&mut call), (None, ready(false), 1), "not in the middle of an answer");
    call.hear(update("h3", true));
    call.sound();
    assert_eq!(reopened(&mut call), (None, ready(false), 1), "it would not know of the answer");
}

/// What is told again there would be heard twice.
#[test]
fn a_place_in_the_middle_of_a_say_counts_if_it_says_what_is_known_there() {
    let update = |handle: &str, last: Value| {
        json!({ "sessionResumptionUpdate": {
            "newHandle": handle, "resumable": true, "lastConsumedClientMessageIndex": last,
        } })
    };
    let handle = |call: &mut Call| {
        call.lose();
        let known = call.codec.known();
        let setup = call.open(&DuplexSettings::default(), &[]).remove(0);
        let handle = setup["setup"]["sessionResumption"]["handle"].as_str().map(str::to_owned);
        call.hear(json!({ "setupComplete": {} }));
        (handle, known)
    };
    let (turn, began) = (TurnId::new(1), DuplexInput::TurnBegan { turn: TurnId::new(1) });
    let mut call = Call::new();
    call.hear(update("h1", Value::Null));
    call.tell(began.clone());
    call.hear(update("h2", Value::Null));
    assert_eq!(handle(&mut call), (Some("h1".to_owned()), Known::Before));
    call.tell(began.clone());
    call.hear(update("h3", json!("7")));
    assert_eq!(handle(&mut call), (Some("h3".to_owned()), Known::UpTo(7)));

    // The turn is open there, and ends here.
    call.codec.recall(&began);
    call.codec.recall(&DuplexInput::Sound {
        at: SessionTime::ZERO,
        audio: AudioChunk::new(vec![0; 160], SampleRate::SPEECH),
    });
    assert_eq!(handle(&mut call), (Some("h3".to_owned()), Known::Before), "and again");
    call.codec.recall(&began);
    let sent = call.tell(DuplexInput::TurnEnded { turn });
    assert_eq!(sent, [json!({ "realtimeInput": { "activityEnd": {} } })]);
}

#[test]
fn a_place_that_is_refused_is_not_tried_again() {
    let mut call = Call::new();
    call.hear(json!({ "sessionResumptionUpdate": { "newHandle": "h1", "resumable": true } }));
    call.lose();
    call.open(&DuplexSettings::default(), &[]);
    call.lose();
    let frames = call.open(&DuplexSettings::default(), &[]);
    assert_eq!(frames[0]["setup"]["sessionResumption"], json!({}));
}

#[test]
fn options_are_read_from_settings_and_unknown_ones_refused() {
    let read = |text: &str| toml::from_str::<GeminiOptions>(text);
    let options = read(
        "model = \"m\"\ntext = \"realtime\"\nturn_coverage = \"all\"\nmedia_resolution = \"high\"\n\
         start_sensitivity = \"low\"\nsession_resumption = \"off\"\n\
         safety_settings = [{ category = \"harassment\", threshold = \"off\" }]\n\
         [thinking]\nlevel = \"high\"\n[transcription]\nlanguage_codes = [\"de-DE\"]\n",
    )
    .unwrap();
    assert_eq!(options.text, TextWay::Realtime);
    assert_eq!(options.start_sensitivity, Some(Sensitivity::Low));
    assert_eq!(options.api_version, "v1beta");
    assert!(options.initial_history && options.session_resumption == Resumption::Off);
    assert_eq!(options.safety_settings[0].threshold, HarmThreshold::Off);

    let error = |text: &str| read(text).unwrap_err().to_string();
    assert!(error("text = \"content\"").contains("missing field `model`"));
    assert!(error("model = \"m\"\nvoice = \"Kore\"").contains("unknown field `voice`"));
    assert!(error("model = \"m\"\n[thinking]\nbugdet = 1").contains("bugdet"));
}

#[test]
fn a_connection_is_asked_for_with_a_key_that_stands_in_no_address() {
    let key = Some(Secret::new("AIza-1"));
    let endpoint = Endpoint::new("https://generativelanguage.googleapis.com", key).unwrap();
    let provider = GeminiLive::new(endpoint, options());

    let request = provider.request();

    let address = "https://generativelanguage.googleapis.com/ws/\
                   google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
    assert_eq!(request.uri().to_string(), address);
    assert_eq!(request.headers()["x-goog-api-key"], "AIza-1");
    assert!(request.headers()["x-goog-api-key"].is_sensitive());
    assert!(!request.headers().contains_key("authorization"));
    assert!(!format!("{provider:?} {request:?} {:?}", provider.codec()).contains("AIza-1"));
    let capabilities = provider.capabilities();
    assert_eq!((capabilities.hears.hz(), capabilities.speaks.hz()), (16_000, 24_000));
    assert_eq!((capabilities.turns, capabilities.resumes), (Turns::Silent, true));
    assert!(provider.is_metered());
    let open = Endpoint::new("http://127.0.0.1:1", None).unwrap();
    assert_eq!(GeminiLive::new(open, options()).request().headers().len(), 0);
}

#[test]
fn errors_say_what_can_be_done_and_quote_no_key() {
    let error = |code: u16, status: &str| {
        let message = "Key AIza-1:\nno";
        json!({ "error": { "code": code, "message": message, "status": status } })
    };
    let mut call = Call::new();
    for (code, status, kind) in [
        (429, "RESOURCE_EXHAUSTED", RefusalKind::Busy),
        (400, "INVALID_ARGUMENT", RefusalKind::Invalid),
        (500, "INTERNAL", RefusalKind::Failed),
    ] {
        let events = call.hear(error(code, status));
        let [DuplexEvent::Refused(refusal)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(refusal.kind, kind);
        assert_eq!(refusal.to_string(), format!("Key [secret]: no ({status})"));
    }
    call.hear(error(403, "PERMISSION_DENIED"));
    let refused = call.decoded.refused.take().unwrap();
    assert_eq!(refused.kind, RefusalKind::Unauthorized);

    let mut call = Call::closed(options());
    call.open(&DuplexSettings::default(), &[]);
    assert_eq!(call.hear(error(400, "INVALID_ARGUMENT")), []);
    assert_eq!(call.decoded.refused.unwrap().kind, RefusalKind::Invalid);
}
