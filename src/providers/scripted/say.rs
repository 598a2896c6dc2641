//! What a rule says: text with values in braces.

use serde::Deserialize;

use super::pattern::{Value, Values, is_name};
use crate::text::numbers;

/// Text to say.
///
/// ```text
/// Hello, {Name}.      a value; the capital makes it begin with one
/// It is {a + b}.      a sum of two numbers; also - * /
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value { name: String, capital: bool },
    Sum(String, Operator, String),
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

impl Template {
    /// The text; `None` if a value is missing or cannot be said.
    pub(super) fn fill(&self, values: &Values) -> Option<String> {
        self.0.iter().map(|part| part.fill(values)).collect()
    }

    /// The names of the values it needs.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|part| {
            let (first, second) = match part {
                Part::Text(_) => (None, None),
                Part::Value { name, .. } => (Some(name), None),
                Part::Sum(a, _, b) => (Some(a), Some(b)),
            };
            first.into_iter().chain(second).map(String::as_str)
        })
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) =
                after.split_once('}').ok_or("a `{` has no `}` after it; close it")?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::parse(inside)?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}

impl Part {
    fn parse(inside: &str) -> Result<Self, String> {
        let wrong = || format!("`{{{inside}}}`: expected `{{name}}`, `{{Name}}` or `{{a + b}}`");
        let mut words = inside.split_whitespace();
        let parts = [words.next(), words.next(), words.next(), words.next()];
        let part = match parts {
            [Some(name), None, ..] => Self::Value {
                name: name.to_lowercase(),
                capital: name.starts_with(|c: char| c.is_ascii_uppercase()),
            },
            [Some(a), Some(operator), Some(b), None] => {
                let operator = match operator {
                    "+" => Operator::Plus,
                    "-" => Operator::Minus,
                    "*" => Operator::Times,
                    "/" => Operator::Over,
                    _ => return Err(wrong()),
                };
                Self::Sum(a.to_owned(), operator, b.to_owned())
            }
            _ => return Err(wrong()),
        };
        let named = match &part {
            Self::Sum(a, _, b) => is_name(a) && is_name(b),
            Self::Value { name, .. } => is_name(name),
            Self::Text(_) => true,
        };
        named.then_some(part).ok_or_else(wrong)
    }

    fn fill(&self, values: &Values) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Value { name, capital } => {
                let text = match values.get(name)? {
                    Value::Text(text) => text.clone(),
                    Value::Number(number) => numbers::say(*number)?,
                };
                Some(if *capital { capitalised(&text) } else { text })
            }
            Self::Sum(a, operator, b) => match (values.get(a)?, values.get(b)?) {
                (Value::Number(a), Value::Number(b)) => numbers::say(operator.apply(*a, *b)),
                _ => None,
            },
        }
    }
}

impl Operator {
    /// A division by zero gives no number that can be said.
    fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Plus => a + b,
            Self::Minus => a - b,
            Self::Times => a * b,
            Self::Over => a / b,
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Option<String> {
        let values = Values::from([
            ("name".to_owned(), Value::Text("john".to_owned())),
            ("a".to_owned(), Value::Number(7.0)),
            ("zero".to_owned(), Value::Number(0.0)),
        ]);
        Template::try_from(template.to_owned()).unwrap().fill(&values)
    }

    #[test]
    fn braces_are_filled_in() {
        assert_eq!(fill("Hello, {Name}. {name}!").as_deref(), Some("Hello, John. john!"));
        assert_eq!(
            fill("{a} squared is {a * a}.").as_deref(),
            Some("seven squared is forty nine.")
        );
        assert_eq!(fill("Minus: {zero - a}").as_deref(), Some("Minus: minus seven"));
    }

    #[test]
    fn what_cannot_be_said_fills_nothing() {
        assert_eq!(fill("{other}"), None);
        assert_eq!(fill("{a / zero}"), None);
        assert_eq!(fill("{a + name}"), None);
    }

    #[test]
    fn a_wrong_template_says_what_was_expected() {
        let error = |text: &str| Template::try_from(text.to_owned()).unwrap_err();
        assert!(error("It is {time").contains("close it"));
        assert!(error("It is {}").contains("expected `{name}`"));
        assert!(error("It is {a ^ b}").contains("`{a + b}`"));
    }
}
