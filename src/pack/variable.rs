//! Values for variables: their kinds, rules and how they are written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Variable, VariableType};
use super::schema::shown;

/// Values by the names of their variables. A name whose value is `null` has none.
pub type Values = BTreeMap<String, Value>;

/// A value that a variable does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {reason}")]
pub struct ValueError {
    /// The variable.
    pub name: String,
    /// What was expected, and what was given.
    pub reason: String,
}

/// A variable with its rules made ready.
#[derive(Debug)]
pub(super) struct Rule {
    variable: Variable,
    validator: jsonschema::Validator,
}

impl Rule {
    /// # Errors
    ///
    /// Its pattern is no regular expression.
    pub(super) fn new(variable: &Variable) -> Result<Self, String> {
        let validator = jsonschema::validator_for(&schema_of(variable));
        let pattern = variable.validation.as_ref().and_then(|rules| rules.pattern.as_deref());
        let validator = validator
            .map_err(|_| format!("`{}` is no regular expression", pattern.unwrap_or_default()))?;
        Ok(Self { variable: variable.clone(), validator })
    }

    pub(super) fn variable(&self) -> &Variable {
        &self.variable
    }

    /// The value as the variable's kind has it.
    pub(super) fn check(&self, value: &Value) -> Result<Value, ValueError> {
        let value = read_as(&self.variable.kind, value);
        match self.validator.validate(&value) {
            Ok(()) => Ok(value),
            Err(error) => {
                let reason = error.masked_with(shown(&value)).to_string();
                Err(ValueError { name: self.variable.name.clone(), reason })
            }
        }
    }
}

/// A text that reads as what the variable takes is taken as that: what people type, and what the
/// environment has, is text. Where text is wanted, a number is as good.
fn read_as(kind: &VariableType, value: &Value) -> Value {
    let read = |text: &str| serde_json::from_str::<Value>(text.trim()).ok();
    let text = value.as_str();
    let other = match kind {
        VariableType::Number => text.and_then(read).filter(Value::is_number),
        VariableType::Boolean => text.and_then(read).filter(Value::is_boolean),
        VariableType::Object => text.and_then(read).filter(Value::is_object),
        VariableType::Array => text.and_then(read).filter(Value::is_array),
        VariableType::String if value.is_number() || value.is_boolean() => {
            Some(value.to_string().into())
        }
        VariableType::String | VariableType::Other(_) => None,
    };
    other.unwrap_or_else(|| value.clone())
}

/// A variable's rules as a schema for its values.
fn schema_of(variable: &Variable) -> Value {
    let mut schema = json!({});
    let kind = match &variable.kind {
        VariableType::String => Some("string"),
        VariableType::Number => Some("number"),
        VariableType::Boolean => Some("boolean"),
        VariableType::Object => Some("object"),
        VariableType::Array => Some("array"),
        VariableType::Other(_) => None,
    };
    let rules = variable.validation.clone().unwrap_or_default();
    let all = [
        ("type", kind.map(Value::from)),
        ("pattern", rules.pattern.map(Value::from)),
        ("minLength", rules.min_length.map(Value::from)),
        ("maxLength", rules.max_length.map(Value::from)),
        ("minimum", rules.minimum.map(Value::from)),
        ("maximum", rules.maximum.map(Value::from)),
        ("enum", rules.one_of.map(Value::from)),
    ];
    for (key, rule) in all {
        if let Some(rule) = rule {
            schema[key] = rule;
        }
    }
    schema
}

/// A value as it stands in a prompt: text as it is, all else as JSON.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
