//! Some tools must be called.

use serde::Deserialize;
use serde_json::Value;

use super::{Made, made};
use crate::validators::params::{read, texts};
use crate::validators::{Said, Validator, Violation};

/// Each of some tools must be called, without failing, so often.
#[derive(Debug)]
pub(in crate::validators) struct ToolsCalled(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tools", alias = "tool_name", deserialize_with = "texts")]
    tool_names: Vec<String>,
    #[serde(default = "once")]
    min_calls: usize,
    max_calls: Option<usize>,
    /// Only calls with arguments count.
    #[serde(default)]
    require_args: bool,
}

fn once() -> usize {
    1
}

impl ToolsCalled {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        read(params).map(Self)
    }

    fn counts(&self, made: &Made<'_>) -> bool {
        let arguments = made.call.arguments.as_object();
        let has_arguments = arguments.is_some_and(|arguments| !arguments.is_empty());
        !made.is_error() && (has_arguments || !self.0.require_args)
    }
}

impl Validator for ToolsCalled {
    fn kind(&self) -> &'static str {
        "tools_called"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let calls = made(said);
        for tool in &self.0.tool_names {
            let times = calls.iter().filter(|made| made.is_of(tool) && self.counts(made)).count();
            let (least, most) = (self.0.min_calls, self.0.max_calls.unwrap_or(usize::MAX));
            if times < least || times > most {
                let reason = format!("`{tool}` was called {times} times: too few or too many");
                return Err(Violation::of_all(reason));
            }
        }
        Ok(())
    }
}
