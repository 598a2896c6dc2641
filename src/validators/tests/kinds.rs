//! Each kind for words: what it lets pass and what not.

use serde_json::{Value, json};

use crate::validators::{Said, ValidatorError, Violation, by_kind, names};

/// Where the kind finds something wrong with the text, if it does.
fn wrong(kind: &str, params: &Value, text: &str) -> Option<Violation> {
    by_kind(kind, params).unwrap().check(&Said::text(text)).err()
}

fn passes(kind: &str, params: &Value, text: &str) -> bool {
    wrong(kind, params, text).is_none()
}

fn at(kind: &str, params: &Value, text: &str) -> Option<usize> {
    wrong(kind, params, text).map(|violation| violation.at)
}

fn refused(kind: &str, params: &Value) -> String {
    by_kind(kind, params).unwrap_err().to_string()
}

#[test]
fn contains_wants_all_of_its_phrases() {
    let rule = json!({ "patterns": ["thank you", "Ann"] });
    assert!(passes("contains", &rule, "THANK\n  YOU, Ann."));
    assert!(!passes("contains", &rule, "Thank you, Bob."));
    assert!(passes("content_includes", &json!({ "patterns": "yes" }), "Yes!"));
}

#[test]
fn contains_any_wants_one_of_them() {
    let rule = json!({ "patterns": ["yes", "no"] });
    assert!(passes("contains_any", &rule, "No."));
    assert!(!passes("contains_any", &rule, "Maybe."));
    assert!(passes("content_includes_any", &rule, "yesterday"));
}

#[test]
fn banned_words_are_found_anywhere_or_as_words() {
    let anywhere = json!({ "words": ["ass", "credit card"] });
    let words = json!({ "patterns": ["ass", "credit card", "c++", "don't"], "match_mode": "word" });
    for (text, as_part, as_word) in [
        ("All is well.", None, None),
        ("a class", Some(4), None),
        ("an ass", Some(3), Some(3)),
        ("Ass!", Some(0), Some(0)),
        ("a_ass", Some(2), None),
        ("my Credit\n CARD", Some(3), Some(3)),
        ("credit cards", Some(0), None),
        ("a cre\u{ad}dit\u{200b} card", Some(2), Some(2)),
        ("creditcard", None, None),
        ("c++11", None, Some(0)),
        ("please don’t", None, Some(7)),
        ("as a glass: ass", Some(7), Some(12)),
    ] {
        assert_eq!(at("content_excludes", &anywhere, text), as_part, "{text}");
        assert_eq!(at("banned_words", &words, text), as_word, "{text}");
    }
    let rule = json!({ "banned_words": ["straße", "ÉTÉ", "ΣΟΦΟΣ"] });
    assert_eq!(at("content_not_includes", &rule, "die STRAßE"), Some(4));
    assert_eq!(at("content_not_includes", &rule, "un été"), Some(3));
    assert_eq!(at("content_not_includes", &rule, "σοφος"), Some(0));
    assert_eq!(at("content_not_includes", &rule, "un ete"), None);
}

#[test]
fn what_is_banned_is_not_repeated_by_the_reason() {
    let rule = json!({ "words": ["fine", "secret"] });
    let violation = wrong("banned_words", &rule, "a secret").unwrap();
    assert_eq!(violation.reason, "it says phrase 2 of those that are banned");
}

#[test]
fn the_phrase_that_ends_first_is_found_where_it_begins() {
    let rule = json!({ "words": ["abcd", "bc"] });
    assert_eq!(at("banned_words", &rule, "xabcd"), Some(2));
    assert_eq!(at("banned_words", &json!({ "words": ["aab"] }), "aaaab"), Some(2));
    assert_eq!(at("banned_words", &json!({ "words": ["abab", "aba"] }), "abab"), Some(0));
}

#[test]
fn max_length_counts_characters_and_tokens() {
    for name in ["max", "max_characters", "max_chars"] {
        let rule = json!({ name: 4 });
        assert_eq!(at("max_length", &rule, "four"), None);
        assert_eq!(at("length", &rule, "größer"), Some("größ".len()));
    }
    let tokens = json!({ "max_tokens": 2 });
    assert_eq!(at("max_length", &tokens, "yes yes"), None);
    assert_eq!(at("max_length", &tokens, "yes yes yes"), Some(8));
    assert_eq!(at("max_length", &json!({ "max": 100, "max_tokens": 1 }), "yes yes"), Some(4));
}

#[test]
fn min_length_counts_characters() {
    assert!(passes("min_length", &json!({ "min": 4 }), "größ"));
    assert!(!passes("min_length", &json!({ "min_chars": 5 }), "größ"));
}

#[test]
fn sentences_are_counted_as_they_are_spoken() {
    let two = json!({ "max": 2 });
    for (text, from) in [
        ("One. Two.", None),
        ("One. Two. ", None),
        ("Dr. Ann is here. It is 3.14.", None),
        ("One. Two. Three.", Some(10)),
        ("One! Two?\nThree", Some(10)),
        ("\"One.\" Two! Three.", Some(12)),
        ("", None),
    ] {
        assert_eq!(at("sentence_count", &two, text), from, "{text}");
    }
    assert_eq!(at("max_sentences", &json!({ "max_sentences": 1 }), "你好。我很好。"), Some(9));
}

#[test]
fn a_regular_expression_must_match() {
    assert!(passes("regex", &json!({ "pattern": "^[A-Z]" }), "Yes."));
    assert!(!passes("content_matches", &json!({ "pattern": "^[A-Z]" }), "yes."));
    assert!(passes("regex", &json!({ "pattern": "(?i)YES" }), "Oh yes"));
}

#[test]
fn fields_must_be_there() {
    let rule = json!({ "fields": ["name", "age"] });
    assert!(passes("field_presence", &rule, r#"{"Name": "Ann", "age": 40}"#));
    let violation = wrong("required_fields", &rule, r#"{"name": "Ann"}"#).unwrap();
    assert_eq!(violation.reason, "it lacks `age`");
}

#[test]
fn json_must_be_json() {
    let plain = json!({});
    assert!(passes("json_valid", &plain, " {\"a\": [1]}\n"));
    assert!(!passes("is_valid_json", &plain, "{a: 1}"));
    let wrapped = "Here you are:\n```json\n{\"a\": 1}\n```";
    assert!(!passes("valid_json", &plain, wrapped));
    assert!(passes("json_valid", &json!({ "allow_wrapped": true }), wrapped));
    let mixed = "[Sure] It is {\"a\": 1}, I think.";
    assert!(!passes("json_valid", &json!({ "allow_wrapped": true }), mixed));
    assert!(passes("json_valid", &json!({ "extract_json": true }), mixed));
    let many = "[".repeat(50_000);
    assert!(!passes("json_valid", &json!({ "extract_json": true }), &many));
}

#[test]
fn json_must_fit_its_schema() {
    let rule = json!({ "schema": {
        "type": "object",
        "properties": { "age": { "type": "integer" } },
        "required": ["age"],
        "additionalProperties": false,
    } });
    assert!(passes("json_schema", &rule, r#"{"age": 40}"#));
    for text in [r#"{"age": "hush"}"#, r#"{"age": 1, "hush": 2}"#, "{}", "hush"] {
        let violation = wrong("json_schema", &rule, text).unwrap();
        assert!(!violation.reason.contains("hush"), "{}", violation.reason);
    }
}

#[test]
fn a_path_must_find_what_is_expected() {
    let order =
        r#"{"id": 7, "items": [{"name": "hat", "price": 12.5}, {"name": "coat", "price": 80}]}"#;
    for (rule, ok) in [
        (json!({ "expression": "$.id" }), true),
        (json!({ "expression": "$.name" }), false),
        (json!({ "expression": "$.id", "expected": 7.0 }), true),
        (json!({ "expression": "$.id", "expected": "7" }), false),
        (json!({ "expression": "$.items[*].name", "expected": ["hat", "coat"] }), true),
        (json!({ "expression": "$.items[*].name", "contains": ["coat"] }), true),
        (json!({ "expression": "$.items[*].name", "contains": ["shoe"] }), false),
        (json!({ "path": "$.items", "min_results": 2, "max_results": 2 }), true),
        (json!({ "path": "$.items[*]", "max_results": 1 }), false),
        (json!({ "path": "$.nothing", "max_results": 0 }), true),
        (json!({ "path": "$.items[*].price", "min": 10, "max": 80 }), true),
        (json!({ "path": "$.items[*].price", "min": 13 }), false),
        (json!({ "path": "$.items[?@.price > 50].name", "expected": "coat" }), true),
    ] {
        assert_eq!(passes("json_path", &rule, order), ok, "{rule}");
    }
    assert!(!passes("json_path", &json!({ "path": "$.id" }), "no JSON"));
}

#[test]
fn wrong_parameters_are_named() {
    for (kind, params, told) in [
        ("contains", json!({}), "missing field `patterns`"),
        ("contains", json!({ "patterns": [] }), "at least one"),
        ("contains", json!({ "patterns": 7 }), "`patterns`: expected a text, or a list"),
        ("content_excludes", json!({ "patterns": ["a"], "mode": 1 }), "unknown field `mode`"),
        ("content_excludes", json!({ "patterns": ["a"], "match_mode": "x" }), "`match_mode`"),
        ("content_excludes", json!({ "patterns": ["a".repeat(201)] }), "phrase 1"),
        ("max_length", json!({}), "`max` or `max_tokens`"),
        ("max_length", json!({ "max": 0 }), "`max`: must be at least 1"),
        ("max_length", json!({ "max": "x" }), "`max`: invalid type"),
        ("sentence_count", json!({}), "`max` must be given"),
        ("min_length", json!({ "min": -1 }), "`min`: invalid value"),
        ("regex", json!({ "pattern": "(" }), "`pattern` is no regular expression: unclosed group"),
        ("regex", json!({ "pattern": "a{1000}{1000}" }), "too large"),
        ("json_schema", json!({ "schema": { "type": 7 } }), "`schema` is no JSON Schema"),
        ("json_path", json!({ "expression": "items[0]" }), "begins with `$`"),
        ("json_path", json!({ "expression": "$".repeat(501) }), "longer than 500"),
        ("tool_call_count", json!({ "min": 2, "max": 1 }), "`min` is more than `max`"),
        ("tool_efficiency", json!({}), "`max_calls`"),
        (
            "tool_call_chain",
            json!({ "steps": [{ "tool": "a", "result_matches": "(" }] }),
            "`steps[0]`: `result_matches` is no regular",
        ),
    ] {
        let error = refused(kind, &params);
        assert!(error.contains(told) && error.contains(kind), "{error}");
    }
}

#[test]
fn an_unknown_kind_is_told_what_there_is() {
    let error = refused("baned_words", &json!({}));
    assert!(error.contains("is `banned_words` meant?"), "{error}");
    assert!(error.contains("tools_not_called"), "{error}");
    let error = by_kind("llm_judge", &json!({})).unwrap_err();
    assert!(matches!(error, ValidatorError::Unknown { near: None, .. }), "{error}");
}

#[test]
fn all_kinds_are_listed_in_order_under_names_of_their_own() {
    let all: Vec<_> = names().flat_map(|(name, others)| [&[name], others].concat()).collect();
    let firsts: Vec<_> = names().map(|(name, _)| name).collect();
    assert!(firsts.is_sorted(), "{firsts:?}");
    let unique: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!((unique.len(), firsts.len()), (all.len(), 24));
}

#[test]
fn all_kinds_are_in_the_guide() {
    let guide = include_str!("../../../docs/guardrails.md").split("## Kinds").last().unwrap();
    for (name, others) in names() {
        let row = guide.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        assert!(others.iter().all(|other| row.contains(&format!("`{other}`"))), "{row}");
    }
}
