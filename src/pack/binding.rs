//! Values that come by themselves, because a variable says from where.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::{Binding, Variable};
use super::variable::{ValueError, Values, written};

/// What values can be taken from: by the kind of source, as `session` or `env`.
///
/// A pack names what it wants of them, and what it gets goes to a model: put in only what may be
/// told, never a whole environment with its keys.
pub type Sources = BTreeMap<String, Values>;

/// The values of those `variables` that are filled in by themselves, as far as `sources` have
/// them.
///
/// # Errors
///
/// A variable's filter is none of `lowercase`, `uppercase` and `trim`.
pub fn bound(variables: &[Variable], sources: &Sources) -> Result<Values, ValueError> {
    let mut values = Values::new();
    for variable in variables {
        let Some(binding) = variable.binding.as_ref().filter(|binding| binding.auto_populate)
        else {
            continue;
        };
        if let Some(value) = found(variable, binding, sources) {
            let value = filtered(value, binding, &variable.name)?;
            values.insert(variable.name.clone(), value);
        }
    }
    Ok(values)
}

fn found<'a>(variable: &Variable, binding: &Binding, sources: &'a Sources) -> Option<&'a Value> {
    let field = binding.field.as_deref().unwrap_or(&variable.name);
    sources.get(binding.kind.as_deref()?)?.get(field).filter(|value| !value.is_null())
}

fn filtered(value: &Value, binding: &Binding, name: &str) -> Result<Value, ValueError> {
    let Some(filter) = binding.filter.as_deref() else {
        return Ok(value.clone());
    };
    let text = written(value);
    match filter {
        "lowercase" => Ok(text.to_lowercase().into()),
        "uppercase" => Ok(text.to_uppercase().into()),
        "trim" => Ok(text.trim().into()),
        other => {
            let reason = format!("filter `{other}` is none of lowercase, uppercase, trim");
            Err(ValueError { name: name.to_owned(), reason })
        }
    }
}
