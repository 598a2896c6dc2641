//! Language models, as settings name them: specs for a registry.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::engines::{Access, COMMON_BASE, COMMON_KEY, Chosen, EngineError, Factory};
use super::exchanges::KIND as REPLAY;
use crate::providers::retry::{Retries, RetryPolicy};
use crate::providers::{Credential, Provider, ProviderKind, ProviderSpec, Registry};
use crate::types::Parameters;

/// The settings of the address and the key of a type, if it has any.
pub(super) fn common(kind: ProviderKind) -> Option<(&'static str, &'static str)> {
    match kind {
        ProviderKind::OpenAi | ProviderKind::Responses => Some((COMMON_BASE, COMMON_KEY)),
        ProviderKind::Anthropic => Some(("anthropic.base_url", "anthropic.api_key")),
        ProviderKind::Gemini => Some(("gemini.base_url", "gemini.api_key")),
        _ => None,
    }
}

/// The service that is called so, and the model behind the name.
pub(super) fn service_named(named: &str) -> Option<(ProviderKind, Option<&str>)> {
    let (name, model) = match named.split_once(':') {
        Some((name, model)) => (name, Some(model)),
        None => (named, None),
    };
    ProviderKind::of(name).filter(|kind| kind.is_service()).map(|kind| (kind, model))
}

impl Factory<'_> {
    /// The providers that settings name, or have a key or an address for, by name: the model that
    /// is chosen, the tables of the file, and services. A program may add types and providers of
    /// its own to it.
    ///
    /// # Errors
    ///
    /// When there is no way to services, and when the spec of one of them cannot be: its key is
    /// not for its address.
    pub fn registry(&self) -> Result<Registry, EngineError> {
        let mut registry = self.empty_registry().with_defaults(self.settings.parameters());
        for (_, spec) in self.specs() {
            registry.add(spec?)?;
        }
        Ok(registry.with_http(self.http()?))
    }

    /// The specs of those providers, with their names: the one that is chosen first.
    #[must_use]
    pub fn specs(&self) -> Vec<(String, Result<ProviderSpec, EngineError>)> {
        let (first, chosen) = match self.chosen("llm") {
            Chosen::Embedded(named) => {
                let (name, rules) = match named.split_once(':') {
                    Some((name, file)) => (name, Some(file)),
                    None => (named, None),
                };
                let spec = ProviderSpec::new(name, name);
                let option = if name == REPLAY { "file" } else { "rules" };
                let spec = rules.into_iter().fold(spec, |spec, file| spec.option(option, file));
                (name.to_owned(), Ok(spec))
            }
            Chosen::Service(kind, named) => {
                let model = self.model("llm", kind, named);
                (kind.name().to_owned(), self.spec_of_kind(kind, model))
            }
            Chosen::Table(table, named) => {
                let model = self.model_of_table(table, named);
                (table.name().to_owned(), self.spec_of_table(table, model))
            }
        };
        let tables = self.settings.providers().iter();
        let tables = tables.map(|table| {
            let spec = self.spec_of_table(table, table.model());
            (table.name().to_owned(), spec)
        });
        let services = ProviderKind::ALL.into_iter().filter_map(|kind| {
            let (base, key) = common(kind).filter(|_| kind != ProviderKind::Responses)?;
            let is_set = self.settings.is_set(base) || self.settings.is_set(key);
            is_set.then(|| (kind.name().to_owned(), self.spec_at(kind, base, key)))
        });
        let others = tables.chain(services).filter(|(name, _)| *name != first);
        let others: Vec<_> = others.collect();
        [(first, chosen)].into_iter().chain(others).collect()
    }

    /// The provider of a spec, such as one of [`specs`](Self::specs).
    ///
    /// # Errors
    ///
    /// When it cannot be made, or there is no way to services.
    pub fn make(&self, spec: &ProviderSpec) -> Result<Arc<dyn Provider>, EngineError> {
        self.made(spec, self.settings.parameters())
    }

    /// The model of a service.
    pub(super) fn model_service(
        &self,
        kind: ProviderKind,
        model: Option<&str>,
    ) -> Result<Arc<dyn Provider>, EngineError> {
        self.made(&self.spec_of_kind(kind, model)?, Parameters::default())
    }

    /// The provider of a spec, with these defaults below its own.
    pub(super) fn made(
        &self,
        spec: &ProviderSpec,
        defaults: Parameters,
    ) -> Result<Arc<dyn Provider>, EngineError> {
        let registry = self.empty_registry().with_defaults(defaults);
        let registry = match ProviderKind::of(&spec.kind) {
            Some(kind) if kind.is_service() => registry.with_http(self.http()?),
            _ => registry,
        };
        Ok(registry.make(spec)?)
    }

    /// The service beside OpenAI to which somebody has given a key or an address.
    pub(super) fn other_service(&self) -> Option<ProviderKind> {
        let is_set = |kind: &ProviderKind| match common(*kind) {
            None | Some((_, COMMON_KEY)) => false,
            Some((base, key)) => self.settings.is_set(base) || self.settings.is_set(key),
        };
        ProviderKind::ALL.into_iter().find(is_set)
    }

    /// What the settings say of a type that is built in.
    pub(super) fn spec_of_kind(
        &self,
        kind: ProviderKind,
        model: Option<&str>,
    ) -> Result<ProviderSpec, EngineError> {
        Ok(self.spec(kind, model, self.access_of("llm", kind)?))
    }

    /// The same of one that is not chosen, at its common address with its common key.
    fn spec_at(
        &self,
        kind: ProviderKind,
        base: &str,
        key: &str,
    ) -> Result<ProviderSpec, EngineError> {
        let access = self.access(base, key, self.shown_key(key), (key, "--llm"))?;
        Ok(self.spec(kind, None, access))
    }

    fn spec(&self, kind: ProviderKind, model: Option<&str>, access: Access) -> ProviderSpec {
        ProviderSpec {
            model: model.map(str::to_owned),
            base_url: Some(access.base),
            credential: access.key.map_or(Credential::None, Credential::Key),
            patience: self.patience(),
            at_once: self.number("llm.at_once"),
            options: self.model_options(kind),
            ..ProviderSpec::new(kind.name(), kind.name())
        }
    }

    /// What the settings say of all models of this type.
    pub(super) fn model_options(&self, kind: ProviderKind) -> Map<String, Value> {
        let text = |key: &str| self.settings.text(key).map(Value::from);
        let amount = |key: &str| text(key).or_else(|| self.settings.integer(key).map(Value::from));
        let options = match kind {
            ProviderKind::Responses => vec![("reasoning", text("responses.reasoning"))],
            ProviderKind::Anthropic => vec![
                ("thinking", amount("anthropic.thinking")),
                ("cache", Some(self.settings.is_on("anthropic.cache").into())),
            ],
            ProviderKind::Gemini => vec![
                ("thinking", amount("gemini.thinking")),
                ("safety", text("gemini.safety")),
                ("cached_content", text("gemini.cached_content")),
            ],
            _ => Vec::new(),
        };
        let options = options.into_iter();
        options.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// How long a service may be silent.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.settings.integer("timeout_ms").map(Duration::from_millis)
    }

    pub(super) fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.settings.integer(key).and_then(|number| T::try_from(number).ok())
    }

    /// Variables have been looked up by the settings.
    fn empty_registry(&self) -> Registry {
        let mut registry = Registry::new().with_retries(self.retries()).with_variables(|_| None);
        // It is no type of the registry's own, since it knows the settings' secrets.
        let _is_free = registry.register(REPLAY, self.replays());
        registry
    }

    /// By chance of its own, so that processes that share a service do not come back at once.
    fn retries(&self) -> Retries {
        let usual = RetryPolicy::default();
        let retries = self.number("llm.retries").unwrap_or(usual.retries);
        Retries::new(RetryPolicy { retries, ..usual }).with_seed(RandomState::new().hash_one(0))
    }
}
