//! A validator with what is done when it is broken.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::kinds::is_of_tools;
use super::{Validator, ValidatorError, by_kind};
use crate::types::Direction;

/// A validator, whose words it is about, and what is done about those that break it.
///
/// ```
/// use banter::validators::{Guardrail, OnViolation, by_kind};
/// use serde_json::json;
///
/// let rule = by_kind("banned_words", &json!({ "words": ["price"] }))?;
/// let guardrail = Guardrail::new(rule).named("no prices").on(OnViolation::Fail);
/// # Ok::<(), banter::validators::ValidatorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Guardrail {
    /// Names it in results and errors, and for who disables it. The kind by default.
    pub name: String,
    /// The rule.
    pub validator: Arc<dyn Validator>,
    /// Whose words it is about: the agent's by default.
    pub direction: Direction,
    /// What is done when it is broken. By default a text that is too long is cut, and any other
    /// replaced.
    pub on_violation: OnViolation,
}

/// What is done about words that break a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnViolation {
    /// What was not said yet is replaced by this. The user's words do not reach the model.
    Replace(String),
    /// What was not said yet is cut: behind the last word that may be said. The user's words
    /// cannot be cut: for them it is as [`Replace`](Self::Replace).
    Truncate,
    /// It is reported, and nothing else.
    Warn,
    /// Nothing more is said, and the answer fails.
    Fail,
}

/// What all kinds take beside their own parameters.
#[derive(Debug, Default, Deserialize)]
struct Common {
    #[serde(default)]
    direction: Direction,
    message: Option<String>,
}

impl Guardrail {
    /// What is said instead, if nobody says what.
    pub const MESSAGE: &str = "I'm sorry, I can't help with that.";

    /// A rule for the agent's words, with the defaults of its kind.
    #[must_use]
    pub fn new(validator: Arc<dyn Validator>) -> Self {
        let name = validator.kind().to_owned();
        let on_violation = match validator.kind() {
            "max_length" | "sentence_count" => OnViolation::Truncate,
            _ => OnViolation::Replace(Self::MESSAGE.to_owned()),
        };
        Self { name, validator, direction: Direction::Output, on_violation }
    }

    /// The rule `kind` by `params`, an object, in which `direction` and `message` may stand as
    /// well. A message is said instead of what breaks the rule; what is too long is cut all the
    /// same.
    ///
    /// # Errors
    ///
    /// When there is no such kind, or its parameters are wrong.
    pub fn by_kind(kind: &str, params: &Map<String, Value>) -> Result<Self, ValidatorError> {
        let wrong = |reason: String| ValidatorError::Params { kind: kind.to_owned(), reason };
        let (common, own): (Map<_, _>, Map<_, _>) = params
            .clone()
            .into_iter()
            .partition(|(name, _)| ["direction", "message"].contains(&name.as_str()));
        // An unknown kind is told before its parameters.
        if let Some(score) = ["min_score", "max_score"].iter().find(|name| own.contains_key(**name))
        {
            by_kind(kind, &Value::Null).err().filter(is_unknown).map_or(Ok(()), Err)?;
            let reason =
                format!("`{score}` has no meaning here: it passes or not, without a score");
            return Err(wrong(reason));
        }
        let validator = by_kind(kind, &Value::Object(own))?;
        let common: Common = super::params::read(&Value::Object(common)).map_err(wrong)?;
        if common.direction != Direction::Output && is_of_tools(kind) {
            let reason = "`direction` must be output: users call no tools".to_owned();
            return Err(wrong(reason));
        }
        let guardrail = Self { name: kind.to_owned(), ..Self::new(validator) };
        let guardrail = guardrail.about(common.direction);
        Ok(match common.message {
            Some(message) => guardrail.otherwise(message),
            None => guardrail,
        })
    }

    /// The same under this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same about the words of this side.
    #[must_use]
    pub fn about(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// The same with this to be done when it is broken.
    #[must_use]
    pub fn on(mut self, on_violation: OnViolation) -> Self {
        self.on_violation = on_violation;
        self
    }

    /// The same with `message` said instead, if something is to be.
    #[must_use]
    pub fn otherwise(mut self, message: impl Into<String>) -> Self {
        if let OnViolation::Replace(said) = &mut self.on_violation {
            *said = message.into();
        }
        self
    }

    /// Whether an answer must be whole before this lets any of it be said.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.direction.covers(Direction::Output)
            && self.on_violation != OnViolation::Warn
            && self.validator.watch().is_none()
    }
}

fn is_unknown(error: &ValidatorError) -> bool {
    matches!(error, ValidatorError::Unknown { .. })
}
