use serde_json::{Value, json};

use super::super::codec::Codec;
use crate::providers::asides::Asides;
use crate::providers::draft::Codec as _;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, ToolCall, Usage};

fn read(asides: &Asides, events: &[Value]) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut codec = Codec::new("responses:m", 3, asides.clone());
    let mut all = Vec::new();
    for event in events {
        all.extend(codec.read(&event.to_string())?);
        if matches!(all.last(), Some(ProviderEvent::Finished { .. })) {
            return Ok(all);
        }
    }
    all.extend(codec.end()?);
    Ok(all)
}

fn text(delta: &str) -> Value {
    json!({ "type": "response.output_text.delta", "output_index": 0, "delta": delta })
}

fn over(kind: &str, response: &Value) -> Value {
    json!({ "type": format!("response.{kind}"), "response": response })
}

fn usage() -> Value {
    json!({ "input_tokens": 9, "input_tokens_details": { "cached_tokens": 4, "cache_write_tokens": 3 }, "output_tokens": 2 })
}

fn thought() -> Value {
    json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz" })
}

fn function(arguments: &str) -> Value {
    json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "clock",
        "arguments": arguments })
}

fn clock() -> ToolCall {
    let (id, name) = ("call_1".to_owned(), "clock".to_owned());
    ToolCall { id, name, arguments: json!({ "in": "Bern" }) }
}

fn finished(reason: FinishReason) -> ProviderEvent {
    let usage = Usage { cached_tokens: 4, cache_written_tokens: 3, ..Usage::of_text(9, 2) };
    ProviderEvent::Finished { reason, usage: Some(usage) }
}

#[test]
fn text_comes_in_pieces_and_the_cost_at_the_end() {
    let events = read(
        &Asides::default(),
        &[
            json!({ "type": "response.created", "response": {} }),
            text("Hel"),
            text("lo"),
            json!({ "type": "response.output_text.done", "text": "Hello" }),
            over(
                "completed",
                &json!({ "usage": usage(), "error": null, "incomplete_details": null }),
            ),
        ],
    );
    assert_eq!(
        events.unwrap(),
        [
            ProviderEvent::TextDelta("Hel".to_owned()),
            ProviderEvent::TextDelta("lo".to_owned()),
            finished(FinishReason::Stop),
        ]
    );
    let refused = json!({ "type": "response.refusal.delta", "delta": "No." });
    let events = read(&Asides::default(), &[refused]).unwrap();
    assert_eq!(events[0], ProviderEvent::TextDelta("No.".to_owned()));
}

#[test]
fn calls_are_put_together_and_what_was_thought_before_is_remembered() {
    let item = |kind: &str, index: u64, item: Value| json!({ "type": format!("response.output_item.{kind}"), "output_index": index, "item": item });
    let piece = |delta: &str| json!({ "type": "response.function_call_arguments.delta", "output_index": 1, "delta": delta });
    let end = over("completed", &json!({ "usage": usage() }));
    let whole = "{\"in\":\"Bern\"}";
    for events in [
        vec![
            item("added", 1, function("")),
            piece("{\"in\":"),
            piece("\"Bern\"}"),
            item("done", 1, function(whole)),
        ],
        // Without pieces, and without a beginning.
        vec![item("added", 1, function("")), item("done", 1, function(whole))],
        vec![item("done", 1, function(whole))],
    ] {
        let asides = Asides::default();
        let begun = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
        let first = vec![item("added", 0, begun), item("done", 0, thought())];
        let events = read(&asides, &[first, events, vec![end.clone()]].concat()).unwrap();
        assert_eq!(events, [ProviderEvent::ToolCall(clock()), finished(FinishReason::ToolCalls)]);
        assert_eq!(asides.get(&clock()), Some(json!([thought()])));
    }
}

#[test]
fn an_answer_that_comes_as_a_whole_is_the_same() {
    let message = json!({ "type": "message", "role": "assistant",
        "content": [{ "type": "output_text", "text": "Hello" }] });
    let body = json!({ "object": "response", "status": "completed", "usage": usage(),
        "output": [thought(), message, function("{\"in\":\"Bern\"}")] });
    let asides = Asides::default();
    let mut codec = Codec::new("responses:m", 3, asides.clone());
    assert_eq!(
        codec.whole(&body.to_string()).unwrap(),
        [
            ProviderEvent::TextDelta("Hello".to_owned()),
            ProviderEvent::ToolCall(clock()),
            finished(FinishReason::ToolCalls),
        ]
    );
    assert!(asides.get(&clock()).is_some());
    let error = json!({ "error": { "message": "no", "code": "rate_limit_exceeded" } });
    let error = Codec::new("responses:m", 3, Asides::default()).whole(&error.to_string());
    assert_eq!(error.unwrap_err().kind, ProviderErrorKind::RateLimited);
    assert!(Codec::new("responses:m", 3, Asides::default()).whole("<html>").is_err());
}

#[test]
fn an_answer_that_is_not_complete_says_why() {
    for (reason, meaning) in [
        ("max_output_tokens", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
    ] {
        let details = json!({ "incomplete_details": { "reason": reason }, "usage": usage() });
        let end = over("incomplete", &details);
        let events = read(&Asides::default(), &[text("Well"), end.clone()]).unwrap();
        assert_eq!(events[1], finished(meaning));
        let error = read(&Asides::default(), &[end]).unwrap_err();
        let withheld = meaning == FinishReason::ContentFilter;
        assert_eq!(error.kind == ProviderErrorKind::ContentPolicy, withheld, "{error:?}");
    }
    let end = over("incomplete", &json!({ "status": "incomplete", "usage": usage() }));
    let events = read(&Asides::default(), &[text("Well"), end]).unwrap();
    assert_eq!(events[1], finished(FinishReason::Length));
    let end = over("failed", &json!({ "status": "failed", "error": null }));
    let error = read(&Asides::default(), &[text("Well"), end]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Failed);
}

#[test]
fn errors_in_the_middle_have_their_kind() {
    let error = json!({ "code": "rate_limit_exceeded", "message": "slow down" });
    for event in [
        over("failed", &json!({ "status": "failed", "error": error })),
        json!({ "type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null }),
        json!({ "type": "error", "error": error }),
    ] {
        let error = read(&Asides::default(), &[text("Well"), event]).unwrap_err();
        assert_eq!((error.kind, &*error.reason), (ProviderErrorKind::RateLimited, "slow down"));
    }
}

#[test]
fn what_is_not_known_is_counted_and_passed_over() {
    let mut codec = Codec::new("responses:m", 3, Asides::default());
    for event in [
        json!({ "type": "response.from_the_future", "x": 1 }),
        json!({ "type": "response.web_search_call.searching" }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "web_search_call" } }),
        json!({ "type": "response.function_call_arguments.delta", "output_index": 7, "delta": "{" }),
        json!({ "no": "type" }),
        text("Well"),
    ] {
        codec.read(&event.to_string()).unwrap();
    }
    assert_eq!(codec.draft().skipped(), 3);
    assert!(matches!(codec.end().unwrap()[..], [ProviderEvent::Finished { .. }]));
    assert_eq!(read(&Asides::default(), &[]).unwrap_err().reason, "it said nothing");
}
