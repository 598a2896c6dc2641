//! Some phrases must not be said.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{read, texts};
use crate::validators::phrases::{Phrases, Search};
use crate::validators::{Said, Validator, Violation, Watch, Watched, watched};

/// Some phrases must not be said, in whatever case.
#[derive(Debug)]
pub(in crate::validators) struct ContentExcludes {
    phrases: Arc<Phrases>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "words", alias = "banned_words", deserialize_with = "texts")]
    patterns: Vec<String>,
    #[serde(default)]
    match_mode: MatchMode,
}

/// Where a phrase counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MatchMode {
    /// Anywhere, also within a word.
    #[default]
    Substring,
    /// Where no word goes on before or behind it.
    #[serde(alias = "word", alias = "words")]
    WordBoundary,
}

#[derive(Debug)]
struct Watching {
    phrases: Arc<Phrases>,
    search: Search,
}

impl ContentExcludes {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { patterns, match_mode } = read(params)?;
        let phrases = Phrases::new(&patterns, match_mode == MatchMode::WordBoundary)
            .map_err(|reason| format!("`patterns` {reason}"))?;
        Ok(Self { phrases: Arc::new(phrases) })
    }

    fn watching(&self) -> Watching {
        Watching { phrases: Arc::clone(&self.phrases), search: Search::new() }
    }
}

impl Validator for ContentExcludes {
    fn kind(&self) -> &'static str {
        "content_excludes"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        watched(self.watching(), said)
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(self.watching()))
    }
}

impl Watch for Watching {
    fn push(&mut self, text: &str, is_whole: bool) -> Watched {
        let Self { phrases, search } = self;
        match phrases.look(search, text, is_whole) {
            // Which one it was is told by its number: the phrase itself is not to be said.
            Some(found) => Watched::Violated(Violation::new(
                format!("it says phrase {} of those that are banned", found.number + 1),
                found.at,
            )),
            None if is_whole => Watched::Safe { until: text.len() },
            None => Watched::Safe { until: phrases.safe_until(search) },
        }
    }
}
