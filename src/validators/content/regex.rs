//! A regular expression must match.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::read;
use crate::validators::pattern::regex;
use crate::validators::{Said, Validator, Violation};

/// A regular expression must match, anywhere unless it says where. Capitals count unless it
/// begins with `(?i)`.
#[derive(Debug)]
pub(in crate::validators) struct Matches {
    pattern: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    pattern: String,
}

impl Matches {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { pattern } = read(params)?;
        let pattern = regex(&pattern).map_err(|reason| format!("`pattern` {reason}"))?;
        Ok(Self { pattern })
    }
}

impl Validator for Matches {
    fn kind(&self) -> &'static str {
        "regex"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        if self.pattern.is_match(said.text) {
            return Ok(());
        }
        Err(Violation::of_all(format!("it does not match `{}`", self.pattern)))
    }
}
