//! A place in an answer of JSON must have what is expected.

use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath as Path;

use super::Place;
use crate::validators::params::read;
use crate::validators::{Said, Validator, Violation};

/// What a JSONPath (RFC 9535) finds in the answer must be as expected.
///
/// The results are the nodes that it finds, or, if it finds a single list, the items of that.
#[derive(Debug)]
pub(in crate::validators) struct JsonPath {
    path: Path,
    expected: Expected,
    place: Place,
}

#[derive(Debug)]
struct Expected {
    value: Option<Value>,
    contains: Vec<Value>,
    results: (usize, usize),
    range: (f64, f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "path")]
    expression: String,
    #[serde(default, deserialize_with = "given")]
    expected: Option<Value>,
    #[serde(default)]
    contains: Vec<Value>,
    min_results: Option<usize>,
    max_results: Option<usize>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    allow_wrapped: bool,
    #[serde(default)]
    extract_json: bool,
}

/// A `null` that is expected is something that is expected.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

impl JsonPath {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let params: Params = read(params)?;
        let path = path(&params.expression)?;
        let nothing_said = params.expected.is_none() && params.max_results.is_none();
        let least = params.min_results.unwrap_or(usize::from(nothing_said));
        let range = (params.min.unwrap_or(f64::MIN), params.max.unwrap_or(f64::MAX));
        let expected = Expected {
            value: params.expected,
            contains: params.contains,
            results: (least, params.max_results.unwrap_or(usize::MAX)),
            range,
        };
        let Params { allow_wrapped, extract_json, .. } = params;
        Ok(Self { path, expected, place: Place { allow_wrapped, extract_json } })
    }
}

fn path(expression: &str) -> Result<Path, String> {
    if expression.len() > LONGEST {
        return Err(format!("`expression` is longer than {LONGEST} bytes"));
    }
    Path::parse(expression).map_err(|error| {
        let reason = error.message();
        format!("`expression` is no JSONPath, which begins with `$` as in `$.items[0]`: {reason}")
    })
}

impl Validator for JsonPath {
    fn kind(&self) -> &'static str {
        "json_path"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        let value = self.place.read(said.text)?;
        let nodes = self.path.query(&value).all();
        self.expected.check(&nodes).map_err(|wrong| {
            let path = self.path.to_string();
            Violation::of_all(format!("what `{path}` finds {wrong}"))
        })
    }
}

impl Expected {
    fn check(&self, nodes: &[&Value]) -> Result<(), String> {
        let items: Vec<&Value> = match nodes {
            [Value::Array(items)] => items.iter().collect(),
            nodes => nodes.to_vec(),
        };
        let (least, most) = self.results;
        if items.len() < least || items.len() > most {
            return Err(format!("is {} results: too few or too many", items.len()));
        }
        let is_expected = |value: &Value| match nodes {
            [one] => same(one, value),
            nodes => value.as_array().is_some_and(|list| same_all(nodes, list)),
        };
        if self.value.as_ref().is_some_and(|value| !is_expected(value)) {
            return Err("is not what is expected".to_owned());
        }
        let missing = |wanted: &&Value| !items.iter().any(|item| same(item, wanted));
        if self.contains.iter().any(|wanted| missing(&wanted)) {
            return Err("lacks something that it must contain".to_owned());
        }
        let (min, max) = self.range;
        let fits = |node: &&Value| node.as_f64().is_some_and(|n| (min..=max).contains(&n));
        if (min > f64::MIN || max < f64::MAX) && !nodes.iter().all(fits) {
            return Err("is no number in the range".to_owned());
        }
        Ok(())
    }
}

/// Equal, where 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            same_all(&one.iter().collect::<Vec<_>>(), other)
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(name, value)| other.get(name).is_some_and(|there| same(value, there));
            one.len() == other.len() && one.iter().all(has)
        }
        (one, other) => one == other,
    }
}

fn same_all(one: &[&Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

/// In bytes.
const LONGEST: usize = 500;
