//! So many calls of tools.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// So many calls, of one tool or of all.
#[derive(Debug)]
pub(in crate::validators) struct ToolCallCount {
    tool: Option<String>,
    min: usize,
    max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tool_name")]
    tool: Option<String>,
    min: Option<usize>,
    max: Option<usize>,
}

impl ToolCallCount {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { tool, min, max } = read(params)?;
        if min.is_none() && max.is_none() {
            return Err("`min` or `max` must be given".to_owned());
        }
        let (min, max) = (min.unwrap_or(0), max.unwrap_or(usize::MAX));
        if min > max {
            return Err("`min` is more than `max`".to_owned());
        }
        Ok(Self { tool, min, max })
    }
}

impl Validator for ToolCallCount {
    fn kind(&self) -> &'static str {
        "tool_call_count"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let counts = |name: &str| self.tool.as_deref().is_none_or(|tool| tool == name);
        let times = said.tool_calls.iter().filter(|call| counts(&call.name)).count();
        if (self.min..=self.max).contains(&times) {
            return Ok(());
        }
        let what = self.tool.as_deref().unwrap_or("tools");
        Err(Violation::of_all(format!("{times} calls of {what}: too few or too many")))
    }
}
