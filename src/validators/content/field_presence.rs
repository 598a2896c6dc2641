//! Some fields must be there.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{read, texts};
use crate::validators::phrases::folded;
use crate::validators::{Said, Validator, Violation};

/// The names of some fields must be there, in whatever case.
#[derive(Debug)]
pub(in crate::validators) struct FieldPresence {
    fields: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "required_fields", deserialize_with = "texts")]
    fields: Vec<String>,
}

impl FieldPresence {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { fields } = read(params)?;
        Ok(Self { fields })
    }
}

impl Validator for FieldPresence {
    fn kind(&self) -> &'static str {
        "field_presence"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let text = folded(said.text);
        let missing: Vec<_> =
            self.fields.iter().filter(|field| !text.contains(&folded(field))).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Violation::of_all(format!("it lacks `{}`", missing.join("`, `"))))
    }
}
