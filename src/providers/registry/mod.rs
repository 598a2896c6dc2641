//! Providers by name: made from their specs when somebody first asks for them, and shared.
//!
//! ```text
//! ProviderSpec ─add─▶ Registry ─get(id)─▶ the factory of its type ─▶ Arc<dyn Provider>, once
//!                        ▲
//!                        └ register(type, factory): types of your own, beside ProviderKind
//! ```
//!
//! What a request says beats what its provider's spec says ([`ProviderSpec::defaults`]), which
//! beats what the registry says ([`Registry::with_defaults`]).
//!
//! ```
//! use std::sync::Arc;
//! use banter::Conversation;
//! use banter::providers::{Blueprint, ProviderSpec, Registry, mock::{MockAnswer, MockProvider}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut registry = Registry::new();
//! registry.register("parrot", |plan: &Blueprint<'_>| {
//!     let word = plan.model()?.to_owned();
//!     Ok(Arc::new(MockProvider::answering(move |_| MockAnswer::text(word.clone()))))
//! })?;
//! registry.add(ProviderSpec::new("polly", "parrot").model("Cracker."))?;
//!
//! let conversation = Conversation::plain("").provider(registry.get("polly")?).start().await?;
//! assert_eq!(conversation.send("Hello.").await?.text(), "Cracker.");
//! # Ok(())
//! # }
//! ```

mod blueprint;
mod built_in;
mod error;
mod preset;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Provider;
use super::kind::ProviderKind;
use super::retry::Retries;
use super::spec::ProviderSpec;
use crate::net::{Http, NetError, default_http};
use crate::types::{Parameters, Secret};
use preset::Preset;

pub use blueprint::Blueprint;
pub use error::RegistryError;

/// Providers by name, and the factories of their types.
pub struct Registry {
    factories: BTreeMap<String, Factory>,
    specs: BTreeMap<String, ProviderSpec>,
    defaults: Parameters,
    retries: Retries,
    variables: Variables,
    /// Made for the first that needs it, unless it was given.
    http: OnceLock<Arc<dyn Http>>,
    /// Nothing once it is closed.
    made: Mutex<Option<BTreeMap<String, Arc<dyn Provider>>>>,
}

type Factory =
    Arc<dyn Fn(&Blueprint<'_>) -> Result<Arc<dyn Provider>, RegistryError> + Send + Sync>;
type Variables = Arc<dyn Fn(&str) -> Option<Secret> + Send + Sync>;

impl Registry {
    /// Knows the types that are built in, and no provider yet. Keys are looked for in the
    /// environment; services are reached over the network, with connections that all share.
    #[must_use]
    pub fn new() -> Self {
        let built_in = ProviderKind::ALL.into_iter().map(|kind| {
            let make = move |plan: &Blueprint<'_>| built_in::make(kind, plan);
            (kind.name().to_owned(), Arc::new(make) as Factory)
        });
        Self {
            factories: built_in.collect(),
            specs: BTreeMap::new(),
            defaults: Parameters::default(),
            retries: Retries::default(),
            variables: Arc::new(|name| std::env::var(name).ok().map(Secret::new)),
            http: OnceLock::new(),
            made: Mutex::new(Some(BTreeMap::new())),
        }
    }

    /// The same, with this way to services.
    #[must_use]
    pub fn with_http(self, http: Arc<dyn Http>) -> Self {
        Self { http: OnceLock::from(http), ..self }
    }

    /// The same, with these answers to all requests that do not say otherwise, nor the spec.
    #[must_use]
    pub fn with_defaults(self, defaults: Parameters) -> Self {
        Self { defaults, ..self }
    }

    /// The same with a rule for retries, whose budget all providers share.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// The same, which looks for variables there instead of in the environment.
    #[must_use]
    pub fn with_variables(
        self,
        variables: impl Fn(&str) -> Option<Secret> + Send + Sync + 'static,
    ) -> Self {
        Self { variables: Arc::new(variables), ..self }
    }

    /// Adds a type of provider.
    ///
    /// # Errors
    ///
    /// When there is one of that name: choose another.
    pub fn register(
        &mut self,
        kind: impl Into<String>,
        factory: impl Fn(&Blueprint<'_>) -> Result<Arc<dyn Provider>, RegistryError>
        + Send
        + Sync
        + 'static,
    ) -> Result<(), RegistryError> {
        match self.factories.entry(kind.into()) {
            Entry::Occupied(taken) => Err(RegistryError::TypeTaken(taken.key().clone())),
            Entry::Vacant(free) => {
                free.insert(Arc::new(factory));
                Ok(())
            }
        }
    }

    /// Adds a provider. It is made when it is first asked for.
    ///
    /// # Errors
    ///
    /// When there is one of that name, or the name can be none.
    pub fn add(&mut self, spec: ProviderSpec) -> Result<(), RegistryError> {
        if !is_id(&spec.id) {
            return Err(RegistryError::Id(spec.id));
        }
        match self.specs.entry(spec.id.clone()) {
            Entry::Occupied(_) => Err(RegistryError::Taken(spec.id)),
            Entry::Vacant(free) => {
                free.insert(spec);
                Ok(())
            }
        }
    }

    /// The provider of this name, made once and shared by all who ask for it. A factory must not
    /// ask for another one.
    ///
    /// # Errors
    ///
    /// When there is none, when it cannot be made, and when the registry is closed.
    pub fn get(&self, id: &str) -> Result<Arc<dyn Provider>, RegistryError> {
        let mut made = self.made();
        let made = made.as_mut().ok_or(RegistryError::Closed)?;
        if let Some(provider) = made.get(id) {
            return Ok(Arc::clone(provider));
        }
        let spec = self.specs.get(id).ok_or_else(|| {
            let known = self.specs.keys().cloned().collect();
            RegistryError::Unknown { id: id.to_owned(), known }
        })?;
        let provider = self.make(spec)?;
        made.insert(id.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }

    /// Makes a provider that the registry does not keep.
    ///
    /// # Errors
    ///
    /// When there is no such type, or its factory cannot make it.
    pub fn make(&self, spec: &ProviderSpec) -> Result<Arc<dyn Provider>, RegistryError> {
        let factory = self.factories.get(&spec.kind).ok_or_else(|| {
            let known = self.factories.keys().cloned().collect();
            let (id, kind) = (spec.id.clone(), spec.kind.clone());
            RegistryError::UnknownType { id, kind, known }
        })?;
        let provider = factory(&Blueprint::new(spec, self))?;
        let defaults = self.defaults.clone().overridden(spec.defaults.clone());
        Ok(Preset::over(provider, defaults, spec.prices))
    }

    /// The specs, by name.
    pub fn list(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.specs.values()
    }

    /// The names of the types that it knows.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Gives up all that were made, and makes none any more. Who has one keeps it, and an answer
    /// under way goes on.
    pub fn close(&self) {
        let made = self.made().take();
        made.into_iter().flatten().for_each(|(_, provider)| provider.close());
    }

    fn made(&self) -> MutexGuard<'_, Option<BTreeMap<String, Arc<dyn Provider>>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn http(&self) -> Result<Arc<dyn Http>, NetError> {
        let http = match self.http.get() {
            Some(http) => http,
            None => {
                let made = default_http()?;
                self.http.get_or_init(|| made)
            }
        };
        Ok(Arc::clone(http))
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { factories, specs, defaults, .. } = self;
        f.debug_struct("Registry")
            .field("types", &factories.keys())
            .field("specs", specs)
            .field("defaults", defaults)
            .finish_non_exhaustive()
    }
}

/// Whether it can be the name of a provider: behind a colon there may be a model.
pub(crate) fn is_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
    !id.is_empty() && id.chars().all(fits)
}
