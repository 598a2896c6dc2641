//! What a setting can hold, and how its text is read.

use crate::text::{Phrases, nearest};
use crate::types::Secret;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Names with commas between them, in a file also as a list; a `*` stands for anything.
    Names,
    /// Phrases that wake the agent, with commas between them, in a file also as a list.
    Phrases,
    /// A key, which is never shown.
    Secret,
    /// The address of a service.
    Address,
    /// The name of a store; one with a password in it is never shown.
    Store,
    /// True or false.
    Bool,
    /// A whole number from the first to the second.
    Integer(u64, u64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a whole number from the first to the second.
    Amount(&'static [&'static str], u64, u64),
    /// One of these engines, as they are written; what follows a colon is for the engine to
    /// judge.
    Engine(&'static [&'static str]),
    /// One of these language models, or one of the file's own: who has read that judges the name.
    Model(&'static [&'static str]),
    /// One of these voice detectors, or two with a `+` between them.
    Detector(&'static [&'static str]),
}

/// What a setting holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Unset,
    /// A text, an address, a store or a choice.
    Text(String),
    /// A key, or a store with a password.
    Secret(Secret),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(u64),
    /// A number.
    Number(f64),
}

impl Kind {
    /// Reads a value. Where that fails, the text says what is allowed and never quotes a key.
    pub(super) fn parse(self, text: &str) -> Result<Value, String> {
        let wrong = |expected: String| Err(format!("\"{text}\" is wrong; expected {expected}"));
        match self {
            Self::Text | Self::Names | Self::Model(_) => Ok(Value::Text(text.to_owned())),
            Self::Phrases => match Phrases::new(text.split(',')) {
                Ok(_) => Ok(Value::Text(text.to_owned())),
                Err(error) => Err(error.to_string()),
            },
            Self::Secret => Ok(Value::Secret(Secret::new(text))),
            // What is before the @ would be a user and a password.
            Self::Address if text.contains('@') => Err(NO_PASSWORDS.to_owned()),
            Self::Address if text.contains(['?', '#']) => Err(NO_QUERY.to_owned()),
            Self::Address if text.starts_with("http://") || text.starts_with("https://") => {
                Ok(Value::Text(text.to_owned()))
            }
            Self::Address => wrong("an address such as http://localhost:8080/v1".to_owned()),
            Self::Store if !STORES.iter().any(|store| head(store) == head(text)) => {
                // The rest may hold a password.
                Err(format!("\"{}\" is wrong; expected one of {}", head(text), STORES.join(", ")))
            }
            // What is before the @ may be a user and a password, or else behind pass=.
            Self::Store if text.contains(['@', '?']) => Ok(Value::Secret(Secret::new(text))),
            Self::Store => Ok(Value::Text(text.to_owned())),
            Self::Bool => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => wrong("true or false".to_owned()),
            },
            Self::Integer(least, most) => match text.parse() {
                Ok(number) if (least..=most).contains(&number) => Ok(Value::Integer(number)),
                _ => wrong(format!("a whole number from {least} to {most}")),
            },
            Self::Number(least, most) => match text.parse() {
                Ok(number) if (least..=most).contains(&number) => Ok(Value::Number(number)),
                _ => wrong(format!("a number from {least} to {most}")),
            },
            Self::Choice(words) | Self::Amount(words, ..) if words.contains(&text) => {
                Ok(Value::Text(text.to_owned()))
            }
            Self::Amount(words, least, most) => match text.parse() {
                Ok(number) if (least..=most).contains(&number) => Ok(Value::Integer(number)),
                _ => wrong(amount(words, least, most)),
            },
            Self::Engine(forms) => one_of(text, forms, []).map(|()| Value::Text(text.to_owned())),
            Self::Detector(forms)
                if text.split('+').count() <= 2
                    && text
                        .split('+')
                        .all(|one| forms.iter().any(|form| head(form) == head(one))) =>
            {
                Ok(Value::Text(text.to_owned()))
            }
            Self::Detector(words) => {
                wrong(format!("one of {}, or two of them, as earshot+webrtc", words.join(", ")))
            }
            Self::Choice(words) => Err(not_among(text, words, [])),
        }
    }

    /// What is allowed, in a few words; nothing if all is.
    #[must_use]
    pub fn allowed(self) -> Option<String> {
        match self {
            Self::Text | Self::Secret => None,
            Self::Phrases => Some("1 to 4 phrases with commas between".to_owned()),
            Self::Names => Some("names with commas between, * for anything".to_owned()),
            Self::Address => Some("an address with http:// or https://".to_owned()),
            Self::Store => Some(STORES.join(", ")),
            Self::Bool => Some("true or false".to_owned()),
            Self::Integer(least, most) => Some(format!("{least} to {most}")),
            Self::Number(least, most) => Some(format!("{least} to {most}")),
            Self::Choice(words) | Self::Engine(words) => Some(words.join(", ")),
            Self::Amount(words, least, most) => Some(amount(words, least, most)),
            Self::Model(words) => {
                Some(format!("{}, or NAME of a [providers.NAME]", words.join(", ")))
            }
            Self::Detector(words) => Some(format!("{}, or two with a +", words.join(", "))),
        }
    }

    /// Whether it is written in quotes in a file.
    pub(super) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Names
                | Self::Phrases
                | Self::Secret
                | Self::Address
                | Self::Store
                | Self::Choice(_)
                | Self::Amount(..)
                | Self::Engine(_)
                | Self::Model(_)
                | Self::Detector(_)
        )
    }
}

impl Value {
    /// As a user may see it: a key only as `set`.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Unset => "not set".to_owned(),
            Self::Text(text) => format!("{text:?}"),
            Self::Secret(_) => "set".to_owned(),
            Self::Bool(yes) => yes.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Checks the name of an engine, which may be told something behind a colon.
pub(super) fn one_of<'a>(
    text: &str,
    forms: &[&'a str],
    own: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    let own: Vec<_> = own.into_iter().collect();
    let mut all = forms.iter().chain(&own);
    match all.any(|form| head(form) == head(text)) {
        true => Ok(()),
        false => Err(not_among(text, forms, own)),
    }
}

fn not_among<'a>(text: &str, words: &[&'a str], own: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<_> = words.iter().copied().chain(own).collect();
    let hint = nearest(head(text), all.iter().map(|word| head(word)));
    let hint = hint.map(|word| format!(" (did you mean {word}?)")).unwrap_or_default();
    format!("\"{text}\" is wrong; expected one of {}{hint}", all.join(", "))
}

fn amount(words: &[&str], least: u64, most: u64) -> String {
    format!("{}, or a whole number from {least} to {most}", words.join(", "))
}

/// The name of an engine without what it is told.
fn head(text: &str) -> &str {
    text.split_once(':').map_or(text, |(name, _)| name)
}

/// It does not say what was found: that would show the password.
const NO_PASSWORDS: &str = "the address has a user or password in it; write it without what ends \
                            in @, and set the key as api_key";

/// Nor does this: there are services whose keys stand there.
const NO_QUERY: &str = "the address has a query in it; write it without what begins with ?, and \
                        set the key as api_key";

const STORES: &[&str] = &[
    "memory",
    "files",
    "files:DIR",
    "sqlite:FILE",
    "redis://HOST",
    "rediss://HOST",
    "redis+unix://FILE",
];
