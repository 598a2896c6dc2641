//! Results of tools must match a regular expression.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::made;
use crate::validators::params::read;
use crate::validators::pattern::regex;
use crate::validators::{Said, Validator, Violation};

/// So many results, of one tool or of all, must match a regular expression.
#[derive(Debug)]
pub(in crate::validators) struct ToolResultMatches {
    tool: Option<String>,
    pattern: Regex,
    occurrence: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tool_name")]
    tool: Option<String>,
    pattern: String,
    #[serde(default = "once")]
    occurrence: usize,
}

fn once() -> usize {
    1
}

impl ToolResultMatches {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { tool, pattern, occurrence } = read(params)?;
        if occurrence == 0 {
            return Err("`occurrence` must be at least 1".to_owned());
        }
        let pattern = regex(&pattern).map_err(|reason| format!("`pattern` {reason}"))?;
        Ok(Self { tool, pattern, occurrence })
    }
}

impl Validator for ToolResultMatches {
    fn kind(&self) -> &'static str {
        "tool_result_matches"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let times = made(said)
            .iter()
            .filter(|made| self.tool.as_deref().is_none_or(|tool| made.is_of(tool)))
            .filter(|made| self.pattern.is_match(made.content()))
            .count();
        if times >= self.occurrence {
            return Ok(());
        }
        let wanted = self.occurrence;
        Err(Violation::of_all(format!("{times} results match, where {wanted} must")))
    }
}
