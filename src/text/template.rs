//! Templates: text with `{{name}}` in it.
//!
//! ```
//! use banter::text::Template;
//!
//! let template = Template::parse("You speak with {{name}}.")?;
//! let text = template.fill(|name| (name == "name").then(|| "Ann {{secret}}".to_owned()))?;
//!
//! assert_eq!(text, "You speak with Ann {{secret}}.");
//! # Ok::<(), banter::text::TemplateError>(())
//! ```
//!
//! That is all there is: no conditions, loops or filters. A value is put in as it is and never
//! read as a template itself, so that nobody can write one into it.

use std::fmt;
use std::ops::Range;

/// A text in which names stand for values. A name is made of letters, digits, `_`, `-` and `.`,
/// and stands directly between its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Where in it the names stand, without their braces.
    names: Vec<Range<usize>>,
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text that stays as it is.
    Text(&'a str),
    /// A name, and the byte at which its braces open.
    Name(&'a str, usize),
}

/// Where in a text: line and column, counted from 1 in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in its line.
    pub column: usize,
}

impl Place {
    /// That of the byte `at` in `text`.
    pub(crate) fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: 1 + before.matches('\n').count(), column: 1 + line.chars().count() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}, column {}", self.line, self.column)
    }
}

/// Why a template cannot be read or filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Braces are opened and not closed.
    #[error("{0}: `{{{{` has no `}}}}`")]
    Unterminated(Place),
    /// There is no name between the braces.
    #[error(
        "{place}: `{{{{{found}}}}}` is no name: write {{{{name}}}}, without spaces; there is \
             nothing else"
    )]
    NotAName {
        /// Where its braces open.
        place: Place,
        /// What stands between them, cut to 40 characters.
        found: String,
    },
    /// A name has no value.
    #[error("{place}: `{name}` has no value")]
    Unknown {
        /// Where its braces open.
        place: Place,
        /// The name.
        name: String,
    },
    /// A template of another engine cannot be read or filled.
    #[error("{place}: {reason}")]
    Engine {
        /// Where.
        place: Place,
        /// What the engine says of it.
        reason: String,
    },
    /// The text would be longer than [`Template::LONGEST`].
    #[error("the text would be longer than {} MiB", Template::LONGEST >> 20)]
    TooLong,
}

impl Template {
    /// What a template can become, in bytes: 64 MiB.
    pub const LONGEST: usize = 64 << 20;

    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unterminated`] and [`TemplateError::NotAName`] with their place: its
    /// author must mend it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(before) = text[at..].find(OPEN) {
            let open = at + before;
            let begin = open + OPEN.len();
            let unclosed = || TemplateError::Unterminated(Place::of(text, open));
            let end = begin + text[begin..].find(CLOSE).ok_or_else(unclosed)?;
            let name = &text[begin..end];
            if !is_name(name) {
                // Braces that open again before they close were not closed.
                if name.contains(OPEN) {
                    return Err(unclosed());
                }
                let found = name.chars().take(40).collect();
                return Err(TemplateError::NotAName { place: Place::of(text, open), found });
            }
            names.push(begin..end);
            at = end + CLOSE.len();
        }
        names.shrink_to_fit();
        Ok(Self { text: text.to_owned(), names })
    }

    /// The names in it, in their order, as often as they stand there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &self.text[name.clone()])
    }

    /// The text, with for each name what `value` gives for it.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unknown`] for the first name without a value, [`TemplateError::TooLong`]
    /// beyond [`LONGEST`](Self::LONGEST).
    pub fn fill(
        &self,
        mut value: impl FnMut(&str) -> Option<String>,
    ) -> Result<String, TemplateError> {
        let mut out = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => push(&mut out, text)?,
                Piece::Name(name, at) => {
                    push(&mut out, &value(name).ok_or_else(|| self.unknown(name, at))?)?;
                }
            }
        }
        Ok(out)
    }

    /// What it is made of, in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let ends = self.names.iter().map(|name| name.end + CLOSE.len());
        let begins = std::iter::once(0).chain(ends);
        let named = self.names.iter().zip(begins).flat_map(|(name, begin)| {
            let open = name.start - OPEN.len();
            [Piece::Text(&self.text[begin..open]), Piece::Name(&self.text[name.clone()], open)]
        });
        let rest = self.names.last().map_or(0, |name| name.end + CLOSE.len());
        named.chain([Piece::Text(&self.text[rest..])])
    }

    /// That nothing is given for the name whose braces open at the byte `at`.
    pub(crate) fn unknown(&self, name: &str, at: usize) -> TemplateError {
        TemplateError::Unknown { place: Place::of(&self.text, at), name: name.to_owned() }
    }
}

/// Adds to a text what still has room in it.
pub(crate) fn push(out: &mut String, text: &str) -> Result<(), TemplateError> {
    if out.len() + text.len() > Template::LONGEST {
        return Err(TemplateError::TooLong);
    }
    out.push_str(text);
    Ok(())
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(fits)
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Result<String, TemplateError> {
        Template::parse(text)?.fill(|name| match name {
            "a" => Some("1".to_owned()),
            "b-2.c" => Some("{{a}}".to_owned()),
            _ => None,
        })
    }

    fn at(line: usize, column: usize) -> Place {
        Place { line, column }
    }

    #[test]
    fn names_are_replaced_by_their_values() {
        assert_eq!(filled("").unwrap(), "");
        assert_eq!(filled("no names {here} $a }}").unwrap(), "no names {here} $a }}");
        assert_eq!(filled("{{a}}+{{a}}").unwrap(), "1+1");
        assert_eq!(filled("ü{{a}}\n").unwrap(), "ü1\n");
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        assert_eq!(filled("{{b-2.c}}").unwrap(), "{{a}}");
        assert_eq!(filled("{{b-2.c}}{{a}}").unwrap(), "{{a}}1");
    }

    #[test]
    fn a_name_without_value_is_told_with_its_place() {
        let error = filled("{{a}}\nüb {{nobody}}").unwrap_err();
        assert_eq!(error, TemplateError::Unknown { place: at(2, 4), name: "nobody".to_owned() });
        assert_eq!(error.to_string(), "line 2, column 4: `nobody` has no value");
    }

    #[test]
    fn braces_that_do_not_close_are_told_with_their_place() {
        for (text, place) in
            [("{{", at(1, 1)), ("x\n {{a", at(2, 2)), ("{{a {{a}}", at(1, 1)), ("{{a} }", at(1, 1))]
        {
            assert_eq!(filled(text), Err(TemplateError::Unterminated(place)), "{text}");
        }
        assert_eq!(filled("{{").unwrap_err().to_string(), "line 1, column 1: `{{` has no `}}`");
    }

    #[test]
    fn nothing_but_a_name_stands_between_braces() {
        for inner in ["", " a", "a ", "#if a", "a|upper", "1a", "a b", "-a", "é", "{a"] {
            let error = filled(&format!("{{{{{inner}}}}}")).unwrap_err();
            assert!(matches!(&error, TemplateError::NotAName { .. }), "{inner}: {error}");
        }
        let text = filled("{{ a }}").unwrap_err().to_string();
        assert!(
            text.starts_with("line 1, column 1: `{{ a }}` is no name: write {{name}}"),
            "{text}"
        );
    }

    #[test]
    fn a_text_has_a_bound() {
        let template = Template::parse("{{a}}{{a}}").unwrap();
        let big = || Some("x".repeat(Template::LONGEST / 2 + 1));
        assert_eq!(template.fill(|_| big()), Err(TemplateError::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{} a-c.\n]{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                let same = template.fill(|name| Some(format!("{{{{{name}}}}}"))).unwrap();
                prop_assert_eq!(same, text);
            }
        }
    }
}
