//! Results of tools must have some phrases.

use serde::Deserialize;
use serde_json::Value;

use super::made;
use crate::validators::params::{read, texts};
use crate::validators::phrases::folded;
use crate::validators::{Said, Validator, Violation};

/// So many results, of one tool or of all, must have all of some phrases, in whatever case.
#[derive(Debug)]
pub(in crate::validators) struct ToolResultIncludes {
    tool: Option<String>,
    patterns: Vec<String>,
    occurrence: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tool_name")]
    tool: Option<String>,
    #[serde(deserialize_with = "texts")]
    patterns: Vec<String>,
    #[serde(default = "once")]
    occurrence: usize,
}

fn once() -> usize {
    1
}

impl ToolResultIncludes {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { tool, patterns, occurrence } = read(params)?;
        if occurrence == 0 {
            return Err("`occurrence` must be at least 1".to_owned());
        }
        let patterns = patterns.iter().map(|pattern| folded(pattern)).collect();
        Ok(Self { tool, patterns, occurrence })
    }
}

impl Validator for ToolResultIncludes {
    fn kind(&self) -> &'static str {
        "tool_result_includes"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let fits = |text: &str| {
            let text = folded(text);
            self.patterns.iter().all(|pattern| text.contains(pattern.as_str()))
        };
        let times = made(said)
            .iter()
            .filter(|made| self.tool.as_deref().is_none_or(|tool| made.is_of(tool)))
            .filter(|made| fits(made.content()))
            .count();
        if times >= self.occurrence {
            return Ok(());
        }
        let wanted = self.occurrence;
        Err(Violation::of_all(format!("{times} results say what {wanted} must")))
    }
}
