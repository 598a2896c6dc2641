//! Tools must be called in an order, each as it should.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::conditions::{Conditions, Written};
use super::made;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// Tools must be called in this order, and each of these calls must be as its step says; others
/// may be called in between.
#[derive(Debug)]
pub(in crate::validators) struct ToolCallChain {
    steps: Vec<(String, Conditions)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(alias = "tool_name")]
    tool: String,
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

impl ToolCallChain {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let params: Params = read(params)?;
        if params.steps.is_empty() {
            return Err("`steps` must have at least one step".to_owned());
        }
        let steps =
            params.steps.into_iter().enumerate().map(|(number, step)| {
                let Step {
                    tool,
                    expected_args,
                    args_match,
                    result_includes,
                    result_matches,
                    no_error,
                } = step;
                let written = Written {
                    expected_args,
                    args_match,
                    result_includes,
                    result_matches,
                    no_error,
                };
                let conditions = Conditions::new(written);
                Ok((tool, conditions.map_err(|reason| format!("`steps[{number}]`: {reason}"))?))
            });
        Ok(Self { steps: steps.collect::<Result<_, String>>()? })
    }
}

impl Validator for ToolCallChain {
    fn kind(&self) -> &'static str {
        "tool_call_chain"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let mut steps = self.steps.iter().peekable();
        for made in made(said) {
            if let Some((_, conditions)) = steps.next_if(|(tool, _)| made.is_of(tool)) {
                conditions.check(&made).map_err(Violation::of_all)?;
            }
        }
        match steps.next() {
            Some((tool, _)) => {
                let reason = format!("`{tool}` was not called in the order that is expected");
                Err(Violation::of_all(reason))
            }
            None => Ok(()),
        }
    }
}
