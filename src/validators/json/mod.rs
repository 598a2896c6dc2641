//! Rules for answers in JSON.

mod json_path;
mod json_schema;
mod json_valid;

pub(super) use json_path::JsonPath;
pub(super) use json_schema::JsonSchema;
pub(super) use json_valid::JsonValid;

use serde::Deserialize;
use serde_json::Value;

use crate::validators::Violation;

/// Where in an answer its JSON may be.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Place {
    /// Within a block of code as well.
    #[serde(default)]
    allow_wrapped: bool,
    /// Anywhere.
    #[serde(default)]
    extract_json: bool,
}

impl Place {
    /// The JSON of an answer: all of it, unless more is allowed.
    fn read(self, text: &str) -> Result<Value, Violation> {
        let whole = serde_json::from_str(text.trim());
        let found = match &whole {
            Ok(_) => None,
            Err(_) => self.within(text),
        };
        // What is wrong is told by its place: the library quotes nothing of the text.
        found.map_or(whole, Ok).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Violation::of_all(format!("it is no JSON, from line {line}, column {column} on"))
        })
    }

    fn within(self, text: &str) -> Option<Value> {
        let wrapped = || {
            let (_, block) = text.split_once("```")?;
            let (_language, body) = block.split_once('\n')?;
            serde_json::from_str(body.split("```").next()?.trim()).ok()
        };
        let anywhere = || {
            let begins = text.match_indices(['{', '[']).map(|(at, _)| at).take(MOST_TRIED);
            begins.into_iter().find_map(|at| {
                serde_json::Deserializer::from_str(&text[at..]).into_iter().next()?.ok()
            })
        };
        let in_block = if self.allow_wrapped { wrapped() } else { None };
        in_block.or_else(|| if self.extract_json { anywhere() } else { None })
    }
}

/// Brackets at which JSON may begin: a text full of them takes no more time.
const MOST_TRIED: usize = 16;
