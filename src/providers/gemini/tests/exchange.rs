//! Whole exchanges, over a network that is none.

use std::sync::Arc;

use futures_util::StreamExt;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::net::Endpoint;
use crate::net::mock::{MockHttp, MockResponse};
use crate::providers::{
    Gemini, Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, RetryAdvice,
};
use crate::types::{FinishReason, Message, Secret, ToolCall, Usage};

/// What the service sends, with CR and LF as it does.
const EXCHANGE: &str = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Where?\",\"thought\": true}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 20},\"modelVersion\": \"m\"}\r\n\r\n\
    data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Grüezi\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 20,\"candidatesTokenCount\": 3}}\r\n\r\n\
    data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" da. 🎉\"}],\"role\": \"model\"},\"index\": 0}]}\r\n\r\n\
    data: {\"candidates\": [{\"content\": {\"parts\": [{\"functionCall\": {\"name\": \"clock\",\"args\": {\"in\": \"Zürich\"}},\"thoughtSignature\": \"c2ln\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 20,\"candidatesTokenCount\": 9,\"thoughtsTokenCount\": 6,\"cachedContentTokenCount\": 8}}\r\n\r\n";

fn model(http: &MockHttp) -> Gemini {
    let endpoint = Endpoint::new("http://there", Some(Secret::new("g-secret"))).unwrap();
    Gemini::new(Arc::new(http.clone()), endpoint, "m")
}

async fn answer(model: &Gemini) -> Vec<Result<ProviderEvent, ProviderError>> {
    let messages = vec![Message::user("hello")];
    model.stream(ProviderRequest { messages, ..ProviderRequest::default() }).collect().await
}

async fn answers(pieces: Vec<Vec<u8>>) -> Vec<ProviderEvent> {
    let http = MockHttp::new();
    http.answer(MockResponse::new("text/event-stream", pieces));
    answer(&model(&http)).await.into_iter().map(Result::unwrap).collect()
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
    let (id, name) = ("call-1-0".to_owned(), "clock".to_owned());
    let call = ToolCall { id, name, arguments: json!({ "in": "Zürich" }) };
    let usage = Usage { cached_tokens: 8, ..Usage::of_text(20, 15) };
    let end = ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage: Some(usage) };
    assert_eq!(events[events.len() - 2..], [ProviderEvent::ToolCall(call), end]);
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
    fn however_many_pieces_it_comes_in(lengths in prop::collection::vec(1usize..40, 1..100)) {
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
async fn the_service_is_asked_in_pieces_or_as_a_whole() {
    let http = MockHttp::new();
    let whole = json!({ "candidates": [{ "content": { "parts": [{ "text": "Hi" }] }, "finishReason": "STOP" }] });
    for answer in [EXCHANGE.to_owned(), whole.to_string()] {
        http.answer(MockResponse::new("application/json", [answer]));
    }
    check(&answer(&model(&http)).await.into_iter().map(Result::unwrap).collect::<Vec<_>>());
    let events = answer(&model(&http).whole()).await;
    assert_eq!(events[0], Ok(ProviderEvent::TextDelta("Hi".to_owned())));
    let [first, second] = &http.requests()[..] else { panic!("two requests") };
    assert_eq!(first.uri, "http://there/v1beta/models/m:streamGenerateContent?alt=sse");
    assert_eq!(second.uri, "http://there/v1beta/models/m:generateContent");
    assert_eq!(first.headers["x-goog-api-key"], "g-secret");
    let sent: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(sent["contents"][0]["role"], "user");
}

#[tokio::test]
async fn a_refusal_has_its_kind_and_its_advice() {
    let delay = json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31s" });
    let busy = json!({ "code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [delay] });
    let info =
        json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID" });
    let wrong = json!({ "code": 400, "message": "no key: g-secret", "status": "INVALID_ARGUMENT", "details": [info] });
    for (status, error, kind, told) in [
        (429, busy, ProviderErrorKind::RateLimited, "gemini:m has too many requests: slow down"),
        (
            400,
            wrong,
            ProviderErrorKind::Unauthorized,
            "gemini:m does not accept the key: no key: [secret]; check the key and its account",
        ),
    ] {
        // Without `alt=sse` a refusal is a list, too.
        for body in [json!({ "error": error }), json!([{ "error": error }])] {
            let http = MockHttp::new();
            let refusal = MockResponse::new("application/json", [body.to_string()]);
            http.answer(refusal.with_status(StatusCode::from_u16(status).unwrap()));
            let found = answer(&model(&http)).await.remove(0).unwrap_err();
            assert_eq!((found.kind, &*found.to_string()), (kind, told));
            let waits = matches!(found.advice, RetryAdvice::After(pause) if pause.as_secs() == 31);
            assert_eq!(waits, status == 429);
        }
    }
}
