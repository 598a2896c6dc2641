//! Which engine renders the templates of a pack, and a text as that engine has read it.

use std::collections::BTreeSet;

use super::model::TemplateEngine;
use super::prompt::PromptError;
#[cfg(feature = "minijinja")]
use crate::text::jinja::Jinja;
use crate::text::{Template, TemplateError};

/// What renders templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// `{{name}}` and nothing else.
    Plain,
    /// minijinja, because the pack names it.
    Jinja,
}

/// How a pack names minijinja, as its `syntax`.
pub(super) const MINIJINJA: &str = "minijinja";

impl TemplateEngine {
    /// # Errors
    ///
    /// Templates are written as Banter does not read them, or this build does not.
    pub(super) fn engine(&self) -> Result<Engine, PromptError> {
        let syntax = self.syntax.trim();
        if syntax == MINIJINJA {
            return match cfg!(feature = "minijinja") {
                true => Ok(Engine::Jinja),
                false => Err(PromptError::NotBuiltIn),
            };
        }
        let inner = syntax.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        match inner {
            Some(name) if !name.is_empty() && name.chars().all(char::is_alphanumeric) => {
                Ok(Engine::Plain)
            }
            _ => Err(PromptError::Syntax(self.syntax.clone())),
        }
    }
}

/// A text that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) body: Body,
    /// The names in it, each once.
    pub(super) names: BTreeSet<String>,
}

impl Parsed {
    /// It as a plain template, if it is one.
    pub(super) fn plain(&self) -> Option<&Template> {
        match &self.body {
            Body::Plain(template) => Some(template),
            #[cfg(feature = "minijinja")]
            Body::Jinja(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) enum Body {
    Plain(Template),
    /// It is kept as it was written: minijinja reads it into the prompt's own engine.
    #[cfg(feature = "minijinja")]
    Jinja(String),
}

/// Reads texts, each by the same engine.
#[derive(Debug)]
pub(super) enum Reader {
    Plain,
    #[cfg(feature = "minijinja")]
    Jinja(Box<Jinja>),
}

impl Reader {
    pub(super) fn new(engine: Engine) -> Self {
        match engine {
            #[cfg(feature = "minijinja")]
            Engine::Jinja => Self::Jinja(Box::new(Jinja::new())),
            _ => Self::Plain,
        }
    }

    pub(super) fn read(&self, text: &str) -> Result<Parsed, TemplateError> {
        match self {
            Self::Plain => {
                let template = Template::parse(text)?;
                // Names are told apart before they are copied: there may be millions, of few.
                let names: BTreeSet<_> = template.names().collect();
                let names = names.into_iter().map(str::to_owned).collect();
                Ok(Parsed { body: Body::Plain(template), names })
            }
            #[cfg(feature = "minijinja")]
            Self::Jinja(jinja) => {
                let names = jinja.names(text)?;
                Ok(Parsed { body: Body::Jinja(text.to_owned()), names })
            }
        }
    }
}
