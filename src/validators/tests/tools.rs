//! Each kind for calls of tools: what it lets pass and what not.

use serde_json::{Value, json};

use crate::types::{ToolCall, ToolResult};
use crate::validators::{Said, by_kind};

/// Whether an answer with these calls passes: each is a name, arguments, and a result, which
/// failed if it begins with `!`.
fn passes(kind: &str, params: &Value, calls: &[(&str, Value, &str)]) -> bool {
    let id = |number: usize| format!("call-{number}");
    let numbered = || calls.iter().enumerate();
    let tool_calls: Vec<_> = numbered()
        .map(|(number, (name, arguments, _))| ToolCall {
            id: id(number),
            name: (*name).to_owned(),
            arguments: arguments.clone(),
        })
        .collect();
    let tool_results: Vec<_> = numbered()
        .map(|(number, (name, _, content))| ToolResult {
            id: id(number),
            name: (*name).to_owned(),
            content: content.trim_start_matches('!').to_owned(),
            is_error: content.starts_with('!'),
        })
        .collect();
    let said = Said { text: "", tool_calls: &tool_calls, tool_results: &tool_results };
    by_kind(kind, params).unwrap().check(&said).is_ok()
}

/// Calls by their names alone.
fn named<'a>(names: &[&'a str]) -> Vec<(&'a str, Value, &'a str)> {
    names.iter().map(|name| (*name, json!({ "x": 1 }), "done")).collect()
}

#[test]
fn tools_must_be_called_so_often_and_succeed() {
    let once = json!({ "tool_names": ["find", "book"] });
    assert!(passes("tools_called", &once, &named(&["book", "find", "find"])));
    assert!(!passes("tools_called", &once, &named(&["book"])));
    assert!(!passes("tool_called", &json!({ "tools": ["a"] }), &[("a", json!({}), "!broken")]));
    let twice = json!({ "tool_names": ["a"], "min_calls": 2, "max_calls": 2 });
    for (calls, ok) in [(1, false), (2, true), (3, false)] {
        assert_eq!(passes("tools_called", &twice, &named(&vec!["a"; calls])), ok);
    }
    let with = json!({ "tool_names": ["a"], "require_args": true });
    assert!(!passes("tools_called", &with, &[("a", json!({}), "")]));
    assert!(passes("tools_called", &with, &named(&["a"])));
}

#[test]
fn tools_must_not_be_called() {
    let rule = json!({ "tool_names": ["delete"] });
    assert!(passes("tools_not_called", &rule, &named(&["find"])));
    assert!(!passes("tools_not_called", &rule, &named(&["find", "delete"])));
}

#[test]
fn a_call_must_have_arguments() {
    let rule = json!({ "tool_name": "book", "expected_args": { "seats": 4, "name": null } });
    let book = |arguments: Value| [("book", arguments, "")];
    assert!(passes("tool_args", &rule, &book(json!({ "seats": "4", "name": "Ann", "x": 1 }))));
    assert!(!passes("tool_args", &rule, &book(json!({ "seats": 4 }))));
    assert!(!passes("tool_args", &rule, &book(json!({ "seats": 5, "name": "Ann" }))));
    assert!(!passes("tool_args", &rule, &[]));
}

#[test]
fn all_calls_of_a_tool_must_be_as_they_should() {
    let rule = json!({
        "tool_name": "find",
        "args_match": { "day": "^[A-Z]" },
        "result_includes": ["free"],
        "result_matches": "[0-9]",
        "no_error": true,
    });
    let find = |day: &'static str, result: &'static str| ("find", json!({ "day": day }), result);
    assert!(passes("tool_calls_with_args", &rule, &[find("Friday", "Free at 7")]));
    for call in [
        find("friday", "free at 7"),
        find("Friday", "full at 7"),
        find("Friday", "free"),
        find("Friday", "!free at 7"),
    ] {
        let calls = [find("Friday", "free at 7"), call];
        assert!(!passes("tool_calls_with_args", &rule, &calls), "{:?}", calls[1]);
    }
    assert!(!passes("tool_calls_with_args", &rule, &[]));
    let any = json!({ "no_error": true });
    assert!(passes("tool_calls_with_args", &any, &[]));
    assert!(!passes("tool_calls_with_args", &any, &[("a", json!({}), "!")]));
}

#[test]
fn calls_are_counted() {
    let rule = json!({ "tool": "a", "min": 1, "max": 2 });
    for (calls, ok) in [(&[][..], false), (&["b"], false), (&["a", "b"], true), (&["a"; 3], false)]
    {
        assert_eq!(passes("tool_call_count", &rule, &named(calls)), ok, "{calls:?}");
    }
    assert!(!passes("tool_call_count", &json!({ "max": 1 }), &named(&["a", "b"])));
}

#[test]
fn calls_come_in_an_order() {
    let rule = json!({ "sequence": ["find", "book"] });
    assert!(passes("tool_call_sequence", &rule, &named(&["find", "look", "book"])));
    assert!(!passes("tool_call_sequence", &rule, &named(&["book", "find"])));
    let rule = json!({ "patterns": [{ "sequence": ["delete", "find"], "message": "too late" }] });
    assert!(passes("tool_anti_pattern", &rule, &named(&["find", "delete"])));
    assert!(!passes("tool_anti_pattern", &rule, &named(&["delete", "x", "find"])));
}

#[test]
fn each_step_of_a_chain_is_as_it_should_be() {
    let rule = json!({ "steps": [
        { "tool": "find", "result_includes": ["table"] },
        { "tool": "book", "args_match": { "seats": "^[1-8]$" }, "no_error": true },
    ] });
    let find = ("find", json!({}), "a table");
    let book = |seats: u8, result| ("book", json!({ "seats": seats }), result);
    assert!(passes("tool_call_chain", &rule, &[find.clone(), book(4, "ok")]));
    assert!(!passes("tool_call_chain", &rule, &[find.clone(), book(9, "ok")]));
    assert!(!passes("tool_call_chain", &rule, &[find.clone(), book(4, "!full")]));
    assert!(!passes("tool_call_chain", &rule, &[book(4, "ok"), find.clone()]));
    assert!(!passes("tool_call_chain", &rule, &[find]));
}

#[test]
fn calls_do_not_repeat() {
    let once = json!({});
    assert!(passes("tool_no_repeat", &once, &named(&["a", "b", "a"])));
    assert!(!passes("tool_no_repeat", &once, &named(&["b", "a", "a"])));
    let only_b = json!({ "tools": ["b"], "max_repeats": 2 });
    assert!(passes("tool_no_repeat", &only_b, &named(&["a", "a", "a", "b", "b"])));
    assert!(!passes("tool_no_repeat", &only_b, &named(&["b", "b", "b"])));
}

#[test]
fn failures_are_few() {
    let calls = [("a", json!({}), "ok"), ("b", json!({}), "!no"), ("a", json!({}), "ok")];
    for (rule, ok) in [
        (json!({ "max_calls": 3 }), true),
        (json!({ "max_calls": 2 }), false),
        (json!({ "max_errors": 1 }), true),
        (json!({ "max_errors": 0 }), false),
        (json!({ "max_error_rate": 0.34 }), true),
        (json!({ "max_error_rate": 0.3 }), false),
    ] {
        assert_eq!(passes("tool_efficiency", &rule, &calls), ok, "{rule}");
    }
    assert!(!passes("no_tool_errors", &json!({}), &calls));
    assert!(passes("no_tool_errors", &json!({ "tools": ["a"] }), &calls));
}

#[test]
fn results_must_have_what_they_should() {
    let calls =
        [("a", json!({}), "Rain, 7 degrees"), ("b", json!({}), "sun"), ("a", json!({}), "rain")];
    for (kind, rule, ok) in [
        (
            "tool_result_includes",
            json!({ "tool": "a", "patterns": ["rain"], "occurrence": 2 }),
            true,
        ),
        ("tool_result_includes", json!({ "tool": "a", "patterns": ["rain", "7"] }), true),
        ("tool_result_includes", json!({ "tool": "b", "patterns": ["rain"] }), false),
        ("tool_result_matches", json!({ "pattern": "[0-9]" }), true),
        ("tool_result_matches", json!({ "pattern": "[0-9]", "occurrence": 2 }), false),
    ] {
        assert_eq!(passes(kind, &rule, &calls), ok, "{rule}");
    }
}
