//! The specification of the services.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::net::{Body, Endpoint, Http, HttpFuture, Incoming, NetError};
use crate::providers::{OpenAi, Provider, ProviderEvent, ProviderRequest};
use crate::stt::{OpenAiTranscriber, SttEvent, SttInput, Transcriber};
use crate::text::ClauseCutter;
use crate::tts::{OpenAiSynthesizer, SpeakRequest, SpeechEvent, Synthesizer};
use crate::types::{FinishReason, Media, MediaKind, Message, Secret, ToolDescriptor};

const STT: &str = "/v1/audio/transcriptions";
const LLM: &str = "/v1/chat/completions";
const TTS: &str = "/v1/audio/speech";

fn chat(stream: bool) -> String {
    json!({
        "model": "m", "messages": [{"role": "user", "content": "Hello, you."}], "stream": stream,
        "stream_options": {"include_usage": true},
    })
    .to_string()
}

fn parts(parts: &Value) -> String {
    json!({"model": "m", "messages": [{"role": "user", "content": parts}]}).to_string()
}

fn speech(input: &str) -> String {
    json!({"model": "tts-1", "input": input, "voice": "alloy", "response_format": "pcm"})
        .to_string()
}

fn recording(fields: &str) -> String {
    let mut form = String::new();
    for field in fields.split_whitespace() {
        let (name, value) = field.split_once('=').unwrap();
        form +=
            &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    form + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n\
            --b--\r\n"
}

fn asked(services: &Services, path: &str, body: impl Into<bytes::Bytes>) -> Plan {
    services.answer(&Request::post("me", path, body, 0))
}

/// When each step is due, in milliseconds.
fn due(plan: &Plan) -> Vec<u128> {
    let mut at = Duration::ZERO;
    plan.steps
        .iter()
        .map(|step| {
            at += step.after;
            at.as_millis()
        })
        .collect()
}

fn whole(plan: &Plan) -> Vec<u8> {
    plan.steps.iter().flat_map(|step| step.bytes.to_vec()).collect()
}

fn object(plan: &Plan) -> Value {
    serde_json::from_slice(&whole(plan)).unwrap()
}

/// The data of the events of a step.
fn events(step: &Step) -> Vec<Value> {
    let text = std::str::from_utf8(&step.bytes).unwrap();
    let data = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn each_profile_has_its_times() {
    let ten_chars = speech("ten chars!");
    for (profile, stt, first_token, token, first_byte, chunk) in [
        (Profile::Zero, 0, 0, 0, 0, 0),
        (Profile::Fast, 10, 10, 10, 10, 10),
        (Profile::Realistic, 150, 200, 30, 80, 50),
        (Profile::Long, 150, 200, 30, 80, 50),
    ] {
        let services = Services::new(profile.delays(), 1);
        assert_eq!(due(&asked(&services, STT, recording("model=w"))), [stt], "{profile}");
        let tokens = profile.delays().tokens as u128;
        let mut written: Vec<_> = (0..tokens).map(|n| first_token + n * token).collect();
        assert_eq!(due(&asked(&services, LLM, chat(false))), written[written.len() - 1..]);
        // The end comes with the last token.
        written.extend(written.last().copied());
        assert_eq!(due(&asked(&services, LLM, chat(true))), written, "{profile}");
        // 600 ms of sound.
        let spoken: Vec<_> = (0..6).map(|n| first_byte + n * chunk).collect();
        assert_eq!(due(&asked(&services, TTS, ten_chars.clone())), spoken, "{profile}");
    }
    assert_eq!(Profile::Realistic.delays().tool, Duration::from_millis(500));
    assert_eq!(Profile::Realistic.delays().tokens, 30);
}

#[test]
fn a_long_answer_sounds_for_11_s() {
    let mut cutter = ClauseCutter::default();
    cutter.push(&words::text(Profile::Long.delays().tokens));
    cutter.finish();
    let clauses = std::iter::from_fn(|| cutter.next());
    let samples: usize = clauses.map(|clause| voice::samples(&clause.text, 1.0)).sum();
    let seconds = samples as f64 / f64::from(RATE);
    assert!((seconds - 11.0).abs() <= 0.1, "{seconds}");
}

#[test]
fn single_delays_can_be_set() {
    let overrides: Overrides =
        serde_json::from_str(r#"{"stt_ms": 7, "tokens": 3, "chunk_ms": 600}"#).unwrap();
    let delays = Profile::Fast.delays().with(&overrides).unwrap();
    let services = Services::new(delays, 1);
    assert_eq!(due(&asked(&services, STT, recording("model=w"))), [7]);
    assert_eq!(due(&asked(&services, LLM, chat(true))), [10, 20, 30, 30]);
    assert_eq!(due(&asked(&services, TTS, speech("ten chars!"))), [10]);
    for wrong in [r#"{"tokens": 0}"#, r#"{"chunk_ms": 0}"#, r#"{"jitter": 1.5}"#] {
        let overrides: Overrides = serde_json::from_str(wrong).unwrap();
        assert!(Profile::Fast.delays().with(&overrides).is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<Overrides>(r#"{"stt": 7}"#).is_err());
}

#[test]
fn jitter_comes_from_the_seed_and_not_from_other_callers() {
    let jitter = Overrides { jitter: Some(0.1), ..Overrides::default() };
    let delays = Profile::Realistic.delays().with(&jitter).unwrap();
    let plans = |seed, disturbed: bool| {
        let services = Services::new(delays, seed);
        let ask = || {
            if disturbed {
                let _other = services.answer(&Request::post("other", LLM, chat(true), 0));
            }
            asked(&services, LLM, chat(true)).steps
        };
        [ask(), ask()]
    };
    assert_eq!(plans(1, false), plans(1, true));
    assert_ne!(plans(1, false), plans(2, false));
    let [first, second] = plans(1, false);
    assert_ne!(first, second);
    for step in &first[1..30] {
        let ms = step.after.as_secs_f64() * 1e3;
        assert!((27.0..=33.0).contains(&ms), "{ms}");
    }
    assert_eq!(first[30].after, Duration::ZERO);
}

#[test]
fn a_model_writes_as_openai_does() {
    let services = Services::new(Profile::Fast.delays(), 1);
    let plan = asked(&services, LLM, chat(true));
    let [role, first] = &events(&plan.steps[0])[..] else { panic!("not two") };
    assert_eq!(role["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(first["choices"][0]["delta"], json!({"content": "That"}));
    assert_eq!(first["object"], "chat.completion.chunk");
    assert_eq!((&first["id"], &first["model"]), (&role["id"], &json!("m")));
    assert_eq!(first["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(events(&plan.steps[1])[0]["choices"][0]["delta"], json!({"content": " is"}));
    let [end, usage] = &events(&plan.steps[30])[..] else { panic!("not two") };
    assert_eq!(end["choices"][0]["finish_reason"], "stop");
    assert_eq!(end["choices"][0]["delta"], json!({}));
    assert_eq!(usage["choices"], json!([]));
    let cost = json!({"prompt_tokens": 4, "completion_tokens": 30, "total_tokens": 34});
    assert_eq!(usage["usage"], cost);
    assert!(whole(&plan).ends_with(b"data: [DONE]\n\n"));

    let log = services.log("me");
    let text: String = log.entries[0].texts.concat();
    assert_eq!((log.entries[0].texts.len(), &*text), (31, &*words::text(30)));
    let answer = object(&asked(&services, LLM, chat(false)));
    assert_eq!(answer["choices"][0]["message"]["content"], text);
    assert_eq!((&answer["usage"], &answer["object"]), (&cost, &json!("chat.completion")));
    assert_ne!(answer["id"], first["id"]);
}

#[test]
fn an_answer_is_no_longer_than_was_asked() {
    let services = Services::new(Profile::Fast.delays(), 1);
    let mut body: Value = serde_json::from_str(&chat(true)).unwrap();
    body["max_tokens"] = 2.into();
    let plan = asked(&services, LLM, body.to_string());
    assert_eq!(plan.steps.len(), 3);
    assert_eq!(events(&plan.steps[2])[0]["choices"][0]["finish_reason"], "length");
}

#[test]
fn a_script_says_what_is_told_in_order() {
    let services = Services::new(Profile::Zero.delays(), 1);
    let script = Script {
        heard: vec!["One.".to_owned(), "Two.".to_owned()],
        answers: vec!["First answer.".into()],
        ..Script::default()
    };
    services.script("me", script.clone());
    let heard = || object(&asked(&services, STT, recording("model=w")))["text"].clone();
    let said = || {
        let answer = object(&asked(&services, LLM, chat(false)));
        answer["choices"][0]["message"]["content"].clone()
    };
    assert_eq!([heard(), heard(), heard()], ["One.", "Two.", "Two."]);
    assert_eq!([said(), said()], ["First answer.".to_owned(), words::text(30)]);
    let other = services.answer(&Request::post("other", STT, recording("model=w"), 0));
    assert_eq!(object(&other)["text"], words::QUESTION);
    services.script("me", script);
    assert_eq!((heard(), said()), (json!("One."), json!("First answer.")));
}

#[test]
fn what_a_failure_lost_is_told_by_the_next_answer() {
    let services = Services::new(Profile::Zero.delays(), 1);
    let fault =
        |fault: &str| Planned { service: Service::Stt, request: 1, fault: fault.parse().unwrap() };
    for lost in ["500", "cut", "stall", "malformed"] {
        let heard = vec!["One.".to_owned(), "Two.".to_owned()];
        services.script("me", Script { heard, faults: vec![fault(lost)], ..Script::default() });
        let _lost = asked(&services, STT, recording("model=w"));
        let next = asked(&services, STT, recording("model=w"));
        assert_eq!(object(&next)["text"], "One.", "{lost}");
    }
}

#[test]
fn words_come_in_the_format_that_was_asked_for() {
    let services = Services::new(Profile::Fast.delays(), 1);
    let heard = vec!["Hello, you.".to_owned()];
    services.script("me", Script { heard, ..Script::default() });
    let ask = |fields: &str| asked(&services, STT, recording(fields));
    assert_eq!(whole(&ask("model=w response_format=text")), b"Hello, you.\n");
    assert_eq!(object(&ask("model=w response_format=verbose_json"))["task"], "transcribe");
    let streamed = ask("model=w stream=true");
    assert_eq!(due(&streamed), [10; 5]);
    let deltas: Vec<_> =
        streamed.steps.iter().map(|step| events(step)[0]["delta"].clone()).collect();
    assert_eq!(deltas, [json!("Hello"), json!(","), json!(" you"), json!("."), Value::Null]);
    assert_eq!(events(&streamed.steps[4])[0]["text"], "Hello, you.");
}

#[test]
fn requests_that_no_service_understands_are_refused() {
    let services = Services::new(Profile::Zero.delays(), 1);
    let no_input = json!({"model": "m", "response_format": "pcm"}).to_string();
    let mp3 = json!({"model": "m", "input": "Hi."}).to_string();
    for (path, body, status, why) in [
        (STT, "no form".to_owned(), 400, "multipart/form-data"),
        (STT, recording(""), 400, "model"),
        (STT, recording("model=w response_format=srt"), 400, "response_format"),
        (STT, recording("model=w").replace("filename", "x"), 400, "file"),
        (LLM, "{".to_owned(), 400, "cannot be read"),
        (LLM, "{}".to_owned(), 400, "model"),
        (LLM, r#"{"model":"m"}"#.to_owned(), 400, "messages"),
        (LLM, parts(&json!([{"type": "video_url"}])), 400, "unknown type \"video_url\""),
        (LLM, parts(&json!([{"type": "image_url", "url": "x"}])), 400, "\"image_url\" without"),
        (LLM, parts(&json!([{"type": "file", "file": {}}])), 400, "\"file\" without"),
        (TTS, no_input, 400, "input"),
        (TTS, mp3, 400, "response_format"),
        ("/v1/images", String::new(), 404, "chat/completions"),
    ] {
        let plan = asked(&services, path, body);
        assert_eq!(plan.status, status, "{path} {why}");
        let error = &object(&plan)["error"];
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let mut get = Request::post("me", "/v1", "", 0);
    get.method = Method::GET;
    assert_eq!(services.answer(&get).status, 200);
    get.path = TTS.to_owned();
    assert_eq!(services.answer(&get).status, 405);
}

#[test]
fn faults_break_an_answer_where_they_say() {
    let services = Services::new(Profile::Fast.delays(), 1);
    let with = |fault: &str, path, body: String| {
        let mut request = Request::post("me", path, body, 0);
        request.fault = Some(fault.parse().unwrap());
        services.answer(&request)
    };
    let refused = with("429:2", LLM, chat(true));
    assert_eq!((refused.status, refused.end), (429, End::Finish));
    assert_eq!(refused.retry_after, Some(Duration::from_secs(2)));
    assert_eq!(object(&refused)["error"]["code"], "rate_limit_exceeded");
    assert_eq!(due(&refused), [0]);

    let sound = whole(&asked(&services, TTS, speech("ten chars!")));
    let cut = with("cut:0.3", TTS, speech("ten chars!"));
    assert_eq!((cut.end, whole(&cut)), (End::Cut, sound[..sound.len() * 3 / 10].to_vec()));
    assert_eq!(due(&cut), [10, 20]);
    let stalled = with("stall", STT, recording("model=w"));
    assert_eq!((stalled.end, stalled.steps.len(), stalled.status), (End::Stall, 1, 200));
    assert_eq!(
        (with("cut:0", LLM, chat(true)).steps, with("cut:0", LLM, chat(true)).end),
        (Vec::new(), End::Cut)
    );
    assert_eq!(due(&with("slow:3", TTS, speech("abc"))), [30, 60]);
    for (path, body) in
        [(STT, recording("model=w")), (LLM, chat(true)), (TTS, speech("ten chars!"))]
    {
        let nonsense = with("malformed", path, body);
        assert_eq!((nonsense.status, nonsense.end, due(&nonsense)), (200, End::Finish, vec![10]));
    }
    let outcomes: Vec<_> = services.log("me").entries.iter().map(|entry| entry.status).collect();
    assert_eq!(outcomes, [429, 200, 200, 200, 200, 200, 200, 200, 200, 200]);
}

#[test]
fn risks_strike_as_often_as_they_say_and_the_same_each_time() {
    let strikes = |seed| {
        let risk = "tts/500=0.1".parse().unwrap();
        let services = Services::new(Profile::Zero.delays(), seed).with_risk(risk);
        assert_eq!(asked(&services, LLM, chat(false)).status, 200);
        (0..1_000).map(|_| asked(&services, TTS, speech("a")).status).collect::<Vec<_>>()
    };
    let refused = strikes(1).iter().filter(|status| **status == 500).count();
    assert!((60..140).contains(&refused), "{refused}");
    assert_eq!(strikes(1), strikes(1));
    assert_ne!(strikes(1), strikes(2));
}

#[test]
fn the_log_says_what_became_of_each_answer() {
    let services = Services::new(Profile::Zero.delays(), 1);
    let script = r#"{"faults": [
        {"service": "tts", "request": 2, "fault": "500"},
        {"service": "tts", "request": 3, "fault": "cut:0"},
        {"service": "tts", "request": 4, "fault": "stall"}
    ]}"#;
    services.script("me", serde_json::from_str(script).unwrap());
    for request in 1..=6 {
        let body = speech("ten chars!");
        let plan = services.answer(&Request::post("me", TTS, body, request * 100));
        for step in 0..plan.steps.len().min(if request < 5 { 9 } else { 1 }) {
            services.sent(plan.exchange, step, request * 100 + step as u64);
        }
        if request < 6 {
            services.over(plan.exchange);
        }
    }
    let log = services.log("me");
    let outcomes: Vec<_> = log.entries.iter().map(|entry| entry.outcome).collect();
    use Outcome::{Cut, Finished, Left, Open, Refused, Stalled};
    assert_eq!(outcomes, [Finished, Refused, Cut, Stalled, Left, Open]);
    assert_eq!(log.entries[0].sent, [100, 101, 102, 103, 104, 105]);
    assert_eq!((log.entries[4].arrived, log.entries[4].request), (500, 5));
    assert_eq!(services.served(), 6);
    assert_eq!(services.log("nobody"), Log::default());
    let text = serde_json::to_string(&log).unwrap();
    assert_eq!(serde_json::from_str::<Log>(&text).unwrap(), log);
    services.clear("me");
    assert_eq!(services.log("me"), Log::default());
}

#[test]
fn the_log_is_bounded() {
    let services = Services::new(Profile::Zero.delays(), 1);
    let first = asked(&services, TTS, speech("a"));
    for _ in 0..4_100 {
        let _plan = asked(&services, TTS, "");
    }
    services.sent(first.exchange, 0, 7);
    let log = services.log("me");
    assert_eq!((log.entries.len(), log.forgotten), (4_096, 5));
    assert!(log.entries.iter().all(|entry| entry.sent.is_empty()));

    for caller in 0..4_096 {
        let request = Request::post(&caller.to_string(), TTS, speech("a"), 0);
        let plan = services.answer(&request);
        services.sent(plan.exchange, 0, 7);
    }
    assert_eq!(services.log("me"), Log::default(), "it came first");
    assert_eq!(services.log("0").entries[0].sent, [7]);
    assert_eq!(services.log("4095").entries[0].sent, [7]);
}

/// Plays plans at once.
#[derive(Clone, Debug)]
struct Line(Arc<Services>);

impl Http for Line {
    fn send(&self, request: http::Request<Body>) -> HttpFuture {
        let services = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match body {
                Body::Whole(bytes) => bytes,
                Body::Stream(pieces) => pieces.collect::<Vec<_>>().await.concat().into(),
            };
            let plan = services.answer(&Request::new(&head, body, 0).unwrap());
            let broken = || NetError::BrokeOff { host: "x".to_owned(), reason: "y".to_owned() };
            let end = (plan.end == End::Cut).then(|| Err(broken()));
            let pieces = plan.steps.into_iter().map(|step| Ok(step.bytes)).chain(end);
            let body: Incoming = Box::pin(stream::iter(pieces));
            let answer = http::Response::builder().status(plan.status);
            Ok(answer.header("content-type", plan.content_type).body(body).unwrap())
        })
    }
}

fn line() -> (Arc<Services>, Arc<dyn Http>, Endpoint) {
    let services = Arc::new(Services::new(Profile::Zero.delays(), 1));
    let endpoint = Endpoint::new("http://x/v1", Some(Secret::new("me"))).unwrap();
    (Arc::clone(&services), Arc::new(Line(services)), endpoint)
}

fn sound() -> SttInput {
    SttInput::Audio(AudioChunk::new([0; 320], SampleRate::SPEECH))
}

#[tokio::test]
async fn our_recogniser_understands_it() {
    let (services, http, endpoint) = line();
    for streaming in [false, true] {
        let heard = vec!["Hello, you.".to_owned()];
        services.script("me", Script { heard, ..Script::default() });
        let engine =
            OpenAiTranscriber::new(Arc::clone(&http), endpoint.clone(), "w").streaming(streaming);
        let mut utterance = engine.open().unwrap();
        utterance.send(sound(), crate::time::Work::default()).await;
        utterance.send(SttInput::End, crate::time::Work::default()).await;
        let mut last = None;
        while let Some(event) = utterance.next().await {
            last = Some(event.unwrap());
        }
        assert_eq!(last, Some(SttEvent::Final("Hello, you.".to_owned())));
    }
}

#[tokio::test]
async fn our_model_understands_it() {
    let (services, http, endpoint) = line();
    let script = r#"{"answers": [{"tool": "clock", "arguments": {"zone": "Europe/Bern"}}]}"#;
    services.script("me", serde_json::from_str(script).unwrap());
    let model = OpenAi::new(http, endpoint, "m");
    let clock = ToolDescriptor {
        name: "clock".to_owned(),
        description: String::new(),
        parameters: json!({"type": "object"}),
        output: None,
    };
    let request = ProviderRequest {
        messages: vec![Message::user("What time is it?")],
        tools: [clock].into(),
        ..ProviderRequest::default()
    };
    let events: Vec<_> = model.stream(request.clone()).collect().await;
    let [Ok(ProviderEvent::ToolCall(call)), Ok(ProviderEvent::Finished { reason, usage })] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((&*call.name, &call.arguments), ("clock", &json!({"zone": "Europe/Bern"})));
    assert_eq!(*reason, FinishReason::ToolCalls);
    assert!(usage.is_some());
    let mut text = String::new();
    let mut answer = model.stream(request);
    while let Some(event) = answer.next().await {
        if let ProviderEvent::TextDelta(delta) = event.unwrap() {
            text += &delta;
        }
    }
    assert_eq!(text, words::text(30));
}

#[tokio::test]
async fn what_our_model_is_shown_is_counted() {
    let (services, http, endpoint) = line();
    let model = OpenAi::new(http, endpoint, "m");
    let shown = Message::user("Hello, you.")
        .with(Media::url(MediaKind::Image, "image/png", "https://there/a.png"))
        .with(Media::bytes(MediaKind::Audio, "audio/wav", vec![1, 2]))
        .with(Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF"[..]));
    for messages in [vec![shown], vec![Message::user("Hello, you.")]] {
        let request = ProviderRequest { messages, ..ProviderRequest::default() };
        let events: Vec<_> = model.stream(request).collect().await;
        let Some(Ok(ProviderEvent::Finished { usage: Some(usage), .. })) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(usage.input_tokens, 4);
    }
    let counted: Vec<_> = services.log("me").entries.iter().map(|entry| entry.media).collect();
    assert_eq!(counted, [3, 0]);
}

#[tokio::test]
async fn our_synthesizer_understands_it() {
    let (_, http, endpoint) = line();
    let engine = OpenAiSynthesizer::new(Arc::clone(&http), endpoint.clone(), "tts-1", "alloy");
    let sound: Vec<i16> = engine
        .speak(SpeakRequest::new("ten chars!"))
        .map(|event| match event.unwrap() {
            SpeechEvent::Audio(chunk) => chunk.samples().to_vec(),
            SpeechEvent::Word { .. } => Vec::new(),
        })
        .concat()
        .await;
    assert_eq!(sound.len(), 10 * 1_440);
    assert!(sound[0].unsigned_abs() >= crate::audio::AUDIBLE);

    // The same as a file.
    let body = speech("ten chars!").replace("\"pcm\"", "\"wav\"");
    let request = endpoint.post("audio/speech").body(Body::Whole(body.into())).unwrap();
    let answer = endpoint.send(&*http, request, crate::net::Limits::default()).await.unwrap();
    let file: Vec<u8> = answer.into_body().map(|piece| piece.unwrap().to_vec()).concat().await;
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.wav");
    std::fs::write(&path, file).unwrap();
    let read = crate::audio::WavReader::open(&path).unwrap().read_all().unwrap();
    assert_eq!((read.rate().hz(), read.samples()), (RATE, &sound[..]));
}

#[tokio::test]
async fn our_clients_find_nonsense_out() {
    let (services, http, endpoint) = line();
    let script = r#"{"faults": [
        {"service": "stt", "request": 1, "fault": "malformed"},
        {"service": "llm", "request": 1, "fault": "malformed"},
        {"service": "tts", "request": 1, "fault": "malformed"}
    ]}"#;
    services.script("me", serde_json::from_str(script).unwrap());
    let stt = OpenAiTranscriber::new(Arc::clone(&http), endpoint.clone(), "w");
    let mut utterance = stt.open().unwrap();
    utterance.send(sound(), crate::time::Work::default()).await;
    utterance.send(SttInput::End, crate::time::Work::default()).await;
    let error = utterance.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("its answer is no text"), "{error}");
    let request =
        ProviderRequest { messages: vec![Message::user("Hello.")], ..ProviderRequest::default() };
    let llm = OpenAi::new(Arc::clone(&http), endpoint.clone(), "m");
    let error = llm.stream(request).next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("nothing in its answer could be read"), "{error}");
    let tts = OpenAiSynthesizer::new(http, endpoint, "tts-1", "alloy");
    let error = tts.speak(SpeakRequest::new("Hello.")).next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("a web page"), "{error}");
}
