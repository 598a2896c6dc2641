//! What is written of exchanges, and what is not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::{
    Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, ProviderStream,
    RetryAdvice,
};
use crate::time::SessionClock;
use crate::types::{
    FinishReason, Media, MediaKind, Message, Parameters, Secret, ToolChoice, ToolResult, Usage,
};

/// Asks through a log, and gives its lines.
async fn lines(mock: MockProvider, media: KeptMedia, requests: Vec<ProviderRequest>) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.jsonl");
    let secrets = ["sk-12345", "sk-12345-and-more", "no"].map(Secret::new);
    let log = ExchangeLog::create(&path, media, secrets).unwrap();
    let provider = Recording::new(Arc::new(mock), log.clone());
    let count = requests.len() as u64;
    for request in requests {
        let _whole: Vec<_> = provider.stream(request).collect().await;
    }
    assert_eq!(log.finish().unwrap(), count);
    read(&path)
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn asking(text: &str) -> ProviderRequest {
    ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
}

#[tokio::test(start_paused = true)]
async fn a_line_has_the_request_and_the_events_with_their_times() {
    let ms = Duration::from_millis;
    let mock = MockProvider::new().paced(SessionClock::live(), ms(300), ms(20));
    let answer = MockAnswer::text("Good morning.").calling("clock", json!({ "what": "time" }));
    mock.add(answer.using(Usage::of_text(12, 3)));
    let request = ProviderRequest {
        system: "Be brief.".to_owned(),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        parameters: Parameters { temperature: Some(0.7), ..Parameters::default() },
        metadata: [("tenant".to_owned(), "a".to_owned())].into(),
        ..asking("What time is it?")
    };
    let [line] = &lines(mock, KeptMedia::Names, vec![request]).await[..] else { panic!("a line") };
    let mut line = line.clone();
    assert!(line["at"].take().as_str().unwrap().ends_with('Z'));
    let call = json!({ "id": "mock-1", "name": "clock", "arguments": { "what": "time" } });
    let usage = json!({ "input_tokens": 12, "output_tokens": 3 });
    let expected = json!({
        "v": 1, "at": null, "provider": "mock", "metered": false,
        "request": {
            "system": "Be brief.",
            "messages": [{ "role": "user", "text": "What time is it?" }],
            "tools": [], "tool_choice": { "named": "clock" },
            "parameters": { "temperature": 0.7 },
            "metadata": { "tenant": "a" },
        },
        "events": [
            { "ms": 300.0, "text": "Good " },
            { "ms": 320.0, "text": "morning." },
            { "ms": 340.0, "tool_call": call },
            { "ms": 360.0, "finished": { "reason": "tool_calls", "usage": usage } },
        ],
        "end": "finished", "end_ms": 360.0,
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn errors_are_kept_with_all_that_they_say() {
    let mock = MockProvider::new();
    let error = ProviderError {
        status: Some(http::StatusCode::TOO_MANY_REQUESTS),
        request_id: Some("req_7".to_owned()),
        ..ProviderError::new("p:m", ProviderErrorKind::RateLimited, "slowly")
            .with_advice(RetryAdvice::After(Duration::from_millis(1_500)))
    };
    mock.add(MockAnswer::default().failing_after(0, error));
    let lines = lines(mock, KeptMedia::Names, vec![asking("hello")]).await;
    assert_eq!(lines[0]["end"], "failed");
    let expected = json!({
        "provider": "p:m", "kind": "rate_limited", "reason": "slowly", "status": 429,
        "request_id": "req_7", "retry": { "after_ms": 1500 },
    });
    assert_eq!(lines[0]["events"][0]["error"], expected);
}

#[tokio::test]
async fn no_secret_is_written_wherever_it_stands_and_however_it_is_cut() {
    let mock = MockProvider::new();
    let answer = MockAnswer::text("The key is sk-12345, or sk-12345-and-more, and a no.");
    mock.add(answer.calling("tell", json!({ "sk-12345": ["Bearer sk-12345"] })));
    let failure = ProviderError::new("p", ProviderErrorKind::Failed, "no such key: sk-12345");
    mock.add(MockAnswer::default().failing_after(0, failure));
    let picture = Media::url(MediaKind::Image, "image/png", "https://u:pass@there/a?key=hush");
    let result = ToolResult {
        id: "1".to_owned(),
        name: "tell".to_owned(),
        content: "sk-12345".to_owned(),
        is_error: false,
    };
    let request = ProviderRequest {
        system: "sk-12345".to_owned(),
        messages: vec![Message::user("sk-12345").with(picture), Message::tool(result)],
        metadata: [("key".to_owned(), "sk-12345".to_owned())].into(),
        ..ProviderRequest::default()
    };
    let lines = lines(mock, KeptMedia::Names, vec![request.clone(), request]).await;
    let written = serde_json::to_string(&lines).unwrap();
    for secret in ["12345", "hush", "pass", "and-more"] {
        assert!(!written.contains(secret), "{secret} in {written}");
    }
    assert!(written.contains("https://…@there/a?…"), "{written}");
    assert!(written.contains("no such key: [secret]"), "{written}");
    assert!(written.contains("\"no.\""), "too short to be one: {written}");
}

#[tokio::test]
async fn a_secret_in_pieces_is_found() {
    let pieces = |whole: &str, at: &[usize]| {
        let mut cuts = vec![0];
        cuts.extend(at);
        cuts.push(whole.len());
        cuts.windows(2).map(|cut| whole[cut[0]..cut[1]].to_owned()).collect::<Vec<_>>()
    };
    let whole = "é sk-12345-and-more: k-12, sk-12345.";
    for first in 0..=whole.len() {
        for second in (first..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            if !whole.is_char_boundary(first) {
                continue;
            }
            let pieces = pieces(whole, &[first, second]);
            let provider = Pieces(pieces.clone());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("exchanges.jsonl");
            let secrets = ["sk-12345", "sk-12345-and-more", "k-12"].map(Secret::new);
            let log = ExchangeLog::create(&path, KeptMedia::Names, secrets).unwrap();
            let recording = Recording::new(Arc::new(provider), log.clone());
            let _whole: Vec<_> = recording.stream(asking("")).collect().await;
            log.finish().unwrap();
            let line = &read(&path)[0];
            let texts = line["events"].as_array().unwrap().iter();
            let text: String = texts.filter_map(|event| event["text"].as_str()).collect();
            assert_eq!(text, "é [secret]: [secret], [secret].", "{pieces:?}");
        }
    }
}

/// Says these pieces.
#[derive(Debug)]
struct Pieces(Vec<String>);

impl Provider for Pieces {
    fn name(&self) -> &'static str {
        "pieces"
    }

    fn stream(&self, _: ProviderRequest) -> ProviderStream {
        let pieces = self.0.clone().into_iter().map(ProviderEvent::TextDelta);
        let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage: None };
        Box::pin(futures_util::stream::iter(pieces.chain([end]).map(Ok)))
    }
}

/// Says nothing but a picture and a sound.
#[derive(Debug)]
struct Painter;

impl Provider for Painter {
    fn name(&self) -> &'static str {
        "painter"
    }

    fn stream(&self, _: ProviderRequest) -> ProviderStream {
        let sound = AudioChunk::new([1i16, -2], SampleRate::SPEECH);
        let events = [
            ProviderEvent::Media(Media::bytes(MediaKind::Image, "image/png", "pixels")),
            ProviderEvent::Sound(sound),
            ProviderEvent::Finished { reason: FinishReason::Stop, usage: None },
        ];
        Box::pin(futures_util::stream::iter(events.map(Ok)))
    }
}

#[tokio::test]
async fn media_are_named_and_their_bytes_are_written_only_if_wanted() {
    for (kept, has_bytes) in [(KeptMedia::Names, false), (KeptMedia::Bytes, true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exchanges.jsonl");
        let log = ExchangeLog::create(&path, kept, []).unwrap();
        let shown = Media::bytes(MediaKind::Image, "image/png", "secret pixels").with_name("a.png");
        let request = ProviderRequest {
            messages: vec![Message::user("look").with(shown)],
            ..ProviderRequest::default()
        };
        let painter = Recording::new(Arc::new(Painter), log.clone());
        let _whole: Vec<_> = painter.stream(request).collect().await;
        log.finish().unwrap();
        let line = &read(&path)[0];
        let shown = &line["request"]["messages"][0]["media"][0];
        assert_eq!((&shown["name"], &shown["mime"]), (&json!("a.png"), &json!("image/png")));
        let hash = shown["source"]["stored"]["sha256"].as_str().unwrap();
        assert_eq!(shown["source"]["stored"]["size"], 13);
        assert_eq!(line["media"][hash].is_string(), has_bytes, "{line}");
        let painted = line["events"][0]["media"]["source"]["stored"]["sha256"].as_str().unwrap();
        assert_eq!(line["media"][painted].is_string(), has_bytes, "{line}");
        let sound = &line["events"][1]["sound"];
        assert_eq!((&sound["hz"], &sound["samples"]), (&json!(16_000), &json!(2)));
        assert_eq!(sound["pcm"].is_string(), has_bytes, "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_longer_is_written_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.jsonl");
    let log = ExchangeLog::create(&path, KeptMedia::Names, []).unwrap();
    let mock = MockProvider::new();
    mock.add(MockAnswer::text("one two three").hanging_after(2));
    let recording = Recording::new(Arc::new(mock), log.clone());
    let mut answer = recording.stream(asking("count"));
    answer.next().await.unwrap().unwrap();
    drop(answer);
    log.finish().unwrap();
    let line = &read(&path)[0];
    assert_eq!((&line["end"], line["events"].as_array().unwrap().len()), (&json!("left"), 1));
}

#[tokio::test]
async fn each_exchange_is_in_the_file_at_once_and_only_its_user_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.jsonl");
    let log = ExchangeLog::create(&path, KeptMedia::Names, []).unwrap();
    let recording =
        Recording::new(Arc::new(MockProvider::answering(|_| MockAnswer::text("hi"))), log.clone());
    for count in 1..=3 {
        let _whole: Vec<_> = recording.stream(asking("hello")).collect().await;
        assert_eq!(log.finish().unwrap(), count as u64);
        assert_eq!(read(&path).len(), count);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Whatever is written to it, there is no room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_and_answers_come_all_the_same() {
    let full = Path::new("/dev/full");
    let log = ExchangeLog::create(full, KeptMedia::Names, []).unwrap();
    let recording =
        Recording::new(Arc::new(MockProvider::answering(|_| MockAnswer::text("hi"))), log.clone());
    for _ in 0..3 {
        let answer: Vec<_> = recording.stream(asking("hello")).collect().await;
        assert!(answer.len() == 2 && answer.iter().all(Result::is_ok), "{answer:?}");
    }
    let told = log.finish().unwrap_err().to_string();
    assert!(told.starts_with("cannot write exchanges to /dev/full: No space left"), "{told}");
    assert!(told.ends_with("; 0 are there, 3 are not"), "{told}");

    let nowhere = ExchangeLog::create(Path::new("no/such/folder/x"), KeptMedia::Names, []);
    assert!(nowhere.unwrap_err().to_string().contains("name another file"));
}
