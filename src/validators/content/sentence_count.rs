//! No more than so many sentences.

use serde::Deserialize;
use serde_json::Value;

use crate::text::ClauseCutter;
use crate::validators::params::{positive, read};
use crate::validators::{Said, Validator, Violation, Watch, Watched, watched};

/// No more than so many sentences, as they are cut to be spoken: "Dr. Ann" is none.
#[derive(Clone, Copy, Debug)]
pub(in crate::validators) struct SentenceCount {
    max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default, alias = "max_sentences", deserialize_with = "positive")]
    max: Option<usize>,
}

#[derive(Debug)]
struct Watching {
    max: usize,
    cutter: ClauseCutter,
    looked: usize,
    sentences: usize,
    /// Where the last one ends that may be said.
    end: Option<usize>,
}

impl SentenceCount {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        let Params { max } = read(params)?;
        Ok(Self { max: max.ok_or("`max` must be given")? })
    }

    fn watching(self) -> Watching {
        let cutter = ClauseCutter::default();
        Watching { max: self.max, cutter, looked: 0, sentences: 0, end: None }
    }
}

impl Validator for SentenceCount {
    fn kind(&self) -> &'static str {
        "sentence_count"
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
        let new = self.looked;
        self.looked = text.len();
        if self.end.is_none() {
            self.cutter.push(&text[new..]);
            if is_whole {
                self.cutter.finish();
            }
            while self.end.is_none()
                && let Some(clause) = self.cutter.next()
            {
                self.sentences += usize::from(clause.ends_sentence);
                self.end = Some(clause.range.end).filter(|_| self.sentences == self.max);
            }
        }
        let Some(end) = self.end else { return Watched::Safe { until: text.len() } };
        if text[end.max(new)..].trim().is_empty() {
            return Watched::Safe { until: end };
        }
        let reason = format!("it has more than {} sentences", self.max);
        Watched::Violated(Violation::new(reason, end))
    }
}
