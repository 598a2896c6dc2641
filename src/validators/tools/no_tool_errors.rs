//! No tool may fail.

use serde::Deserialize;
use serde_json::Value;

use super::made;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// No call may fail, of some tools or of all.
#[derive(Debug)]
pub(in crate::validators) struct NoToolErrors(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// All tools if it is empty.
    #[serde(default, alias = "tool_names")]
    tools: Vec<String>,
}

impl NoToolErrors {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        read(params).map(Self)
    }
}

impl Validator for NoToolErrors {
    fn kind(&self) -> &'static str {
        "no_tool_errors"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let tools = &self.0.tools;
        let counts = |name: &String| tools.is_empty() || tools.contains(name);
        let calls = made(said);
        match calls.iter().find(|made| made.is_error() && counts(&made.call.name)) {
            Some(made) => Err(Violation::of_all(format!("`{}` failed", made.call.name))),
            None => Ok(()),
        }
    }
}
