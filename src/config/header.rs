//! Headers of requests, as a settings file has them.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::types::Secret;

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a text, { env = \"NAME\", prefix = \"Bearer \" } or { secret = \"…\" }"
)]
pub(super) enum HeaderEntry {
    /// As it stands there; where a request has variables, with those in it.
    Template(String),
    Variable {
        env: String,
        #[serde(default)]
        prefix: String,
    },
    Secret {
        #[serde(deserialize_with = "secret")]
        secret: Secret,
    },
}

impl HeaderEntry {
    /// The variable of the environment that it names.
    pub(super) fn variable(&self) -> Option<&str> {
        match self {
            Self::Variable { env, .. } => Some(env),
            Self::Template(_) | Self::Secret { .. } => None,
        }
    }
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
