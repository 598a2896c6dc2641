//! What models often mistake, put right.

use std::borrow::Cow;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::{Number, Value};

/// `value` with what `errors` complain of put right where there is no doubt what is meant:
///
/// - a text where a number or a truth value is expected, and which reads as one: `"5"`, `"true"`;
/// - `null` where something else is expected in an object: it counts as not given.
pub(super) fn correct<'v, 'e>(
    value: &'v Value,
    errors: impl Iterator<Item = ValidationError<'e>>,
) -> Cow<'v, Value> {
    let mut corrected = Cow::Borrowed(value);
    for error in errors.take(MOST_CORRECTIONS) {
        let place = error.instance_path().as_str();
        match (error.instance().as_ref(), error.kind()) {
            (Value::Null, _) => drop_property(&mut corrected, place),
            (Value::String(text), ValidationErrorKind::Type { kind }) => {
                let meant = read_as(text.trim(), kind);
                if let Some((place, meant)) = corrected.to_mut().pointer_mut(place).zip(meant) {
                    *place = meant;
                }
            }
            _ => {}
        }
    }
    corrected
}

fn read_as(text: &str, kind: &TypeKind) -> Option<Value> {
    let wanted = |wanted: JsonType| match kind {
        TypeKind::Single(kind) => *kind == wanted,
        TypeKind::Multiple(kinds) => kinds.contains(wanted),
    };
    let whole = || text.parse::<i64>().ok().map(Value::from);
    let large = || text.parse::<u64>().ok().map(Value::from);
    let real = || text.parse().ok().and_then(Number::from_f64).map(Value::Number);
    let number = || whole().or_else(large).or_else(real);
    if wanted(JsonType::Integer) || wanted(JsonType::Number) {
        return number();
    }
    match text {
        "true" | "True" if wanted(JsonType::Boolean) => Some(Value::Bool(true)),
        "false" | "False" if wanted(JsonType::Boolean) => Some(Value::Bool(false)),
        _ => None,
    }
}

fn drop_property(value: &mut Cow<'_, Value>, place: &str) {
    let Some((owner, name)) = place.rsplit_once('/') else { return };
    let name = name.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(owner)) = value.to_mut().pointer_mut(owner) {
        owner.remove(&name);
    }
}

const MOST_CORRECTIONS: usize = 100;
