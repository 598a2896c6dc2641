//! A tool must not be called again and again.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// A tool must not be called more than so often in a row.
#[derive(Debug)]
pub(in crate::validators) struct ToolNoRepeat(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// All tools if it is empty.
    #[serde(default, alias = "tool_names")]
    tools: Vec<String>,
    #[serde(default = "once")]
    max_repeats: usize,
}

fn once() -> usize {
    1
}

impl ToolNoRepeat {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let params: Params = read(params)?;
        if params.max_repeats == 0 {
            return Err("`max_repeats` must be at least 1: a first call repeats nothing".to_owned());
        }
        Ok(Self(params))
    }
}

impl Validator for ToolNoRepeat {
    fn kind(&self) -> &'static str {
        "tool_no_repeat"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let Params { tools, max_repeats } = &self.0;
        let mut rows = said.tool_calls.chunk_by(|one, next| one.name == next.name);
        let counts = |name: &String| tools.is_empty() || tools.contains(name);
        match rows.find(|row| row.len() > *max_repeats && counts(&row[0].name)) {
            Some(row) => {
                let reason = format!("`{}` was called {} times in a row", row[0].name, row.len());
                Err(Violation::of_all(reason))
            }
            None => Ok(()),
        }
    }
}
