//! The rules of a script, read from TOML.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream;
use serde::Deserialize;
use serde_json::Value as Json;

use super::manner::{Fault, Manner};
use super::pattern::{Pattern, Values, words};
use super::say::Template;
use crate::providers::{ProviderEvent, ProviderStream};
use crate::types::{Message, Role};

/// A script could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the rules in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A rule is wrong.
    #[error("{origin}:{line}: {reason}")]
    Wrong {
        /// The file, or the name of what was read.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what was expected.
        reason: String,
    },
}

/// All rules; the first that matches answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    rule: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Fields")]
pub(super) struct Rule(Fields);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    /// It answers what matches one of these.
    hear: Vec<Pattern>,
    /// Values of what the user said before: the latest match.
    #[serde(default)]
    pub(super) recall: Vec<Pattern>,
    /// The answers, in turn.
    #[serde(default)]
    pub(super) say: Vec<Template>,
    /// The tool to call.
    pub(super) tool: Option<String>,
    /// Its arguments.
    #[serde(default = "no_arguments")]
    pub(super) arguments: Json,
    /// The answers to its result, in turn.
    #[serde(default)]
    pub(super) then: Vec<Template>,
    /// The answers, in turn, when a value or the tool is missing.
    #[serde(default)]
    pub(super) otherwise: Vec<Template>,
    /// It answers only what the user says as the turn of this number, from 1.
    turn: Option<usize>,
    /// The pause before the first word, in milliseconds.
    #[serde(default)]
    first_ms: u32,
    /// The pause before each later word, in milliseconds.
    #[serde(default)]
    each_ms: u32,
    /// How it fails.
    fails: Option<Fault>,
    /// How often it does, before it answers.
    times: Option<u32>,
    /// Of the four above.
    #[serde(skip)]
    manner: Option<Manner>,
}

impl Rules {
    /// Reads a script; `origin` names it in errors.
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, ScriptError> {
        let error = |line, reason| ScriptError::Wrong { origin: origin.to_owned(), line, reason };
        let rules: Self = toml::from_str(text).map_err(|wrong| {
            let start = wrong.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or(text);
            error(before.matches('\n').count() + 1, wrong.message().to_owned())
        })?;
        if rules.find(&[], 0).is_none() {
            let reason = "no rule answers what the others do not match: end with a rule that has \
                          `hear = [\"*\"]`";
            return Err(error(text.lines().count().max(1), reason.to_owned()));
        }
        Ok(rules)
    }

    /// The first rule that matches these words of the user's turn of that number, and what it took.
    pub(super) fn find(&self, words: &[String], turn: usize) -> Option<(&Fields, Values)> {
        let fits = |rule: &&Rule| rule.0.turn.is_none_or(|only| only == turn);
        let mut fitting = self.rule.iter().filter(fits);
        fitting.find_map(|Rule(rule)| Some((rule, first_match(&rule.hear, words)?)))
    }

    /// The first rule that matches `text`, in the turn of that number.
    pub(super) fn hearing(&self, text: &str, turn: usize) -> Option<&Fields> {
        self.find(&words(text), turn).map(|(rule, _)| rule)
    }
}

impl Fields {
    /// Whether an answer needs the value called `name`.
    pub(super) fn says(&self, name: &str) -> bool {
        self.say.iter().flat_map(Template::names).any(|needed| needed == name)
    }

    /// Gives the pieces of an answer to `messages` in this rule's manner.
    pub(super) fn stream(
        &self,
        messages: &[Message],
        pieces: Vec<ProviderEvent>,
    ) -> ProviderStream {
        let asked = messages.last().is_some_and(|message| message.role == Role::User);
        match &self.manner {
            Some(manner) => manner.stream(asked, pieces),
            None => Box::pin(stream::iter(pieces.into_iter().map(Ok))),
        }
    }

    fn manner(&self) -> Option<Manner> {
        let Self { first_ms, each_ms, fails, times, .. } = self;
        let [first, each] = [first_ms, each_ms].map(|ms| Duration::from_millis((*ms).into()));
        let is_plain = first.is_zero() && each.is_zero() && fails.is_none();
        (!is_plain).then(|| Manner {
            first,
            each,
            fault: *fails,
            times: *times,
            ..Manner::default()
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.turn == Some(0) {
            return Err("turns are counted from 1".to_owned());
        }
        if self.first_ms.max(self.each_ms) > LONGEST_MS {
            return Err(format!("nobody waits so long: at most {LONGEST_MS} ms"));
        }
        match (self.times, self.fails) {
            (Some(_), None) => return Err("`times` needs `fails`".to_owned()),
            (None, Some(_)) if self.say.is_empty() && self.tool.is_none() => return Ok(()),
            _ => {}
        }
        match (&self.tool, self.say.is_empty(), self.then.is_empty()) {
            (None, true, _) => return Err("the rule says nothing: give it a `say`".to_owned()),
            (None, _, false) => return Err("`then` needs a `tool`".to_owned()),
            (Some(_), _, true) => {
                return Err("the rule calls a tool: say its result by `then`".to_owned());
            }
            _ => {}
        }
        let known = |name: &str| {
            let takes = |pattern: &Pattern| pattern.names().any(|taken| taken == name);
            RESERVED.contains(&name)
                || self.hear.iter().all(takes)
                || (!self.recall.is_empty() && self.recall.iter().all(takes))
        };
        let mut said = self.say.iter().chain(&self.otherwise).flat_map(Template::names);
        match said.find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "nothing gives `{{{name}}}`: every pattern of `hear`, or every one of `recall`, \
                 must take it; always there are {RESERVED:?}"
            )),
        }
    }
}

impl TryFrom<Fields> for Rule {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        fields.check()?;
        let manner = fields.manner();
        Ok(Self(Fields { manner, ..fields }))
    }
}

/// What the first of `patterns` that matches takes.
pub(super) fn first_match(patterns: &[Pattern], words: &[String]) -> Option<Values> {
    patterns.iter().find_map(|pattern| pattern.find(words))
}

fn no_arguments() -> Json {
    Json::Object(serde_json::Map::new())
}

/// A minute: longer than anybody waits for an answer.
const LONGEST_MS: u32 = 60_000;

/// What was heard, the agent's last answer, and what an interrupted answer still had to say.
const RESERVED: [&str; 3] = ["heard", "last", "rest"];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Rules::parse(text, "mine.toml").unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_file_the_line_and_what_was_expected() {
        let unknown = error("\n[[rule]]\nhear = [\"*\"]\nsays = [\"Yes.\"]\n");
        assert!(unknown.starts_with("mine.toml:4: unknown field `says`"), "{unknown}");
        assert!(unknown.contains("`otherwise`"), "{unknown}");

        let pattern = error("[[rule]]\nhear = [\n  \"hello\",\n  \"Hey\",\n]\nsay = [\"Yes.\"]\n");
        assert!(pattern.starts_with("mine.toml:2: `Hey` is never heard"), "{pattern}");

        let template = error("[[rule]]\nhear = [\"*\"]\nsay = [\"It is {.\"]\n");
        assert!(template.starts_with("mine.toml:3: a `{` has no `}`"), "{template}");

        let broken = error("[[rule]]\nhear = \n");
        assert!(broken.starts_with("mine.toml:2: "), "{broken}");
    }

    #[test]
    fn a_rule_must_be_able_to_answer() {
        let rule = |fields: &str| error(&format!("# rules\n\n[[rule]]\nhear = [\"*\"]\n{fields}"));
        assert!(rule("").starts_with("mine.toml:3: the rule says nothing"), "{}", rule(""));
        assert!(rule("tool = \"clock\"").contains("by `then`"));
        assert!(rule("say = [\"Hi.\"]\nthen = [\"Yes.\"]").contains("needs a `tool`"));
        assert!(rule("say = [\"Hi {name}.\"]").contains("nothing gives `{name}`"));
        let last = error("[[rule]]\nhear = [\"hello\"]\nsay = [\"Hi.\"]");
        assert!(last.contains("hear = [\"*\"]"), "{last}");
        // It is for one turn alone.
        let last = rule("turn = 1\nsay = [\"Hi.\"]");
        assert!(last.contains("hear = [\"*\"]"), "{last}");
        assert!(rule("turn = 0\nsay = [\"Hi.\"]").contains("counted from 1"));
        assert!(rule("first_ms = 60001\nsay = [\"Hi.\"]").contains("at most 60000 ms"));
        assert!(rule("times = 1\nsay = [\"Hi.\"]").contains("`times` needs `fails`"));
        assert!(rule("fails = \"429\"\ntimes = 1").contains("the rule says nothing"));
        for wrong in ["399", "600", "429:soon", "429:-1", "cut:2", "stall:x", "slow:3", ""] {
            let told = rule(&format!("fails = \"{wrong}\""));
            assert!(told.contains(&format!("\"{wrong}\" is no way to fail")), "{told}");
        }
    }
}
