//! What a rule listens for: a few words in order, with room for words that do not matter.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::numbers;

/// Words that must occur in this order. Up to three other words may stand between two of them,
/// none beside braces, any before the first and after the last.
///
/// ```text
/// what|which day          alternatives
/// read * long             any number of words in between
/// my name is {name}       takes a word
/// {a:number} plus         takes a number: twenty one, 21
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(Vec<Token>);

/// What the braces of a pattern took.
pub(super) type Values = BTreeMap<String, Value>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
}

#[derive(Clone, Debug)]
enum Token {
    OneOf(Vec<String>),
    Any,
    Word(String),
    Number(String),
}

impl Pattern {
    /// What the braces take if the pattern occurs in `words`.
    pub(super) fn find(&self, words: &[String]) -> Option<Values> {
        find(&self.0, words, usize::MAX)
    }

    /// The names in braces.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Token::name)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let tokens = text.split_whitespace().map(Token::parse).collect::<Result<Vec<_>, _>>()?;
        if tokens.is_empty() {
            return Err("the pattern is empty; write words, or `*` for anything".to_owned());
        }
        Ok(Self(tokens))
    }
}

impl Token {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(capture) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            return match capture.split_once(':') {
                None if is_name(capture) => Ok(Self::Word(capture.to_owned())),
                Some((name, "number")) if is_name(name) => Ok(Self::Number(name.to_owned())),
                _ => Err(format!("`{text}`: expected `{{name}}` or `{{name:number}}`")),
            };
        }
        let words: Vec<_> = text.split('|').map(str::to_owned).collect();
        match words.iter().find(|word| !is_heard(word)) {
            None => Ok(Self::OneOf(words)),
            Some(word) => Err(format!(
                "`{word}` is never heard: words have lower case letters, digits and `'`, and `'s` \
                 is heard as `is`"
            )),
        }
    }

    /// How many of `words` it takes from their start, and the value of its braces.
    fn take(&self, words: &[String]) -> Option<(usize, Option<Value>)> {
        let first = words.first()?;
        match self {
            Self::OneOf(options) => options.contains(first).then_some((1, None)),
            Self::Word(_) => Some((1, Some(Value::Text(first.clone())))),
            Self::Number(_) => {
                let (number, taken) = numbers::read(words)?;
                Some((taken, Some(Value::Number(number))))
            }
            Self::Any => Some((0, None)),
        }
    }

    /// The name in its braces.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Number(name) => Some(name),
            Self::OneOf(_) | Self::Any => None,
        }
    }
}

fn find(tokens: &[Token], words: &[String], gap: usize) -> Option<Values> {
    let Some((token, later)) = tokens.split_first() else { return Some(Values::new()) };
    if matches!(token, Token::Any) {
        return find(later, words, usize::MAX);
    }
    let gap_after = if token.name().is_some() { 0 } else { GAP };
    let gap = if token.name().is_some() && gap == GAP { 0 } else { gap };
    (0..=gap.min(words.len())).find_map(|skipped| {
        let words = &words[skipped..];
        let (taken, value) = token.take(words)?;
        let mut values = find(later, &words[taken..], gap_after)?;
        values.extend(token.name().map(str::to_owned).zip(value));
        Some(values)
    })
}

/// The words of `text` as a recogniser would write them: lower case, no punctuation, no `uh`,
/// and `what's` as `what is`. Signs of arithmetic become words.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let digit_follows = chars.peek().is_some_and(char::is_ascii_digit);
        match c {
            '\'' | '’' => plain.push('\''),
            ',' if digit_follows && plain.ends_with(|c: char| c.is_ascii_digit()) => {}
            '.' if digit_follows => plain.push('.'),
            '+' => plain.push_str(" plus "),
            '*' | '×' => plain.push_str(" times "),
            '/' | '÷' => plain.push_str(" divided by "),
            c if c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ => plain.push(' '),
        }
    }
    let words = plain.split_whitespace().map(|word| word.trim_matches('\''));
    let words = words.flat_map(|word| match word.split_once('\'') {
        Some((word, "s")) => [word, "is"],
        Some((word, "m")) => [word, "am"],
        Some((word, "re")) => [word, "are"],
        _ => [word, ""],
    });
    words.filter(|word| !word.is_empty() && !FILLERS.contains(word)).map(str::to_owned).collect()
}

fn is_heard(word: &str) -> bool {
    let words = words(word);
    words.len() == 1 && words[0] == word
}

/// Whether `name` may stand in braces.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Other words between two words of a pattern: room for `tell [to me now] the time`.
const GAP: usize = 3;

/// Sounds that people make while they think.
const FILLERS: [&str; 8] = ["uh", "um", "er", "erm", "ah", "hm", "hmm", "mm"];

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, text: &str) -> Option<Values> {
        Pattern::try_from(pattern.to_owned()).unwrap().find(&words(text))
    }

    #[test]
    fn other_words_may_surround_a_pattern_and_stand_in_it() {
        assert!(find("what time", "uh what time is it now").is_some());
        assert!(find("tell time", "please tell me the time").is_some());
        assert!(find("tell time", "time to tell").is_none());
        assert!(find("tell time", "tell him that it is never the right time").is_none());
        assert!(find("tell * time", "tell him that it is never the right time").is_some());
        assert!(find("*", "").is_some());
    }

    #[test]
    fn braces_take_a_word_or_a_number() {
        let values = find("my name is {name}", "well my name is um John.").unwrap();
        assert_eq!(values["name"], Value::Text("john".to_owned()));
        let values = find("{a:number} plus|and {b:number}", "what's twenty one and 3?").unwrap();
        assert_eq!((&values["a"], &values["b"]), (&Value::Number(21.0), &Value::Number(3.0)));
        assert!(find("my name is {name}", "what is my name is").is_none());
        assert!(find("{a:number} time {b:number}", "one more time for me").is_none());
    }

    #[test]
    fn typed_text_becomes_words_as_they_are_heard() {
        assert_eq!(words("What's 1,000*2.5, John’s?").join(" "), "what is 1000 times 2.5 john is");
        assert_eq!(words("'Uh'... ''  ?").len(), 0);
    }

    #[test]
    fn a_wrong_pattern_says_what_was_expected() {
        let error = |text: &str| Pattern::try_from(text.to_owned()).unwrap_err();
        assert!(error("What time").contains("lower case"));
        assert!(error("what's up").contains("`'s` is heard as `is`"));
        assert!(error("{a:date}").contains("`{name:number}`"));
        assert!(error(" ").contains("empty"));
    }
}
