//! A template with the fragments in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::engine::{Engine, Parsed};
use super::fragments::{Fragments, TEMPLATE, fragment_named};
#[cfg(feature = "minijinja")]
use super::jinja::JinjaTexts;
use super::model::Pack;
use super::prompt::PromptError;
use super::variable::{Values, written};
use crate::text::template::{Piece, push};
use crate::text::{Template, TemplateError};

/// A template and the fragments that it may contain.
#[derive(Debug)]
pub(super) struct Texts {
    template: Parsed,
    /// With how deep each contains others.
    fragments: BTreeMap<String, (usize, Arc<Parsed>)>,
    #[cfg(feature = "minijinja")]
    jinja: Option<JinjaTexts>,
}

impl Texts {
    /// Only the fragments that are reached are read.
    ///
    /// # Errors
    ///
    /// One of them is not well formed, or fragments contain one another.
    pub(super) fn new(pack: &Pack, engine: Engine, template: &str) -> Result<Self, PromptError> {
        let mut fragments = Fragments::new(pack, engine);
        let template = fragments
            .template(template)
            .map_err(|error| PromptError::Template { text: TEMPLATE.to_owned(), error })?;
        fragments.reach(template.names.iter().map(String::as_str))?;
        let fragments = fragments.reached(template.names.iter().map(String::as_str));
        #[cfg(feature = "minijinja")]
        let jinja = JinjaTexts::new(&template, &fragments)?;
        Ok(Self {
            template,
            fragments,
            #[cfg(feature = "minijinja")]
            jinja,
        })
    }

    /// All names that are reached, those of fragments among them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.reached(&Values::new()).into_iter()
    }

    /// Whether `name` is a fragment that is reached.
    pub(super) fn has_fragment(&self, name: &str) -> bool {
        self.fragments.contains_key(name)
    }

    fn reached(&self, values: &Values) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![&self.template];
        while let Some(text) = open.pop() {
            for name in &text.names {
                if reached.insert(name.as_str()) && !values.contains_key(name) {
                    open.extend(self.fragments.get(name).map(|(_, text)| &**text));
                }
            }
        }
        reached
    }

    /// What the template becomes. `missing` are the variables that must be given and are not.
    ///
    /// # Errors
    ///
    /// [`PromptError::Missing`] names those, and all else that has no value.
    pub(super) fn render<'a>(
        &'a self,
        values: &Values,
        mut missing: BTreeSet<&'a str>,
    ) -> Result<String, PromptError> {
        #[cfg(feature = "minijinja")]
        if let Some(jinja) = &self.jinja {
            return jinja.render(values, &missing);
        }
        let Some(template) = self.template.plain() else {
            return Err(PromptError::NotBuiltIn);
        };
        // The names that are reached where these values stand in the place of fragments.
        let needed = self.reached(values).into_iter();
        missing.extend(
            needed
                .filter(|name| !values.contains_key(*name) && !self.fragments.contains_key(*name)),
        );
        if !missing.is_empty() {
            let names = missing.into_iter().map(|name| format!("`{name}`"));
            return Err(PromptError::Missing(names.collect()));
        }
        let mut writer = Writer { texts: self, values, out: String::new(), made: BTreeMap::new() };
        writer.fill(template, None)?;
        Ok(writer.out)
    }
}

/// Writes a template and its fragments into one text.
struct Writer<'a> {
    texts: &'a Texts,
    values: &'a Values,
    out: String,
    /// Where in `out` a fragment stands already: it is made once, and copied from there.
    made: BTreeMap<&'a str, Range<usize>>,
}

impl<'a> Writer<'a> {
    fn fill(&mut self, template: &'a Template, fragment: Option<&str>) -> Result<(), PromptError> {
        let wrong = |error| PromptError::Template {
            text: fragment.map_or_else(|| TEMPLATE.to_owned(), fragment_named),
            error,
        };
        for piece in template.pieces() {
            match piece {
                Piece::Text(text) => push(&mut self.out, text).map_err(wrong)?,
                Piece::Name(name, at) => {
                    if !self.put(name).map_err(wrong)? {
                        let inner = self.texts.fragments.get_key_value(name);
                        let Some((name, (_, inner))) = inner else {
                            return Err(wrong(template.unknown(name, at)));
                        };
                        let begin = self.out.len();
                        if let Some(inner) = inner.plain() {
                            self.fill(inner, Some(name))?;
                        }
                        self.made.insert(name, begin..self.out.len());
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts in what is there already: a value, or a fragment that was made before.
    fn put(&mut self, name: &str) -> Result<bool, TemplateError> {
        match (self.values.get(name), self.made.get(name)) {
            (Some(serde_json::Value::String(text)), _) => push(&mut self.out, text)?,
            (Some(value), _) => push(&mut self.out, &written(value))?,
            (None, Some(made)) => {
                if self.out.len() + made.len() > Template::LONGEST {
                    return Err(TemplateError::TooLong);
                }
                self.out.extend_from_within(made.clone());
            }
            (None, None) => return Ok(false),
        }
        Ok(true)
    }
}
