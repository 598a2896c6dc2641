//! Schemas of servers, as models take them.

use serde_json::{Map, Value, json};

/// The schema of a tool's arguments, repaired where models refuse it: it is an object's, and has
/// no alternatives at its top. `None` when it is too large.
pub(super) fn input(schema: &Map<String, Value>) -> Option<Value> {
    let mut schema = schema.clone();
    schema.insert("type".to_owned(), json!("object"));
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("properties".to_owned(), json!({}));
    }
    // The server checks these all the same.
    for alternatives in ["oneOf", "anyOf", "allOf", "not", "enum", "const"] {
        schema.remove(alternatives);
    }
    fitting(schema)
}

/// The schema of a tool's result; `None` when it is too large.
pub(super) fn output(schema: &Map<String, Value>) -> Option<Value> {
    fitting(schema.clone())
}

/// How many bytes it has when it is written.
pub(super) fn size(schema: &Value) -> usize {
    let mut counter = Counter(0);
    // A counter takes all, and a value can always be written.
    let _written = serde_json::to_writer(&mut counter, schema);
    counter.0
}

fn fitting(schema: Map<String, Value>) -> Option<Value> {
    let schema = Value::Object(schema);
    (size(&schema) <= MAX_SCHEMA).then_some(schema)
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const MAX_SCHEMA: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(schema: &Value) -> Option<Value> {
        input(schema.as_object().unwrap())
    }

    #[test]
    fn arguments_are_an_object() {
        let empty = json!({ "type": "object", "properties": {} });
        assert_eq!(repaired(&json!({})).unwrap(), empty);
        assert_eq!(repaired(&json!({ "type": ["object", "null"] })).unwrap(), empty);
        assert_eq!(repaired(&json!({ "properties": null, "anyOf": [{}, {}] })).unwrap(), empty);
        let good = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object", "properties": { "a": { "anyOf": [{ "type": "null" }] } },
            "required": ["a"], "additionalProperties": false,
        });
        assert_eq!(repaired(&good).unwrap(), good);
    }

    #[test]
    fn a_schema_has_an_end() {
        let of = |len: usize| json!({ "description": "x".repeat(len) });
        assert!(repaired(&of(60_000)).is_some());
        assert!(repaired(&of(MAX_SCHEMA)).is_none());
        assert!(output(of(MAX_SCHEMA).as_object().unwrap()).is_none());
        assert_eq!(size(&json!({ "a": [1, "é"] })), r#"{"a":[1,"é"]}"#.len());
    }
}
