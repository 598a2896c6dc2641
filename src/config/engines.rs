//! The engines that settings name: the one place that knows all kinds.

use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use crate::net::{Endpoint, EndpointError, Http, Limits};
use crate::providers::{self, OpenAi, Provider, ProviderNameError};
use crate::stt::{self, OpenAiTranscriber, SttError, Transcriber};
use crate::tts::{self, OpenAiSynthesizer, Synthesizer, UnknownSynthesizer};
use crate::types::Secret;
use crate::vad::{self, UnknownVad, Vad};

/// Makes engines as settings say.
#[derive(Debug)]
pub struct Factory<'a> {
    settings: &'a Settings,
    http: Arc<dyn Http>,
    key: Option<Secret>,
}

/// Why an engine cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A service that nobody may use without a key.
    #[error(
        "{host} asks for a key: set {variable} or OPENAI_API_KEY, or the address of a server of \
         your own, or choose another engine with {flag}"
    )]
    NoKey {
        /// The service.
        host: String,
        /// The variable for this engine's key alone.
        variable: String,
        /// The flag that chooses the engine.
        flag: String,
    },
    /// The address or key of a service cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The voice detector.
    #[error(transparent)]
    Vad(#[from] UnknownVad),
    /// The recogniser.
    #[error(transparent)]
    Stt(#[from] SttError),
    /// The model.
    #[error(transparent)]
    Provider(#[from] ProviderNameError),
    /// The synthesizer.
    #[error(transparent)]
    Tts(#[from] UnknownSynthesizer),
}

/// Which engine a setting means.
enum Chosen<'a> {
    /// One that comes with the program, by name.
    Embedded(&'a str),
    /// A service, and its model if that was named with it.
    Service(Option<&'a str>),
}

impl<'a> Factory<'a> {
    /// Makes what `settings` say; services are reached by `http`.
    #[must_use]
    pub fn new(settings: &'a Settings, http: Arc<dyn Http>) -> Self {
        Self { settings, http, key: None }
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
        matches!(self.chosen(engine), Chosen::Service(_))
    }

    /// The voice detector.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn vad(&self) -> Result<Box<dyn Vad>, EngineError> {
        Ok(vad::by_name(self.text("vad.engine"))?)
    }

    /// The speech recogniser.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its key or model is missing.
    pub fn transcriber(&self) -> Result<Arc<dyn Transcriber>, EngineError> {
        let model = match self.chosen("stt") {
            Chosen::Embedded(name) => return Ok(stt::by_name(name)?),
            Chosen::Service(model) => model.unwrap_or_else(|| self.text("stt.model")),
        };
        let stream = match self.settings.text("stt.stream") {
            Some("true") => true,
            Some("false") => false,
            // The service refuses to stream with its older model.
            _ => model.starts_with("gpt-4o"),
        };
        let engine = OpenAiTranscriber::new(self.http(), self.endpoint("stt")?, model)
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
        let model = match self.chosen("llm") {
            Chosen::Embedded(name) => return Ok(providers::by_name(name)?),
            Chosen::Service(model) => model.unwrap_or_else(|| self.text("llm.model")),
        };
        let engine = OpenAi::new(self.http(), self.endpoint("llm")?, model);
        Ok(Arc::new(engine.with_limits(self.limits())))
    }

    /// The speech synthesizer.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or its key is missing.
    pub fn synthesizer(&self) -> Result<Arc<dyn Synthesizer>, EngineError> {
        let model = match self.chosen("tts") {
            Chosen::Embedded(name) => return Ok(tts::by_name(name)?),
            Chosen::Service(model) => model.unwrap_or_else(|| self.text("tts.model")),
        };
        let (endpoint, voice) = (self.endpoint("tts")?, self.text("tts.voice"));
        let engine = OpenAiSynthesizer::new(self.http(), endpoint, model, voice)
            .with_instructions(self.owned("tts.instructions"))
            .with_limits(self.limits());
        Ok(Arc::new(engine))
    }

    /// What a user of these engines (`stt`, `llm`, `tts`) should know, on a line: which of them
    /// are the small embedded ones because nothing better was set.
    #[must_use]
    pub fn note(&self, engines: &[&str]) -> Option<String> {
        let auto = |engine: &&&str| self.text(&format!("{engine}.engine")) == AUTO;
        let small: Vec<_> = engines
            .iter()
            .filter(auto)
            .filter_map(|engine| match self.chosen(engine) {
                Chosen::Embedded(name) => Some(name),
                Chosen::Service(_) => None,
            })
            .collect();
        (!small.is_empty()).then(|| {
            let small = small.join(", ");
            format!(
                "small embedded engines: {small}; for better ones set OPENAI_API_KEY, or \
                 OPENAI_BASE_URL for a server of your own"
            )
        })
    }

    fn chosen(&self, engine: &str) -> Chosen<'_> {
        match self.text(&format!("{engine}.engine")) {
            AUTO if self.has_service(engine) => Chosen::Service(None),
            AUTO => Chosen::Embedded(match engine {
                "stt" => "pocketsphinx",
                "llm" => "scripted",
                _ => "flite",
            }),
            SERVICE => Chosen::Service(None),
            named => match named.split_once(':') {
                Some((SERVICE, model)) => Chosen::Service(Some(model)),
                _ => Chosen::Embedded(named),
            },
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

    /// An engine with an address of its own gets the common key from nobody: it would be told
    /// to another server.
    fn endpoint(&self, engine: &str) -> Result<Endpoint, EngineError> {
        let (own_base, own_key) = (format!("{engine}.base_url"), format!("{engine}.api_key"));
        let mut key = self.settings.secret(&own_key);
        let base = match self.settings.text(&own_base) {
            Some(base) => base,
            None => {
                let common = || self.settings.secret("openai.api_key");
                key = self.key.as_ref().or(key).or_else(common);
                self.text("openai.base_url")
            }
        };
        let endpoint = Endpoint::new(base, key.cloned())?;
        if key.is_none() && endpoint.host() == OFFICIAL {
            let variable = format!("BANTER_{}_API_KEY", engine.to_uppercase());
            let (host, flag) = (OFFICIAL.to_owned(), format!("--{engine}"));
            return Err(EngineError::NoKey { host, variable, flag });
        }
        Ok(endpoint)
    }

    fn limits(&self) -> Limits {
        let wait = self.settings.integer("timeout_ms").map(Duration::from_millis);
        match wait {
            Some(wait) => Limits { head: wait, piece: wait, ..Limits::default() },
            None => Limits::default(),
        }
    }

    fn http(&self) -> Arc<dyn Http> {
        Arc::clone(&self.http)
    }

    fn text(&self, key: &str) -> &str {
        self.settings.text(key).unwrap_or_default()
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.settings.text(key).map(str::to_owned)
    }
}

const AUTO: &str = "auto";
const SERVICE: &str = "openai";
const OFFICIAL: &str = "api.openai.com";
