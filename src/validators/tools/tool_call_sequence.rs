//! Tools must be called in an order.

use serde::Deserialize;
use serde_json::Value;

use super::steps_taken;
use crate::validators::params::{read, texts};
use crate::validators::{Said, Validator, Violation};

/// Tools must be called in this order; others may be called in between.
#[derive(Debug)]
pub(in crate::validators) struct ToolCallSequence(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(deserialize_with = "texts")]
    sequence: Vec<String>,
}

impl ToolCallSequence {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        read(params).map(Self)
    }
}

impl Validator for ToolCallSequence {
    fn kind(&self) -> &'static str {
        "tool_call_sequence"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        match self.0.sequence.get(steps_taken(said, &self.0.sequence)) {
            Some(missing) => {
                let reason = format!("`{missing}` was not called in the order that is expected");
                Err(Violation::of_all(reason))
            }
            None => Ok(()),
        }
    }
}
