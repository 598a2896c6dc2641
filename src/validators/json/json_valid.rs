//! It must be JSON.

use serde_json::Value;

use super::Place;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// It must be JSON.
#[derive(Debug)]
pub(in crate::validators) struct JsonValid {
    place: Place,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    allow_wrapped: bool,
    #[serde(default)]
    extract_json: bool,
}

impl JsonValid {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { allow_wrapped, extract_json } = read(params)?;
        Ok(Self { place: Place { allow_wrapped, extract_json } })
    }
}

impl Validator for JsonValid {
    fn kind(&self) -> &'static str {
        "json_valid"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        self.place.read(said.text).map(drop)
    }
}
