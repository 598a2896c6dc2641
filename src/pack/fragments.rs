//! The fragments of a pack, each read when it is first reached, and once: many prompts share them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::{Engine, Parsed, Reader};
use super::model::Pack;
use super::prompt::PromptError;
use crate::text::TemplateError;

/// How deep fragments may contain one another: each takes its part of the stack.
pub(super) const DEEPEST: usize = 100;

/// What a template is called in errors.
pub(super) const TEMPLATE: &str = "the template";

pub(super) fn fragment_named(name: &str) -> String {
    format!("fragment `{name}`")
}

/// Fragments as far as they were read.
#[derive(Debug)]
pub(super) struct Fragments<'p> {
    texts: &'p BTreeMap<String, String>,
    reader: Reader,
    read: BTreeMap<&'p str, Result<Fragment<'p>, TemplateError>>,
}

#[derive(Debug)]
struct Fragment<'p> {
    parsed: Arc<Parsed>,
    /// The fragments in it.
    within: Vec<&'p str>,
    /// How deep it contains others, itself counted; known when all of them are.
    depth: Option<usize>,
}

impl<'p> Fragments<'p> {
    pub(super) fn new(pack: &'p Pack, engine: Engine) -> Self {
        Self { texts: &pack.fragments, reader: Reader::new(engine), read: BTreeMap::new() }
    }

    /// A text that is no fragment.
    pub(super) fn template(&self, text: &str) -> Result<Parsed, TemplateError> {
        self.reader.read(text)
    }

    /// What is wrong with fragment `name` by itself.
    pub(super) fn error(&mut self, name: &'p str) -> Option<&TemplateError> {
        self.fragment(name).and_then(|read| read.as_ref().err())
    }

    /// Reads all fragments that are reached from these names.
    ///
    /// # Errors
    ///
    /// One is not well formed; they contain one another, or too deep.
    pub(super) fn reach<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), PromptError> {
        for name in names {
            if let Some((name, _)) = self.texts.get_key_value(name) {
                self.settle(name)?;
            }
        }
        Ok(())
    }

    /// Finds circles, and what is too deep to be walked: both without a walk of its own depth.
    fn settle(&mut self, root: &'p str) -> Result<(), PromptError> {
        // The way to where it stands: fragments, and which of those in them comes next.
        let mut way: Vec<(&'p str, usize)> = vec![(root, 0)];
        while let Some((at, next)) = way.last_mut() {
            let (at, number) = (*at, *next);
            *next += 1;
            let fragment = self.known(at)?;
            if fragment.depth.is_some() {
                way.pop();
                continue;
            }
            let Some(inner) = fragment.within.get(number).copied() else {
                let within = fragment.within.clone();
                let depth = 1 + within.iter().map(|name| self.depth(name)).max().unwrap_or(0);
                if depth > DEEPEST {
                    return Err(PromptError::TooDeep(at.to_owned()));
                }
                self.set_depth(at, depth);
                way.pop();
                continue;
            };
            if let Some(first) = way.iter().position(|(name, _)| *name == inner) {
                let circle = way[first..].iter().map(|(name, _)| (*name).to_owned());
                return Err(PromptError::Circle(circle.chain([inner.to_owned()]).collect()));
            }
            way.push((inner, 0));
            if way.len() > DEEPEST {
                return Err(PromptError::TooDeep(root.to_owned()));
            }
        }
        Ok(())
    }

    fn known(&mut self, name: &'p str) -> Result<&Fragment<'p>, PromptError> {
        let wrong = |error: &TemplateError| PromptError::Template {
            text: fragment_named(name),
            error: error.clone(),
        };
        match self.fragment(name) {
            Some(read) => read.as_ref().map_err(wrong),
            None => Err(PromptError::Missing(vec![format!("`{name}`")])),
        }
    }

    fn fragment(&mut self, name: &'p str) -> Option<&Result<Fragment<'p>, TemplateError>> {
        let text = self.texts.get(name)?;
        let Self { texts, reader, read } = self;
        Some(read.entry(name).or_insert_with(|| {
            let parsed = Arc::new(reader.read(text)?);
            let within = parsed.names.iter().filter_map(|name| texts.get_key_value(name));
            let within = within.map(|(name, _)| name.as_str()).collect();
            Ok(Fragment { parsed, within, depth: None })
        }))
    }

    fn depth(&self, name: &str) -> usize {
        let fragment = self.read.get(name).and_then(|read| read.as_ref().ok());
        fragment.and_then(|fragment| fragment.depth).unwrap_or(0)
    }

    fn set_depth(&mut self, name: &str, depth: usize) {
        if let Some(Ok(fragment)) = self.read.get_mut(name) {
            fragment.depth = Some(depth);
        }
    }

    /// The fragments that are [reached](Self::reach) from these names, with how deep they contain
    /// others.
    pub(super) fn reached<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> BTreeMap<String, (usize, Arc<Parsed>)> {
        let known = |name: &str| Some(self.read.get_key_value(name)?.0);
        let mut reached = BTreeMap::new();
        let mut open: Vec<&str> =
            names.into_iter().filter_map(|name| known(name).copied()).collect();
        while let Some(name) = open.pop() {
            if let Some(Ok(fragment)) = self.read.get(name)
                && !reached.contains_key(name)
            {
                let depth = fragment.depth.unwrap_or(DEEPEST);
                reached.insert(name.to_owned(), (depth, Arc::clone(&fragment.parsed)));
                open.extend(&fragment.within);
            }
        }
        reached
    }

    /// Names that are [reached](Self::reach) from these and are no fragments, each once, as long
    /// as `take` wants more.
    pub(super) fn open_names<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a str>,
        mut take: impl FnMut(&'a str) -> bool,
    ) {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = names.into_iter().collect();
        open.reverse();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            match self.read.get(name) {
                Some(Ok(fragment)) => {
                    open.extend(fragment.parsed.names.iter().rev().map(String::as_str));
                }
                Some(Err(_)) => {}
                None if take(name) => {}
                None => return,
            }
        }
    }
}
