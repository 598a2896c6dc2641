//! A template with the fragments in it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Pack;
use super::prompt::PromptError;
use crate::text::{Template, TemplateError};

/// A template and the fragments that it may contain.
#[derive(Debug)]
pub(super) struct Texts {
    template: Template,
    fragments: BTreeMap<String, Template>,
}

impl Texts {
    /// Only the fragments that are reached are read.
    ///
    /// # Errors
    ///
    /// One of them is not well formed, or fragments contain one another.
    pub(super) fn new(pack: &Pack, template: &str) -> Result<Self, PromptError> {
        let mut texts =
            Self { template: parsed(template, TEMPLATE.to_owned())?, fragments: BTreeMap::new() };
        let mut open: Vec<_> = texts.template.names().map(|(name, _)| name.to_owned()).collect();
        while let Some(name) = open.pop() {
            let Some(text) =
                pack.fragments.get(&name).filter(|_| !texts.fragments.contains_key(&name))
            else {
                continue;
            };
            let fragment = parsed(text, fragment_named(&name))?;
            open.extend(fragment.names().map(|(name, _)| name.to_owned()));
            texts.fragments.insert(name, fragment);
        }
        texts.refuse_circles()?;
        Ok(texts)
    }

    /// All names that are reached, those of fragments among them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.reached(&BTreeMap::new()).into_iter()
    }

    /// Whether `name` is a fragment that is reached.
    pub(super) fn has_fragment(&self, name: &str) -> bool {
        self.fragments.contains_key(name)
    }

    /// The names that are reached where these values stand in the place of fragments.
    pub(super) fn needed(&self, values: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
        self.reached(values).into_iter().filter(|name| !self.fragments.contains_key(*name))
    }

    fn reached(&self, values: &BTreeMap<String, String>) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![&self.template];
        while let Some(template) = open.pop() {
            for (name, _) in template.names() {
                if reached.insert(name) && !values.contains_key(name) {
                    open.extend(self.fragments.get(name));
                }
            }
        }
        reached
    }

    /// Finds circles, and what is too deep to be walked: both without a walk of its own depth.
    fn refuse_circles(&self) -> Result<(), PromptError> {
        let mut depths = BTreeMap::new();
        for name in self.fragments.keys() {
            if depths.contains_key(name.as_str()) {
                continue;
            }
            // The way to where it stands: fragments, and those in them that are still to come.
            let mut way = vec![(name.as_str(), self.within(name))];
            while let Some((at, rest)) = way.last_mut() {
                let Some(next) = rest.pop() else {
                    let inner = self.within(at).into_iter().filter_map(|name| depths.get(name));
                    let depth = 1 + inner.max().copied().unwrap_or(0_usize);
                    if depth > DEEPEST {
                        return Err(PromptError::TooDeep((*at).to_owned()));
                    }
                    depths.insert(*at, depth);
                    way.pop();
                    continue;
                };
                if let Some(first) = way.iter().position(|(name, _)| *name == next) {
                    let circle = way[first..].iter().map(|(name, _)| (*name).to_owned());
                    return Err(PromptError::Circle(circle.chain([next.to_owned()]).collect()));
                }
                if !depths.contains_key(next) {
                    way.push((next, self.within(next)));
                }
                if way.len() > DEEPEST {
                    return Err(PromptError::TooDeep(name.clone()));
                }
            }
        }
        Ok(())
    }

    /// The fragments that stand in fragment `name`.
    fn within(&self, name: &str) -> Vec<&str> {
        let names = self.fragments.get(name).into_iter().flat_map(Template::names);
        names.map(|(name, _)| name).filter(|name| self.fragments.contains_key(*name)).collect()
    }

    pub(super) fn render(&self, values: &BTreeMap<String, String>) -> Result<String, PromptError> {
        // A fragment that stands in many places is made once.
        self.fill(&self.template, TEMPLATE.to_owned(), values, &mut BTreeMap::new())
    }

    fn fill(
        &self,
        template: &Template,
        text: String,
        values: &BTreeMap<String, String>,
        made: &mut BTreeMap<String, String>,
    ) -> Result<String, PromptError> {
        let filled = template.try_fill(|name, place| {
            if let Some(value) = values.get(name).or_else(|| made.get(name)) {
                return Ok(value.clone());
            }
            let Some(fragment) = self.fragments.get(name) else {
                return Err(Stop::Here(TemplateError::Unknown { place, name: name.to_owned() }));
            };
            let text = self.fill(fragment, fragment_named(name), values, made);
            let text = text.map_err(Stop::Deeper)?;
            made.insert(name.to_owned(), text.clone());
            Ok(text)
        });
        filled.map_err(|stop| match stop {
            Stop::Here(error) => PromptError::Template { text, error },
            Stop::Deeper(error) => error,
        })
    }
}

/// How deep fragments may contain one another: each takes its part of the stack.
pub(super) const DEEPEST: usize = 100;

/// What a template is called in errors.
pub(super) const TEMPLATE: &str = "the template";

fn fragment_named(name: &str) -> String {
    format!("fragment `{name}`")
}

fn parsed(template: &str, text: String) -> Result<Template, PromptError> {
    Template::parse(template).map_err(|error| PromptError::Template { text, error })
}

/// Where the filling of a template failed: in itself, or in a fragment.
enum Stop {
    Here(TemplateError),
    Deeper(PromptError),
}

impl From<TemplateError> for Stop {
    fn from(error: TemplateError) -> Self {
        Self::Here(error)
    }
}
