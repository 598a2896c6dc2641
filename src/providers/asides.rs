//! What a model wants to be told again beside a call of its own: what it thought before, signed.
//! Nobody else can read it, so it is no part of the conversation; its client remembers it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::types::ToolCall;

/// The last 256 asides of a client's models, of at most 256 KiB each. A clone has the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Asides(Arc<Mutex<VecDeque<(ToolCall, Value)>>>);

impl Asides {
    /// Remembers what was said beside this call.
    pub(super) fn put(&self, call: &ToolCall, aside: Value) {
        if length(&aside) > LONGEST {
            return;
        }
        let mut asides = self.lock();
        if asides.len() == MOST {
            asides.pop_front();
        }
        asides.push_back((call.clone(), aside));
    }

    /// What was said beside this call, if that is still known. Ids alone may come twice.
    pub(super) fn get(&self, call: &ToolCall) -> Option<Value> {
        let asides = self.lock();
        let found = asides.iter().rev().find(|(known, _)| known == call);
        found.map(|(_, aside)| aside.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(ToolCall, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About so many bytes.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(length).sum(),
        Value::Object(fields) => fields.values().map(length).sum(),
        _ => 8,
    }
}

const MOST: usize = 256;
const LONGEST: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, city: &str) -> ToolCall {
        let (id, name) = (id.to_owned(), "weather".to_owned());
        ToolCall { id, name, arguments: json!({ "city": city }) }
    }

    #[test]
    fn an_aside_is_known_by_the_whole_call_until_there_are_too_many() {
        let asides = Asides::default();
        asides.put(&call("a", "Bern"), json!("hm"));
        assert_eq!(asides.clone().get(&call("a", "Bern")), Some(json!("hm")));
        assert_eq!(asides.get(&call("a", "Rome")), None, "the same id in another conversation");
        asides.put(&call("b", "Bern"), json!(["x".repeat(LONGEST + 1)]));
        assert_eq!(asides.get(&call("b", "Bern")), None);
        for n in 0..MOST {
            asides.put(&call(&n.to_string(), "Bern"), json!(n));
        }
        assert_eq!(asides.get(&call("a", "Bern")), None);
        assert_eq!(asides.get(&call("0", "Bern")), Some(json!(0)));
    }
}
