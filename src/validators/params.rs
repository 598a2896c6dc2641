//! Reads what a rule needs to know.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::Value;

/// The parameters of a kind.
///
/// # Errors
///
/// What is wrong, with the parameter's name.
pub(super) fn read<P: DeserializeOwned>(params: &Value) -> Result<P, String> {
    let params = if params.is_null() { &Value::Object(serde_json::Map::new()) } else { params };
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner();
        if path == "." { reason.to_string() } else { format!("`{path}`: {reason}") }
    })
}

/// One text or several; none is an error.
pub(super) fn texts<'de, D: Deserializer<'de>>(params: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text, or a list of texts")]
    enum Texts {
        One(String),
        Some(Vec<String>),
    }
    let texts = match Texts::deserialize(params)? {
        Texts::One(text) => vec![text],
        Texts::Some(texts) => texts,
    };
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        return Err(D::Error::custom("expected at least one text, and none that is empty"));
    }
    Ok(texts)
}

/// At least 1.
pub(super) fn positive<'de, D: Deserializer<'de>>(params: D) -> Result<Option<usize>, D::Error> {
    match usize::deserialize(params)? {
        0 => Err(D::Error::custom("must be at least 1")),
        number => Ok(Some(number)),
    }
}
