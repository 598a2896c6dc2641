//! What the service is asked, and what is played of its answers.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::*;
use crate::error::Recovery;
use crate::net::mock::{MockFault, MockHttp, MockResponse};

const PCM: &str = "audio/pcm";

fn engine(http: &MockHttp) -> OpenAiSynthesizer {
    let endpoint = Endpoint::new("http://tts.test/v1", None).unwrap();
    OpenAiSynthesizer::new(Arc::new(http.clone()), endpoint, "tts-1", "alloy")
}

fn answering(answer: MockResponse) -> MockHttp {
    let http = MockHttp::new();
    http.answer(answer);
    http
}

fn pcm(pieces: impl IntoIterator<Item = usize>) -> MockResponse {
    MockResponse::new(PCM, pieces.into_iter().map(|len| Bytes::from(vec![1; len])))
}

/// Lengths of the chunks in samples, and the error at the end.
async fn spoken(http: &MockHttp, text: &str) -> (Vec<usize>, Option<TtsError>) {
    let mut stream = engine(http).speak(SpeakRequest::new(text));
    let (mut chunks, mut error) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event {
            Ok(SpeechEvent::Audio(chunk)) => chunks.push(chunk.samples().len()),
            Ok(event) => panic!("{event:?}"),
            Err(failure) => assert!(error.replace(failure).is_none(), "one error"),
        }
    }
    (chunks, error)
}

async fn failure(answer: MockResponse) -> TtsError {
    let (chunks, error) = spoken(&answering(answer), "Hello.").await;
    assert_eq!(chunks, [0; 0]);
    error.unwrap()
}

async fn asked(engine: &OpenAiSynthesizer, http: &MockHttp, request: SpeakRequest) -> String {
    http.answer(pcm([100]));
    assert!(engine.speak(request).next().await.unwrap().is_ok());
    let asked = http.requests().pop().unwrap();
    assert_eq!(asked.uri, "http://tts.test/v1/audio/speech");
    String::from_utf8(asked.body.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_request_holds_the_text_and_the_settings() {
    let http = MockHttp::new();
    let plain = asked(&engine(&http), &http, SpeakRequest::new(" Hi\n\"you\" ")).await;
    let expected =
        r#"{"model":"tts-1","input":"Hi \"you\"","voice":"alloy","response_format":"pcm"}"#;
    assert_eq!(plain, expected);
    let told = engine(&http).with_instructions(Some("calm".to_owned()));
    let mut request = SpeakRequest::new("Hi");
    (request.voice, request.speed) = (Some("nova".to_owned()), 9.0);
    let full = asked(&told, &http, request).await;
    let expected = r#""voice":"nova","response_format":"pcm","instructions":"calm","speed":2.0}"#;
    assert!(full.ends_with(expected), "{full}");
}

#[tokio::test(start_paused = true)]
async fn nothing_to_say_costs_no_request() {
    let http = MockHttp::new();
    assert!(matches!(spoken(&http, " \n").await, (chunks, None) if chunks.is_empty()));
    assert!(http.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_sound_goes_at_once_and_then_20_to_100_ms() {
    let (chunks, error) = spoken(&answering(pcm([13, 1, 958, 1, 20_000, 3])), "Hello.").await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(chunks, [6, 480, 2_400, 2_400, 2_400, 2_400, 402]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_shows_after_what_came_before() {
    for (fault, reason) in
        [(MockFault::BreakOff, "broke off"), (MockFault::HangInTheMiddle, "nothing for 10s")]
    {
        let (chunks, error) = spoken(&answering(pcm([960]).with_fault(fault)), "Hello.").await;
        let error = error.unwrap();
        assert_eq!(chunks, [480]);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_before_the_first_sound_say_what_to_do() {
    let refusal = |status| pcm([]).with_status(StatusCode::from_u16(status).unwrap());
    let hang = failure(pcm([]).with_fault(MockFault::Hang)).await;
    assert!(hang.to_string().contains("nothing for 10s"), "{hang}");
    assert_eq!(hang.recovery(), Recovery::FallBack, "nobody waits for that twice");
    let gone = failure(pcm([]).with_fault(MockFault::Unreachable)).await;
    assert!(matches!(gone.recovery(), Recovery::RetryAfter(_)));
    let key = failure(refusal(401)).await;
    assert!(key.to_string().ends_with("check the key"), "{key}");
    assert_eq!(key.recovery(), Recovery::AskUser);
    let model = failure(refusal(404)).await;
    assert!(model.to_string().contains("tts.base_url"), "{model}");
    assert!(matches!(failure(refusal(503)).await.recovery(), Recovery::RetryAfter(_)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_sound_is_an_error() {
    for (kind, body) in [
        ("audio/mpeg", &[0; 100][..]),
        ("application/octet-stream", b"ID3\x04\0\0\0\0\0\0\0\0\0\0"),
        ("application/json", b"{}"),
        (PCM, b"<html><body>Bad gateway</body></html>"),
        (PCM, b""),
    ] {
        let error = failure(MockResponse::new(kind, [body])).await;
        assert!(matches!(error, TtsError::Failed { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wav_file_with_another_rate_is_played_at_that_rate() {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(22_050u32.to_le_bytes());
    file.extend(b"\0\0\0\0\x02\0\x10\0data\0\0\0\0\x07\0\x08\0");
    let http = answering(MockResponse::new("audio/wav", [file]));
    let first = engine(&http).speak(SpeakRequest::new("Hello.")).next().await.unwrap().unwrap();
    let rate = SampleRate::new(22_050).unwrap();
    assert_eq!(first, SpeechEvent::Audio(AudioChunk::new([7, 8], rate)));
}

#[tokio::test(start_paused = true)]
async fn endless_sound_is_cut_off_by_the_length_of_the_text() {
    let seconds = |n| std::iter::repeat_n(48_000, n);
    let (chunks, error) = spoken(&answering(pcm(seconds(1_000))), "Hello.").await;
    assert_eq!(chunks.iter().sum::<usize>(), 8 * 24_000, "5 s, and 0.5 s for each of 6 letters");
    assert!(error.unwrap().to_string().contains("8 s"));
    let (_, error) = spoken(&answering(pcm(seconds(8))), "Hello.").await;
    assert!(error.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_stream_ends_the_exchange() {
    let (dropped, mut open) = tokio::sync::mpsc::channel::<()>(1);
    let body: Incoming = Box::pin(stream::unfold(dropped, |dropped| async {
        Some((Ok(Bytes::from_static(&[0; 960])), dropped))
    }));
    let speaking = Speaking::new(Response::new(body), Duration::MAX).unwrap();
    let mut stream = speaking.stream();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    assert!(open.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_made_every_20_s_at_most() {
    let http = MockHttp::new();
    let engine = engine(&http);
    for seconds in [0, 1, 10, 30] {
        engine.warm();
        let rest = Duration::from_secs(seconds);
        let _passed = tokio::time::timeout(rest, std::future::pending::<()>()).await;
    }
    // At 0, and not at 0, 1 and 11 s; then at 41 s.
    engine.clone().warm();
    tokio::task::yield_now().await;
    let methods: Vec<_> = http.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, [Method::HEAD, Method::HEAD]);
}
