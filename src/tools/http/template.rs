//! Texts with places for arguments: `{name}`, `{user.id}`; a brace is written twice.

use serde_json::Value;

/// A text with places for arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The names on the way to a value.
    Value(Vec<String>),
}

impl Template {
    /// # Errors
    ///
    /// When a brace is not closed, or holds no name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if after.starts_with(brace) {
                plain.push_str(brace);
                rest = &after[1..];
                continue;
            }
            let end = after.find('}').filter(|_| brace == "{");
            let end =
                end.ok_or_else(|| format!("`{text}`: a brace is written `{brace}{brace}`"))?;
            let names: Vec<_> = after[..end].split('.').map(str::to_owned).collect();
            if names.iter().any(|name| name.trim().is_empty() || name.contains('{')) {
                return Err(format!("`{text}`: `{{{}}}` is no name of a value", &after[..end]));
            }
            pieces.extend((!plain.is_empty()).then(|| Piece::Text(std::mem::take(&mut plain))));
            pieces.push(Piece::Value(names));
            rest = &after[end + 1..];
        }
        plain.push_str(rest);
        pieces.extend((!plain.is_empty()).then_some(Piece::Text(plain)));
        Ok(Self(pieces))
    }

    /// Whether there are places in it.
    pub(super) fn is_literal(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The arguments that it uses.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(names) => names.first().map(String::as_str),
            Piece::Text(_) => None,
        })
    }

    /// The value of a template that is nothing but one place; `None` if it is more.
    pub(super) fn only<'v>(&self, arguments: &'v Value) -> Option<Option<&'v Value>> {
        match &self.0[..] {
            [Piece::Value(names)] => Some(found(arguments, names)),
            _ => None,
        }
    }

    /// The text with `text` and `value` made of its pieces; `None` if a value is not given.
    ///
    /// # Errors
    ///
    /// Of `value`, or when a value is a list or an object.
    pub(super) fn render(
        &self,
        arguments: &Value,
        text: impl Fn(&str) -> String,
        value: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<String>, String> {
        let mut rendered = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => rendered.push_str(&text(plain)),
                Piece::Value(names) => match found(arguments, names) {
                    None => return Ok(None),
                    Some(found) => {
                        let problem = |problem| format!("`/{}` {problem}", names.join("/"));
                        let plain = plain(found).ok_or_else(|| {
                            problem("must be a text, a number or a truth value".to_owned())
                        })?;
                        rendered.push_str(&value(&plain).map_err(problem)?);
                    }
                },
            }
        }
        Ok(Some(rendered))
    }
}

/// A value as it stands in a text; `None` for a list or an object.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn found<'v>(arguments: &'v Value, names: &[String]) -> Option<&'v Value> {
    let value = names.iter().try_fold(arguments, |value, name| value.get(name))?;
    (!value.is_null()).then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str) -> Option<String> {
        let arguments = json!({ "a": "x", "b": { "c": 5 }, "n": null, "l": [1] });
        let template = Template::parse(template).unwrap();
        template.render(&arguments, str::to_owned, |value| Ok(format!("<{value}>"))).unwrap()
    }

    #[test]
    fn places_hold_values() {
        for (template, expected) in [
            ("", Some("")),
            ("plain", Some("plain")),
            ("{a}", Some("<x>")),
            ("1{a}2{b.c}3", Some("1<x>2<5>3")),
            ("{{{a}}}", Some("{<x>}")),
            ("{{a}}", Some("{a}")),
            ("{n}", None),
            ("{b.d}", None),
            ("x{a.b}", None),
        ] {
            assert_eq!(rendered(template).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for template in ["{", "}", "{a", "a}", "{}", "{a.}", "{a{b}}", "{ }"] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        let list = Template::parse("x{l}").unwrap();
        let refused =
            list.render(&json!({ "l": [1] }), str::to_owned, |value| Ok(value.to_owned()));
        assert_eq!(refused.unwrap_err(), "`/l` must be a text, a number or a truth value");
    }
}
