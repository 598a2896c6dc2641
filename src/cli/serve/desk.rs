//! What calls are answered with, as the settings say.

use std::sync::Arc;

use crate::cli::tools::tools;
use crate::config::{EngineError, Factory, Settings};
use crate::duplex::DuplexProvider;
use crate::ids::SessionId;
use crate::net::{Dial, Http, HttpClient, SocketClient};
use crate::providers::Provider;
use crate::providers::exchanges::ExchangeLog;
use crate::providers::metrics::ModelMetrics;
use crate::server::pcm::{Answering, NewCall, Sid};
use crate::session::{Cast, DuplexEngines, Engines, SessionConfig};
use crate::stt::Transcriber;
use crate::tools::ToolRegistry;
use crate::tts::Synthesizer;

/// Answers calls as the settings say.
#[derive(Debug)]
pub(super) struct Desk {
    settings: Settings,
    /// None if no engine is a service.
    http: Option<Arc<dyn Http>>,
    tools: Arc<ToolRegistry>,
    /// Whether a call's name is the key to its services.
    named: bool,
    /// Where what models are asked and answer is written.
    exchanges: Option<ExchangeLog>,
    metrics: ModelMetrics,
    shared: Shared,
}

/// Engines that all calls have in common: what comes with the program, and services that know
/// calls by no name.
#[derive(Debug)]
enum Shared {
    Vad {
        transcriber: Option<Arc<dyn Transcriber>>,
        provider: Option<Arc<dyn Provider>>,
        synthesizer: Option<Arc<dyn Synthesizer>>,
    },
    Asm {
        /// The way to the model: each call has a connection of its own.
        dial: Arc<dyn Dial>,
        provider: Option<Arc<dyn DuplexProvider>>,
    },
}

impl Shared {
    fn of(factory: &Factory<'_>, settings: &Settings, named: bool) -> anyhow::Result<Self> {
        if settings.text("mode") == Some("asm") {
            let dial: Arc<dyn Dial> = Arc::new(SocketClient::new()?);
            let provider = factory.duplex(Arc::clone(&dial))?;
            // An address of its own gets the key of its own.
            let own = named && settings.text("duplex.base_url").is_none();
            return Ok(Self::Asm { dial, provider: Some(provider).filter(|_| !own) });
        }
        let own = |engine: &str| named && factory.is_service(engine);
        factory.context()?;
        Ok(Self::Vad {
            transcriber: Some(factory.transcriber()?).filter(|_| !own("stt")),
            provider: Some(factory.provider()?).filter(|_| !own("llm")),
            synthesizer: Some(factory.synthesizer()?).filter(|_| !own("tts")),
        })
    }
}

impl Desk {
    /// What cannot work for any call fails here.
    pub(super) fn new(
        settings: Settings,
        named: bool,
        exchanges: Option<ExchangeLog>,
    ) -> anyhow::Result<Self> {
        let tools = tools(&settings)?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)))
            .recording(exchanges.clone());
        factory.vad()?;
        factory.end_model()?;
        let shared = Shared::of(&factory, &settings, named)?;
        let (http, metrics) = (factory.connected(), factory.metrics().clone());
        drop(factory);
        Ok(Self { settings, http, tools: Arc::new(tools), named, exchanges, metrics, shared })
    }

    /// What a user of the engines should know.
    pub(super) fn notes(&self) -> Vec<String> {
        match self.shared {
            Shared::Vad { .. } => self.factory().notes(&["stt", "llm", "tts"]),
            Shared::Asm { .. } => Vec::new(),
        }
    }

    /// The recogniser of all calls, to be warmed up.
    pub(super) fn transcriber(&self) -> Option<&Arc<dyn Transcriber>> {
        match &self.shared {
            Shared::Vad { transcriber, .. } => transcriber.as_ref(),
            Shared::Asm { .. } => None,
        }
    }

    /// All calls share their connections.
    fn factory(&self) -> Factory<'_> {
        Factory::new(&self.settings, || match &self.http {
            Some(http) => Ok(Arc::clone(http)),
            None => Ok(Arc::new(HttpClient::new()?)),
        })
        .recording(self.exchanges.clone())
        .counted_in(self.metrics.clone())
    }

    fn cast(&self, factory: &Factory<'_>) -> Result<Cast, EngineError> {
        let (vad, tools) = (factory.vad()?, Arc::clone(&self.tools));
        Ok(match &self.shared {
            Shared::Vad { transcriber, provider, synthesizer } => Cast::Vad(Engines {
                vad,
                transcriber: transcriber.clone().map_or_else(|| factory.transcriber(), Ok)?,
                provider: provider.clone().map_or_else(|| factory.provider(), Ok)?,
                synthesizer: synthesizer.clone().map_or_else(|| factory.synthesizer(), Ok)?,
                tools,
            }),
            Shared::Asm { dial, provider } => {
                let make = || factory.duplex(Arc::clone(dial));
                let provider = provider.clone().map_or_else(make, Ok)?;
                Cast::Asm(DuplexEngines { vad, provider, tools })
            }
        })
    }

    fn call(&self, sid: Option<&Sid>, number: u64) -> Result<NewCall, EngineError> {
        let factory = self.factory();
        let factory = match sid {
            Some(sid) if self.named => factory.with_key(sid.key().clone()),
            _ => factory,
        };
        let cast = self.cast(&factory)?;
        let context = match &cast {
            Cast::Vad(_) => factory.context()?,
            // The provider cuts its own history.
            Cast::Asm(_) => None,
        };
        let config = SessionConfig {
            id: SessionId::new(format!("call-{number}")),
            end_call: true,
            context,
            front: self.settings.front(false),
            end_model: factory.end_model()?,
            ..self.settings.session()
        };
        let greeting = self.settings.text("greeting").map(str::to_owned);
        Ok(NewCall { cast, config, greeting })
    }
}

impl Answering for Desk {
    fn answer(&self, sid: Option<&Sid>, number: u64) -> Result<NewCall, String> {
        self.call(sid, number).map_err(|error| error.to_string())
    }

    fn metrics(&self) -> String {
        self.metrics.prometheus()
    }
}
