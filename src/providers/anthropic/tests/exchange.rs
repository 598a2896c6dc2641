//! Whole exchanges, over a network that is none.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::net::{Endpoint, Limits};
use crate::providers::{
    Anthropic, Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest,
    RetryAdvice, Thinking,
};
use crate::types::{FinishReason, Message, Secret, ToolCall, ToolResult, Usage};

/// Every kind of event, as the service sends them.
const EXCHANGE: &str = "event: message_start\n\
    data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\",\"stop_reason\":null,\"usage\":{\"input_tokens\":12,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":8,\"output_tokens\":1}}}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n\
    event: ping\ndata: {\"type\": \"ping\"}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Where?\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüezi\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\" da. 🎉\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"clock\",\"input\":{}}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"in\\\": \\\"Zü\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"rich\\\"}\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n\
    event: new_thing\ndata: {\"type\":\"new_thing\",\"index\":2}\n\n\
    event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn model(http: &MockHttp) -> Anthropic {
    let endpoint = Endpoint::new("http://there", Some(Secret::new("sk-secret"))).unwrap();
    Anthropic::new(Arc::new(http.clone()), endpoint, "m")
}

fn call() -> ToolCall {
    let (id, name) = ("toolu_1".to_owned(), "clock".to_owned());
    ToolCall { id, name, arguments: json!({ "in": "Zürich" }) }
}

async fn answer(
    model: &Anthropic,
    messages: Vec<Message>,
) -> Vec<Result<ProviderEvent, ProviderError>> {
    model.stream(ProviderRequest { messages, ..ProviderRequest::default() }).collect().await
}

async fn answers(pieces: Vec<Vec<u8>>) -> Vec<ProviderEvent> {
    let http = MockHttp::new();
    http.answer(MockResponse::new("text/event-stream", pieces));
    let events = answer(&model(&http), vec![Message::user("hello")]).await;
    events.into_iter().map(Result::unwrap).collect()
}

/// What the exchange says, with its text as one.
fn check(events: &[ProviderEvent]) {
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            ProviderEvent::TextDelta(text) => Some(&**text),
            _ => None,
        })
        .collect();
    assert_eq!(text, "Grüezi da. 🎉");
    let usage = Usage { cached_tokens: 8, ..Usage::of_text(20, 15) };
    let end = ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage: Some(usage) };
    assert_eq!(events[events.len() - 2..], [ProviderEvent::ToolCall(call()), end]);
}

#[tokio::test]
async fn an_exchange_reads_the_same_wherever_it_is_split() {
    for at in 0..=EXCHANGE.len() {
        let (head, tail) = EXCHANGE.as_bytes().split_at(at);
        check(&answers([head, tail].map(<[u8]>::to_vec).into()).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn however_many_pieces_it_comes_in(lengths in prop::collection::vec(1usize..40, 1..200)) {
        let (mut rest, mut pieces) = (EXCHANGE.as_bytes(), Vec::new());
        for length in lengths {
            let (piece, more) = rest.split_at(length.min(rest.len()));
            pieces.push(piece.to_vec());
            rest = more;
        }
        pieces.push(rest.to_vec());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        check(&runtime.block_on(answers(pieces)));
    }
}

#[tokio::test]
async fn the_service_is_asked_with_its_own_headers_and_told_its_thoughts_again() {
    let http = MockHttp::new();
    for _ in 0..2 {
        http.answer(MockResponse::new("text/event-stream", [EXCHANGE]));
    }
    let model = model(&http).thinking(Thinking::Tokens(2_000));
    let mut messages = vec![Message::user("hello")];
    answer(&model, messages.clone()).await;
    messages.push(Message { tool_calls: vec![call()], ..Message::assistant("Grüezi da.") });
    let (id, name, content) = ("toolu_1".to_owned(), "clock".to_owned(), "ten".to_owned());
    messages.push(Message::tool(ToolResult { id, name, content, is_error: false }));
    answer(&model, messages).await;

    let [first, second] = &http.requests()[..] else { panic!("two requests") };
    assert_eq!(first.uri, "http://there/v1/messages");
    assert_eq!(first.headers["x-api-key"], "sk-secret");
    assert_eq!(first.headers["anthropic-version"], "2023-06-01");
    assert!(!first.headers.contains_key("authorization"));
    let sent: Value = serde_json::from_slice(&second.body).unwrap();
    let thought = json!({ "type": "thinking", "thinking": "Where?", "signature": "c2ln" });
    assert_eq!(sent["messages"][1]["content"][0], thought);
    assert_eq!(sent["thinking"]["type"], "enabled");
}

#[tokio::test]
async fn a_refusal_keeps_what_the_service_says_but_the_key() {
    let http = MockHttp::new();
    let said = r#"{"type":"error","request_id":"req_1","error":{"type":"overloaded_error","message":"not you, sk-secret"}}"#;
    let status = StatusCode::from_u16(529).unwrap();
    let refusal = MockResponse::new("application/json", [said]).with_status(status);
    http.answer(refusal.with_header("retry-after", "3"));
    let mut events = answer(&model(&http), vec![Message::user("hello")]).await;
    let error = events.remove(0).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Overloaded);
    assert_eq!(error.advice, RetryAdvice::After(Duration::from_secs(3)));
    let told = error.to_string();
    assert_eq!(told, "anthropic:m is overloaded: not you, [secret] (request req_1)");
}

#[tokio::test(start_paused = true)]
async fn pings_alone_are_no_answer() {
    let http = MockHttp::new();
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n".repeat(100);
    let pings = MockResponse::new("text/event-stream", [ping]);
    http.answer(pings.with_fault(MockFault::HangInTheMiddle));
    let limits = Limits { head: Duration::from_secs(4), ..Limits::default() };
    let events = answer(&model(&http).with_limits(limits), vec![Message::user("hello")]).await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.to_string(), "anthropic:m gave nothing for 4s");
}
