//! Notices a model that goes round in circles.

use std::collections::HashMap;

use crate::types::ToolCall;

/// The calls of an answer, and how often each was made.
#[derive(Debug, Default)]
pub(super) struct Repeats(HashMap<(String, String), u32>);

impl Repeats {
    /// Counts a call. Says how often it was made too often: with the same arguments as before, so
    /// that it would give what it gave.
    pub(super) fn too_often(&mut self, call: &ToolCall) -> Option<u32> {
        let made = self.0.entry((call.name.clone(), call.arguments.to_string())).or_default();
        *made += 1;
        (*made >= TOO_OFTEN).then_some(*made)
    }
}

/// Twice may be a retry.
const TOO_OFTEN: u32 = 3;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_third_time_is_too_often_whatever_its_id() {
        let mut repeats = Repeats::default();
        let mut call = |id: &str, on: bool| {
            let arguments = json!({ "on": on });
            let (id, name) = (id.to_owned(), "light".to_owned());
            repeats.too_often(&ToolCall { id, name, arguments })
        };
        assert_eq!([call("a", true), call("b", false), call("c", true)], [None; 3]);
        assert_eq!([call("d", true), call("e", false), call("f", true)], [Some(3), None, Some(4)]);
    }
}
