//! What a factory makes a provider from.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Registry, RegistryError};
use crate::net::{Endpoint, Http};
use crate::providers::ProviderKind;
use crate::providers::retry::{Retries, RetryPolicy};
use crate::providers::service::Tuning;
use crate::providers::spec::ProviderSpec;
use crate::types::Secret;

/// What a factory makes a provider from: its spec, and what the registry has for all.
#[derive(Debug)]
pub struct Blueprint<'a> {
    spec: &'a ProviderSpec,
    registry: &'a Registry,
}

impl<'a> Blueprint<'a> {
    pub(super) fn new(spec: &'a ProviderSpec, registry: &'a Registry) -> Self {
        Self { spec, registry }
    }

    /// The spec. Its defaults need no heed: they are put into the requests.
    #[must_use]
    pub fn spec(&self) -> &'a ProviderSpec {
        self.spec
    }

    /// The name of its model.
    ///
    /// # Errors
    ///
    /// When the spec names none, and its type has no usual one.
    pub fn model(&self) -> Result<&'a str, RegistryError> {
        let usual = || ProviderKind::of(&self.spec.kind).and_then(ProviderKind::usual_model);
        let model = self.spec.model.as_deref().filter(|model| !model.is_empty()).or_else(usual);
        model.ok_or_else(|| RegistryError::NoModel { id: self.spec.id.clone() })
    }

    /// Its key; `None` if it has none.
    ///
    /// # Errors
    ///
    /// When it is not where the spec says.
    pub fn key(&self) -> Result<Option<Secret>, RegistryError> {
        let spec = self.spec;
        let usual = ProviderKind::of(&spec.kind).and_then(ProviderKind::key_variable);
        let usual = usual.filter(|_| match (&spec.base_url, ProviderKind::of(&spec.kind)) {
            (None, _) => true,
            // It would be told to another server.
            (Some(base), kind) => kind.and_then(ProviderKind::address) == Some(base),
        });
        let key = spec.credential.resolved(usual, &*self.registry.variables);
        key.map_err(|problem| self.wrong(problem))
    }

    /// Its address with its key; `usual` is where it is if the spec does not say.
    ///
    /// # Errors
    ///
    /// When either cannot be used, or the key is missing and asked for.
    pub fn endpoint(&self, usual: &str) -> Result<Endpoint, RegistryError> {
        let key = self.key()?;
        let is_keyless = key.is_none();
        let endpoint = Endpoint::new(self.spec.base_url.as_deref().unwrap_or(usual), key)?;
        let endpoint = endpoint.hiding(self.spec.headers.values().cloned());
        let asks = ProviderKind::ALL.into_iter().find_map(|kind| {
            let host = Endpoint::new(kind.address()?, None).ok()?;
            kind.key_variable().filter(|_| host.host() == endpoint.host())
        });
        match asks.filter(|_| is_keyless && self.spec.headers.is_empty()) {
            None => Ok(endpoint),
            Some(variable) => {
                let (id, host) = (self.spec.id.clone(), endpoint.host().to_owned());
                Err(RegistryError::NoKey { id, host, variable })
            }
        }
    }

    /// The way to services.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn http(&self) -> Result<Arc<dyn Http>, RegistryError> {
        Ok(self.registry.http()?)
    }

    /// When it is asked again: with the budget that all of the registry share.
    #[must_use]
    pub fn retries(&self) -> Retries {
        let retries = self.registry.retries.clone();
        match self.spec.retries {
            Some(count) => {
                let policy = RetryPolicy { retries: count, ..retries.policy() };
                retries.with_policy(policy)
            }
            None => retries,
        }
    }

    /// The options of its type.
    ///
    /// # Errors
    ///
    /// When they do not fit `T`: which one, and why.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, RegistryError> {
        serde_path_to_error::deserialize(Value::Object(self.spec.options.clone()))
            .map_err(|error| self.wrong(format!("its options are wrong: {error}")))
    }

    /// What is wrong with the spec.
    #[must_use]
    pub fn wrong(&self, problem: impl Into<String>) -> RegistryError {
        RegistryError::spec(&*self.spec.id, problem)
    }

    /// What all models behind HTTP are told alike.
    pub(super) fn tuning(&self) -> Result<Tuning, RegistryError> {
        let spec = self.spec;
        let headers = spec.headers.iter().map(|(name, value)| {
            let wrong = || self.wrong(format!("the header `{name}` cannot be sent"));
            let named = HeaderName::try_from(name).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            Ok((named, value))
        });
        Ok(Tuning {
            name: format!("{}:{}", spec.id, self.model()?),
            patience: spec.patience,
            retries: self.retries(),
            at_once: spec.at_once,
            raw: spec.raw,
            headers: headers.collect::<Result<_, RegistryError>>()?,
        })
    }
}
