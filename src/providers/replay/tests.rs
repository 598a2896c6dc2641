//! What comes of a request, from which exchange of a file, and when.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::providers::exchanges::{ExchangeLog, KeptMedia, Recording};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::retry::{Retries, RetryPolicy};
use crate::providers::{RetryAdvice, by_name};
use crate::types::{FinishReason, Media, MediaKind, MediaSource, Message, ToolResult, Usage};

fn asking(text: &str) -> ProviderRequest {
    ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
}

async fn all(provider: &dyn Provider, request: ProviderRequest) -> Vec<Came> {
    provider.stream(request).collect().await
}

fn text(events: &[Came]) -> String {
    let said = events.iter().filter_map(|event| match event {
        Ok(ProviderEvent::TextDelta(text)) => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

/// A file with what `model` answered to these.
async fn recorded(model: MockProvider, requests: &[ProviderRequest]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.jsonl");
    let log = ExchangeLog::create(&path, KeptMedia::Bytes, []).unwrap();
    let recording = Recording::new(Arc::new(model), log.clone());
    for request in requests {
        all(&recording, request.clone()).await;
    }
    log.finish().unwrap();
    (folder, path)
}

fn replay(path: &Path) -> Replay {
    Replay::from_file(path).unwrap().paced(Pace::AtOnce)
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_as_it_came_at_its_times_or_faster_or_at_once() {
    let ms = Duration::from_millis;
    let model = MockProvider::new().paced(SessionClock::live(), ms(300), ms(20));
    let picture = Media::bytes(MediaKind::Image, "image/png", "pixels");
    model.add(
        MockAnswer::text("Good morning.")
            .showing(picture)
            .calling("clock", json!({ "what": "time" }))
            .using(Usage::of_text(12, 3)),
    );
    let request = asking("hello");
    let (_folder, path) = recorded(model, std::slice::from_ref(&request)).await;
    for (pace, first, last) in [
        (Pace::of(1.0), 300, 380),
        (Pace::of(2.0), 150, 190),
        (Pace::of(0.5), 600, 760),
        (Pace::of(0.0), 0, 0),
    ] {
        let replay = Replay::from_file(&path).unwrap().paced(pace);
        let clock = SessionClock::live();
        let mut answer = replay.stream(request.clone());
        let (mut events, mut times) = (Vec::new(), Vec::new());
        while let Some(event) = answer.next().await {
            events.push(event.unwrap());
            times.push(clock.now().as_millis().round() as u64);
        }
        assert_eq!((times[0], times[4]), (first, last), "{pace:?}");
        assert_eq!(events[0], ProviderEvent::TextDelta("Good ".to_owned()));
        let ProviderEvent::Media(shown) = &events[2] else { panic!("{events:?}") };
        assert_eq!(shown.source, MediaSource::Bytes("pixels".into()));
        assert!(matches!(&events[3], ProviderEvent::ToolCall(call) if call.name == "clock"));
        let (reason, usage) = (FinishReason::ToolCalls, Some(Usage::of_text(12, 3)));
        assert_eq!(events[4], ProviderEvent::Finished { reason, usage });
        assert_eq!(events.len(), 5);
    }
}

#[tokio::test]
async fn a_stepped_clock_times_it_as_well() {
    let ms = Duration::from_millis;
    let (clock, mut stepper) = SessionClock::stepped();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.jsonl");
    std::fs::write(&path, line("hello", &json!([{ "ms": 250, "text": "hi" }]), "left")).unwrap();
    let replay = Replay::from_file(&path).unwrap().timed_by(clock.clone());
    let (came, mut times) = tokio::sync::mpsc::channel(4);
    let reader = clock.clone();
    let mut answer = replay.stream(asking("hello"));
    tokio::spawn(clock.track(async move {
        while answer.next().await.is_some() {
            came.send(reader.now()).await.unwrap();
        }
    }));
    stepper.advance_to(SessionTime::ZERO + ms(60_000)).await;
    assert_eq!(times.try_recv(), Ok(SessionTime::from_millis(250)));
    assert_eq!(times.try_recv(), Ok(SessionTime::from_millis(400)), "and then its end");
}

#[tokio::test]
async fn what_failed_fails_alike_and_what_was_tried_again_succeeds_again() {
    let model = MockProvider::new();
    let error = ProviderError {
        status: Some(http::StatusCode::SERVICE_UNAVAILABLE),
        request_id: Some("req_7".to_owned()),
        ..ProviderError::new("p:m", ProviderErrorKind::Overloaded, "come back")
            .with_advice(RetryAdvice::After(Duration::from_millis(1)))
    };
    model.add(MockAnswer::default().failing_after(0, error.clone()));
    model.add_response("Here I am.");
    let (_folder, path) = recorded(model, &[asking("hello"), asking("hello")]).await;
    let model = replay(&path);
    assert_eq!(all(&model, asking("hello")).await, [Err(error)]);
    assert_eq!(text(&all(&model, asking("hello")).await), "Here I am.");

    let retries = Retries::new(RetryPolicy::default());
    let answer: Vec<_> = retries.stream(Arc::new(model), asking("hello")).collect().await;
    assert_eq!(text(&answer), "Here I am.", "{answer:?}");
}

#[tokio::test]
async fn the_same_request_is_found_and_of_several_each_in_its_turn() {
    let model = MockProvider::answering(|request| {
        let texts: Vec<_> = request.messages.iter().map(|message| &*message.text).collect();
        MockAnswer::text(texts.join("+"))
    });
    let talk = |texts: &[&str]| ProviderRequest {
        messages: texts.iter().map(|text| Message::user(*text)).collect(),
        ..ProviderRequest::default()
    };
    let requests = [talk(&["a", "yes"]), talk(&["b", "yes"]), talk(&["c", "no"])];
    let (_folder, path) = recorded(model, &requests).await;
    let model = replay(&path);
    assert_eq!(model.exchanges(), 3);
    assert_eq!(text(&all(&model, talk(&["b", "yes"])).await), "b+yes");
    let tagged =
        ProviderRequest { metadata: [("id".into(), "9".into())].into(), ..talk(&["c", "no"]) };
    assert_eq!(text(&all(&model, tagged).await), "c+no", "metadata do not count");
    // Another history: the first that ends alike and was not replayed yet.
    assert_eq!(text(&all(&model, talk(&["d", "yes"])).await), "a+yes");
    let lost = all(&model, talk(&["d", "perhaps"])).await;
    let [Err(error)] = &lost[..] else { panic!("{lost:?}") };
    assert_eq!(error.kind, ProviderErrorKind::InvalidRequest);
    let told = error.to_string();
    assert!(told.contains("no answer to what ends with \"perhaps\" of the user"), "{told}");
    assert!(told.contains(&path.display().to_string()), "{told}");

    let exact = replay(&path).matching(Matching::Exact);
    assert!(all(&exact, talk(&["d", "yes"])).await[0].is_err());
    let other = ProviderRequest { system: "Else.".to_owned(), ..talk(&["a", "yes"]) };
    assert!(all(&exact, other).await[0].is_err(), "the instructions count");
    assert_eq!(text(&all(&exact, talk(&["a", "yes"])).await), "a+yes");

    let order = replay(&path).matching(Matching::Order);
    for expected in ["a+yes", "b+yes", "c+no"] {
        assert_eq!(text(&all(&order, asking("whatever")).await), expected);
    }
    let told = all(&order, asking("more")).await[0].clone().unwrap_err().to_string();
    assert!(told.contains("all 3 exchanges"), "{told}");
}

#[tokio::test]
async fn of_a_result_the_call_counts_and_of_media_their_bytes() {
    let result = |content: &str| {
        let (id, name) = ("call-1".to_owned(), "clock".to_owned());
        let result = ToolResult { id, name, content: content.to_owned(), is_error: false };
        ProviderRequest { messages: vec![Message::tool(result)], ..ProviderRequest::default() }
    };
    let shown = |bytes: &'static str| {
        let media = Media::bytes(MediaKind::Image, "image/png", bytes);
        let messages = vec![Message::user("look").with(media)];
        ProviderRequest { messages, ..ProviderRequest::default() }
    };
    let model = MockProvider::new();
    ["It is ten.", "A cat.", "A dog."].into_iter().for_each(|text| model.add_response(text));
    let (_folder, path) = recorded(model, &[result("10:00"), shown("cat"), shown("dog")]).await;
    let model = replay(&path);
    assert_eq!(text(&all(&model, result("10:31")).await), "It is ten.");
    assert_eq!(text(&all(&model, shown("dog")).await), "A dog.");
    assert_eq!(text(&all(&model, shown("cat")).await), "A cat.");
    assert!(all(&model, shown("cow")).await[0].is_err());
}

/// A line of a file.
fn line(asked: &str, events: &Value, end: &str) -> String {
    let request = json!({
        "system": "", "messages": [{ "role": "user", "text": asked }], "tools": [],
        "tool_choice": "auto", "parameters": {}, "metadata": {},
    });
    let line = json!({
        "v": 1, "at": "2026-11-22T10:00:00.000Z", "provider": "p:m", "request": request,
        "events": events, "end": end, "end_ms": 400,
    });
    line.to_string() + "\n"
}

#[tokio::test]
async fn an_answer_that_was_left_is_taken_only_if_there_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("left.jsonl");
    let half = json!([{ "ms": 5, "text": "Once upon" }]);
    let end = json!({ "ms": 9, "finished": { "reason": "stop" } });
    let whole = json!([{ "ms": 5, "text": "Once upon a time." }, end]);
    let left = line("a story", &half, "left");
    std::fs::write(&path, left.clone() + &line("a story", &whole, "finished")).unwrap();
    let model = replay(&path);
    for _ in 0..2 {
        assert_eq!(text(&all(&model, asking("a story")).await), "Once upon a time.");
    }
    std::fs::write(&path, left).unwrap();
    let events = all(&replay(&path), asking("a story")).await;
    assert_eq!((text(&events).as_str(), events.len()), ("Once upon", 2));
    let told = events[1].clone().unwrap_err().to_string();
    assert!(told.contains("its recording ends here"), "{told}");
}

#[tokio::test]
async fn media_that_are_not_in_the_file_are_an_error_before_anything_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchanges.jsonl");
    let log = ExchangeLog::create(&path, KeptMedia::Names, []).unwrap();
    let model = MockProvider::new();
    let picture = Media::bytes(MediaKind::Image, "image/png", "pixels");
    model.add(MockAnswer::text("Look:").showing(picture));
    all(&Recording::new(Arc::new(model), log.clone()), asking("paint")).await;
    log.finish().unwrap();
    let events = all(&replay(&path), asking("paint")).await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    let told = error.to_string();
    assert!(told.contains("lacks the bytes of its image, of the answer on line 1"), "{told}");
    assert!(told.contains("--record-media"), "{told}");
}

#[test]
fn what_is_no_file_of_exchanges_is_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.jsonl");
    let good = line("hello", &json!([]), "finished");
    let told = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Replay::from_file(&path).unwrap_err().to_string()
    };
    assert!(told("").contains("has no exchange in it"));
    assert!(
        told(&format!("{good}\n{{}}\n")).contains(":3: this is no exchange: missing field `v`")
    );
    assert!(
        told(&good.replace("\"v\":1", "\"v\":2"))
            .contains(":1: this is no exchange: it is of version 2")
    );
    assert!(told(&good.replace("400", "-1")).contains("-1 is no time in milliseconds"));
    // As of a program that was killed.
    std::fs::write(&path, format!("{good}{}", &good[..40])).unwrap();
    assert_eq!(Replay::from_file(&path).unwrap().exchanges(), 1);
    assert!(by_name("replay:no/such.jsonl").unwrap_err().to_string().contains("no/such.jsonl"));
}

#[test]
fn it_is_as_metered_as_what_it_replays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.jsonl");
    let free = line("hello", &json!([]), "finished");
    std::fs::write(&path, &free).unwrap();
    assert!(!replay(&path).is_metered());
    std::fs::write(&path, free.replace("\"v\":1", "\"v\":1,\"metered\":true")).unwrap();
    assert!(replay(&path).is_metered());
}
