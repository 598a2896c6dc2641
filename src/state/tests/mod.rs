mod by_name;
pub(super) mod contract;
mod fold;
mod keeper;
mod listing;
mod memory;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::context::Summary;
use crate::types::{Message, ToolCall, ToolResult, Usage};

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

fn at(seconds: i64) -> UtcTime {
    UtcTime::from_millis(1_795_257_000_000 + seconds * 1_000)
}

fn opened() -> Entry {
    let metadata = BTreeMap::from([("room".to_owned(), "kitchen".to_owned())]);
    let (pack, prompt) = (Some("house.json".to_owned()), Some("guide".to_owned()));
    Entry::Opened(Opened { pack, prompt, metadata, ..Opened::new(at(0)) })
}

/// The turn in which the user said `words`.
fn record(words: &str) -> TurnRecord {
    let messages = vec![Message::user(words), Message::assistant(format!("You said: {words}"))];
    TurnRecord::new(at(1), Mode::Text, messages)
}

fn turn(words: &str) -> Entry {
    Entry::Turn(record(words))
}

/// A turn with all that one can have.
fn full_turn() -> Entry {
    let call =
        ToolCall { id: "c1".into(), name: "clock".into(), arguments: json!({ "zone": "é" }) };
    let result = ToolResult {
        id: "c1".into(),
        name: "clock".into(),
        content: "ten\nfifty".into(),
        is_error: false,
    };
    let messages = vec![
        Message::user("What time is it?"),
        Message { tool_calls: vec![call], ..Message::assistant("") },
        Message::tool(result),
        Message { interrupted: true, ..Message::assistant("It is ten \u{1f55a}") },
    ];
    Entry::Turn(TurnRecord {
        usage: Some(Usage::of_text(12, 7)),
        model: Some("scripted".into()),
        latency: Some(TurnLatency {
            first_text_ms: Some(120.5),
            voice_to_voice_ms: Some(931.0),
            whole_ms: None,
        }),
        error: Some("the voice failed".into()),
        ..TurnRecord::new(at(2), Mode::Voice, messages)
    })
}

fn variables(values: serde_json::Value) -> Entry {
    let serde_json::Value::Object(values) = values else { panic!("not an object: {values}") };
    Entry::Variables { at: at(3), values: values.into_iter().collect() }
}

/// One of each kind.
fn all_kinds() -> Vec<Entry> {
    vec![
        opened(),
        turn("before"),
        Entry::Summarised {
            at: at(4),
            summary: Summary { messages: 2, text: "They greeted.".into() },
        },
        Entry::Cleared { at: at(5) },
        turn("good morning"),
        full_turn(),
        Entry::Amended { turn: 0, record: record("good") },
        variables(json!({ "user": "Ann", "age": 7, "list": [1, null, { "a": "b" }] })),
    ]
}
