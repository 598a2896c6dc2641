//! The engines that settings name: the one place that knows all kinds.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::models::{common, service_named};
use super::{Origin, ProviderSetting, Setting, Settings};
use crate::net::{Endpoint, EndpointError, Http, Limits, NetError};
use crate::providers::exchanges::ExchangeLog;
use crate::providers::metrics::ModelMetrics;
use crate::providers::{Provider, ProviderKind, ProviderNameError, RegistryError};
use crate::stt::{self, OpenAiTranscriber, SttError, Transcriber};
use crate::tts::{self, EspeakNg, OpenAiSynthesizer, Synthesizer, UnknownSynthesizer};
use crate::types::Secret;
use crate::vad::UnknownVad;

/// Makes engines as settings say.
pub struct Factory<'a> {
    pub(super) settings: &'a Settings,
    connect: Connect<'a>,
    /// Made for the first engine that needs it, and shared by all.
    http: OnceLock<Arc<dyn Http>>,
    pub(super) key: Option<Secret>,
    /// Where what models are asked and answer is written.
    pub(super) exchanges: Option<ExchangeLog>,
    pub(super) metrics: ModelMetrics,
}

type Connect<'a> = Box<dyn Fn() -> Result<Arc<dyn Http>, NetError> + Send + Sync + 'a>;

/// Why an engine cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A service that nobody may use without a key.
    #[error(
        "{host} asks for a key: set {variable}, or the address of a server of your own, or choose \
         another engine with {flag}"
    )]
    NoKey {
        /// The service.
        host: String,
        /// The variable that would give it one.
        variable: String,
        /// The flag that chooses the engine.
        flag: String,
    },
    /// A key that somebody gave, and an address that nobody did.
    #[error(transparent)]
    StrayAddress(#[from] Box<StrayAddress>),
    /// A key that a file names which nobody named.
    #[error(
        "{place} names {named}, but nobody named that file, so that it gets no key but one that \
         stands in it; name the file with `--config {file}`"
    )]
    StrayKey {
        /// The line.
        place: String,
        /// The variable or file of the key.
        named: String,
        /// The file.
        file: String,
    },
    /// There is no way to any service.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Nobody has said which model is to hear and speak.
    #[error(
        "mode asm needs the name of a model that hears and speaks: set duplex.model, as in \
         `--set duplex.model=NAME`; your provider lists them"
    )]
    NoDuplexModel,
    /// What its provider is to be told is wrong.
    #[error("duplex.options is wrong: {problem}; it is a JSON object, as the documentation has it")]
    DuplexOptions {
        /// What is wrong.
        problem: String,
    },
    /// The other side is told how to detect turns, and is not to do so.
    #[error(
        "duplex.options has turn_detection, but with duplex.turns=here the model detects no turns: set \
         duplex.turns to there or both, or leave turn_detection out"
    )]
    TurnsHere,
    /// The address or key of a service cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The voice detector.
    #[error(transparent)]
    Vad(#[from] UnknownVad),
    /// What a network needs.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    Onnx(#[from] crate::models::onnx::OnnxError),
    /// A path to what is loaded, in a file that lies in the current folder and that nobody named.
    #[error(
        "{place} sets {key}, but nobody named that file, so that it is not for use; name it with \
         `--config {file}`"
    )]
    StrayPath {
        /// The line.
        place: String,
        /// The setting.
        key: &'static str,
        /// The file.
        file: String,
    },
    /// An engine that this build does not have.
    #[error(
        "{engine} is not built in: build with the feature `{feature}`, or choose another engine"
    )]
    NotBuilt {
        /// The engine.
        engine: &'static str,
        /// What would give it.
        feature: &'static str,
    },
    /// The recogniser.
    #[error(transparent)]
    Stt(#[from] SttError),
    /// The model.
    #[error(transparent)]
    Provider(#[from] ProviderNameError),
    /// The model, as its spec says.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The synthesizer.
    #[error(transparent)]
    Tts(#[from] UnknownSynthesizer),
}

/// An address that a key is not sent to: its file lies in the current folder, and nobody named it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{place} sets {address}, but nobody named that file: the key of {origin} is not sent there; \
     name the file with `--config {file}`, or set {key} in it"
)]
pub struct StrayAddress {
    place: String,
    address: String,
    file: String,
    key: String,
    origin: Origin,
}

/// Which engine a setting means.
pub(super) enum Chosen<'a> {
    /// One that comes with the program, by name.
    Embedded(&'a str),
    /// A service, and its model if that was named with it.
    Service(ProviderKind, Option<&'a str>),
    /// A provider of the settings file, and its model if that was named with it.
    Table(&'a ProviderSetting, Option<&'a str>),
}

/// An address, and the key that may be sent there.
pub(super) struct Access {
    pub(super) base: String,
    pub(super) key: Option<Secret>,
}

impl fmt::Debug for Factory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, http, .. } = self;
        f.debug_struct("Factory").field("settings", settings).field("http", http).finish()
    }
}

impl<'a> Factory<'a> {
    /// Makes what `settings` say. Services are reached by what `connect` makes when the first
    /// engine needs it: whoever uses none needs no way to them.
    #[must_use]
    pub fn new(
        settings: &'a Settings,
        connect: impl Fn() -> Result<Arc<dyn Http>, NetError> + Send + Sync + 'a,
    ) -> Self {
        Self {
            settings,
            connect: Box::new(connect),
            http: OnceLock::new(),
            key: None,
            exchanges: None,
            metrics: ModelMetrics::default(),
        }
    }

    /// Shows services this key, whatever the settings say; but not those with an address of
    /// their own.
    #[must_use]
    pub fn with_key(self, key: Secret) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Whether `engine` (`stt`, `llm`, `tts`) is a service.
    #[must_use]
    pub fn is_service(&self, engine: &str) -> bool {
        match self.chosen(engine) {
            Chosen::Embedded(_) => false,
            Chosen::Service(..) => true,
            Chosen::Table(table, _) => table.is_service(),
        }
    }

    /// Which engine (`stt`, `llm`, `tts`) it makes, as its setting names it: with `auto` decided,
    /// and a service's model told.
    #[must_use]
    pub fn name(&self, engine: &str) -> String {
        let (name, model) = match self.chosen(engine) {
            Chosen::Embedded(name) => return name.to_owned(),
            Chosen::Service(kind, named) => (kind.name(), self.model(engine, kind, named)),
            Chosen::Table(table, named) => (table.name(), self.model_of_table(table, named)),
        };
        model.map_or_else(|| name.to_owned(), |model| format!("{name}:{model}"))
    }

    /// The way to services, if an engine has needed it.
    #[must_use]
    pub fn connected(&self) -> Option<Arc<dyn Http>> {
        self.http.get().cloned()
    }

    /// The speech recogniser.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its key or model is missing.
    pub fn transcriber(&self) -> Result<Arc<dyn Transcriber>, EngineError> {
        let model = match self.chosen("stt") {
            Chosen::Embedded(name) => return Ok(stt::by_name(name)?),
            Chosen::Service(kind, named) => self.model("stt", kind, named).unwrap_or_default(),
            Chosen::Table(table, _) => return Err(no_speech(table)),
        };
        let stream = match self.settings.text("stt.stream") {
            Some("true") => true,
            Some("false") => false,
            // The service refuses to stream with its older model.
            _ => model.starts_with("gpt-4o"),
        };
        let engine = OpenAiTranscriber::new(self.http()?, self.endpoint("stt")?, model)
            .with_language(self.owned("language"))
            .with_prompt(self.owned("stt.prompt"))
            .with_limits(self.limits())
            .streaming(stream);
        Ok(Arc::new(engine))
    }

    /// The language model.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its key or rules are missing.
    pub fn provider(&self) -> Result<Arc<dyn Provider>, EngineError> {
        match self.chosen("llm") {
            Chosen::Embedded(name) => self.embedded(name),
            Chosen::Service(kind, named) => {
                self.make(&self.spec_of_kind(kind, self.model("llm", kind, named))?)
            }
            Chosen::Table(table, named) => {
                self.make(&self.spec_of_table(table, self.model_of_table(table, named))?)
            }
        }
        .map(|provider| self.observed(provider))
    }

    /// The speech synthesizer.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its key is missing.
    pub fn synthesizer(&self) -> Result<Arc<dyn Synthesizer>, EngineError> {
        let model = match self.chosen("tts") {
            Chosen::Embedded("espeak-ng") => return Ok(Arc::new(self.espeak())),
            Chosen::Embedded(name) => return Ok(tts::by_name(name)?),
            Chosen::Service(kind, named) => self.model("tts", kind, named).unwrap_or_default(),
            Chosen::Table(table, _) => return Err(no_speech(table)),
        };
        let (endpoint, voice) = (self.endpoint("tts")?, self.text("tts.voice"));
        let engine = OpenAiSynthesizer::new(self.http()?, endpoint, model, voice)
            .with_instructions(self.owned("tts.instructions"))
            .with_limits(self.limits());
        Ok(Arc::new(engine))
    }

    pub(super) fn chosen(&self, engine: &str) -> Chosen<'_> {
        match self.text(&format!("{engine}.engine")) {
            AUTO if self.has_service(engine) => Chosen::Service(ProviderKind::OpenAi, None),
            AUTO => match (engine, self.other_service()) {
                ("llm", Some(kind)) => Chosen::Service(kind, None),
                ("llm", None) => Chosen::Embedded("scripted"),
                ("stt", _) => Chosen::Embedded("pocketsphinx"),
                _ => Chosen::Embedded("flite"),
            },
            named if engine == "llm" => self.named(named),
            named => match service_named(named) {
                Some((kind, model)) => Chosen::Service(kind, model),
                None => Chosen::Embedded(named),
            },
        }
    }

    /// The language model of this name, which is not `auto`.
    pub(super) fn named<'n>(&'n self, named: &'n str) -> Chosen<'n> {
        match (service_named(named), self.settings.provider_named(named)) {
            (Some((kind, model)), _) => Chosen::Service(kind, model),
            (None, Some((table, model))) => Chosen::Table(table, model),
            (None, None) => Chosen::Embedded(named),
        }
    }

    /// Whether somebody has said where the service is, or given a key to it.
    fn has_service(&self, engine: &str) -> bool {
        let set = |owner: &str| {
            ["api_key", "base_url"]
                .iter()
                .any(|key| self.settings.is_set(&format!("{owner}.{key}")))
        };
        set(engine) || set(SERVICE)
    }

    /// The service's model: what stands behind the engine's name, unless a higher layer says
    /// otherwise.
    pub(super) fn model<'m>(
        &'m self,
        engine: &str,
        kind: ProviderKind,
        named: Option<&'m str>,
    ) -> Option<&'m str> {
        let own = format!("{engine}.model");
        let named = named.filter(|_| !self.is_model_beaten(engine));
        let set = || self.settings.text(&own).filter(|_| self.settings.is_set(&own));
        let usual = || match kind {
            ProviderKind::OpenAi | ProviderKind::Responses => self.settings.text(&own),
            kind => kind.usual_model(),
        };
        named.or_else(set).or_else(usual)
    }

    /// The model of a table: what stands behind its name, else in it, unless a higher layer says
    /// otherwise.
    pub(super) fn model_of_table<'m>(
        &'m self,
        table: &'m ProviderSetting,
        named: Option<&'m str>,
    ) -> Option<&'m str> {
        let named = named.or(table.model()).filter(|_| !self.is_model_beaten("llm"));
        let set = || self.settings.text("llm.model").filter(|_| self.settings.is_set("llm.model"));
        named.or_else(set)
    }

    /// Whether a higher layer names a model than the one that names the engine.
    fn is_model_beaten(&self, engine: &str) -> bool {
        let (chosen, own) = (format!("{engine}.engine"), format!("{engine}.model"));
        let height = |key| self.settings.get(key).map_or(0, |(_, origin)| origin.height());
        self.settings.is_set(&own) && height(&own) > height(&chosen)
    }

    /// It takes a language for a voice. By default it speaks American English.
    fn espeak(&self) -> EspeakNg {
        match self.text("language") {
            "" | "en" => EspeakNg::default(),
            language => EspeakNg::with_voice(language.replace('_', "-")),
        }
    }

    /// The address and key of an engine that speaks OpenAI's protocol.
    pub(super) fn endpoint(&self, engine: &str) -> Result<Endpoint, EngineError> {
        Ok(self.access_of(engine, ProviderKind::OpenAi)?.endpoint()?)
    }

    /// The same of an engine whose common address and key are those of this type. An engine with an
    /// address of its own gets the common key from nobody: it would be told to another server.
    pub(super) fn access_of(
        &self,
        engine: &str,
        kind: ProviderKind,
    ) -> Result<Access, EngineError> {
        let (own_base, own_key) = (format!("{engine}.base_url"), format!("{engine}.api_key"));
        let flag = format!("--{engine}");
        if self.settings.text(&own_base).is_some() {
            return self.access(&own_base, &own_key, None, (&own_key, &flag));
        }
        let own = self.settings.secret(&own_key);
        let Some((base, key)) = common(kind) else {
            let base = kind.address().unwrap_or_default().to_owned();
            return Ok(Access { base, key: own.cloned() });
        };
        let shown = self.shown_key(key);
        self.access(base, if own.is_some() { &own_key } else { key }, shown, (key, &flag))
    }

    /// The address of one setting with the key of another: see [`access`](Self::access).
    pub(super) fn endpoint_at(
        &self,
        base: &str,
        key: &str,
        shown: Option<&Secret>,
        missing: (&str, &str),
    ) -> Result<Endpoint, EngineError> {
        Ok(self.access(base, key, shown, missing)?.endpoint()?)
    }

    /// The key that somebody shows, where the common one would be.
    pub(super) fn shown_key(&self, key: &str) -> Option<&Secret> {
        self.key.as_ref().filter(|_| key == COMMON_KEY)
    }

    /// The address of one setting with the key of another, unless another key is shown. Without
    /// any: which setting is missing, and which flag would do without it.
    pub(super) fn access(
        &self,
        base: &str,
        key: &str,
        shown: Option<&Secret>,
        (missing, flag): (&str, &str),
    ) -> Result<Access, EngineError> {
        let set = self.settings.secret(key);
        if shown.is_none() && set.is_some() {
            self.check_origins(base, key)?;
        }
        let access = Access { base: self.text(base).to_owned(), key: shown.or(set).cloned() };
        let endpoint = access.endpoint()?;
        if access.key.is_none() && OFFICIAL.contains(&endpoint.host()) {
            let variable = Setting::of(missing).map(Setting::variable).unwrap_or_default();
            let (host, flag) = (endpoint.host().to_owned(), flag.to_owned());
            return Err(EngineError::NoKey { host, variable, flag });
        }
        Ok(access)
    }

    /// Whoever makes the current folder may put a file in it. That must not be enough to be sent
    /// the user's keys.
    fn check_origins(&self, base: &str, key: &str) -> Result<(), EngineError> {
        let Some((_, Origin::Stray(place))) = self.settings.get(base) else { return Ok(()) };
        let Some((_, origin)) = self.settings.get(key) else { return Ok(()) };
        let is_usual = [COMMON_BASE, base]
            .iter()
            .filter_map(|key| Setting::of(key))
            .any(|setting| !setting.default.is_empty() && setting.default == self.text(base));
        if is_usual || matches!(origin, Origin::Stray(_)) {
            return Ok(());
        }
        let file = place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file);
        Err(EngineError::from(Box::new(StrayAddress {
            place: place.clone(),
            address: base.to_owned(),
            file: file.to_owned(),
            key: key.to_owned(),
            origin: origin.clone(),
        })))
    }

    pub(super) fn limits(&self) -> Limits {
        let wait = self.settings.integer("timeout_ms").map(Duration::from_millis);
        match wait {
            Some(wait) => Limits { head: wait, piece: wait, ..Limits::default() },
            None => Limits::default(),
        }
    }

    pub(super) fn http(&self) -> Result<Arc<dyn Http>, NetError> {
        let http = match self.http.get() {
            Some(http) => http,
            None => {
                let made = (self.connect)()?;
                self.http.get_or_init(|| made)
            }
        };
        Ok(Arc::clone(http))
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.settings.text(key).unwrap_or_default()
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.settings.text(key).map(str::to_owned)
    }
}

impl Access {
    fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        Endpoint::new(&self.base, self.key.clone())
    }
}

/// Settings do not let it come to this.
fn no_speech(table: &ProviderSetting) -> EngineError {
    let problem = "it is a language model: name another engine for speech";
    RegistryError::spec(table.name(), problem).into()
}

pub(super) const AUTO: &str = "auto";
pub(super) const SERVICE: &str = "openai";
pub(super) const COMMON_BASE: &str = "openai.base_url";
pub(super) const COMMON_KEY: &str = "openai.api_key";
const OFFICIAL: [&str; 3] =
    ["api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"];

#[cfg(test)]
mod tests;
