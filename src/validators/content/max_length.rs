//! No more than so many characters or tokens.

use serde::Deserialize;
use serde_json::Value;

use crate::text::tokens::Running;
use crate::validators::params::{positive, read};
use crate::validators::{Said, Validator, Violation, Watch, Watched, watched};

/// No more than so many characters, or tokens by [`Estimate`](crate::text::Estimate).
#[derive(Clone, Copy, Debug)]
pub(in crate::validators) struct MaxLength {
    characters: usize,
    tokens: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default, alias = "max_characters", alias = "max_chars", deserialize_with = "positive")]
    max: Option<usize>,
    #[serde(default, deserialize_with = "positive")]
    max_tokens: Option<usize>,
}

#[derive(Debug)]
struct Watching {
    limit: MaxLength,
    looked: usize,
    characters: usize,
    tokens: Running,
}

impl MaxLength {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { max, max_tokens } = read(params)?;
        if max.is_none() && max_tokens.is_none() {
            return Err("`max` or `max_tokens` must be given".to_owned());
        }
        let (characters, tokens) = (max.unwrap_or(usize::MAX), max_tokens.unwrap_or(usize::MAX));
        Ok(Self { characters, tokens })
    }

    fn watching(self) -> Watching {
        Watching { limit: self, looked: 0, characters: 0, tokens: Running::default() }
    }
}

impl Validator for MaxLength {
    fn kind(&self) -> &'static str {
        "max_length"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        watched(self.watching(), said)
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(self.watching()))
    }
}

impl Watch for Watching {
    fn push(&mut self, text: &str, _is_whole: bool) -> Watched {
        for c in text[self.looked..].chars() {
            self.characters += 1;
            self.tokens.add(c);
            if self.characters > self.limit.characters {
                let reason = format!("it is longer than {} characters", self.limit.characters);
                return Watched::Violated(Violation::new(reason, self.looked));
            }
            if self.tokens.tokens() as usize > self.limit.tokens {
                let reason = format!("it is longer than {} tokens", self.limit.tokens);
                return Watched::Violated(Violation::new(reason, self.looked));
            }
            self.looked += c.len_utf8();
        }
        Watched::Safe { until: self.looked }
    }
}
