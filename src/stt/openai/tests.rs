//! What the service is asked, and what becomes of its answers.

use std::sync::Mutex;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{Request, StatusCode};

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::error::Recovery;
use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::net::{Body, HttpFuture, NetError};
use crate::stt::{SttEvent, SttInput, warm};
use crate::time::{SessionClock, Work};
use crate::types::Secret;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const HELLO: &str = r#"{"text":" Hello there.\n"}"#;

fn engine(http: impl Http + 'static) -> OpenAiTranscriber {
    let endpoint = Endpoint::new("http://stt.test/v1", Some(Secret::new("sk-7"))).unwrap();
    OpenAiTranscriber::new(Arc::new(http), endpoint, "whisper-1")
}

fn answering(answers: impl IntoIterator<Item = MockResponse>) -> MockHttp {
    let http = MockHttp::new();
    answers.into_iter().for_each(|answer| http.answer(answer));
    http
}

fn json(text: &'static str) -> MockResponse {
    MockResponse::new(JSON, [text])
}

fn refusal(status: u16) -> MockResponse {
    json(r#"{"error":{"message":"no"}}"#).with_status(StatusCode::from_u16(status).unwrap())
}

fn sound(sample: i16) -> SttInput {
    SttInput::Audio(AudioChunk::new([sample; 320], SampleRate::SPEECH))
}

/// All that the engine says of two chunks of sound.
async fn told(engine: &OpenAiTranscriber) -> Vec<Result<SttEvent, SttError>> {
    told_of(engine, [sound(1), sound(2), SttInput::End]).await
}

async fn told_of(
    engine: &OpenAiTranscriber,
    inputs: impl IntoIterator<Item = SttInput>,
) -> Vec<Result<SttEvent, SttError>> {
    let utterance = engine.open().unwrap();
    for input in inputs {
        utterance.send(input, Work::default()).await;
    }
    rest(utterance).await
}

async fn rest(mut utterance: Utterance) -> Vec<Result<SttEvent, SttError>> {
    let mut told = Vec::new();
    while let Some(event) = utterance.next().await {
        told.push(event);
    }
    told
}

/// The final, or the error, that is all the engine says.
async fn heard(engine: &OpenAiTranscriber) -> Result<String, SttError> {
    let mut told = told(engine).await;
    assert_eq!(told.len(), 1, "{told:?}");
    match told.remove(0)? {
        SttEvent::Final(text) => Ok(text),
        event => panic!("{event:?}"),
    }
}

async fn failure(http: MockHttp) -> SttError {
    heard(&engine(http)).await.unwrap_err()
}

/// Name and value of each part of a form.
fn parts(request: &crate::net::mock::MockRequest) -> Vec<(String, Vec<u8>)> {
    let kind = request.headers["content-type"].to_str().unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body: Vec<char> = request.body.iter().map(|byte| char::from(*byte)).collect();
    let body: String = body.into_iter().collect();
    let body = format!("\r\n{body}");
    let mut parts: Vec<&str> = body.split(&format!("\r\n--{boundary}")).collect();
    assert_eq!((parts.remove(0), parts.pop()), ("", Some("--\r\n")));
    let part = |part: &str| {
        let (head, value) = part.split_once("\r\n\r\n").unwrap();
        let name = head.split('"').nth(1).unwrap();
        (name.to_owned(), value.chars().map(|c| u8::try_from(c).unwrap()).collect())
    };
    parts.into_iter().map(part).collect()
}

/// The samples of a WAV file, and the length that its head says.
fn wav(bytes: &[u8]) -> (Vec<i16>, u32) {
    assert_eq!((&bytes[..4], &bytes[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
    assert_eq!(bytes[20..24], [1, 0, 1, 0], "mono PCM");
    assert_eq!(bytes[24..28], 16_000u32.to_le_bytes());
    assert_eq!((&bytes[34..36], &bytes[36..40]), (&[16, 0][..], &b"data"[..]));
    let samples = bytes[44..].chunks(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    (samples, u32::from_le_bytes(bytes[40..44].try_into().unwrap()))
}

fn two_chunks() -> Vec<i16> {
    [[1; 320], [2; 320]].concat()
}

#[tokio::test(start_paused = true)]
async fn the_request_holds_the_settings_and_the_sound() {
    let http = answering([json(HELLO)]);
    let engine = engine(http.clone())
        .with_language(Some("en".to_owned()))
        .with_prompt(Some("Banter".to_owned()))
        .streaming(true);
    assert_eq!(heard(&engine).await.unwrap(), "Hello there.");
    let request = http.requests().remove(0);
    assert_eq!(request.uri, "http://stt.test/v1/audio/transcriptions");
    assert_eq!(request.headers["authorization"], "Bearer sk-7");
    let mut parts = parts(&request);
    let (name, file) = parts.pop().unwrap();
    assert_eq!((name.as_str(), wav(&file)), ("file", (two_chunks(), u32::MAX)));
    let expected = [
        ("model", "whisper-1"),
        ("response_format", "json"),
        ("language", "en"),
        ("prompt", "Banter"),
        ("stream", "true"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    assert_eq!(parts, expected);
}

/// What is heard at a pause, and in the end.
async fn words_around_a_pause(http: &MockHttp, after: Vec<SttInput>) -> Vec<String> {
    let mut utterance = engine(http.clone()).open().unwrap();
    utterance.send(sound(1), Work::default()).await;
    utterance.send(SttInput::Lull, Work::default()).await;
    let mut told = vec![utterance.next().await.unwrap()];
    for input in after {
        utterance.send(input, Work::default()).await;
    }
    told.extend(rest(utterance).await);
    told.into_iter().map(|told| format!("{:?}", told.unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn at_a_pause_the_words_are_asked_for_and_if_it_was_the_end_they_are_there() {
    let http = answering([json(HELLO)]);
    let told = words_around_a_pause(&http, vec![sound(0), SttInput::End]).await;
    assert_eq!(told, [r#"Provisional("Hello there.")"#, r#"Final("Hello there.")"#]);
    let request = http.requests().remove(0);
    let (_, file) = parts(&request).pop().unwrap();
    assert_eq!(wav(&file).0, [1; 320], "up to the pause");
    assert_eq!(http.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_after_a_pause_is_heard_whole() {
    let http = answering([json(HELLO), json(r#"{"text":"Hello there, you."}"#)]);
    let after = vec![sound(0), SttInput::GoesOn, sound(2), SttInput::End];
    let told = words_around_a_pause(&http, after).await;
    assert_eq!(told, [r#"Provisional("Hello there.")"#, r#"Final("Hello there, you.")"#]);
    let (_, file) = parts(&http.requests()[1]).pop().unwrap();
    assert_eq!(wav(&file).0, [[1; 320], [0; 320], [2; 320]].concat());
}

#[tokio::test(start_paused = true)]
async fn the_end_may_come_before_the_answer_to_the_question_at_the_pause() {
    let http = answering([json(HELLO)]);
    let told = told_of(&engine(http.clone()), [sound(1), SttInput::Lull, SttInput::End]).await;
    let last = told.into_iter().map(Result::unwrap).next_back();
    assert_eq!(last, Some(SttEvent::Final("Hello there.".to_owned())));
    assert_eq!(http.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_a_pause_counts_only_if_it_was_the_end() {
    let http = answering([refusal(401), json(HELLO)]);
    let utterance = engine(http.clone()).open().unwrap();
    for input in [sound(1), SttInput::Lull] {
        utterance.send(input, Work::default()).await;
    }
    // Time passes when all else waits: the answer has come by then.
    SessionClock::live().sleep(Duration::from_millis(1)).await;
    assert_eq!(http.requests().len(), 1);
    for input in [SttInput::GoesOn, sound(2), SttInput::End] {
        utterance.send(input, Work::default()).await;
    }
    let told = rest(utterance).await;
    assert!(matches!(&told[..], [Ok(SttEvent::Final(text))] if text == "Hello there."), "{told:?}");

    let to_the_end = [sound(1), SttInput::Lull, sound(0), SttInput::End];
    let told = told_of(&engine(answering([refusal(401)])), to_the_end).await;
    assert!(matches!(&told[..], [Err(SttError::Service { .. })]), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_utterance_without_sound_costs_no_request() {
    let http = MockHttp::new();
    warm(&engine(http.clone())).await.unwrap();
    let methods: Vec<_> = http.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, [http::Method::HEAD], "only a connection is made");
}

#[tokio::test(start_paused = true)]
async fn words_come_as_they_are_found_wherever_the_answer_is_split() {
    let body = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hé\"}\n\n\
                data: {\"type\":\"x\"}\n\ndata: oops\n\n\
                data: {\"type\":\"transcript.text.delta\",\"delta\":\" you\"}\n\n\
                data: {\"type\":\"transcript.text.done\",\"text\":\"Hé, you!\"}\n\n";
    for at in 0..body.len() {
        let (head, tail) = body.as_bytes().split_at(at);
        let pieces = [Bytes::from_static(head), Bytes::from_static(tail)];
        let engine = engine(answering([MockResponse::new(EVENTS, pieces)])).streaming(true);
        let told: Vec<_> = told(&engine).await.into_iter().map(Result::unwrap).collect();
        let partial = |text: &str| SttEvent::Partial(text.to_owned());
        let last = SttEvent::Final("Hé, you!".to_owned());
        assert_eq!(told, [partial("Hé"), partial("Hé you"), last], "split at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_saying_so_is_what_it_was() {
    let delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hello\"}\n\n";
    let last = told(&engine(answering([MockResponse::new(EVENTS, [delta])]))).await.pop();
    assert_eq!(last.unwrap().unwrap(), SttEvent::Final("Hello".to_owned()));
    let empty = failure(answering([MockResponse::new(EVENTS, [": nothing\n\n"])])).await;
    assert!(empty.to_string().contains("no transcript"), "{empty}");
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_stream_is_told_on_a_line_and_without_the_key() {
    let delta = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Half\"}\n\n";
    let long = "x".repeat(297);
    for error in [
        r#"{"type":"error","error":{"message":"no\nsk-7 here"}}"#.to_owned(),
        r#"{"error":{"message":"no\tsk-7 here"}}"#.to_owned(),
        r#"{"type":"error","message":"no sk-7 here"}"#.to_owned(),
        r#"{"error":"no sk-7 here"}"#.to_owned(),
        // Where it is cut, half a key must not stay.
        format!(r#"{{"error":"no {long}sk-7"}}"#),
    ] {
        let answer = MockResponse::new(EVENTS, [format!("{delta}data: {error}\n\n")]);
        let last = told(&engine(answering([answer]))).await.pop().unwrap();
        let told = last.unwrap_err().to_string();
        assert!(told.contains("failed: no ") && !told.contains("sk"), "{told}");
        assert!(!told.contains(char::is_control), "{told}");
        assert!(told.contains("no [secret] here") || told.len() < 400, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_break_is_mended_by_one_whole_request() {
    let broken = |fault| json(r#"{"te"#).with_fault(fault);
    for first in
        [broken(MockFault::BreakOff), broken(MockFault::Unreachable), refusal(500), refusal(429)]
    {
        let http = answering([first, json(HELLO), json(HELLO)]);
        let engine = engine(http.clone());
        assert_eq!(heard(&engine).await.unwrap(), "Hello there.");
        let again = http.requests().remove(1);
        let (_, file) = parts(&again).pop().unwrap();
        assert_eq!(wav(&file), (two_chunks(), 1_280), "whole, with its length");
        assert_eq!(heard(&engine).await.unwrap(), "Hello there.");
        let next = http.requests().remove(2);
        assert_eq!(wav(&parts(&next).pop().unwrap().1).1, u32::MAX, "streams are not to blame");
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_no_third_request() {
    let http = answering([refusal(500), refusal(503), json(HELLO)]);
    let error = heard(&engine(http.clone())).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    assert_eq!(http.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_a_length_is_remembered() {
    for status in [400, 411, 413, 415, 422, 501] {
        let http = answering([refusal(status), json(HELLO), json(HELLO)]);
        let engine = engine(http.clone());
        assert_eq!(heard(&engine).await.unwrap(), "Hello there.", "{status}");
        // A connection is made while the user speaks.
        assert_eq!(heard(&engine.clone()).await.unwrap(), "Hello there.", "{status}");
        let requests = http.requests();
        assert_eq!(requests.len(), 4);
        assert_eq!(requests[2].method, http::Method::HEAD);
        assert_eq!(wav(&parts(&requests[3]).pop().unwrap().1), (two_chunks(), 1_280));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_both_ways_is_not_remembered() {
    let http = answering([refusal(400), refusal(400), json(HELLO)]);
    let engine = engine(http.clone());
    assert!(heard(&engine).await.unwrap_err().to_string().contains("400"));
    assert_eq!(heard(&engine).await.unwrap(), "Hello there.");
    assert_eq!(http.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_to_do() {
    let error = failure(answering([refusal(401)])).await;
    assert!(error.to_string().ends_with("check the key"), "{error}");
    assert_eq!(error.recovery(), Recovery::AskUser);
    let error = failure(answering([refusal(404)])).await;
    assert!(error.to_string().contains("stt.base_url"), "{error}");
    let gone = || json("").with_fault(MockFault::Unreachable);
    let error = failure(answering([gone(), gone()])).await;
    assert!(matches!(error.recovery(), Recovery::RetryAfter(_)));
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_an_error() {
    let long = Bytes::from("a".repeat(70_000));
    for (kind, body) in [
        (JSON, Bytes::from("hello")),
        (JSON, Bytes::from("\u{feff}")),
        ("text/html", Bytes::from("<html>")),
        ("text/plain", Bytes::from_static(b"\xff\xfe\0")),
        ("text/plain", long),
        (EVENTS, Bytes::from("data: {\"type\":\"error\",\"error\":{\"message\":\"no\"}}\n\n")),
        (EVENTS, Bytes::from_static(b"data: \xff\n\n")),
    ] {
        let error = failure(answering([MockResponse::new(kind, [body])])).await;
        assert_eq!(error.recovery(), Recovery::FallBack, "{error}");
    }
    let endless = MockResponse::new(JSON, vec![Bytes::from(vec![b' '; 1 << 16]); 100]);
    let error = failure(answering([endless])).await;
    assert!(matches!(error, SttError::Service { error: NetError::TooLong { .. }, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn sound_at_another_rate_is_refused() {
    let utterance = engine(MockHttp::new()).open().unwrap();
    let chunk = AudioChunk::new([0; 80], SampleRate::new(8_000).unwrap());
    utterance.send(SttInput::Audio(chunk), Work::default()).await;
    let error = rest(utterance).await.remove(0).unwrap_err();
    assert!(error.to_string().contains("8000 Hz"), "{error}");
}

/// A service whose requests' bodies the test reads, and which answers when it is told to.
#[derive(Clone, Debug, Default)]
struct Hands(Arc<Mutex<Option<Taken>>>);

struct Taken {
    body: Body,
    answer: tokio::sync::oneshot::Sender<Result<StatusCode, NetError>>,
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.body.fmt(f)
    }
}

impl Http for Hands {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        let (answer, answered) = tokio::sync::oneshot::channel();
        *self.0.lock().unwrap() = Some(Taken { body: request.into_body(), answer });
        Box::pin(async move {
            let status = answered.await.expect("the test answers")?;
            let body: crate::net::Incoming =
                Box::pin(futures_util::stream::iter([Ok(Bytes::from(HELLO))]));
            let mut response = http::Response::new(body);
            *response.status_mut() = status;
            Ok(response)
        })
    }
}

impl Hands {
    /// The next request. The engine runs until it has sent one.
    async fn taken(&self) -> Taken {
        for _ in 0..100 {
            if let Some(taken) = self.0.lock().unwrap().take() {
                return taken;
            }
            tokio::task::yield_now().await;
        }
        panic!("no request");
    }
}

/// Reads from a body until it ends with `end`.
async fn read_until(body: &mut Body, end: &[u8]) {
    let Body::Stream(pieces) = body else { panic!("a whole body") };
    let mut read = BytesMut::new();
    while !read.ends_with(end) {
        read.extend_from_slice(&pieces.next().await.expect("more of the body"));
    }
}

#[tokio::test(start_paused = true)]
async fn sound_travels_while_the_user_speaks_however_long() {
    let http = Hands::default();
    let utterance = engine(http.clone()).open().unwrap();
    utterance.send(sound(1), Work::default()).await;
    let mut taken = http.taken().await;
    for sample in 1..=100 {
        read_until(&mut taken.body, &sample_bytes(sample)).await;
        // Nothing hurries somebody who speaks.
        let _passed = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>());
        let _passed = _passed.await;
        utterance.send(sound(sample + 1), Work::default()).await;
    }
    utterance.send(SttInput::End, Work::default()).await;
    read_until(&mut taken.body, b"--\r\n").await;
    taken.answer.send(Ok(StatusCode::OK)).unwrap();
    let told = rest(utterance).await.remove(0).unwrap();
    assert_eq!(told, SttEvent::Final("Hello there.".to_owned()));
}

fn sample_bytes(sample: i16) -> [u8; 2] {
    sample.to_le_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_nothing_does_not_stop_the_microphone() {
    let http = Hands::default();
    let utterance = engine(http.clone()).open().unwrap();
    for sample in 0..1_000 {
        utterance.send(sound(sample), Work::default()).await;
    }
    let mut taken = http.taken().await;
    utterance.send(SttInput::End, Work::default()).await;
    read_until(&mut taken.body, b"--\r\n").await;
    taken.answer.send(Ok(StatusCode::OK)).unwrap();
    assert!(rest(utterance).await.remove(0).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_minute_that_cannot_be_sent_is_an_error() {
    let http = Hands::default();
    let utterance = engine(http.clone()).open().unwrap();
    for _ in 0..3_100 {
        utterance.send(sound(0), Work::default()).await;
    }
    let error = rest(utterance).await.remove(0).unwrap_err();
    assert!(error.to_string().contains("a minute"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_early_refusal_is_told_at_once() {
    let http = Hands::default();
    let mut utterance = engine(http.clone()).open().unwrap();
    utterance.send(sound(1), Work::default()).await;
    http.taken().await.answer.send(Ok(StatusCode::UNAUTHORIZED)).unwrap();
    let error = utterance.next().await.unwrap().unwrap_err();
    assert!(error.to_string().ends_with("check the key"), "{error}");
    assert!(utterance.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_early_break_or_refusal_of_streams_is_mended_at_the_end() {
    let broken = || NetError::BrokeOff { host: "x".to_owned(), reason: "y".to_owned() };
    for (early, remembered) in [
        (Ok(StatusCode::LENGTH_REQUIRED), true),
        (Ok(StatusCode::OK), true),
        (Err(broken()), false),
    ] {
        let http = Hands::default();
        let engine = engine(http.clone());
        let utterance = engine.open().unwrap();
        utterance.send(sound(1), Work::default()).await;
        http.taken().await.answer.send(early).unwrap();
        utterance.send(sound(2), Work::default()).await;
        utterance.send(SttInput::End, Work::default()).await;
        let whole = http.taken().await;
        assert!(matches!(whole.body, Body::Whole(_)));
        whole.answer.send(Ok(StatusCode::OK)).unwrap();
        assert!(rest(utterance).await.remove(0).is_ok());
        assert_eq!(engine.wants_whole.load(std::sync::atomic::Ordering::Relaxed), remembered);
    }
}

#[tokio::test(start_paused = true)]
async fn an_utterance_that_is_dropped_breaks_its_request_off() {
    let http = Hands::default();
    let utterance = engine(http.clone()).open().unwrap();
    utterance.send(sound(1), Work::default()).await;
    let mut taken = http.taken().await;
    read_until(&mut taken.body, &sample_bytes(1)).await;
    drop(utterance);
    taken.answer.closed().await;
    let Body::Stream(pieces) = &mut taken.body else { panic!("a whole body") };
    let more = tokio::time::timeout(Duration::from_secs(60), pieces.next()).await;
    assert!(more.is_err(), "half a form must not end as if it were whole: {more:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wait_begins_at_the_end_and_lasts_10_s() {
    let clock = crate::time::SessionClock::live();
    let http = answering([json("").with_fault(MockFault::Hang), json(HELLO)]);
    let error = heard(&engine(http)).await.unwrap_err();
    assert!(error.to_string().contains("nothing for 10s"), "{error}");
    assert_eq!(clock.now().since(crate::time::SessionTime::ZERO).as_secs(), 10, "once");
}
