//! Whole exchanges, over a network that is none.

use std::sync::Arc;

use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::json;

use crate::net::Endpoint;
use crate::net::mock::{MockHttp, MockResponse};
use crate::providers::{OpenAiResponses, Provider, ProviderError, ProviderEvent, ProviderRequest};
use crate::types::{FinishReason, Message, Secret, ToolCall, Usage};

/// What the service sends.
const EXCHANGE: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n\
    event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[]}}\n\n\
    event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Grüezi\"}\n\n\
    event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" da. 🎉\"}\n\n\
    event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"clock\",\"arguments\":\"\"}}\n\n\
    event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"fc_1\",\"output_index\":1,\"delta\":\"{\\\"in\\\":\\\"Zürich\\\"}\"}\n\n\
    event: response.function_call_arguments.done\ndata: {\"type\":\"response.function_call_arguments.done\",\"item_id\":\"fc_1\",\"output_index\":1,\"arguments\":\"{\\\"in\\\":\\\"Zürich\\\"}\"}\n\n\
    event: response.new_thing\ndata: {\"type\":\"response.new_thing\"}\n\n\
    event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"usage\":{\"input_tokens\":20,\"input_tokens_details\":{\"cached_tokens\":8},\"output_tokens\":15,\"total_tokens\":35}}}\n\n";

async fn answers(pieces: Vec<Vec<u8>>) -> Vec<ProviderEvent> {
    let http = MockHttp::new();
    http.answer(MockResponse::new("text/event-stream", pieces));
    let endpoint = Endpoint::new("http://there/v1", Some(Secret::new("sk"))).unwrap();
    let model = OpenAiResponses::new(Arc::new(http.clone()), endpoint, "m");
    let messages = vec![Message::user("hello")];
    let request = ProviderRequest { messages, ..ProviderRequest::default() };
    let events: Vec<Result<_, ProviderError>> = model.stream(request).collect().await;
    assert_eq!(http.requests()[0].uri, "http://there/v1/responses");
    assert_eq!(http.requests()[0].headers["authorization"], "Bearer sk");
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
    let (id, name) = ("call_1".to_owned(), "clock".to_owned());
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
    fn however_many_pieces_it_comes_in(lengths in prop::collection::vec(1usize..40, 1..150)) {
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
