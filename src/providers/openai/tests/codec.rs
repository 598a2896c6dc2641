use serde_json::json;

use super::super::codec::Codec;
use crate::providers::draft::Codec as _;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, ToolCall, Usage};

fn read<'a>(data: impl IntoIterator<Item = &'a str>) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut codec = Codec::new("openai:m", 3);
    let mut all = Vec::new();
    for data in data {
        all.extend(codec.read(data)?);
        if matches!(all.last(), Some(ProviderEvent::Finished { .. })) {
            return Ok(all);
        }
    }
    all.extend(codec.end()?);
    Ok(all)
}

fn delta(delta: &serde_json::Value) -> String {
    json!({ "choices": [{ "index": 0, "delta": delta }] }).to_string()
}

fn text(events: &[ProviderEvent]) -> String {
    let text = |event: &ProviderEvent| match event {
        ProviderEvent::TextDelta(text) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

fn finished(reason: FinishReason) -> ProviderEvent {
    ProviderEvent::Finished { reason, usage: None }
}

fn call(id: &str, name: &str, arguments: serde_json::Value) -> ProviderEvent {
    ProviderEvent::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments })
}

#[test]
fn the_cost_comes_after_the_end() {
    let events = read([
        r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"delta":{"content":"Hello"}}],"unknown":{"a":1}}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3}}}"#,
        "[DONE]",
    ]);
    let usage = Usage { cached_tokens: 4, cache_written_tokens: 3, ..Usage::of_text(9, 2) };
    let end = ProviderEvent::Finished { reason: FinishReason::Length, usage: Some(usage) };
    assert_eq!(events.unwrap(), [ProviderEvent::TextDelta("Hello".to_owned()), end]);
}

#[test]
fn what_was_at_hand_and_what_is_sound_is_counted_apart() {
    let events = read([
        r#"{"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":20,
            "prompt_tokens_details":{"cached_tokens":40,"audio_tokens":30},
            "completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":10}}}"#,
    ]);
    let usage = Usage {
        cached_tokens: 40,
        audio_input_tokens: 30,
        audio_output_tokens: 10,
        ..Usage::of_text(90, 20)
    };
    let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage: Some(usage) };
    assert_eq!(events.unwrap()[1], end);
}

#[test]
fn what_is_withheld_is_an_error_unless_some_of_it_was_said() {
    let withheld = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    let error = read([withheld]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::ContentPolicy, "{error:?}");
    let said = delta(&json!({ "content": "Well" }));
    assert_eq!(read([&*said, withheld]).unwrap()[1], finished(FinishReason::ContentFilter));
    // What it says in place of an answer is said.
    let refusal = delta(&json!({ "content": null, "refusal": "I cannot do that." }));
    assert_eq!(text(&read([&*refusal]).unwrap()), "I cannot do that.");
}

#[test]
fn an_empty_reason_to_finish_is_none() {
    let mut codec = Codec::new("openai:m", 3);
    let piece = r#"{"choices":[{"delta":{"content":"Hel"},"finish_reason":""}]}"#;
    codec.read(piece).unwrap();
    assert!(!codec.draft().is_complete());
    codec.read(r#"{"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}"#).unwrap();
    assert!(codec.draft().is_complete());
}

#[test]
fn a_server_that_closes_without_a_word_has_ended() {
    let data = [
        r#"{"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":null}}]}"#,
        r#"{"choices":[{"delta":{"content":"Hi."}}]}"#,
    ];
    assert_eq!(read(data).unwrap()[1], finished(FinishReason::Stop));
}

#[test]
fn tool_calls_are_put_together_however_they_come() {
    let weather = || call("a", "weather", json!({ "city": "Bern" }));
    let clock = || call("b", "clock", json!({}));
    for deltas in [
        vec![
            json!([{ "index": 0, "id": "a", "function": { "name": "weather", "arguments": "" } }]),
            json!([{ "index": 0, "function": { "arguments": "{\"city\":" } }]),
            json!([{ "index": 1, "id": "b", "function": { "name": "clock", "arguments": "{" } }]),
            json!([{ "index": 0, "function": { "arguments": "\"Bern\"}" } }]),
            json!([{ "index": 1, "function": { "arguments": "}" } }]),
        ],
        // No index, and the object itself.
        vec![
            json!([{ "id": "a", "function": { "name": "weather", "arguments": { "city": "Bern" } } }]),
            json!([{ "id": "b", "function": { "name": "clock", "arguments": null } }]),
        ],
        // The same index for all.
        vec![json!([
            { "index": 0, "id": "a", "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } },
            { "index": 0, "id": "b", "function": { "name": "clock", "arguments": "{}" } },
        ])],
    ] {
        let data: Vec<_> =
            deltas.iter().map(|calls| delta(&json!({ "tool_calls": calls }))).collect();
        let events = read(data.iter().map(String::as_str)).unwrap();
        assert_eq!(events, [weather(), clock(), finished(FinishReason::ToolCalls)], "{deltas:?}");
    }
}

#[test]
fn calls_without_an_id_get_one_each() {
    let calls = json!({ "tool_calls": [
        { "index": 0, "function": { "name": "clock", "arguments": "{}" } },
        { "index": 0, "function": { "name": "clock", "arguments": "{\"a\":1}" } },
    ] });
    let events = read([delta(&calls).as_str()]).unwrap();
    assert_eq!(events[0], call("call-3-0", "clock", json!({})));
    assert_eq!(events[1], call("call-3-1", "clock", json!({ "a": 1 })));
}

#[test]
fn arguments_that_are_no_object_are_passed_on_as_their_text() {
    for text in ["{\"a\":", "[1]", "oops"] {
        let function = json!({ "name": "clock", "arguments": text });
        let calls = json!({ "tool_calls": [{ "index": 0, "id": "a", "function": function }] });
        let events = read([delta(&calls).as_str()]).unwrap();
        assert_eq!(events[0], call("a", "clock", json!(text)));
    }
}

#[test]
fn what_cannot_be_read_is_skipped_unless_it_is_all() {
    let events = read(["{", r#"{"choices":[{"delta":{"content":"Hi"}}]}"#, "[1]"]).unwrap();
    assert_eq!(text(&events), "Hi");
    for (data, why) in [
        (vec!["<html>", "oops"], "nothing in its answer could be read"),
        (vec![], "it said nothing"),
        (vec!["[DONE]"], "it said nothing"),
        (vec![r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#], "its limit of tokens"),
        (vec![r#"{"error":{"message":"out of memory","code":500}}"#], "failed: out of memory"),
        (vec![r#"{"error":"no such thing"}"#], "failed: no such thing"),
        (vec![r#"{"error":{"message":"slow down","code":429}}"#], "too many requests"),
    ] {
        let error = read(data.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{data:?}: {error}");
    }
}

#[test]
fn an_endless_answer_is_cut() {
    let piece = delta(&json!({ "content": "é".repeat(999) }));
    let events = read(std::iter::repeat_n(piece.as_str(), 10_000)).unwrap();
    assert_eq!(text(&events).len(), 64 << 10);
    assert_eq!(events.last(), Some(&finished(FinishReason::Length)));

    let call =
        json!({ "tool_calls": [{ "index": 0, "function": { "arguments": "x".repeat(9_000) } }] });
    let piece = delta(&call);
    let error = read(std::iter::repeat_n(piece.as_str(), 10_000)).unwrap_err();
    assert!(error.to_string().contains("no end"), "{error}");
}
