//! Calls whose sound a program moves itself, in both modes: against mocks, in Tokio's paused time.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::sync::Arc;
use std::time::Duration;

use banter::audio::{Resampler, WavReader};
use banter::bench::services::duplex::DuplexMock;
use banter::bench::services::{Profile, Script, Services};
use banter::duplex::gemini::GeminiLive;
use banter::duplex::openai::OpenAiRealtime;
use banter::duplex::{Detecting, Protocol, ServerTurns, SocketDuplex};
use banter::net::Endpoint;
use banter::providers::mock::MockProvider;
use banter::session::call::{CallChunk, CallConfig, CallError, DuplexCall, ImageFrame, VideoChunk};
use banter::session::{DuplexEngines, Fallback};
use banter::stt::mock::MockTranscriber;
use banter::tts::MockSynthesizer;
use banter::types::{Role, Secret};
use banter::vad::{Earshot, Scripted};
use banter::{
    AudioChunk, Engines, EventKind, SampleRate, Session, SessionClock, SessionConfig, SessionError,
    Summary,
};
use serde_json::{Value, json};

const CALLER: &str = "me";

fn protocol(name: &str) -> Arc<dyn Protocol> {
    let endpoint = Endpoint::new("https://mock/v1", Some(Secret::new(CALLER))).unwrap();
    match name {
        "gemini" => {
            let options = serde_json::from_value(json!({ "model": "m" })).unwrap();
            Arc::new(GeminiLive::new(endpoint, options))
        }
        _ => {
            let options = json!({ "model": "m", "transcription": { "model": "t" } });
            let options = serde_json::from_value(options).unwrap();
            Arc::new(OpenAiRealtime::new(endpoint, options))
        }
    }
}

/// A session with a model that speaks for itself, and the service behind it.
fn asm(name: &str, script: Value) -> (Session, Arc<Services>) {
    asm_with(name, script, SessionConfig::default())
}

fn asm_with(name: &str, script: Value, config: SessionConfig) -> (Session, Arc<Services>) {
    let services = Arc::new(Services::new(Profile::Realistic.delays(), 1));
    services.script(CALLER, serde_json::from_value::<Script>(script).unwrap());
    let dial = DuplexMock::new(Arc::clone(&services), SessionClock::live());
    let provider = Arc::new(SocketDuplex::new(protocol(name), Arc::new(dial)));
    let (vad, tools) = (Box::new(Earshot::new()), Arc::default());
    let engines = DuplexEngines { vad, provider, tools };
    (Session::duplex(engines, config), services)
}

/// A session of engines one after the other.
fn vad(script: &str, heard: &[&str], model: &Arc<MockProvider>) -> Session {
    let provider: Arc<dyn banter::Provider> = Arc::<MockProvider>::clone(model);
    let engines = Engines {
        vad: Box::new(Scripted::new(script)),
        transcriber: Arc::new(MockTranscriber::new(heard.iter().copied())),
        provider,
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::default(),
    };
    Session::new(engines, SessionConfig::default())
}

/// A sentence of `assets/sentences` at this rate.
fn sentence(number: usize, hz: u32) -> AudioChunk {
    let path = format!("{}/assets/sentences/{number:02}.wav", env!("CARGO_MANIFEST_DIR"));
    let sound = WavReader::open(path).unwrap().read_all().unwrap();
    let rate = SampleRate::new(hz).unwrap();
    let mut resampler = Resampler::new(sound.rate(), rate).unwrap();
    let mut samples = Vec::new();
    resampler.process(sound.samples(), &mut samples);
    resampler.flush(&mut samples);
    AudioChunk::new(samples, rate)
}

/// What comes until an answer is over, or the call.
async fn answer(call: &mut DuplexCall) -> Vec<CallChunk> {
    let mut chunks = Vec::new();
    while let Some(chunk) = call.response().await {
        let over = matches!(chunk, CallChunk::Ended { .. });
        chunks.push(chunk);
        if over {
            break;
        }
    }
    chunks
}

fn words(chunks: &[CallChunk]) -> String {
    let words = chunks.iter().filter_map(|chunk| match chunk {
        CallChunk::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    words.collect()
}

fn heard(chunks: &[CallChunk]) -> Duration {
    let sound = chunks.iter().filter_map(|chunk| match chunk {
        CallChunk::Sound(sound) => Some(sound.duration()),
        _ => None,
    });
    sound.sum()
}

fn event(chunks: &[CallChunk], is: impl Fn(&EventKind) -> bool) -> bool {
    chunks.iter().any(|chunk| matches!(chunk, CallChunk::Event(event) if is(&event.kind)))
}

fn history(summary: &Summary) -> Vec<String> {
    let line = |message: &banter::Message| {
        let who = format!("{:?}", message.role).to_lowercase();
        format!("{who}: {}{}", message.text, if message.interrupted { "…" } else { "" })
    };
    summary.messages.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn sound_goes_in_and_the_answers_sound_words_and_end_come_out() {
    for (name, hz) in [("openai", 48_000), ("gemini", 8_000)] {
        let script = json!({
            "heard": ["hello there", "what time is it"],
            "answers": ["Hello. What can I do for you?", "It is noon."],
        });
        let (session, services) = asm(name, script);
        let mut call = session.start(CallConfig::default()).unwrap();
        for (number, says, answers) in [
            (2, "hello there", "Hello. What can I do for you?"),
            (4, "what time is it", "It is noon."),
        ] {
            call.send_chunk(&sentence(number, hz)).await.unwrap();
            let chunks = answer(&mut call).await;
            assert_eq!(words(&chunks), answers, "{name}");
            assert!(heard(&chunks) > Duration::from_millis(500), "{name}: {:?}", heard(&chunks));
            let said = |chunk: &CallChunk| matches!(chunk, CallChunk::Transcript { text, is_final: true, .. } if text == says);
            assert!(chunks.iter().any(said), "{name}: {chunks:#?}");
            let Some(CallChunk::Ended { outcome, .. }) = chunks.last() else { panic!("{name}") };
            assert_eq!(*outcome, "completed");
        }
        call.close().await;
        while call.response().await.is_some() {}
        call.done().await;
        assert!(call.error().is_none());
        let late = call.send_chunk(&sentence(2, hz)).await;
        assert!(matches!(late, Err(CallError::Over)), "{late:?}");
        let summary = call.finish().await.unwrap();
        assert_eq!(
            history(&summary),
            [
                "user: hello there",
                "assistant: Hello. What can I do for you?",
                "user: what time is it",
                "assistant: It is noon.",
            ],
            "{name}"
        );
        assert_eq!(services.log(CALLER).calls[0].errors, [""; 0]);
    }
}

const LONG: &str = "This is a long story. It has many sentences. Each of them is as long as the last. \
                    Nobody has ever heard its end. It goes on and on, and then some more.";

#[tokio::test(start_paused = true)]
async fn who_speaks_over_it_is_told_to_forget_what_was_not_played() {
    let script = json!({ "heard": ["hello there", "no stop"], "answers": [LONG, "Yes?"] });
    let (session, services) = asm("openai", script);
    let mut call = session.start(CallConfig::default()).unwrap();
    call.send_chunk(&sentence(2, 16_000)).await.unwrap();
    let mut chunks = Vec::new();
    while heard(&chunks) < Duration::from_secs(1) {
        chunks.push(call.response().await.unwrap());
    }
    let input = call.input();
    let speaking = tokio::spawn(async move { input.send_chunk(&sentence(4, 16_000)).await });
    chunks.extend(answer(&mut call).await);
    speaking.await.unwrap().unwrap();
    let clear = chunks.iter().position(|chunk| *chunk == CallChunk::Clear).unwrap();
    let interrupted = chunks.iter().find_map(|chunk| match chunk {
        CallChunk::Interrupted { heard, text, .. } => Some((*heard, text.clone())),
        _ => None,
    });
    let (was_heard, text) = interrupted.unwrap();
    let came = heard(&chunks[..clear]);
    // What came 60 ms ahead of the ear, and what a device may hold, was not heard.
    assert!(
        was_heard <= came && came - was_heard < Duration::from_millis(130),
        "{was_heard:?}, {came:?}"
    );
    assert_eq!(words(&answer(&mut call).await), "Yes?");
    call.close().await;
    let summary = call.finish().await.unwrap();
    assert_eq!(history(&summary)[1], format!("assistant: {text}…"));
    let cut = &services.log(CALLER).calls[0].truncated[0];
    assert!((cut.audio_end_ms as f64 - was_heard.as_secs_f64() * 1e3).abs() <= 1.0, "{cut:?}");
}

/// Nobody holds it here: Gemini says that it was interrupted before the session's own rules do, and a
/// line needs no rule.
#[tokio::test(start_paused = true)]
async fn so_is_who_types_over_it_or_is_heard_first_by_the_model() {
    let script = || json!({ "heard": ["hello there", "no stop"], "answers": [LONG, "Yes?"] });
    let mut config = SessionConfig::default();
    config.duplex.detecting = Detecting::There(ServerTurns::default());
    let there = asm_with("gemini", script(), config).0;
    let here = asm("openai", script()).0;
    for (session, types) in [(there, false), (here, true)] {
        let mut call = session.start(CallConfig::default()).unwrap();
        call.send_chunk(&sentence(2, 16_000)).await.unwrap();
        let mut chunks = Vec::new();
        while heard(&chunks) < Duration::from_secs(1) {
            chunks.push(call.response().await.unwrap());
        }
        assert!(!chunks.contains(&CallChunk::Clear), "{chunks:#?}");
        let input = call.input();
        let speaking = tokio::spawn(async move {
            match types {
                true => input.send_text("no stop"),
                false => input.send_chunk(&sentence(4, 16_000)).await,
            }
        });
        let rest = answer(&mut call).await;
        speaking.await.unwrap().unwrap();
        assert!(heard(&chunks) + heard(&rest) < Duration::from_secs(4), "{rest:#?}");
        let next = answer(&mut call).await;
        assert_eq!(words(&next), "Yes?", "typed: {types}");
        let before: Vec<_> =
            next.iter().take_while(|chunk| !matches!(chunk, CallChunk::Sound(_))).collect();
        let clear = CallChunk::Clear;
        assert!(rest.contains(&clear) || before.contains(&&clear), "typed: {types}, {rest:#?}");
        call.close().await;
        while call.response().await.is_some() {}
    }
}

#[tokio::test(start_paused = true)]
async fn the_model_speaks_first_when_it_is_told_to_and_nobody_is_said_to_have_typed() {
    for name in ["openai", "gemini"] {
        let (session, _) = asm(name, json!({ "answers": ["Welcome. Who are you?"] }));
        let mut call = session.start(CallConfig::default()).unwrap();
        call.trigger_start("Greet the caller.").unwrap();
        let chunks = answer(&mut call).await;
        assert_eq!(words(&chunks), "Welcome. Who are you?");
        assert!(!event(&chunks, |kind| matches!(kind, EventKind::Typed { .. })), "{chunks:#?}");
        call.close().await;
        let summary = call.finish().await.unwrap();
        let said = ["system: Greet the caller.", "assistant: Welcome. Who are you?"];
        assert_eq!(history(&summary), said);
    }
    let model = Arc::new(MockProvider::new());
    model.add_response("Welcome. Who are you?");
    let mut call = vad("", &[], &model).start(CallConfig::default()).unwrap();
    call.trigger_start("Greet the caller.").unwrap();
    let chunks = answer(&mut call).await;
    assert_eq!(words(&chunks), "Welcome. Who are you?");
    assert!(!event(&chunks, |kind| matches!(kind, EventKind::Typed { .. })), "{chunks:#?}");
    let request = model.requests().pop().unwrap();
    let asked = request.messages.last().unwrap();
    assert_eq!((asked.role, asked.text.as_str()), (Role::System, "Greet the caller."));
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_is_a_turn_in_either_mode() {
    let model = Arc::new(MockProvider::new());
    model.add_response("It is noon.");
    let (spoken, _) = asm("openai", json!({ "answers": ["It is noon."] }));
    for session in [spoken, vad("", &[], &model)] {
        let mut call = session.start(CallConfig::default()).unwrap();
        call.send_text("what time is it").unwrap();
        let chunks = answer(&mut call).await;
        assert_eq!(words(&chunks), "It is noon.");
        assert!(event(&chunks, |kind| matches!(kind, EventKind::Typed { .. })), "{chunks:#?}");
        call.close().await;
        let summary = call.finish().await.unwrap();
        assert_eq!(history(&summary), ["user: what time is it", "assistant: It is noon."]);
    }
}

fn frame(grey: u8) -> ImageFrame {
    let image = image::GrayImage::from_pixel(64, 48, image::Luma([grey]));
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, image::ImageFormat::Png).unwrap();
    ImageFrame::new(file.into_inner(), "image/png")
}

#[tokio::test(start_paused = true)]
async fn the_model_sees_a_frame_a_second_and_who_sees_nothing_says_so() {
    for name in ["openai", "gemini"] {
        let (session, services) = asm(name, json!({ "answers": ["I see grey."] }));
        let mut call = session.start(CallConfig::default()).unwrap();
        let mut camera = tokio::time::interval(Duration::from_millis(100));
        for number in 0..30 {
            camera.tick().await;
            let ImageFrame { bytes, mime, at } = frame(number);
            match number % 2 {
                0 => call.send_frame(ImageFrame { bytes, mime, at }),
                _ => call.send_video_chunk(VideoChunk { bytes, mime, is_key_frame: true, at }),
            }
            .unwrap();
        }
        call.send_text("What do you see?").unwrap();
        assert_eq!(words(&answer(&mut call).await), "I see grey.");
        let seen = services.log(CALLER).calls[0].images;
        assert!((3..=4).contains(&seen), "{name}: {seen}");
        let dropped = call.input().frames_dropped();
        assert!((26..=27).contains(&dropped), "{name}: {dropped}");
    }
    let model = Arc::new(MockProvider::new());
    let call = vad("", &[], &model).start(CallConfig::default()).unwrap();
    let refused = call.send_frame(frame(0)).unwrap_err();
    assert!(matches!(refused, CallError::Blind { .. }), "{refused}");
}

/// The model refuses for good, and engines one after the other go on: the same call, by the same hands.
#[tokio::test(start_paused = true)]
async fn a_call_goes_on_without_its_model() {
    let fault = json!({ "at": "response_over", "fault": "error:invalid_api_key" });
    let script = json!({ "answers": ["Hello."], "duplex": { "faults": [fault] } });
    let model = MockProvider::new();
    ["By the others.", "Still."].iter().for_each(|answer| model.add_response(*answer));
    let fallback = Fallback {
        transcriber: Arc::new(MockTranscriber::new(["are you there"])),
        provider: Arc::new(model),
        synthesizer: Arc::new(MockSynthesizer::default()),
    };
    let session = asm("openai", script).0.with_fallback(fallback);
    let mut call = session.start(CallConfig::default()).unwrap();
    call.send_text("hello").unwrap();
    let mut chunks = answer(&mut call).await;
    assert_eq!(words(&chunks), "Hello.");
    SessionClock::live().sleep(Duration::from_secs(2)).await;
    let (handle, input) = (call.handle().clone(), call.input());
    for number in [1, 2] {
        input.send_frame(frame(number)).unwrap();
        SessionClock::live().sleep(Duration::from_secs(2)).await;
    }
    handle.hear("and now").unwrap();
    let others = answer(&mut call).await;
    assert_eq!(words(&others), "By the others.");
    assert!(heard(&others) > Duration::from_millis(300), "{:?}", heard(&others));
    chunks.extend(others);
    assert!(event(&chunks, |kind| matches!(kind, EventKind::ModeChanged { .. })));
    let told_blind =
        |chunk: &&CallChunk| matches!(chunk, CallChunk::Event(event) if is_blind(&event.kind));
    assert_eq!(chunks.iter().filter(told_blind).count(), 1, "once");
    call.send_chunk(&sentence(2, 16_000)).await.unwrap();
    call.close().await;
    assert_eq!(words(&answer(&mut call).await), "Still.");
    let summary = call.finish().await.unwrap();
    let said = [
        "user: hello",
        "assistant: Hello.",
        "user: and now",
        "assistant: By the others.",
        "user: are you there",
        "assistant: Still.",
    ];
    assert_eq!(history(&summary), said);
}

fn is_blind(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Warning { message } if message.contains("sees nothing"))
}

#[tokio::test(start_paused = true)]
async fn for_who_takes_too_little_the_agent_waits_and_says_all_of_it() {
    let (session, _) = asm("openai", json!({ "heard": ["hello there"], "answers": [LONG] }));
    let mut call = session.start(CallConfig::default()).unwrap();
    call.send_chunk(&sentence(2, 16_000)).await.unwrap();
    SessionClock::live().sleep(Duration::from_secs(60)).await;
    let chunks = answer(&mut call).await;
    assert_eq!(words(&chunks), LONG);
    let Some(CallChunk::Ended { outcome, .. }) = chunks.last() else { panic!("it has no end") };
    assert_eq!(*outcome, "completed", "nobody took it for a failure");
    let held = chunks.iter().find_map(|chunk| match chunk {
        CallChunk::Behind { held } => Some(*held),
        _ => None,
    });
    assert!(held.unwrap() > Duration::from_secs(50), "{held:?}");
    assert!(event(&chunks, |kind| matches!(kind, EventKind::Warning { .. })));
    let ended = chunks.iter().find_map(|chunk| match chunk {
        CallChunk::Event(event) => match event.kind {
            EventKind::AgentSpeechEnded { heard_ms, complete: true, .. } => Some(heard_ms),
            _ => None,
        },
        _ => None,
    });
    let came = heard(&chunks).as_secs_f64() * 1e3;
    assert!((came - ended.unwrap()).abs() < 1.0, "{came} ms came, {ended:?} were heard");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_says_why() {
    let (session, _) = asm(
        "openai",
        json!({ "duplex": { "faults": [
        { "call": 1, "at": "ready", "nth": 1, "after_ms": 0, "fault": "error:invalid_api_key" },
    ] } }),
    );
    let mut call = session.start(CallConfig::default()).unwrap();
    while call.response().await.is_some() {}
    call.done().await;
    let error = call.error().expect("it has failed");
    assert!(matches!(&*error, SessionError::Left(_)), "{error}");
    let error = call.finish().await.unwrap_err();
    assert!(matches!(&*error, SessionError::Left(_)), "{error}");

    let config = CallConfig { speaks: SampleRate::new(500).unwrap(), ..CallConfig::default() };
    let (session, _) = asm("openai", json!({}));
    assert!(matches!(session.start(config), Err(CallError::Speaks(500))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_or_stopped_ends() {
    let (session, _) = asm("openai", json!({ "heard": ["hello there"], "answers": [LONG] }));
    let mut events = session.subscribe();
    let call = session.start(CallConfig::default()).unwrap();
    let (input, done) = (call.input(), call.done());
    drop(call);
    done.await;
    assert!(matches!(input.send_chunk(&sentence(2, 16_000)).await, Err(CallError::Over)));
    assert!(matches!(input.send_text("hello"), Err(CallError::Over)));
    let mut ended = false;
    while let Some(event) = events.next().await {
        ended |= matches!(event.unwrap().kind, EventKind::SessionEnded { .. });
    }
    assert!(ended);

    let (session, _) = asm("openai", json!({}));
    let call = session.start(CallConfig::default()).unwrap();
    call.stop();
    assert!(call.finish().await.is_ok());
}
