//! The rules of a script, read from TOML.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value as Json;

use super::pattern::{Pattern, Values, words};
use super::say::Template;

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
        if rules.find(&[]).is_none() {
            let reason = "no rule answers what the others do not match: end with a rule that has \
                          `hear = [\"*\"]`";
            return Err(error(text.lines().count().max(1), reason.to_owned()));
        }
        Ok(rules)
    }

    /// The first rule that matches, and what it took.
    pub(super) fn find(&self, words: &[String]) -> Option<(&Fields, Values)> {
        self.rule.iter().find_map(|Rule(rule)| Some((rule, first_match(&rule.hear, words)?)))
    }

    /// The first rule that matches `text`.
    pub(super) fn hearing(&self, text: &str) -> Option<&Fields> {
        self.find(&words(text)).map(|(rule, _)| rule)
    }
}

impl Fields {
    /// Whether an answer needs the value called `name`.
    pub(super) fn says(&self, name: &str) -> bool {
        self.say.iter().flat_map(Template::names).any(|needed| needed == name)
    }

    fn check(&self) -> Result<(), String> {
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
        fields.check().map(|()| Self(fields))
    }
}

/// What the first of `patterns` that matches takes.
pub(super) fn first_match(patterns: &[Pattern], words: &[String]) -> Option<Values> {
    patterns.iter().find_map(|pattern| pattern.find(words))
}

fn no_arguments() -> Json {
    Json::Object(serde_json::Map::new())
}

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
    }
}
