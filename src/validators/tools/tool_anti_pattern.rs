//! Tools must not be called in some orders.

use serde::Deserialize;
use serde_json::Value;

use super::steps_taken;
use crate::validators::params::{read, texts};
use crate::validators::{Said, Validator, Violation};

/// Tools must not be called in any of these orders, whatever is called in between.
#[derive(Debug)]
pub(in crate::validators) struct ToolAntiPattern(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    patterns: Vec<Order>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(deserialize_with = "texts")]
    sequence: Vec<String>,
    message: Option<String>,
}

impl ToolAntiPattern {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let params: Params = read(params)?;
        if params.patterns.is_empty() {
            return Err("`patterns` must have at least one".to_owned());
        }
        Ok(Self(params))
    }
}

impl Validator for ToolAntiPattern {
    fn kind(&self) -> &'static str {
        "tool_anti_pattern"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let made = |order: &&Order| steps_taken(said, &order.sequence) == order.sequence.len();
        let Some(order) = self.0.patterns.iter().find(made) else { return Ok(()) };
        let names = order.sequence.join("`, `");
        let why = order.message.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        Err(Violation::of_all(format!("`{names}` were called one after the other{why}")))
    }
}
