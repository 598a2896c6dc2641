//! One of some phrases must be there.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{read, texts};
use crate::validators::phrases::folded;
use crate::validators::{Said, Validator, Violation};

/// One of some phrases must be there, in whatever case.
#[derive(Debug)]
pub(in crate::validators) struct ContainsAny {
    patterns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(deserialize_with = "texts")]
    patterns: Vec<String>,
}

impl ContainsAny {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { patterns } = read(params)?;
        Ok(Self { patterns: patterns.iter().map(|pattern| folded(pattern)).collect() })
    }
}

impl Validator for ContainsAny {
    fn kind(&self) -> &'static str {
        "contains_any"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let text = folded(said.text);
        if self.patterns.iter().any(|pattern| text.contains(pattern.as_str())) {
            return Ok(());
        }
        Err(Violation::of_all(format!("it says none of `{}`", self.patterns.join("`, `"))))
    }
}
