//! What is wrong with a pack, and where.

use std::fmt;

use jsonschema::paths::{Location, LocationSegment};

/// Something wrong in a pack: a place in it, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON path: `$.prompts.sales.variables[0].name`.
    pub path: String,
    /// What was expected, and what is there.
    pub message: String,
}

impl Problem {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_string(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

/// A place in a pack, by the keys and numbers that lead there.
#[derive(Clone, Debug)]
pub(super) struct Path(String);

impl Path {
    pub(super) fn root() -> Self {
        Self("$".to_owned())
    }

    pub(super) fn of(location: &Location) -> Self {
        location.segments().fold(Self::root(), |path, segment| match segment {
            LocationSegment::Property(key) => path.key(&key),
            LocationSegment::Index(number) => path.index(number),
        })
    }

    /// The place of `key` in the object here.
    pub(super) fn key(mut self, key: &str) -> Self {
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        match !key.is_empty() && key.chars().all(plain) {
            true => self.0 += &format!(".{key}"),
            // As JSON quotes it.
            false => self.0 += &format!("[{}]", serde_json::Value::from(key)),
        }
        self
    }

    /// The place of an item in the list here.
    pub(super) fn index(mut self, number: usize) -> Self {
        self.0 += &format!("[{number}]");
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_in_json() {
        let path = Path::root().key("prompts").key("vision-analyst").key("variables").index(2);
        assert_eq!(path.to_string(), r#"$.prompts["vision-analyst"].variables[2]"#);
        assert_eq!(Path::root().key(r#"a"b"#).to_string(), r#"$["a\"b"]"#);
        assert_eq!(Path::root().key("").to_string(), r#"$[""]"#);
    }
}
