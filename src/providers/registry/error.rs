//! Why a provider cannot be had.

use crate::error::Recovery;
use crate::net::{EndpointError, NetError};
use crate::providers::scripted::ScriptError;
use crate::text::nearest;

/// Why a provider cannot be had from a registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is none of that name.
    #[error("no provider is named `{id}`{}; there are: {}", meant(id, known), listed(known))]
    Unknown {
        /// The name that was given.
        id: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is no such type.
    #[error(
        "the provider `{id}` is of no type `{kind}`{}; there are: {}",
        meant(kind, known),
        listed(known)
    )]
    UnknownType {
        /// The provider.
        id: String,
        /// The type that was given.
        kind: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The name of a provider can be none.
    #[error("`{0}` is no name of a provider: use letters, digits, `-`, `_` and `.`")]
    Id(String),
    /// There is one of that name.
    #[error("there is a provider `{0}` already: give this one another name")]
    Taken(String),
    /// There is a type of that name.
    #[error("there is a type `{0}` already: give this one another name")]
    TypeTaken(String),
    /// Nobody has said which model.
    #[error("the provider `{id}` needs the name of a model: give `model`, or ask for `{id}:MODEL`")]
    NoModel {
        /// The provider.
        id: String,
    },
    /// A service that nobody may use without a key.
    #[error("{host} asks for a key: set {variable}, or give the provider `{id}` a key")]
    NoKey {
        /// The provider.
        id: String,
        /// The service.
        host: String,
        /// The variable that would give it one.
        variable: &'static str,
    },
    /// What its spec says is wrong or missing.
    #[error("the provider `{id}`: {problem}")]
    Spec {
        /// The provider.
        id: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The address or key of a service cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// There is no way to any service.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Its rules are wrong.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The registry was closed.
    #[error("the registry of providers was closed: ask before that")]
    Closed,
}

impl RegistryError {
    /// What a factory finds wrong with a spec.
    #[must_use]
    pub fn spec(id: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Spec { id: id.into(), problem: problem.into() }
    }

    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Net(error) => error.recovery(),
            Self::Closed => Recovery::Abort,
            _ => Recovery::AskUser,
        }
    }
}

fn meant(name: &str, known: &[String]) -> String {
    let hint = nearest(name, known.iter().map(String::as_str));
    hint.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}
