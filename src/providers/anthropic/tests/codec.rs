use serde_json::{Value, json};

use super::super::codec::Codec;
use super::super::thoughts::{Before, Thoughts};
use crate::providers::draft::Codec as _;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, ToolCall, Usage};

fn read(thoughts: &Thoughts, events: &[Value]) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut codec = Codec::new("anthropic:m", 3, thoughts.clone(), Before::default());
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

fn start() -> Value {
    json!({ "type": "message_start", "message": { "id": "msg_1", "role": "assistant", "content": [],
        "usage": { "input_tokens": 5, "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 100, "output_tokens": 1 } } })
}

fn text(text: &str) -> Value {
    json!({ "type": "content_block_delta", "index": 0,
        "delta": { "type": "text_delta", "text": text } })
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn stop(reason: &str) -> Value {
    json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
        "usage": { "output_tokens": 7 } })
}

fn over() -> Value {
    json!({ "type": "message_stop" })
}

#[test]
fn text_comes_in_pieces_and_the_cost_at_both_ends() {
    let begin = json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "text", "text": "" } });
    let events = read(
        &Thoughts::default(),
        &[
            start(),
            begin,
            json!({ "type": "ping" }),
            text("Hel"),
            text("lo"),
            json!({ "type": "content_block_stop", "index": 0 }),
            stop("end_turn"),
            over(),
        ],
    );
    let usage = Usage { cached_tokens: 100, cache_written_tokens: 20, ..Usage::of_text(125, 7) };
    assert_eq!(
        events.unwrap(),
        [
            ProviderEvent::TextDelta("Hel".to_owned()),
            ProviderEvent::TextDelta("lo".to_owned()),
            ProviderEvent::Finished { reason: FinishReason::Stop, usage: Some(usage) },
        ]
    );
}

#[test]
fn calls_are_put_together_and_what_was_thought_before_is_remembered() {
    let begin = |index: u64, block: Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
    let call = |id: &str| json!({ "type": "tool_use", "id": id, "name": "weather", "input": {} });
    let piece = |index, text: &str| {
        delta(index, &json!({ "type": "input_json_delta", "partial_json": text }))
    };
    let thoughts = Thoughts::default();
    let events = read(
        &thoughts,
        &[
            start(),
            begin(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
            delta(0, &json!({ "type": "thinking_delta", "thinking": "Two " })),
            delta(0, &json!({ "type": "thinking_delta", "thinking": "cities." })),
            delta(0, &json!({ "type": "signature_delta", "signature": "c2ln" })),
            begin(1, json!({ "type": "redacted_thinking", "data": "xyz" })),
            begin(2, call("toolu_1")),
            piece(2, ""),
            piece(2, "{\"city\":"),
            begin(3, call("toolu_2")),
            piece(3, "{}"),
            piece(2, "\"Bern\"}"),
            stop("tool_use"),
            over(),
        ],
    )
    .unwrap();
    let called = |id: &str, arguments: Value| {
        let (id, name) = (id.to_owned(), "weather".to_owned());
        ToolCall { id, name, arguments }
    };
    let first = called("toolu_1", json!({ "city": "Bern" }));
    assert_eq!(
        events[..2],
        [
            ProviderEvent::ToolCall(first.clone()),
            ProviderEvent::ToolCall(called("toolu_2", json!({}))),
        ]
    );
    assert!(matches!(events[2], ProviderEvent::Finished { reason: FinishReason::ToolCalls, .. }));
    assert_eq!(
        thoughts.get(Before::default(), &first),
        Some(vec![
            json!({ "type": "thinking", "thinking": "Two cities.", "signature": "c2ln" }),
            json!({ "type": "redacted_thinking", "data": "xyz" }),
        ])
    );
}

#[test]
fn an_answer_that_comes_as_a_whole_is_the_same() {
    let whole = json!({ "type": "message", "id": "msg_1", "role": "assistant",
        "content": [
            { "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
            { "type": "text", "text": "Let me see." },
            { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Bern" } },
        ],
        "stop_reason": "tool_use", "usage": { "input_tokens": 9, "output_tokens": 4 } });
    let thoughts = Thoughts::default();
    let mut codec = Codec::new("anthropic:m", 3, thoughts.clone(), Before::default());
    let events = codec.whole(&whole.to_string()).unwrap();
    let (id, name) = ("toolu_1".to_owned(), "weather".to_owned());
    let call = ToolCall { id, name, arguments: json!({ "city": "Bern" }) };
    let usage = Some(Usage::of_text(9, 4));
    assert_eq!(
        events,
        [
            ProviderEvent::TextDelta("Let me see.".to_owned()),
            ProviderEvent::ToolCall(call.clone()),
            ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage },
        ]
    );
    assert!(thoughts.get(Before::default(), &call).is_some());
}

#[test]
fn every_reason_to_stop_has_a_meaning() {
    for (reason, meaning) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("pause_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("refusal", FinishReason::ContentFilter),
    ] {
        let events = read(&Thoughts::default(), &[start(), text("Well"), stop(reason), over()]);
        let events = events.unwrap();
        let Some(ProviderEvent::Finished { reason: found, .. }) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(*found, meaning, "{reason}");
    }
    let error = read(&Thoughts::default(), &[start(), stop("refusal"), over()]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::ContentPolicy);
}

#[test]
fn what_is_not_known_is_counted_and_passed_over() {
    let mut codec = Codec::new("anthropic:m", 3, Thoughts::default(), Before::default());
    for event in [
        json!({ "type": "message_start", "message": { "usage": null } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "fallacy" } }),
        delta(0, &json!({ "type": "citations_delta", "citation": {} })),
        json!({ "type": "from_the_future", "x": 1 }),
        json!({ "no": "type" }),
        text("Well"),
    ] {
        codec.read(&event.to_string()).unwrap();
    }
    assert!(codec.read("{").unwrap().is_empty());
    assert_eq!(codec.draft().skipped(), 3, "the unknown event, the one without a type, the brace");
    assert!(matches!(codec.end().unwrap()[..], [ProviderEvent::Finished { .. }]));
}

#[test]
fn errors_in_the_middle_have_their_kind() {
    for (kind, expected) in [
        ("overloaded_error", ProviderErrorKind::Overloaded),
        ("rate_limit_error", ProviderErrorKind::RateLimited),
        ("invalid_request_error", ProviderErrorKind::InvalidRequest),
        ("api_error", ProviderErrorKind::Failed),
    ] {
        let error = json!({ "type": "error", "error": { "type": kind, "message": "so it is" } });
        let error = read(&Thoughts::default(), &[start(), error]).unwrap_err();
        assert_eq!((error.kind, &*error.reason), (expected, "so it is"));
    }
}

#[test]
fn an_answer_without_an_end_is_cut() {
    let piece = text(&"é".repeat(999));
    let events = read(&Thoughts::default(), &vec![piece; 1_000]).unwrap();
    let end = ProviderEvent::Finished { reason: FinishReason::Length, usage: None };
    assert_eq!(events.last(), Some(&end));
    let call = json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "tool_use", "id": "a", "name": "a", "input": {} } });
    assert!(read(&Thoughts::default(), &vec![call.clone(); 99]).is_err());
    let more = delta(0, &json!({ "type": "input_json_delta", "partial_json": "x".repeat(99_999) }));
    let endless = [vec![call], vec![more; 5]].concat();
    assert!(read(&Thoughts::default(), &endless).is_err());
    // Thoughts that have no end are not remembered, and lose nothing else.
    let think = json!({ "type": "content_block_start", "index": 1,
        "content_block": { "type": "thinking", "thinking": "" } });
    let more = delta(1, &json!({ "type": "thinking_delta", "thinking": "x".repeat(99_999) }));
    let events =
        [vec![think], vec![more; 99], vec![text("Well"), stop("end_turn"), over()]].concat();
    assert_eq!(read(&Thoughts::default(), &events).unwrap().len(), 2);
}
