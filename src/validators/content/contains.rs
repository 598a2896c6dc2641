//! All of some phrases must be there.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{read, texts};
use crate::validators::phrases::folded;
use crate::validators::{Said, Validator, Violation};

/// All of some phrases must be there, in whatever case.
#[derive(Debug)]
pub(in crate::validators) struct Contains {
    patterns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(deserialize_with = "texts")]
    patterns: Vec<String>,
}

impl Contains {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { patterns } = read(params)?;
        Ok(Self { patterns: patterns.iter().map(|pattern| folded(pattern)).collect() })
    }
}

impl Validator for Contains {
    fn kind(&self) -> &'static str {
        "contains"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let text = folded(said.text);
        match self.patterns.iter().find(|pattern| !text.contains(pattern.as_str())) {
            Some(missing) => Err(Violation::of_all(format!("it does not say `{missing}`"))),
            None => Ok(()),
        }
    }
}
