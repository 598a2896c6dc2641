//! A template and its fragments, rendered by minijinja.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::engine::{Body, Parsed};
use super::fragments::{TEMPLATE, fragment_named};
use super::prompt::PromptError;
use super::variable::Values;
use crate::text::TemplateError;
use crate::text::jinja::{Jinja, Run, Stopped};

/// A template and its fragments, in one engine.
#[derive(Debug)]
pub(super) struct JinjaTexts {
    engine: Jinja,
    /// The fragments, each after those in it.
    fragments: Vec<String>,
}

/// Nobody reads more names that are missing.
const MOST_MISSING: usize = 100;

/// The template's name in the engine: no fragment has it, as no name in a template is empty.
const ITSELF: &str = "";

impl JinjaTexts {
    /// `None` where another engine is to render them.
    pub(super) fn new(
        template: &Parsed,
        fragments: &BTreeMap<String, (usize, Arc<Parsed>)>,
    ) -> Result<Option<Self>, PromptError> {
        let Body::Jinja(text) = &template.body else {
            return Ok(None);
        };
        let mut engine = Jinja::new();
        engine.add(ITSELF, text).map_err(|error| wrong(ITSELF, error))?;
        for (name, (_, fragment)) in fragments {
            if let Body::Jinja(text) = &fragment.body {
                engine.add(name, text).map_err(|error| wrong(name, error))?;
            }
        }
        let mut order: Vec<_> =
            fragments.iter().map(|(name, (depth, _))| (*depth, name.clone())).collect();
        order.sort();
        Ok(Some(Self { engine, fragments: order.into_iter().map(|(_, name)| name).collect() }))
    }

    /// Fragments are made first, the innermost before all, so that none waits for another. One
    /// that cannot be made is an error only where its text is wanted.
    pub(super) fn render(
        &self,
        values: &Values,
        required: &BTreeSet<&str>,
    ) -> Result<String, PromptError> {
        let mut run = self.engine.start();
        for (name, value) in values {
            run.give(name, value);
        }
        // What else is missing shows with something in their place.
        for name in required {
            run.give(name, &Value::from(""));
        }
        let mut failed = BTreeMap::new();
        for name in self.fragments.iter().filter(|name| !values.contains_key(*name)) {
            match attempt(&mut run, name, &failed) {
                Ok(text) => run.give_text(name, &text),
                Err(failure) => drop(failed.insert(name.as_str(), failure)),
            }
        }
        let required = required.iter().map(|name| format!("`{name}`"));
        match attempt(&mut run, ITSELF, &failed) {
            Ok(text) if required.len() == 0 => Ok(text),
            Err(Failure::Wrong(error)) if required.len() == 0 => Err(error),
            Err(Failure::Missing(places)) => {
                Err(PromptError::Missing(required.chain(places.into_values()).collect()))
            }
            // What is wrong beside what is missing may be wrong only because of that.
            _ => Err(PromptError::Missing(required.collect())),
        }
    }
}

/// Why a text could not be made.
#[derive(Clone, Debug)]
enum Failure {
    /// Names without a value, each with its place in words.
    Missing(BTreeMap<String, String>),
    Wrong(PromptError),
}

/// Makes one text. A name that is missing is told, and then tried with nothing in its place, so
/// that all of them are told.
fn attempt(run: &mut Run, text: &str, failed: &BTreeMap<&str, Failure>) -> Result<String, Failure> {
    let mut missing = BTreeMap::new();
    let mut stand_ins = Vec::new();
    let made = loop {
        let (name, place) = match run.render(text, !stand_ins.is_empty()) {
            Err(Stopped::Missing(name, place)) if missing.len() < MOST_MISSING => (name, place),
            Err(Stopped::Wrong(error)) => break Err(wrong(text, error)),
            Err(Stopped::Missing(..)) => break Ok(String::new()),
            Ok(text) => break Ok(text),
        };
        match failed.get(name.as_str()) {
            Some(Failure::Wrong(error)) => break Err(error.clone()),
            Some(Failure::Missing(inner)) => missing.extend(inner.clone()),
            None => {
                let place = format!("`{name}` ({}, {place})", called(text));
                missing.insert(name.clone(), place);
            }
        }
        run.give_text(&name, "");
        stand_ins.push(name);
    };
    for name in &stand_ins {
        run.take_back(name);
    }
    match made {
        _ if !missing.is_empty() => Err(Failure::Missing(missing)),
        Ok(text) => Ok(text),
        Err(error) => Err(Failure::Wrong(error)),
    }
}

fn called(text: &str) -> String {
    match text {
        ITSELF => TEMPLATE.to_owned(),
        fragment => fragment_named(fragment),
    }
}

fn wrong(text: &str, error: TemplateError) -> PromptError {
    PromptError::Template { text: called(text), error }
}
