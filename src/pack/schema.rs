//! A pack against the schema of the format.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::problem::{Path, Problem};

/// What a pack must be, and what is worth a word.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Findings {
    /// Whether there are as many warnings as anybody reads.
    pub(super) fn are_many(&self) -> bool {
        self.warnings.len() >= MOST_PROBLEMS
    }
}

/// Nobody reads more of either.
pub(super) const MOST_PROBLEMS: usize = 100;

/// Looks at all of `pack`. Fields that the format does not know are warnings, as are those that
/// came with a later schema than the pack names.
pub(super) fn examine(pack: &Value) -> Findings {
    let mut findings = Findings::default();
    for error in FORMAT.validator.iter_errors(pack) {
        let additional = matches!(error.kind(), Kind::AdditionalProperties { .. });
        if additional && findings.are_many() {
            continue;
        }
        let path = Path::of(error.instance_path());
        let of = match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter().map(|name| unknown(&path, name, &error));
                findings.warnings.extend(unknown.take(MOST_PROBLEMS));
                continue;
            }
            _ => Problem::new(&path, expected(&error)),
        };
        findings.errors.push(of);
        if findings.errors.len() == MOST_PROBLEMS {
            break;
        }
    }
    findings.warnings.extend(about_version(pack));
    findings.warnings.truncate(MOST_PROBLEMS);
    findings
}

/// The format: its schema, and what checks by it.
struct Format {
    schema: Value,
    validator: Validator,
}

static FORMAT: LazyLock<Format> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "it is part of the program, and tests build it")]
    let schema = serde_json::from_str(include_str!("../../assets/schemas/pack.json"))
        .expect("the schema is JSON");
    Format { validator: built(&schema), schema }
});

#[expect(clippy::expect_used, reason = "it is part of the program, and tests build it")]
fn built(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).expect("the schema is a schema")
}

/// A version of the format, as `$schema` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u16, u16, u16);

/// The newest that is known.
const NEWEST: Version = Version(1, 4, 0);

impl Version {
    /// Of `1.2.0`, or `1.3`, which means the last of its kind. `None` for the newest: without a
    /// number, or as `v1`.
    fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse::<u16>);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Self(major, minor, numbers.next().map_or(Some(u16::MAX), Result::ok)?))
    }

    /// Of an address as `…/schema/v1.1.0/promptpack.schema.json`.
    fn named(address: &str) -> Option<Self> {
        address.split('/').filter_map(|part| part.strip_prefix('v')).find_map(Self::read)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.2 {
            u16::MAX => write!(out, "{}.{}", self.0, self.1),
            patch => write!(out, "{}.{}.{patch}", self.0, self.1),
        }
    }
}

/// What does not fit the version that the pack names.
fn about_version(pack: &Value) -> Vec<Problem> {
    let Some(version) = pack["$schema"].as_str().and_then(Version::named) else {
        return Vec::new();
    };
    if (version.0, version.1) == (NEWEST.0, NEWEST.1) {
        return Vec::new();
    }
    if version > NEWEST {
        let message = format!(
            "the pack names schema {version}; it is read as {NEWEST}, the newest that is known"
        );
        return vec![Problem::new(&Path::root().key("$schema"), message)];
    }
    let mut schema = FORMAT.schema.clone();
    forbid_newer(&mut schema, version);
    let too_new = |error: &ValidationError<'_>| matches!(error.kind(), Kind::FalseSchema);
    let tell = |error: ValidationError<'_>| {
        let since = FORMAT.schema.pointer(error.schema_path().as_str());
        let since = since.and_then(|schema| schema["x-since"].as_str()).unwrap_or_default();
        let message = format!("this came with schema {since}; the pack names {version}");
        Problem::new(&Path::of(error.instance_path()), message)
    };
    built(&schema).iter_errors(pack).filter(too_new).take(MOST_PROBLEMS).map(tell).collect()
}

/// Puts `false` where a field came later than `version`.
fn forbid_newer(schema: &mut Value, version: Version) {
    let since = |schema: &Value| schema["x-since"].as_str().and_then(Version::read);
    match schema {
        Value::Object(map) => {
            for inner in map.values_mut() {
                if since(inner).is_some_and(|since| since > version) {
                    *inner = Value::Bool(false);
                }
                forbid_newer(inner, version);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forbid_newer(item, version)),
        _ => {}
    }
}

/// A field that the format does not know, perhaps with the name that was meant.
fn unknown(path: &Path, name: &str, error: &ValidationError<'_>) -> Problem {
    let here = error.schema_path().as_str().trim_end_matches("/additionalProperties");
    let known = FORMAT.schema.pointer(&format!("{here}/properties")).and_then(Value::as_object);
    let known = known.into_iter().flat_map(|known| known.keys());
    let nearest = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = match nearest {
        Some((_, nearest)) => format!("; is `{nearest}` meant?"),
        None => String::new(),
    };
    Problem::new(&path.clone().key(name), format!("the format has no such field{hint}"))
}

/// What was expected, and what is there.
fn expected(error: &ValidationError<'_>) -> String {
    let found = shown(error.instance());
    match error.kind() {
        Kind::Required { property } => format!("lacks `{}`", property.as_str().unwrap_or_default()),
        Kind::Type { kind } => format!("expected {}, found {found}", types(kind)),
        Kind::Enum { options } => format!("expected {}, found {found}", one_of(options)),
        Kind::Minimum { limit } => format!("expected at least {limit}, found {found}"),
        Kind::Maximum { limit } => format!("expected at most {limit}, found {found}"),
        Kind::MinLength { limit } => {
            format!("expected at least {limit} character(s), found {found}")
        }
        Kind::MaxLength { limit } => format!("expected at most {limit} characters, found {found}"),
        Kind::MinProperties { limit } => format!("expected at least {limit} entry, found none"),
        Kind::MinItems { limit } => format!("expected at least {limit} item, found none"),
        Kind::Pattern { pattern } => {
            let rule = error.schema_path().as_str().trim_end_matches("/pattern");
            let form = FORMAT.schema.pointer(rule).and_then(|rule| rule["x-form"].as_str());
            match form {
                Some(form) => format!("expected {form}, found {found}"),
                None => format!("expected what matches `{pattern}`, found {found}"),
            }
        }
        _ => error.masked_with(found).to_string(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    let options: Vec<_> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
    match &options[..] {
        [only] => only.clone(),
        _ => format!("one of {}", options.join(", ")),
    }
}

/// A value in a few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::String(text) if text.chars().count() > 60 => {
            let start: String = text.chars().take(60).collect();
            format!("{} …", Value::from(start))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_addresses() {
        let named =
            |part: &str| Version::named(&format!("https://promptpack.org/schema/{part}/x.json"));
        assert_eq!(named("v1.1.0"), Some(Version(1, 1, 0)));
        assert_eq!(named("v1.3"), Some(Version(1, 3, u16::MAX)));
        assert_eq!(named("v1"), None);
        assert_eq!(named("latest"), None);
        assert!(named("v1.3") > named("v1.3.1") && named("v1.3") < Some(NEWEST));
    }
}
