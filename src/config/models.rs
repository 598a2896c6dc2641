//! The services of language models, as settings name them.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::engines::{COMMON_BASE, COMMON_KEY, EngineError, Factory};
use crate::providers::retry::{Retries, RetryPolicy};
use crate::providers::{
    Anthropic, Gemini, OpenAi, OpenAiResponses, Provider, Reasoning, Safety, Thinking,
};

/// Whose protocol a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    /// OpenAI's, as of many others: chat completions, and all of its speech.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// OpenAI's other one, Responses.
    Responses,
}

impl Vendor {
    const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Responses];

    /// Who is called so, and the model that stands behind the name.
    pub(super) fn of(named: &str) -> Option<(Self, Option<&str>)> {
        let (name, model) = match named.split_once(':') {
            Some((name, model)) => (name, Some(model)),
            None => (named, None),
        };
        let vendor = Self::ALL.into_iter().find(|vendor| vendor.name() == name)?;
        Some((vendor, model))
    }

    /// As settings and events call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Responses => "responses",
        }
    }

    /// The settings of its address and its key.
    pub(super) const fn common(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAi | Self::Responses => (COMMON_BASE, COMMON_KEY),
            Self::Anthropic => ("anthropic.base_url", "anthropic.api_key"),
            Self::Gemini => ("gemini.base_url", "gemini.api_key"),
        }
    }

    /// Its model where nobody names one; for OpenAI that is the setting's default.
    pub(super) const fn usual_model(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Responses => None,
            Self::Anthropic => Some("claude-haiku-4-5"),
            Self::Gemini => Some("gemini-2.5-flash"),
        }
    }
}

impl Factory<'_> {
    /// The vendor beside OpenAI to which somebody has given a key or an address.
    pub(super) fn other_vendor(&self) -> Option<Vendor> {
        let is_set = |vendor: &Vendor| {
            let (base, key) = vendor.common();
            self.settings.is_set(base) || self.settings.is_set(key)
        };
        Vendor::ALL.into_iter().filter(|vendor| vendor.common().1 != COMMON_KEY).find(is_set)
    }

    /// The model of a service: the one place that knows all vendors.
    pub(super) fn model_service(
        &self,
        vendor: Vendor,
        model: &str,
    ) -> Result<Arc<dyn Provider>, EngineError> {
        let (http, endpoint) = (self.http()?, self.endpoint_of("llm", vendor)?);
        let (limits, retries) = (self.limits(), self.retries());
        let at_once = self.number("llm.at_once").unwrap_or(usize::MAX);
        Ok(match vendor {
            Vendor::OpenAi => Arc::new(
                OpenAi::new(http, endpoint, model)
                    .with_limits(limits)
                    .with_retries(retries)
                    .with_at_most(at_once),
            ),
            Vendor::Anthropic => {
                let mut engine = Anthropic::new(http, endpoint, model)
                    .with_limits(limits)
                    .with_retries(retries)
                    .with_at_most(at_once);
                if let Some(tokens) = self.number("anthropic.thinking_tokens") {
                    engine = engine.thinking(Thinking::Tokens(tokens));
                }
                if !self.settings.is_on("anthropic.cache") {
                    engine = engine.uncached();
                }
                Arc::new(engine)
            }
            Vendor::Gemini => {
                let mut engine = Gemini::new(http, endpoint, model)
                    .with_limits(limits)
                    .with_retries(retries)
                    .with_at_most(at_once);
                if let Some(tokens) = self.number("gemini.thinking_tokens") {
                    engine = engine.thinking(tokens);
                }
                if let Some(safety) = Safety::of(self.text("gemini.safety")) {
                    engine = engine.with_safety(safety);
                }
                if let Some(name) = self.settings.text("gemini.cached_content") {
                    engine = engine.with_cached_content(name);
                }
                Arc::new(engine)
            }
            Vendor::Responses => {
                let engine = OpenAiResponses::new(http, endpoint, model)
                    .with_limits(limits)
                    .with_retries(retries)
                    .with_at_most(at_once);
                Arc::new(match Reasoning::of(self.text("responses.reasoning")) {
                    Some(reasoning) => engine.reasoning(reasoning),
                    None => engine,
                })
            }
        })
    }

    /// By chance of its own, so that processes that share a service do not come back at once.
    fn retries(&self) -> Retries {
        let usual = RetryPolicy::default();
        let retries = self.number("llm.retries").unwrap_or(usual.retries);
        Retries::new(RetryPolicy { retries, ..usual }).with_seed(RandomState::new().hash_one(0))
    }

    fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.settings.integer(key).and_then(|number| T::try_from(number).ok())
    }
}
