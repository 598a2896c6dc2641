//! A tool must be called with some arguments.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::has_arguments;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// One call of a tool at least must have these arguments.
#[derive(Debug)]
pub(in crate::validators) struct ToolArgs(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tool")]
    tool_name: String,
    #[serde(alias = "args")]
    expected_args: Map<String, Value>,
}

impl ToolArgs {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        read(params).map(Self)
    }
}

impl Validator for ToolArgs {
    fn kind(&self) -> &'static str {
        "tool_args"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let Params { tool_name, expected_args } = &self.0;
        let mut calls = said.tool_calls.iter().filter(|call| call.name == *tool_name);
        if calls.any(|call| has_arguments(call, expected_args)) {
            return Ok(());
        }
        let reason = format!("`{tool_name}` was not called with the arguments that are expected");
        Err(Violation::of_all(reason))
    }
}
