//! The clients of other protocols than chat completions, against a server that others wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/aimock.rs"]
mod aimock;
#[path = "support/lacking.rs"]
mod lacking;

use std::sync::Arc;
use std::time::Duration;

use banter::net::{Endpoint, Http, HttpClient};
use banter::providers::retry::Retries;
use banter::providers::{
    Anthropic, Effort, Gemini, GeminiThinking, OpenAiResponses, Provider, ProviderError,
    ProviderErrorKind, ProviderEvent, ProviderRequest, ProviderStream, Reasoning, RetryAdvice,
    Thinking, ThinkingLevel,
};
use banter::types::{
    FinishReason, Media, MediaKind, Message, Secret, ToolCall, ToolDescriptor, ToolResult, Usage,
};
use futures_util::StreamExt;
use serde_json::json;

use crate::aimock::{Aimock, KEY};

/// All clients, with this key.
fn clients(server: &Aimock, key: &str) -> Vec<Arc<dyn Provider>> {
    let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
    let base = server.url().trim_end_matches("/v1").to_owned();
    let endpoint = || Endpoint::new(&base, Some(Secret::new(key))).unwrap();
    let openai = || Endpoint::new(&server.url(), Some(Secret::new(key))).unwrap();
    vec![
        Arc::new(
            Anthropic::new(Arc::clone(&http), endpoint(), "claude-sonnet-4-5")
                .thinking(Thinking::Tokens(2_000)),
        ),
        Arc::new(
            Anthropic::new(Arc::clone(&http), endpoint(), "claude-sonnet-5-5")
                .thinking(Thinking::Adaptive(Some(Effort::Low))),
        ),
        Arc::new(Anthropic::new(Arc::clone(&http), endpoint(), "claude-haiku-4-5").whole()),
        Arc::new(Gemini::new(Arc::clone(&http), endpoint(), "gemini-2.5-flash")),
        Arc::new(Gemini::new(Arc::clone(&http), endpoint(), "gemini-2.5-flash").whole()),
        Arc::new(
            Gemini::new(Arc::clone(&http), endpoint(), "gemini-3.8-flash")
                .thinking(GeminiThinking::Level(ThinkingLevel::Low)),
        ),
        Arc::new(
            OpenAiResponses::new(Arc::clone(&http), openai(), "o4-mini").reasoning(Reasoning::Low),
        ),
        Arc::new(OpenAiResponses::new(http, openai(), "gpt-4o-mini").whole()),
    ]
}

#[tokio::test]
async fn an_answer_comes_without_what_was_only_thought() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    for model in clients(&server, KEY) {
        let (events, error) = collect(model.stream(asked("tell me a story"))).await;
        assert!(error.is_none(), "{}: {error:?}", model.name());
        assert_eq!(
            text(&events),
            "Once upon a time there was a lighthouse. It stood on a rock — far out — and was never \
             dark."
        );
        let usage = Some(Usage::of_text(21, 24));
        let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage };
        assert_eq!(events.last(), Some(&end), "{}", model.name());
    }
}

#[tokio::test]
async fn tools_are_called_and_their_results_are_answered() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    for model in clients(&server, KEY) {
        let mut request = asked("what is the weather in Bern and Rome?");
        request.tools = [weather()].into();

        let (events, error) = collect(model.stream(request.clone())).await;

        assert!(error.is_none(), "{}: {error:?}", model.name());
        assert_eq!(text(&events), "One moment. ");
        let calls: Vec<_> = events.iter().filter_map(call).collect();
        let told: Vec<_> = calls.iter().map(|call| (&*call.name, &call.arguments)).collect();
        let bern = json!({"city": "Bern", "days": 2});
        let rome = json!({"city": "Rome \"the eternal\""});
        assert_eq!(told, [("weather", &bern), ("weather", &rome)], "{}", model.name());
        assert_eq!(end(&events), FinishReason::ToolCalls);

        // The server refuses an answer without what was thought before the calls.
        let result = |number: usize, content: &str| {
            let ToolCall { id, name, .. } = calls[number].clone();
            Message::tool(ToolResult { id, name, content: content.to_owned(), is_error: false })
        };
        let called = Message { tool_calls: calls.clone(), ..Message::assistant("One moment.") };
        request.messages.extend([called, result(0, "rain"), result(1, "sunny, 24 degrees")]);

        let (events, error) = collect(model.stream(request)).await;

        assert!(error.is_none(), "{}: {error:?}", model.name());
        assert_eq!(text(&events), "It is sunny in Rome.");
        assert_eq!(end(&events), FinishReason::Stop);
    }
}

#[tokio::test]
async fn what_is_shown_and_what_was_cut_reach_the_server() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    for model in clients(&server, KEY) {
        let messages = vec![
            Message::assistant("Welcome."),
            Message::user("hello"),
            Message { interrupted: true, ..Message::assistant("Good mor") },
            Message::user("tell me a story").with(Media::bytes(
                MediaKind::Document,
                "application/pdf",
                &b"%PDF-1.7"[..],
            )),
        ];
        let (events, error) =
            collect(model.stream(ProviderRequest { messages, ..asked("") })).await;
        assert!(error.is_none(), "{}: {error:?}", model.name());
        assert!(text(&events).starts_with("Once upon a time"), "{events:?}");
    }
    let asked = server.requests("messages");
    assert_eq!(asked.len(), 3);
    for request in asked {
        assert_eq!(request["headers"]["anthropic-version"], "2023-06-01");
    }
    assert_eq!(server.requests("responses").len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_too_long_says_so() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    for model in clients(&server, KEY) {
        let (events, _) = collect(model.stream(asked("speak at length"))).await;
        assert_eq!(end(&events), FinishReason::Length, "{}", model.name());
    }
}

#[tokio::test]
async fn refusals_have_a_kind_a_status_and_advice() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    for model in clients(&server, KEY) {
        let busy = refused(&*model, "are you too busy?").await;
        assert_eq!(busy.kind, ProviderErrorKind::RateLimited, "{busy:?}");
        assert_eq!(busy.advice, RetryAdvice::After(Duration::from_secs(3)));
        assert_eq!(busy.status.map(u16::from), Some(429));

        let broken = refused(&*model, "are you broken?").await;
        assert_eq!(broken.kind, ProviderErrorKind::Failed, "{broken:?}");
        assert!(broken.reason.contains("The server had an error"), "{broken}");
    }
    for model in clients(&server, "sk-wrong") {
        let error = refused(&*model, "tell me a story").await;
        assert_eq!(error.kind, ProviderErrorKind::Unauthorized, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("sk-wrong"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_a_moment_is_asked_again_when_it_says() {
    // It counts the requests of all.
    for number in 0.. {
        let Some(server) = Aimock::start("vendors.json") else { return };
        let Some(model) = clients(&server, KEY).into_iter().nth(number) else { return };
        let (events, error) =
            collect(Retries::default().stream(model, asked("have you a moment?"))).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(text(&events), "Here I am.");
    }
}

#[tokio::test]
async fn what_came_before_an_answer_broke_off_is_there() {
    let Some(server) = Aimock::start("vendors.json") else { return };
    let model = clients(&server, KEY).remove(0);

    let (events, error) = collect(model.stream(asked("you will be cut off"))).await;

    let said = text(&events);
    assert!("This sentence will never come".starts_with(&said), "{said}");
    assert_eq!(error.unwrap().kind, ProviderErrorKind::Network);
}

/// A failure before any answer.
async fn refused(model: &dyn Provider, text: &str) -> ProviderError {
    let (events, error) = collect(model.stream(asked(text))).await;
    assert_eq!(events, [], "{}: {text}", model.name());
    error.unwrap()
}

/// What comes of a request, and why there was no more.
async fn collect(mut stream: ProviderStream) -> (Vec<ProviderEvent>, Option<ProviderError>) {
    let (mut events, mut error) = (Vec::new(), None);
    let all = async {
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => events.push(event),
                Err(failure) => error = Some(failure),
            }
        }
    };
    tokio::time::timeout(LIMIT, all).await.unwrap();
    (events, error)
}

fn asked(text: &str) -> ProviderRequest {
    ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
}

fn weather() -> ToolDescriptor {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    ToolDescriptor::new("weather", "Tells the weather in a city.", city)
}

fn text(events: &[ProviderEvent]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        ProviderEvent::TextDelta(text) => Some(&**text),
        _ => None,
    });
    texts.collect()
}

fn call(event: &ProviderEvent) -> Option<ToolCall> {
    match event {
        ProviderEvent::ToolCall(call) => Some(call.clone()),
        _ => None,
    }
}

fn end(events: &[ProviderEvent]) -> FinishReason {
    match events.last() {
        Some(ProviderEvent::Finished { reason, .. }) => *reason,
        _ => panic!("no end: {events:?}"),
    }
}

/// Far more than any answer needs.
const LIMIT: Duration = Duration::from_secs(20);
