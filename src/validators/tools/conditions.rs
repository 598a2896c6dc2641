//! What one call must be like.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Made, has_arguments, text};
use crate::validators::pattern::regex;
use crate::validators::phrases::folded;

/// What one call must be like.
#[derive(Debug)]
pub(super) struct Conditions {
    expected_args: Map<String, Value>,
    args_match: Vec<(String, Regex)>,
    result_includes: Vec<String>,
    result_matches: Option<Regex>,
    no_error: bool,
}

/// As they are written.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) expected_args: Map<String, Value>,
    #[serde(default)]
    pub(super) args_match: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) result_includes: Vec<String>,
    pub(super) result_matches: Option<String>,
    #[serde(default)]
    pub(super) no_error: bool,
}

impl Conditions {
    pub(super) fn new(written: Written) -> Result<Self, String> {
        let Written { expected_args, args_match, result_includes, result_matches, no_error } =
            written;
        let mut patterns = Vec::with_capacity(args_match.len());
        for (name, pattern) in args_match {
            let pattern =
                regex(&pattern).map_err(|reason| format!("`args_match.{name}` {reason}"))?;
            patterns.push((name, pattern));
        }
        let result_matches = result_matches.map(|pattern| regex(&pattern)).transpose();
        Ok(Self {
            expected_args,
            args_match: patterns,
            result_includes: result_includes.iter().map(|text| folded(text)).collect(),
            result_matches: result_matches
                .map_err(|reason| format!("`result_matches` {reason}"))?,
            no_error,
        })
    }

    /// What is wrong with the call.
    pub(super) fn check(&self, made: &Made<'_>) -> Result<(), String> {
        let name = &made.call.name;
        if !has_arguments(made.call, &self.expected_args) {
            return Err(format!("`{name}` was called with other arguments than expected"));
        }
        for (argument, pattern) in &self.args_match {
            let value = made.call.arguments.get(argument).map(text);
            if !value.is_some_and(|value| pattern.is_match(&value)) {
                return Err(format!("the argument `{argument}` of `{name}` does not match"));
            }
        }
        if self.no_error && made.is_error() {
            return Err(format!("`{name}` failed"));
        }
        let content = folded(made.content());
        if self.result_includes.iter().any(|part| !content.contains(part.as_str())) {
            return Err(format!("the result of `{name}` lacks something"));
        }
        if self.result_matches.as_ref().is_some_and(|rule| !rule.is_match(made.content())) {
            return Err(format!("the result of `{name}` does not match"));
        }
        Ok(())
    }
}
