//! At least so many characters.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{positive, read};
use crate::validators::{Said, Validator, Violation};

/// At least so many characters.
#[derive(Debug)]
pub(in crate::validators) struct MinLength {
    min: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default, alias = "min_characters", alias = "min_chars", deserialize_with = "positive")]
    min: Option<usize>,
}

impl MinLength {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { min } = read(params)?;
        Ok(Self { min: min.ok_or("`min` must be given")? })
    }
}

impl Validator for MinLength {
    fn kind(&self) -> &'static str {
        "min_length"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        if said.text.chars().count() >= self.min {
            return Ok(());
        }
        Err(Violation::of_all(format!("it is shorter than {} characters", self.min)))
    }
}
