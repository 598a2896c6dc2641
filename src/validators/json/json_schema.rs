//! It must be JSON of a schema.

use jsonschema::PatternOptions;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Place;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// It must be JSON of a schema. Nothing that the schema refers to is fetched.
#[derive(Debug)]
pub(in crate::validators) struct JsonSchema {
    schema: jsonschema::Validator,
    place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    schema: Map<String, Value>,
    #[serde(default)]
    allow_wrapped: bool,
    #[serde(default)]
    extract_json: bool,
}

impl JsonSchema {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { schema, allow_wrapped, extract_json } = read(params)?;
        // An engine that takes time by the length of the answer, whatever the pattern.
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let schema = options
            .build(&Value::Object(schema))
            .map_err(|error| format!("`schema` is no JSON Schema: {error}"))?;
        Ok(Self { schema, place: Place { allow_wrapped, extract_json } })
    }
}

impl Validator for JsonSchema {
    fn kind(&self) -> &'static str {
        "json_schema"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let value = self.place.read(said.text)?;
        self.schema.validate(&value).map_err(|error| {
            // The rule that was broken, not what broke it: that is not to be said.
            let rule = error.schema_path().to_string();
            Violation::of_all(format!("it does not fit the schema, by its rule {rule}"))
        })
    }
}
