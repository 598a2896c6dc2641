//! Makes providers of the types that are built in: the one place that knows all of them.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::{Blueprint, RegistryError};
use crate::net::{Endpoint, Http};
use crate::providers::mock::MockProvider;
use crate::providers::scripted::Scripted;
use crate::providers::service::Tuning;
use crate::providers::{
    Anthropic, Gemini, OpenAi, OpenAiResponses, Provider, ProviderKind, Reasoning, Safety,
    Thinking, echo,
};

pub(super) fn make(
    kind: ProviderKind,
    plan: &Blueprint<'_>,
) -> Result<Arc<dyn Provider>, RegistryError> {
    match kind {
        ProviderKind::OpenAi
        | ProviderKind::Ollama
        | ProviderKind::Vllm
        | ProviderKind::LlamaServer
        | ProviderKind::LmStudio => chat(plan, Reach::of(kind, plan)?),
        ProviderKind::Responses => responses(plan, Reach::of(kind, plan)?),
        ProviderKind::Anthropic => anthropic(plan, Reach::of(kind, plan)?),
        ProviderKind::Gemini => gemini(plan, Reach::of(kind, plan)?),
        ProviderKind::Scripted => scripted(plan),
        ProviderKind::Mock => {
            let NoOptions {} = plan.options()?;
            Ok(Arc::new(MockProvider::answering(echo)))
        }
    }
}

/// What all services need.
struct Reach<'a> {
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    model: &'a str,
    tuning: Tuning,
}

impl<'a> Reach<'a> {
    fn of(kind: ProviderKind, plan: &Blueprint<'a>) -> Result<Self, RegistryError> {
        let endpoint = plan.endpoint(kind.address().unwrap_or_default())?;
        Ok(Self { endpoint, model: plan.model()?, tuning: plan.tuning()?, http: plan.http()? })
    }
}

fn chat(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let NoOptions {} = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    Ok(Arc::new(OpenAi::new(http, endpoint, model).tuned(tuning)))
}

fn responses(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let ResponsesOptions { reasoning, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = OpenAiResponses::new(http, endpoint, model).tuned(tuning);
    if let Some(name) = reasoning {
        let wrong = || plan.wrong("its option reasoning is none, minimal, low, medium or high");
        engine = engine.reasoning(Reasoning::of(&name).ok_or_else(wrong)?);
    }
    Ok(Arc::new(if whole { engine.whole() } else { engine }))
}

fn anthropic(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let AnthropicOptions { thinking_tokens, cache, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = Anthropic::new(http, endpoint, model).tuned(tuning);
    if let Some(tokens) = thinking_tokens {
        engine = engine.thinking(Thinking::Tokens(tokens));
    }
    if cache == Some(false) {
        engine = engine.uncached();
    }
    Ok(Arc::new(if whole { engine.whole() } else { engine }))
}

fn gemini(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let GeminiOptions { thinking_tokens, safety, cached_content, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = Gemini::new(http, endpoint, model).tuned(tuning);
    if let Some(tokens) = thinking_tokens {
        engine = engine.thinking(tokens);
    }
    if let Some(name) = safety {
        let wrong = || plan.wrong("its option safety is off, high, medium or low");
        engine = engine.with_safety(Safety::of(&name).ok_or_else(wrong)?);
    }
    if let Some(name) = cached_content {
        engine = engine.with_cached_content(name);
    }
    Ok(Arc::new(if whole { engine.whole() } else { engine }))
}

fn scripted(plan: &Blueprint<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let ScriptedOptions { rules } = plan.options()?;
    Ok(Arc::new(match rules {
        Some(file) => Scripted::from_file(&file)?,
        None => Scripted::default(),
    }))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ResponsesOptions {
    reasoning: Option<String>,
    whole: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AnthropicOptions {
    thinking_tokens: Option<u32>,
    cache: Option<bool>,
    whole: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GeminiOptions {
    thinking_tokens: Option<u32>,
    safety: Option<String>,
    cached_content: Option<String>,
    whole: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ScriptedOptions {
    rules: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}
