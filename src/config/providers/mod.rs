//! Providers that a settings file has: `[providers.NAME]`, chosen by `--llm NAME`.
//!
//! ```text
//! [providers.fast]                     [providers.home]
//! type = "openai"                      type = "ollama"
//! base_url = "https://…/v1"            model = "llama3.2"
//! api_key_env = "THEIR_KEY"            temperature = 0.2
//! ```
//!
//! A file that lies in the current folder and that nobody named may name no key but one that stands
//! in it: whoever made that folder could have the user's keys sent anywhere.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::engines::{EngineError, Factory};
use super::exchanges::KIND;
use super::file::FileText;
use super::header::HeaderEntry;
use super::models::common;
use super::value::{Kind, Value, one_of};
use super::{Origin, Setting, Settings};
use crate::providers::{Credential, ProviderKind, ProviderSpec, RegistryError};
use crate::types::{Parameters, Secret};
use entry::ProviderEntry;

/// A provider of a settings file, as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSetting {
    name: String,
    entry: ProviderEntry,
    origin: Origin,
    /// Of the file.
    folder: PathBuf,
    /// The variables of the environment that it names, as far as there are any.
    variables: BTreeMap<String, Secret>,
}

impl ProviderSetting {
    /// Reads the table of this name.
    pub(super) fn read(
        name: &str,
        value: toml::de::ValueDeserializer<'_>,
        origin: Origin,
        file: &FileText,
    ) -> Result<Self, toml::de::Error> {
        let entry: ProviderEntry = serde::Deserialize::deserialize(value)?;
        entry.check(name).map_err(<toml::de::Error as serde::de::Error>::custom)?;
        let folder = Path::new(&file.name).parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { name: name.to_owned(), entry, origin, folder, variables: BTreeMap::new() })
    }

    /// Takes the variables that it names from `all`.
    pub(super) fn take_variables(&mut self, all: &[(String, String)]) {
        let named: Vec<_> = self.entry.variables().collect();
        let found = all.iter().filter(|(name, _)| named.contains(&name.as_str()));
        self.variables = found.map(|(name, value)| (name.clone(), Secret::new(value))).collect();
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type, which need not be one that is known.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.entry.kind
    }

    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// In a few words, without its keys.
    #[must_use]
    pub fn shown(&self) -> String {
        let entry = &self.entry;
        let told = [Some(&entry.kind), entry.model.as_ref(), entry.base_url.as_ref()];
        told.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.entry.model.as_deref()
    }

    pub(super) fn parameters(&self) -> Parameters {
        self.entry.parameters()
    }

    /// What of it nobody may see.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let key = self.credential().and_then(|key| key.resolved(None, &|_| None).ok().flatten());
        let headers = self.entry.headers.values().filter_map(|header| match header {
            HeaderEntry::Secret { secret } => Some(secret.clone()),
            HeaderEntry::Template(_) | HeaderEntry::Variable { .. } => None,
        });
        key.into_iter().chain(self.variables.values().cloned()).chain(headers).collect()
    }

    /// Whether it is reached over the network.
    pub(super) fn is_service(&self) -> bool {
        self.kind() != KIND && ProviderKind::of(self.kind()).is_none_or(ProviderKind::is_service)
    }

    /// The key that it names; `None` if it names none.
    fn credential(&self) -> Option<Credential> {
        let entry = &self.entry;
        let key = entry.api_key.clone().map(Credential::Key);
        let variable = entry.api_key_env.as_ref().map(|name| match self.variables.get(name) {
            Some(key) => Credential::Key(key.clone()),
            None => Credential::variable(name),
        });
        let file = entry.api_key_file.as_ref().map(|file| Credential::File(self.folder.join(file)));
        key.or(variable).or(file)
    }

    fn headers(&self) -> Result<BTreeMap<String, Secret>, RegistryError> {
        let value = |entry: &HeaderEntry| match entry {
            HeaderEntry::Template(text) => Ok(Secret::new(text)),
            HeaderEntry::Secret { secret } => Ok(secret.clone()),
            HeaderEntry::Variable { env, prefix } => match self.variables.get(env) {
                Some(key) => Ok(Secret::new(format!("{prefix}{}", key.expose()))),
                None => {
                    let problem = format!("set the environment variable {env}");
                    Err(RegistryError::spec(&*self.name, problem))
                }
            },
        };
        let all = self.entry.headers.iter();
        all.map(|(name, entry)| Ok((name.clone(), value(entry)?))).collect()
    }

    /// What it names of the user's that a file may not name which nobody named.
    fn check_trust(&self) -> Result<(), EngineError> {
        let Origin::Stray(place) = &self.origin else { return Ok(()) };
        let file = self.entry.api_key_file.as_deref();
        let Some(named) = self.entry.variables().next().or(file) else { return Ok(()) };
        let file = place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file);
        Err(EngineError::StrayKey {
            place: place.clone(),
            named: named.to_owned(),
            file: file.to_owned(),
        })
    }
}

/// A model must be one that is built in, or one of the file.
///
/// # Errors
///
/// What is allowed.
pub(super) fn check_name(
    setting: &Setting,
    value: &Value,
    providers: &[ProviderSetting],
) -> Result<(), String> {
    let (Kind::Model(forms), Value::Text(text)) = (setting.kind, value) else { return Ok(()) };
    let checked = one_of(text, forms, providers.iter().map(ProviderSetting::name));
    checked.map_err(|problem| format!("{}: {problem}", setting.key))
}

impl Settings {
    /// The providers of the file, by name.
    #[must_use]
    pub fn providers(&self) -> &[ProviderSetting] {
        &self.providers
    }

    /// The table that this name of an engine means, and the model behind the name.
    pub(super) fn provider_named<'n>(
        &self,
        named: &'n str,
    ) -> Option<(&ProviderSetting, Option<&'n str>)> {
        let (name, model) = match named.split_once(':') {
            Some((name, model)) => (name, Some(model)),
            None => (named, None),
        };
        let table = self.providers.iter().find(|table| table.name == name)?;
        Some((table, model))
    }
}

impl Factory<'_> {
    /// What the table says, with this model or its own.
    ///
    /// # Errors
    ///
    /// When its key is missing, or is not for its address.
    pub(super) fn spec_of_table(
        &self,
        table: &ProviderSetting,
        model: Option<&str>,
    ) -> Result<ProviderSpec, EngineError> {
        table.check_trust()?;
        let (entry, kind) = (&table.entry, ProviderKind::of(table.kind()));
        let (base_url, credential) = match (&entry.base_url, table.credential()) {
            // The key of its type is not for another server.
            (Some(base), named) => (Some(base.clone()), named.unwrap_or(Credential::None)),
            (None, named) => match (kind.and_then(common), named) {
                (Some((base, _)), Some(named)) => (Some(self.text(base).to_owned()), named),
                (Some((base, key)), None) => {
                    let shown = self.shown_key(key);
                    let access = self.access(base, key, shown, (key, "--llm"))?;
                    (Some(access.base), access.key.map_or(Credential::None, Credential::Key))
                }
                (None, named) => (None, named.unwrap_or(Credential::None)),
            },
        };
        let mut options = kind.map(|kind| self.model_options(kind)).unwrap_or_default();
        options.extend(entry.options.clone());
        for file in ["rules", "file"] {
            if let Some(serde_json::Value::String(file)) = options.get_mut(file) {
                *file = table.folder.join(&*file).display().to_string();
            }
        }
        Ok(ProviderSpec {
            id: table.name.clone(),
            kind: entry.kind.clone(),
            model: model.or(table.model()).map(str::to_owned),
            base_url,
            credential,
            headers: table.headers()?,
            defaults: table.parameters(),
            patience: entry.timeout_ms.map(Duration::from_millis).or(self.patience()),
            retries: entry.retries,
            at_once: entry.at_once.or(self.number("llm.at_once")),
            // They were read when the file was.
            prices: entry.prices.as_ref().and_then(|prices| prices.prices().ok()),
            options,
            raw: false, // a program's wish
        })
    }
}
