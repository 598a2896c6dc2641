//! All calls of a tool must be as they should.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::conditions::{Conditions, Written};
use super::made;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// A tool must be called, and each of its calls must have the arguments and results that are
/// expected; without a tool's name, all calls that there are.
#[derive(Debug)]
pub(in crate::validators) struct ToolCallsWithArgs {
    tool: Option<String>,
    conditions: Conditions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tool")]
    tool_name: Option<String>,
    #[serde(default)]
    expected_args: Map<String, Value>,
    #[serde(default)]
    args_match: BTreeMap<String, String>,
    #[serde(default)]
    result_includes: Vec<String>,
    result_matches: Option<String>,
    #[serde(default)]
    no_error: bool,
}

impl ToolCallsWithArgs {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params {
            tool_name: tool,
            expected_args,
            args_match,
            result_includes,
            result_matches,
            no_error,
        } = read(params)?;
        let written =
            Written { expected_args, args_match, result_includes, result_matches, no_error };
        Ok(Self { tool, conditions: Conditions::new(written)? })
    }
}

impl Validator for ToolCallsWithArgs {
    fn kind(&self) -> &'static str {
        "tool_calls_with_args"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let calls = made(said);
        let mut calls = calls
            .iter()
            .filter(|made| self.tool.as_deref().is_none_or(|tool| made.is_of(tool)))
            .peekable();
        if let (Some(tool), None) = (&self.tool, calls.peek()) {
            return Err(Violation::of_all(format!("`{tool}` was not called")));
        }
        calls.try_for_each(|made| self.conditions.check(made)).map_err(Violation::of_all)
    }
}
