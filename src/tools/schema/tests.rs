//! What is a schema, what fits it, and how what does not is told.

use serde_json::{Value, json};

use super::*;

fn problem(schema: &Value, value: &Value) -> String {
    Schema::compile(schema).unwrap().check(schema, value).unwrap_err()
}

fn settled(schema: &Value, value: &Value) -> Result<Value, String> {
    Schema::compile(schema).unwrap().settle(schema, value).map(Cow::into_owned)
}

fn weather() -> Value {
    json!({
        "type": "object",
        "properties": {
            "city": { "type": "string", "minLength": 2 },
            "days": { "type": "integer", "minimum": 1, "maximum": 14 },
            "units": { "type": "string", "enum": ["metric", "imperial"] },
            "exact": { "type": "boolean" },
            "at": { "type": "array", "items": { "$ref": "#/$defs/hour" } },
        },
        "required": ["city"],
        "additionalProperties": false,
        "$defs": { "hour": { "type": ["number", "null"] } },
    })
}

#[test]
fn what_does_not_fit_is_told_by_its_place_and_what_is_expected() {
    for (value, expected) in [
        (json!({}), "`/city` is missing"),
        (json!({ "city": 5 }), "`/city`: expected string, found 5"),
        (json!({ "city": "x" }), "`/city`: expected at least 2 characters, found \"x\""),
        (json!({ "city": "Ulm", "days": 15 }), "`/days`: expected at most 14, found 15"),
        (
            json!({ "city": "Ulm", "units": "us" }),
            "`/units`: expected one of \"metric\", \"imperial\", found \"us\"",
        ),
        (
            json!({ "city": "Ulm", "at": [1, "noon"] }),
            "`/at/1`: expected null or number, found \"noon\"",
        ),
        (
            json!({ "city": "Ulm", "day/s": 1 }),
            "`/day~1s` is not known; there may be at, city, days, exact, units",
        ),
        (json!([]), "the whole: expected object, found an array"),
    ] {
        assert_eq!(problem(&weather(), &value), expected);
    }
}

#[test]
fn several_forms_are_told_in_one_line() {
    let schema = json!({ "properties": { "when": { "anyOf": [
        { "type": "integer" },
        { "type": "object", "required": ["day"] },
    ] } } });
    let expected = "`/when`: expected integer, found \"soon\", or object, found \"soon\"";
    assert_eq!(problem(&schema, &json!({ "when": "soon" })), expected);
    let expected = "`/when`: expected integer, found an object, or `/when/day`";
    assert_eq!(problem(&schema, &json!({ "when": {} })), expected);
}

#[test]
fn at_most_five_places_are_told_and_long_values_are_cut() {
    let schema = json!({ "items": { "type": "integer" } });
    let told = problem(&schema, &json!(["a", "b", "c", "d", "e", "f", "g"]));
    assert!(told.contains("`/4`") && !told.contains("`/5`") && told.ends_with("; and more"));
    let told = problem(&schema, &json!(["x".repeat(100_000)]));
    assert!(told.len() < 300, "{}", told.len());
}

#[test]
fn what_models_mistake_is_put_right() {
    for (given, meant) in [
        (json!({ "city": "Ulm", "days": "3" }), json!({ "city": "Ulm", "days": 3 })),
        (json!({ "city": "Ulm", "days": " 3.0 " }), json!({ "city": "Ulm", "days": 3.0 })),
        (json!({ "city": "Ulm", "exact": "true" }), json!({ "city": "Ulm", "exact": true })),
        (json!({ "city": "Ulm", "at": ["6.5"] }), json!({ "city": "Ulm", "at": [6.5] })),
        (json!({ "city": "Ulm", "days": null, "units": null }), json!({ "city": "Ulm" })),
        (json!({ "city": "Ulm", "at": [null] }), json!({ "city": "Ulm", "at": [null] })),
        (json!({ "city": "5" }), json!({ "city": "5" })).clone(),
    ] {
        let expected = if given["city"] == "5" { Err(()) } else { Ok(meant) };
        assert_eq!(settled(&weather(), &given).map_err(drop), expected, "{given}");
    }
}

#[test]
fn what_is_in_doubt_is_not_put_right() {
    for (given, expected) in [
        (json!({ "city": null }), "`/city` is missing"),
        (json!({ "city": "Ulm", "days": "three" }), "`/days`: expected integer, found \"three\""),
        (json!({ "city": "Ulm", "days": "1.5" }), "`/days`: expected integer, found 1.5"),
        (json!({ "city": "Ulm", "days": "NaN" }), "`/days`: expected integer, found \"NaN\""),
        (json!({ "city": "Ulm", "exact": "yes" }), "`/exact`: expected boolean, found \"yes\""),
        (json!({ "city": 5 }), "`/city`: expected string, found 5"),
    ] {
        assert_eq!(settled(&weather(), &given).unwrap_err(), expected, "{given}");
    }
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    for (schema, expected) in [
        (json!("object"), "expected an object, found \"object\""),
        (json!({ "type": "text" }), "`/type`: "),
        (json!({ "properties": { "a": { "minimum": "1" } } }), "`/properties/a/minimum`: "),
        (json!({ "properties": { "a": { "pattern": "(" } } }), "`/properties/a/pattern`: "),
        (json!({ "$ref": "#/$defs/none" }), "`#/$defs/none` is nowhere in it"),
    ] {
        let told = Schema::compile(&schema).unwrap_err();
        assert!(told.starts_with(expected), "{schema}: {told}");
    }
}

#[test]
fn a_schema_reaches_neither_network_nor_files() {
    for address in
        ["https://example.com/x.json", "file:///etc/passwd", "other.json", "http://127.0.0.1:1/"]
    {
        for schema in [
            json!({ "properties": { "a": { "$ref": address } } }),
            json!({ "$defs": { "a": { "$id": address } }, "$ref": "#/$defs/a" }),
            json!({ "$schema": address }),
        ] {
            assert!(Schema::compile(&schema).is_err(), "{schema}");
        }
    }
}

/// Each part twice the one before.
fn doubling(wrap: impl Fn(Value) -> Value) -> Value {
    let part = |of: usize| json!({ "$ref": format!("#/$defs/p{of}") });
    let parts = (0..60)
        .map(|of| (format!("p{of}"), json!({ "allOf": [wrap(part(of + 1)), wrap(part(of + 1))] })));
    let mut parts: serde_json::Map<_, _> = parts.collect();
    parts.insert("p60".to_owned(), json!({}));
    json!({ "$defs": parts, "$ref": "#/$defs/p0" })
}

#[test]
fn a_hostile_schema_is_refused() {
    let deep = (0..500).fold(json!({}), |inner, _| json!({ "not": inner }));
    let chain: serde_json::Map<_, _> = (0..5_000)
        .map(|of| (format!("p{of}"), json!({ "$ref": format!("#/$defs/p{}", of + 1) })))
        .chain([("p5000".to_owned(), json!({}))])
        .collect();
    let patterns: Vec<_> = (0..200).map(|of| json!({ "pattern": format!("a{{{of}}}") })).collect();
    for (schema, expected) in [
        (doubling(|part| part), "refer to each other too often"),
        (deep, "nested more than 64 levels deep"),
        (json!({ "$defs": chain, "$ref": "#/$defs/p0" }), "without end"),
        (json!({ "$ref": "#" }), "without end"),
        (json!({ "anyOf": [{ "$ref": "#" }] }), "without end"),
        (json!({ "anyOf": patterns }), "more than 100 patterns"),
        (json!({ "enum": [], "anyOf": vec![json!({}); 30_000] }), "more than 20000 parts"),
        (json!({ "pattern": "(((\\w{1000}){1000}){1000})" }), "`/pattern`"),
    ] {
        let told = Schema::compile(&schema).unwrap_err();
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn a_schema_that_is_slow_for_deep_values_lets_them_pass() {
    let schema = doubling(|part| json!({ "properties": { "a": part } }));
    let compiled = Schema::compile(&schema).unwrap();
    let deep = (0..60).fold(json!(1), |inner, _| json!({ "a": inner }));
    assert_eq!(compiled.check(&schema, &deep), Ok(()));
    let fork = json!({ "properties": { "x": { "$ref": "#" } } });
    let schema = json!({ "allOf": [fork, fork], "type": "object" });
    let compiled = Schema::compile(&schema).unwrap();
    let deep = (0..60).fold(json!(1), |inner, _| json!({ "x": inner }));
    assert_eq!(compiled.check(&schema, &deep), Ok(()));
    let told = compiled.check(&schema, &json!({ "x": { "x": 1 } })).unwrap_err();
    assert!(told.starts_with("`/x/x`: expected object"), "{told}");
}

#[test]
fn a_tree_of_any_depth_is_checked() {
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "children": { "items": { "$ref": "#" } } },
        "required": ["name"],
    });
    let leaf = json!({ "name": 1 });
    let tree = (0..14).fold(leaf, |of, _| json!({ "name": "node", "children": [of] }));
    assert!(problem(&schema, &tree).ends_with("/name`: expected string, found 1"));
    let deeper = (0..40).fold(tree, |of, _| json!({ "name": "node", "children": [of] }));
    assert!(problem(&schema, &deeper).ends_with(": expected string, found 1"));
}

#[test]
fn a_pattern_that_tries_for_ever_ends() {
    let schema = json!({ "pattern": "^(?=(a+)+$)(a|aa)+\\1b$" });
    let told = problem(&schema, &json!("a".repeat(5_000)));
    assert!(told.contains("match"), "{told}");
}
