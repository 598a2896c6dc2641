//! The client of chat completions against a server that others wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/aimock.rs"]
mod aimock;
#[path = "support/lacking.rs"]
mod lacking;

use std::sync::Arc;
use std::time::Duration;

use banter::error::Recovery;
use banter::net::{Endpoint, HttpClient, Limits};
use banter::providers::{
    OpenAi, Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, RetryAdvice,
};
use banter::types::{
    Detail, FinishReason, Media, MediaKind, Message, Parameters, ResponseFormat, Secret,
    ToolDescriptor, ToolResult, Usage,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::aimock::{Aimock, KEY};

#[tokio::test]
async fn an_answer_comes_in_pieces_and_without_what_was_only_thought() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let (events, error) = answer(&server, asked("tell me a story")).await;

    assert!(error.is_none(), "{error:?}");
    let pieces = events.len() - 1;
    assert!(pieces > 5, "only {pieces}: {events:?}");
    assert_eq!(
        text(&events),
        "Once upon a time there was a lighthouse. It stood on a rock — far out — and was never \
         dark."
    );
    let usage = Some(Usage::of_text(21, 24));
    let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage };
    assert_eq!(events.last(), Some(&end));
}

#[tokio::test]
async fn the_server_is_asked_as_the_protocol_says() {
    let Some(server) = Aimock::start("chat.json") else { return };
    let request = ProviderRequest {
        system: "You are brief.".to_owned(),
        messages: vec![
            Message::user("hello"),
            Message { interrupted: true, ..Message::assistant("Good mor") },
            Message::user("tell me a story"),
        ],
        tools: [weather()].into(),
        parameters: Parameters {
            temperature: Some(0.5),
            max_tokens: Some(200),
            seed: Some(7),
            ..Parameters::default()
        },
        ..ProviderRequest::default()
    };

    let (_, error) = answer(&server, request).await;

    assert!(error.is_none(), "{error:?}");
    let [request] = &server.requests("chat/completions")[..] else { panic!("not one request") };
    let body = &request["body"];
    assert_eq!(body["model"], "small-1");
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "Good mor—"},
            {"role": "user", "content": "tell me a story"},
        ])
    );
    let weather = weather();
    let function = json!({
        "name": weather.name, "description": weather.description, "parameters": weather.parameters,
    });
    assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(
        [&body["temperature"], &body["max_tokens"], &body["seed"]],
        [&json!(0.5), &json!(200), &json!(7)]
    );
    assert_eq!(request["method"], "POST");
    assert_eq!(request["headers"]["content-type"], "application/json");
    assert_eq!(request["headers"]["accept"], "text/event-stream");
}

#[tokio::test]
async fn tools_are_called_and_their_results_are_answered() {
    let Some(server) = Aimock::start("chat.json") else { return };
    let mut request = asked("what is the weather in Bern and Rome?");
    request.tools = [weather()].into();

    let (events, error) = answer(&server, request.clone()).await;

    assert!(error.is_none(), "{error:?}");
    assert_eq!(text(&events), "One moment. ");
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ProviderEvent::ToolCall(call) => Some(call.clone()),
            _ => None,
        })
        .collect();
    let told: Vec<_> = calls.iter().map(|call| (&*call.id, &*call.name, &call.arguments)).collect();
    let bern = json!({"city": "Bern", "days": 2});
    let rome = json!({"city": "Rome \"the eternal\""});
    assert_eq!(told, [("call_bern", "weather", &bern), ("call_rome", "weather", &rome)]);
    assert_eq!(end(&events), FinishReason::ToolCalls);

    let result = |number: usize, content: &str| {
        let call = &calls[number];
        let (id, name, content) = (call.id.clone(), call.name.clone(), content.to_owned());
        Message::tool(ToolResult { id, name, content, is_error: false })
    };
    let called = Message { tool_calls: calls.clone(), ..Message::assistant("One moment.") };
    request.messages.extend([called, result(0, "rain"), result(1, "sunny, 24 degrees")]);

    let (events, error) = answer(&server, request).await;

    assert!(error.is_none(), "{error:?}");
    assert_eq!(text(&events), "It is sunny in Rome.");
    assert_eq!(end(&events), FinishReason::Stop);
    let requests = server.requests("chat/completions");
    let function =
        |arguments: &Value| json!({"name": "weather", "arguments": arguments.to_string()});
    assert_eq!(
        requests[1]["body"]["messages"].as_array().unwrap()[1..],
        [
            json!({"role": "assistant", "content": "One moment.", "tool_calls": [
                {"id": "call_bern", "type": "function", "function": function(&bern)},
                {"id": "call_rome", "type": "function", "function": function(&rome)},
            ]}),
            json!({"role": "tool", "tool_call_id": "call_bern", "content": "rain"}),
            json!({"role": "tool", "tool_call_id": "call_rome", "content": "sunny, 24 degrees"}),
        ]
    );
}

#[tokio::test]
async fn what_is_shown_reaches_the_server() {
    let Some(server) = Aimock::start("chat.json") else { return };
    let sound = include_bytes!("../assets/sentences/01.wav");
    let shown = Message::user("tell me a story")
        .with(Media::bytes(MediaKind::Image, "image/png", PIXEL).with_detail(Detail::Low))
        .with(Media::bytes(MediaKind::Audio, "audio/wav", &sound[..]))
        .with(Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF-1.7"[..]));
    let request = ProviderRequest {
        messages: vec![shown],
        parameters: Parameters {
            top_p: Some(0.5),
            frequency_penalty: Some(1.5),
            presence_penalty: Some(-1.5),
            format: Some(ResponseFormat::JsonObject),
            ..Parameters::default()
        },
        ..ProviderRequest::default()
    };

    let (events, error) = answer(&server, request).await;

    assert!(error.is_none(), "{error:?}");
    assert!(text(&events).starts_with("Once upon a time"), "{events:?}");
    let body = &server.requests("chat/completions")[0]["body"];
    let parts = body["messages"][0]["content"].as_array().unwrap();
    let kinds: Vec<_> = parts.iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "image_url", "input_audio", "file"]);
    let url = parts[1]["image_url"]["url"].as_str().unwrap();
    assert!(url.starts_with("data:image/png;base64,iVBORw0KGgo"), "{url}");
    assert_eq!(parts[2]["input_audio"]["format"], "wav");
    let data = parts[2]["input_audio"]["data"].as_str().unwrap();
    assert_eq!(data.len(), sound.len().div_ceil(3) * 4);
    assert_eq!(
        [&body["top_p"], &body["frequency_penalty"], &body["presence_penalty"]],
        [&json!(0.5), &json!(1.5), &json!(-1.5)]
    );
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
}

#[tokio::test]
async fn an_answer_that_is_too_long_says_so() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let (events, error) = answer(&server, asked("speak at length")).await;

    assert!(error.is_none(), "{error:?}");
    assert_eq!(end(&events), FinishReason::Length);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let busy = refused(&server, "are you too busy?").await;
    assert_eq!(busy.kind, ProviderErrorKind::RateLimited, "{busy:?}");
    assert_eq!(busy.advice, RetryAdvice::After(Duration::from_secs(3)));
    assert_eq!(busy.status.map(u16::from), Some(429));
    assert_eq!(busy.recovery(), Recovery::RetryAfter(Duration::from_secs(3)));

    // Waiting does not help where the account is empty.
    let poor = refused(&server, "have you no money?").await;
    assert_eq!(poor.kind, ProviderErrorKind::OutOfCredit, "{poor:?}");
    assert_eq!(poor.recovery(), Recovery::AskUser);

    let broken = refused(&server, "are you broken?").await;
    assert_eq!(broken.kind, ProviderErrorKind::Failed, "{broken:?}");
    let reason = &broken.reason;
    assert!(reason.contains("500") && reason.contains("The server had an error"), "{reason}");

    let wrong = refused(&server, "not like this").await;
    assert_eq!(wrong.kind, ProviderErrorKind::InvalidRequest, "{wrong:?}");
    assert_eq!(wrong.reason, "Invalid value for 'temperature'");
    assert_eq!(wrong.recovery(), Recovery::Abort);
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_from_one_that_is() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let (events, error) = collect(&client(&server, "small-2", KEY), asked("who are you?")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text(&events), "I am another.");

    let missing = refused(&server, "who are you?").await;
    assert_eq!(missing.kind, ProviderErrorKind::NotFound, "{missing:?}");
    let (provider, reason) = (&*missing.provider, &*missing.reason);
    assert_eq!((provider, reason), ("openai:small-1", "No fixture matched"));
    assert_eq!(missing.recovery(), Recovery::AskUser);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let Some(server) = Aimock::start("chat.json") else { return };
    let wrong = client(&server, "small-1", "sk-wrong");

    let (events, error) = collect(&wrong, asked("tell me a story")).await;

    assert_eq!(events, []);
    let error = error.unwrap();
    assert_eq!(error.kind, ProviderErrorKind::Unauthorized, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("sk-wrong"), "{error:?}");
}

#[tokio::test]
async fn what_came_before_an_answer_broke_off_is_there() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let (events, error) = answer(&server, asked("you will be cut off")).await;

    // The last piece that it wrote may be lost with the connection.
    let said = text(&events);
    assert!(said.len() >= 16 && "This sentence will never".starts_with(&said), "{said}");
    let error = error.unwrap();
    assert_eq!(error.kind, ProviderErrorKind::Network, "{error:?}");
    assert!(error.reason.contains("broke off"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_or_answers_nonsense_has_failed() {
    let Some(server) = Aimock::start("chat.json") else { return };

    let gone = refused(&server, "hang up").await;
    assert_eq!(gone.kind, ProviderErrorKind::Network, "{gone:?}");
    assert!(gone.reason.contains("broke off"), "{gone}");

    let nonsense = refused(&server, "nonsense").await;
    assert_eq!(nonsense.kind, ProviderErrorKind::Protocol, "{nonsense:?}");

    // It serves on.
    let (events, _) = answer(&server, asked("tell me a story")).await;
    assert_eq!(end(&events), FinishReason::Stop);
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up_after_its_limit() {
    let Some(server) = Aimock::start("chat.json") else { return };
    let piece = Duration::from_millis(500);
    let limits = Limits { piece, ..Limits::default() };
    let patient = client(&server, "small-1", KEY).with_limits(limits);

    let (_, error) = collect(&patient, asked("stall")).await;

    let error = error.unwrap();
    assert_eq!(error.kind, ProviderErrorKind::TimedOut, "{error:?}");
    assert_eq!(error.reason, "gave nothing for 500ms");
    assert_eq!(error.recovery(), Recovery::FallBack);
}

/// A failure before any answer.
async fn refused(server: &Aimock, text: &str) -> ProviderError {
    let (events, error) = answer(server, asked(text)).await;
    assert_eq!(events, [], "{text}");
    error.unwrap()
}

async fn answer(
    server: &Aimock,
    request: ProviderRequest,
) -> (Vec<ProviderEvent>, Option<ProviderError>) {
    collect(&client(server, "small-1", KEY), request).await
}

/// What comes of a request, and why there was no more.
async fn collect(
    model: &OpenAi,
    request: ProviderRequest,
) -> (Vec<ProviderEvent>, Option<ProviderError>) {
    let (mut events, mut error) = (Vec::new(), None);
    let mut stream = model.stream(request);
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

fn client(server: &Aimock, model: &str, key: &str) -> OpenAi {
    let endpoint = Endpoint::new(&server.url(), Some(Secret::new(key))).unwrap();
    OpenAi::new(Arc::new(HttpClient::new().unwrap()), endpoint, model)
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

fn end(events: &[ProviderEvent]) -> FinishReason {
    match events.last() {
        Some(ProviderEvent::Finished { reason, .. }) => *reason,
        _ => panic!("no end: {events:?}"),
    }
}

/// An image of one grey pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
    \0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

/// Far more than any answer needs.
const LIMIT: Duration = Duration::from_secs(20);
