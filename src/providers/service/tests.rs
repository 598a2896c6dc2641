//! How a model behind HTTP is asked, with chat completions as the protocol.

use http::StatusCode;

use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::providers::retry::RetryPolicy;
use crate::providers::{OpenAi, Provider, ProviderRequest, RetryAdvice};
use crate::types::{FinishReason, ToolCall, Usage};

use super::*;

const HELLO: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn model(http: &MockHttp) -> OpenAi {
    let endpoint = Endpoint::new("http://there/v1", None).unwrap();
    OpenAi::new(Arc::new(http.clone()), endpoint, "m")
}

fn events_of(text: &str) -> MockResponse {
    MockResponse::new("text/event-stream", [text.as_bytes().to_vec()])
}

fn busy() -> MockResponse {
    let said = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    MockResponse::new("application/json", [said])
        .with_status(StatusCode::TOO_MANY_REQUESTS)
        .with_header("x-request-id", "req_9")
}

async fn all(stream: ProviderStream) -> Vec<Result<ProviderEvent, ProviderError>> {
    stream.collect().await
}

fn ask(model: &OpenAi) -> ProviderStream {
    model.stream(ProviderRequest::default())
}

fn text(events: &[Result<ProviderEvent, ProviderError>]) -> String {
    let text = |event: &Result<_, _>| match event {
        Ok(ProviderEvent::TextDelta(text)) => Some(String::clone(text)),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_busy_is_asked_again_when_it_says() {
    let http = MockHttp::new();
    http.answer(busy().with_header("retry-after", "2"));
    http.answer(events_of(HELLO));
    let model = Arc::new(model(&http));
    let retries = model.retries().unwrap().clone();
    let clock = SessionClock::live();
    let events = all(retries.stream(model, ProviderRequest::default())).await;
    assert_eq!(text(&events), "Hello");
    let passed = clock.now().as_millis();
    assert!((2_000.0..=2_255.0).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_too_long_a_pause_has_refused() {
    let http = MockHttp::new();
    http.answer(busy().with_header("retry-after", "60"));
    let events =
        all(Retries::default().stream(Arc::new(model(&http)), ProviderRequest::default())).await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.kind, ProviderErrorKind::RateLimited);
    assert_eq!(error.advice, RetryAdvice::After(Duration::from_secs(60)));
    assert_eq!(error.to_string(), "openai:m has too many requests: slow down (request req_9)");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_broke_off_is_not_asked_for_again() {
    let http = MockHttp::new();
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"Well\"}}]}\n\n";
    http.answer(events_of(begun).with_fault(MockFault::BreakOff));
    http.answer(events_of(HELLO));
    let policy = RetryPolicy { retries: 5, ..RetryPolicy::default() };
    let retries = Retries::new(policy);
    let events = all(retries.stream(Arc::new(model(&http)), ProviderRequest::default())).await;
    assert_eq!(text(&events), "Well");
    assert_eq!(events.last().unwrap().as_ref().unwrap_err().kind, ProviderErrorKind::Network);
    assert_eq!(http.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_of_the_wait_for_a_first_event_has_one_limit() {
    for answer in [
        events_of("").with_fault(MockFault::Hang),
        events_of("").with_fault(MockFault::HangInTheMiddle),
        events_of(": still here\n\n").with_fault(MockFault::HangInTheMiddle),
    ] {
        let http = MockHttp::new();
        http.answer(answer);
        let limits = Limits { head: Duration::from_secs(3), ..Limits::default() };
        let clock = SessionClock::live();
        let events = all(ask(&model(&http).with_limits(limits))).await;
        let [Err(error)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(error.to_string(), "openai:m gave nothing for 3s");
        assert!((3_000.0..3_100.0).contains(&clock.now().as_millis()));
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_may_be() {
    let http = MockHttp::new();
    let begun = "data: {\"choices\":[{\"delta\":{\"content\":\"Well\"}}]}\n\n";
    http.answer(events_of(begun).with_fault(MockFault::HangInTheMiddle));
    http.answer(events_of(HELLO));
    let model = model(&http).with_at_most(1);
    let mut first = ask(&model);
    assert_eq!(first.next().await, Some(Ok(ProviderEvent::TextDelta("Well".to_owned()))));

    // While the first goes on, the second waits, and is told why in the end.
    let waited = all(ask(&model)).await;
    let [Err(error)] = &waited[..] else { panic!("{waited:?}") };
    assert_eq!(error.kind, ProviderErrorKind::RateLimited);
    assert!(error.reason.contains("1 are under way"), "{error}");
    assert_eq!(http.requests().len(), 1);

    // Whoever is not listened to any more has no place.
    drop(first);
    assert_eq!(text(&all(ask(&model)).await), "Hello");
    // Nor has who is over.
    http.answer(events_of(HELLO));
    assert_eq!(text(&all(ask(&model)).await), "Hello");
}

#[tokio::test]
async fn an_answer_that_comes_as_a_whole_reads_the_same_wherever_it_is_split() {
    let whole = r#" {"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hé!",
        "tool_calls":[{"id":"a","type":"function","function":{"name":"clock","arguments":"{\"in\":\"Bern\"}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    let (id, name) = ("a".to_owned(), "clock".to_owned());
    let usage = Usage { cached_tokens: 4, ..Usage::of_text(9, 2) };
    let expected = [
        ProviderEvent::TextDelta("Hé!".to_owned()),
        ProviderEvent::ToolCall(ToolCall {
            id,
            name,
            arguments: serde_json::json!({ "in": "Bern" }),
        }),
        ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage: Some(usage) },
    ];
    for at in 0..=whole.len() {
        let http = MockHttp::new();
        let (head, tail) = whole.as_bytes().split_at(at);
        http.answer(MockResponse::new("application/json", [head, tail].map(<[u8]>::to_vec)));
        let events: Result<Vec<_>, _> = all(ask(&model(&http))).await.into_iter().collect();
        assert_eq!(events.unwrap(), expected, "split at {at}");
    }
}

#[tokio::test]
async fn an_error_in_place_of_an_answer_is_one_whatever_the_status() {
    let http = MockHttp::new();
    let said = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
    http.answer(MockResponse::new("application/json", [said]));
    let events = all(ask(&model(&http))).await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((error.kind, &*error.reason), (ProviderErrorKind::InvalidRequest, "too long"));
}
