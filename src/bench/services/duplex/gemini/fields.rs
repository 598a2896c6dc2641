//! Fields by either of their names: protocol buffers in JSON have two.

use std::time::Duration;

use serde_json::Value;

/// A field by its name in camel case, or that in snake case; null where there is none.
pub(super) fn get<'a>(object: &'a Value, name: &str) -> &'a Value {
    match object.get(name) {
        Some(value) => value,
        None => object.get(snake(name)).unwrap_or(&Value::Null),
    }
}

/// Whether it is there, even if it is empty.
pub(super) fn has(object: &Value, name: &str) -> bool {
    !get(object, name).is_null()
}

/// A number, which may be written as a text.
pub(super) fn number(object: &Value, name: &str) -> Option<u64> {
    let value = get(object, name);
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The first key that is none of these.
pub(super) fn unknown<'a>(object: &'a Value, known: &[&str]) -> Option<&'a str> {
    let keys = object.as_object()?.keys();
    let known =
        |key: &&String| known.iter().any(|name| *name == key.as_str() || snake(name) == **key);
    keys.map(|key| (key, known(&key))).find(|(_, known)| !known).map(|(key, _)| key.as_str())
}

/// A duration as protocol buffers write it.
pub(super) fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        ms => format!("{}.{ms:03}s", duration.as_secs()),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_has_two_names() {
        let both = json!({"clientContent": 1, "turn_complete": true, "prefix_padding_ms": "20"});
        assert_eq!(get(&both, "clientContent"), 1);
        assert_eq!(get(&both, "turnComplete"), true);
        assert_eq!(number(&both, "prefixPaddingMs"), Some(20));
        assert!(!has(&both, "setup"));
        assert_eq!(unknown(&both, &["clientContent", "turnComplete"]), Some("prefix_padding_ms"));
    }

    #[test]
    fn durations_are_in_seconds() {
        assert_eq!(seconds(Duration::from_millis(50_000)), "50s");
        assert_eq!(seconds(Duration::from_millis(1_500)), "1.500s");
    }
}
