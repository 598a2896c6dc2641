//! Makes providers of the types that are built in: the one place that knows all of them.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Blueprint, RegistryError};
use crate::net::{Endpoint, Http};
use crate::providers::mock::MockProvider;
use crate::providers::scripted::Scripted;
use crate::providers::service::Tuning;
use crate::providers::{
    Anthropic, Gemini, GeminiThinking, OpenAi, OpenAiResponses, Provider, ProviderKind, Reasoning,
    Safety, Thinking, echo, openai,
};

pub(super) fn make(
    kind: ProviderKind,
    plan: &Blueprint<'_>,
) -> Result<Arc<dyn Provider>, RegistryError> {
    match kind {
        ProviderKind::OpenAi | ProviderKind::LlamaServer | ProviderKind::LmStudio => {
            chat(plan, Reach::of(kind, plan)?)
        }
        ProviderKind::Ollama => ollama(plan, Reach::of(kind, plan)?),
        ProviderKind::Vllm => vllm(plan, Reach::of(kind, plan)?),
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

    fn chat(self) -> OpenAi {
        OpenAi::new(self.http, self.endpoint, self.model).tuned(self.tuning)
    }
}

fn chat(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let ChatOptions { reasoning_effort, extra } = plan.options()?;
    let extra = added(plan, extra, [("reasoning_effort", reasoning_effort.map(Value::from))])?;
    Ok(Arc::new(reach.chat().with_extra(extra)))
}

fn ollama(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let OllamaOptions { keep_alive, reasoning_effort, extra } = plan.options()?;
    let extra = added(plan, extra, [("reasoning_effort", reasoning_effort.map(Value::from))])?;
    let engine = reach.chat().with_extra(extra);
    Ok(Arc::new(match keep_alive {
        Some(kept) if kept.is_string() || kept.is_i64() => engine.kept_by_ollama(&kept),
        Some(_) => return Err(plan.wrong("its option keep_alive is a text as \"30m\", or seconds")),
        None => engine,
    }))
}

fn vllm(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let options: VllmOptions = plan.options()?;
    let named = [
        ("min_p", options.min_p.map(Value::from)),
        ("repetition_penalty", options.repetition_penalty.map(Value::from)),
        ("ignore_eos", options.ignore_eos.map(Value::from)),
        ("skip_special_tokens", options.skip_special_tokens.map(Value::from)),
        ("priority", options.priority.map(Value::from)),
        ("reasoning_effort", options.reasoning_effort.map(Value::from)),
        ("chat_template_kwargs", options.chat_template_kwargs.map(Value::from)),
        ("structured_outputs", options.structured_outputs.map(Value::from)),
        ("guided_json", options.guided_json),
        ("guided_regex", options.guided_regex.map(Value::from)),
        ("guided_choice", options.guided_choice.map(Value::from)),
        ("guided_grammar", options.guided_grammar.map(Value::from)),
    ];
    Ok(Arc::new(reach.chat().with_extra(added(plan, options.extra, named)?)))
}

/// What a spec adds to each request: its `extra`, and its options by their own names.
fn added<const N: usize>(
    plan: &Blueprint<'_>,
    mut extra: Map<String, Value>,
    named: [(&str, Option<Value>); N],
) -> Result<Map<String, Value>, RegistryError> {
    if let Some(own) = openai::OWN.iter().find(|own| extra.contains_key(**own)) {
        return Err(plan.wrong(format!("its option extra has `{own}`, which each request says")));
    }
    for (name, value) in named {
        extra.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(extra)
}

fn responses(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let ResponsesOptions { reasoning, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = OpenAiResponses::new(http, endpoint, model).tuned(tuning);
    if let Some(name) = reasoning {
        let wrong =
            || plan.wrong("its option reasoning is none, minimal, low, medium, high, xhigh or max");
        engine = engine.reasoning(Reasoning::of(&name).ok_or_else(wrong)?);
    }
    Ok(Arc::new(if whole { engine.whole() } else { engine }))
}

fn anthropic(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let AnthropicOptions { thinking, cache, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = Anthropic::new(http, endpoint, model).tuned(tuning);
    if let Some(said) = thinking {
        let wrong = || plan.wrong(format!("its option thinking is {}", Thinking::WORDS));
        engine = engine.thinking(Thinking::of(&written(&said)).ok_or_else(wrong)?);
    }
    if cache == Some(false) {
        engine = engine.uncached();
    }
    Ok(Arc::new(if whole { engine.whole() } else { engine }))
}

fn gemini(plan: &Blueprint<'_>, reach: Reach<'_>) -> Result<Arc<dyn Provider>, RegistryError> {
    let GeminiOptions { thinking, safety, cached_content, whole } = plan.options()?;
    let Reach { http, endpoint, model, tuning } = reach;
    let mut engine = Gemini::new(http, endpoint, model).tuned(tuning);
    if let Some(said) = thinking {
        let wrong = || plan.wrong(format!("its option thinking is {}", GeminiThinking::WORDS));
        engine = engine.thinking(GeminiThinking::of(&written(&said)).ok_or_else(wrong)?);
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

/// A word or a number, as it would be written.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
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
struct ChatOptions {
    reasoning_effort: Option<String>,
    extra: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OllamaOptions {
    keep_alive: Option<Value>,
    reasoning_effort: Option<String>,
    extra: Map<String, Value>,
}

/// What vLLM adds to the protocol. The last four are what older ones call `structured_outputs`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct VllmOptions {
    min_p: Option<f64>,
    repetition_penalty: Option<f64>,
    ignore_eos: Option<bool>,
    skip_special_tokens: Option<bool>,
    priority: Option<i64>,
    reasoning_effort: Option<String>,
    chat_template_kwargs: Option<Map<String, Value>>,
    structured_outputs: Option<Map<String, Value>>,
    guided_json: Option<Value>,
    guided_regex: Option<String>,
    guided_choice: Option<Vec<String>>,
    guided_grammar: Option<String>,
    extra: Map<String, Value>,
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
    thinking: Option<Value>,
    cache: Option<bool>,
    whole: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GeminiOptions {
    thinking: Option<Value>,
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
