//! What is wrong, in words that a model can act on.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// What is wrong with a value: at most five places, as JSON pointers.
pub(super) fn of_value<'e>(
    errors: impl Iterator<Item = ValidationError<'e>>,
    schema: &Value,
) -> String {
    let mut errors = errors.peekable();
    let mut told = Vec::new();
    for error in errors.by_ref().take(MOST_PLACES) {
        told.push(problem(&error, schema));
    }
    if errors.peek().is_some() {
        told.push("and more".to_owned());
    }
    told.join("; ")
}

/// What is wrong with a schema, and where.
pub(super) fn of_schema(error: &ValidationError<'_>) -> String {
    let what = match error.kind() {
        Kind::Referencing(error) => error.to_string(),
        _ => expected(error),
    };
    format!("{}: {what}", pointer(error.instance_path().as_str()))
}

fn problem(error: &ValidationError<'_>, schema: &Value) -> String {
    let place = error.instance_path().as_str();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            format!("`{}` is missing", inside(place, name))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let unknown = unexpected.iter().take(MOST_PLACES).map(|name| inside(place, name));
            let known = known(error, schema);
            format!("`{}` is not known{known}", unknown.collect::<Vec<_>>().join("`, `"))
        }
        _ => format!("{}: {}", pointer(place), expected(error)),
    }
}

/// What there may be beside an unknown property.
fn known(error: &ValidationError<'_>, schema: &Value) -> String {
    let rule = error.schema_path().as_str();
    let owner = rule.rsplit_once('/').map(|(owner, _)| owner).unwrap_or_default();
    let known = schema.pointer(owner).and_then(|part| part["properties"].as_object());
    let known: Vec<_> =
        known.into_iter().flatten().take(MOST_NAMES).map(|(name, _)| name).collect();
    match &known[..] {
        [] => String::new(),
        known => format!("; there may be {}", listed(known, ", ")),
    }
}

fn expected(error: &ValidationError<'_>) -> String {
    let found = shown(error.instance());
    match error.kind() {
        Kind::Type { kind } => format!("expected {}, found {found}", types(kind)),
        Kind::Enum { options } => format!("expected {}, found {found}", one_of(options)),
        Kind::Constant { expected_value } => {
            format!("expected {}, found {found}", shown(expected_value))
        }
        Kind::Minimum { limit } => format!("expected at least {limit}, found {found}"),
        Kind::Maximum { limit } => format!("expected at most {limit}, found {found}"),
        Kind::ExclusiveMinimum { limit } => format!("expected more than {limit}, found {found}"),
        Kind::ExclusiveMaximum { limit } => format!("expected less than {limit}, found {found}"),
        Kind::MinLength { limit } => format!("expected at least {limit} characters, found {found}"),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters, found {found}"),
        Kind::MinItems { limit } => format!("expected at least {limit} items"),
        Kind::MaxItems { limit } => format!("expected at most {limit} items"),
        Kind::Pattern { pattern } => {
            format!("expected what matches `{}`, found {found}", short(pattern))
        }
        Kind::Format { format } => format!("expected the format {format}, found {found}"),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => forms(context),
        Kind::OneOfMultipleValid { .. } => {
            format!("expected one of several forms, found what fits more than one: {found}")
        }
        Kind::Not { .. } | Kind::FalseSchema => format!("not allowed here: {found}"),
        Kind::BacktrackLimitExceeded { .. } => format!("too hard to match: {found}"),
        _ => short(&error.masked_with(found).to_string()),
    }
}

/// Several forms, none of which fits: what each would have had.
fn forms(forms: &[Vec<ValidationError<'_>>]) -> String {
    let wants = forms.iter().filter_map(|form| form.first()).take(MOST_FORMS).map(|error| {
        let place = error.instance_path().as_str();
        match error.kind() {
            Kind::Required { property } => {
                format!("`{}`", inside(place, property.as_str().unwrap_or_default()))
            }
            _ => expected(error).trim_start_matches("expected ").to_owned(),
        }
    });
    format!("expected {}", listed(&wants.collect::<Vec<_>>(), ", or "))
}

fn pointer(place: &str) -> String {
    match place {
        "" => "the whole".to_owned(),
        place => format!("`{}`", short(place)),
    }
}

fn inside(place: &str, name: &str) -> String {
    short(&format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")))
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            listed(&several.iter().map(|one| one.to_string()).collect::<Vec<_>>(), " or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    let options = options.as_array().into_iter().flatten();
    let options: Vec<_> = options.take(MOST_NAMES).map(shown).collect();
    match &options[..] {
        [only] => only.clone(),
        several => format!("one of {}", listed(several, ", ")),
    }
}

fn listed(items: &[impl AsRef<str>], between: &str) -> String {
    items.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(between)
}

/// A value in a few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        plain => short(&plain.to_string()),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

const MOST_PLACES: usize = 5;
const MOST_FORMS: usize = 5;
const MOST_NAMES: usize = 20;
/// In characters.
const LONGEST: usize = 200;
