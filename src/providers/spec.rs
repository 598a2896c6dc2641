//! What a provider is made from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Prices;
use crate::types::{Parameters, Secret};

/// What a provider is made from. [`Registry`](super::Registry) makes it.
///
/// ```
/// use banter::providers::{Credential, ProviderSpec};
///
/// let spec = ProviderSpec::new("fast", "openai")
///     .model("gpt-4o-mini")
///     .base_url("https://openrouter.ai/api/v1")
///     .credential(Credential::variable("OPENROUTER_API_KEY"));
/// # drop(spec);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderSpec {
    /// Its name in the registry: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// Its type: one of [`ProviderKind`](super::ProviderKind), or one that a program has
    /// registered.
    pub kind: String,
    /// Its model; the type's usual one by default, if it has one.
    pub model: Option<String>,
    /// Where it is; where its type usually is by default.
    pub base_url: Option<String>,
    /// Its key.
    pub credential: Credential,
    /// Headers of every request, which may be secret.
    pub headers: BTreeMap<String, Secret>,
    /// How it is to answer, where a request does not say.
    pub defaults: Parameters,
    /// How long it may be silent: 25 s by default.
    pub patience: Option<Duration>,
    /// How often it is asked again; as often as the registry says by default.
    pub retries: Option<u32>,
    /// How many requests may be under way; any number by default.
    pub at_once: Option<usize>,
    /// Whether each answer that comes to its end brings what went over the wire for it; not by
    /// default. Only a service's: `scripted`, `replay` and `mock` send nothing.
    pub raw: bool,
    /// What its tokens cost, in US dollars; what is known of its model by default.
    pub prices: Option<Prices>,
    /// What its type alone knows. See `docs/providers.md`.
    pub options: Map<String, Value>,
}

/// Where the key of a provider is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// In the environment variable of its type, if it is where its type usually is; else there is
    /// none.
    #[default]
    Usual,
    /// Nowhere: it asks for none.
    None,
    /// Here.
    Key(Secret),
    /// In this environment variable.
    Variable(String),
    /// In this file, which holds nothing else. Blanks around it do not count.
    File(PathBuf),
}

impl ProviderSpec {
    /// A provider of this type, with all that is usual.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { id: id.into(), kind: kind.into(), ..Self::default() }
    }

    /// The same with this model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The same at this address. The usual key of its type is not sent there.
    #[must_use]
    pub fn base_url(mut self, address: impl Into<String>) -> Self {
        self.base_url = Some(address.into());
        self
    }

    /// The same with this key.
    #[must_use]
    pub fn key(self, key: impl Into<Secret>) -> Self {
        self.credential(Credential::Key(key.into()))
    }

    /// The same with its key there.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// The same with one more header in every request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The same, answering so where a request does not say otherwise.
    #[must_use]
    pub fn defaults(mut self, parameters: Parameters) -> Self {
        self.defaults = self.defaults.overridden(parameters);
        self
    }

    /// The same, whose answers bring what went over the wire for them.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// The same, whose tokens cost this, in US dollars.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// The same with one more option of its type.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }
}

impl Credential {
    /// The key in this environment variable.
    #[must_use]
    pub fn variable(name: impl Into<String>) -> Self {
        Self::Variable(name.into())
    }

    /// The key in this file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// The key; `None` if there is none. `usual` is the variable that is meant where none is
    /// named.
    ///
    /// # Errors
    ///
    /// When it is not where it should be: where that is.
    pub(crate) fn resolved(
        &self,
        usual: Option<&str>,
        variable: &dyn Fn(&str) -> Option<Secret>,
    ) -> Result<Option<Secret>, String> {
        let set = |name: &str| variable(name).filter(|key| !key.expose().is_empty());
        match self {
            Self::Usual => Ok(usual.and_then(set)),
            Self::None => Ok(None),
            Self::Key(key) => Ok(Some(key.clone())),
            Self::Variable(name) => match set(name) {
                Some(key) => Ok(Some(key)),
                None => Err(format!("set the environment variable {name}")),
            },
            Self::File(path) => {
                let name = path.display();
                let mut text = String::new();
                let read = File::open(path)
                    .and_then(|file| file.take(LONGEST_KEY).read_to_string(&mut text));
                match read {
                    Ok(_) if text.trim().is_empty() => Err(format!("there is no key in {name}")),
                    Ok(_) => Ok(Some(Secret::new(text.trim()))),
                    Err(error) => Err(format!("its key in {name} cannot be read: {error}")),
                }
            }
        }
    }
}

/// In bytes: what is longer is something else.
const LONGEST_KEY: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<Secret> {
        None
    }

    #[test]
    fn a_key_is_here_or_in_a_variable_or_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (there, empty) = (folder.path().join("key"), folder.path().join("empty"));
        std::fs::write(&there, " sk-file\n").unwrap();
        std::fs::write(&empty, "\n").unwrap();
        let variables = |name: &str| (name == "MINE").then(|| Secret::new("sk-mine"));
        let of = |credential: &Credential| {
            let found = credential.resolved(Some("MINE"), &variables).unwrap();
            found.map(|key| key.expose().to_owned())
        };
        assert_eq!(of(&Credential::Usual).as_deref(), Some("sk-mine"));
        assert_eq!(of(&Credential::None), None);
        assert_eq!(of(&Credential::Key("sk".into())).as_deref(), Some("sk"));
        assert_eq!(of(&Credential::variable("MINE")).as_deref(), Some("sk-mine"));
        assert_eq!(of(&Credential::file(&there)).as_deref(), Some("sk-file"));

        let wrong = |credential: Credential| credential.resolved(None, &none).unwrap_err();
        assert_eq!(wrong(Credential::variable("MINE")), "set the environment variable MINE");
        assert!(wrong(Credential::file(folder.path().join("gone"))).contains("cannot be read"));
        assert!(wrong(Credential::file(empty)).starts_with("there is no key in "));
        assert_eq!(Credential::Usual.resolved(None, &none), Ok(None));
    }

    #[test]
    fn a_spec_prints_without_its_secrets() {
        let spec = ProviderSpec::new("a", "openai").key("sk-1234").header("x-key", "hush");
        let told = format!("{spec:?}");
        assert!(!told.contains("sk-1234") && !told.contains("hush"), "{told}");
    }
}
