//! What is seen of models: figures, logs, exchanges that are recorded; and those that are replayed.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::engines::{EngineError, Factory};
use super::{Settings, TABLE};
use crate::providers::embeddings::Embedder;
use crate::providers::exchanges::{ExchangeLog, Recording};
use crate::providers::metrics::{ModelMetrics, Watched, WatchedEmbedder};
use crate::providers::replay::{Matching, Pace, Replay};
use crate::providers::{self, Blueprint, Provider, ProviderSpec, RegistryError};
use crate::types::{Parameters, Secret};

impl Settings {
    /// All keys, passwords and other secrets: of services, models, stores and tools.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let own = TABLE.iter().filter_map(|setting| self.secret(setting.key).cloned());
        let models = self.providers().iter().flat_map(super::ProviderSetting::secrets);
        let tools = self.tool_settings().iter().flat_map(super::ToolSetting::secrets);
        own.chain(models).chain(tools).collect()
    }

    /// The files of recorded exchanges that models are named by.
    #[must_use]
    pub fn replayed(&self) -> Vec<PathBuf> {
        let named = ["llm.engine", "context.summariser"].into_iter();
        let files = named.filter_map(|key| self.text(key)?.strip_prefix(REPLAY));
        files.map(PathBuf::from).collect()
    }
}

impl Factory<'_> {
    /// Writes to `log`, if there is one, what models are asked and answer.
    #[must_use]
    pub fn recording(mut self, log: Option<ExchangeLog>) -> Self {
        self.exchanges = log;
        self
    }

    /// Counts in `metrics` what models do; several factories may share them.
    #[must_use]
    pub fn counted_in(mut self, metrics: ModelMetrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// What the models that it has made do.
    #[must_use]
    pub fn metrics(&self) -> &ModelMetrics {
        &self.metrics
    }

    /// The same provider, counted and logged, and with its exchanges written down if that is wanted:
    /// as those that it makes.
    #[must_use]
    pub fn observed(&self, provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
        let provider = match &self.exchanges {
            Some(log) => Arc::new(Recording::new(provider, log.clone())),
            None => provider,
        };
        Arc::new(Watched::new(provider, &self.metrics).without(self.secrets()))
    }

    /// The same embedder, counted and logged.
    pub(super) fn watched(&self, embedder: Arc<dyn Embedder>) -> Arc<dyn Embedder> {
        Arc::new(WatchedEmbedder::new(embedder, &self.metrics).without(self.secrets()))
    }

    fn secrets(&self) -> impl Iterator<Item = Secret> {
        self.settings.secrets().into_iter().chain(self.key.clone())
    }

    /// A model that comes with the program, or recorded exchanges as the settings have them.
    pub(super) fn embedded(&self, name: &str) -> Result<Arc<dyn Provider>, EngineError> {
        let Some(file) = name.strip_prefix(REPLAY) else { return Ok(providers::by_name(name)?) };
        self.made(&ProviderSpec::new(KIND, KIND).option("file", file), Parameters::default())
    }

    /// Makes providers of the type that replays, as the settings have it.
    pub(super) fn replays(
        &self,
    ) -> impl Fn(&Blueprint<'_>) -> Result<Arc<dyn Provider>, RegistryError> + Send + Sync + 'static
    {
        let matching = Matching::of(self.text("replay.match")).unwrap_or_default();
        let pace = Pace::of(self.settings.number("replay.speed").unwrap_or(1.0));
        let secrets: Vec<_> = self.secrets().collect();
        move |plan: &Blueprint<'_>| {
            let ReplayOptions { file } = plan.options()?;
            let replay = Replay::from_file(&file).map_err(|error| plan.wrong(error.to_string()))?;
            Ok(Arc::new(replay.matching(matching).paced(pace).without(secrets.clone())))
        }
    }

    /// What has no effect without recorded exchanges.
    pub(super) fn no_replay(&self) -> Option<String> {
        let set = ["replay.speed", "replay.match"];
        let set = set.into_iter().find(|key| self.settings.is_set(key))?;
        let none = self.settings.replayed().is_empty();
        none.then(|| format!("{set} counts only where exchanges are replayed: --llm replay:FILE"))
    }
}

/// What a spec says of what is replayed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayOptions {
    file: PathBuf,
}

/// The type of providers that replay.
pub(super) const KIND: &str = "replay";
const REPLAY: &str = "replay:";

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::net::mock::MockHttp;
    use crate::providers::exchanges::KeptMedia;
    use crate::providers::{ProviderEvent, ProviderRequest};
    use crate::types::Message;

    fn settings(set: &[(&str, &str)]) -> Settings {
        let owned = |text: &str| text.to_owned();
        let flags: Vec<_> =
            set.iter().map(|(key, value)| (owned("--set"), owned(key), owned(value))).collect();
        Settings::layered(&flags, &[], None).unwrap()
    }

    fn factory(settings: &Settings) -> Factory<'_> {
        Factory::new(settings, || Ok(Arc::new(MockHttp::new())))
    }

    fn asking(text: &str) -> ProviderRequest {
        ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
    }

    async fn said(provider: &Arc<dyn Provider>, text: &str) -> Result<String, String> {
        let mut said = String::new();
        let mut answer = provider.stream(asking(text));
        while let Some(event) = answer.next().await {
            if let ProviderEvent::TextDelta(text) = event.map_err(|error| error.to_string())? {
                said += &text;
            }
        }
        Ok(said)
    }

    #[tokio::test]
    async fn what_a_model_of_the_settings_says_is_recorded_and_replayed_by_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        let recorded = settings(&[("llm.engine", "mock"), ("openai.api_key", "sk-12345")]);
        let log = ExchangeLog::create(&path, KeptMedia::Names, recorded.secrets()).unwrap();
        let model = factory(&recorded).recording(Some(log.clone())).provider().unwrap();
        assert_eq!(
            said(&model, "my key is sk-12345").await.unwrap(),
            "You said: my key is sk-12345"
        );
        assert_eq!(log.finish().unwrap(), 1);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("sk-12345"));

        let name = format!("replay:{}", path.display());
        let replayed = |matching| {
            let key = ("openai.api_key", "sk-12345");
            let speed = ("replay.speed", "0");
            settings(&[("llm.engine", &*name), key, speed, ("replay.match", matching)])
        };
        let exact = replayed("exact");
        assert_eq!(exact.replayed(), [path]);
        let model = factory(&exact).provider().unwrap();
        let answer = said(&model, "my key is sk-12345").await.unwrap();
        assert_eq!(answer, "You said: my key is [secret]");
        let error = said(&model, "something else").await.unwrap_err();
        assert!(error.contains("set replay.match=question"), "{error}");
        let model = factory(&replayed("order")).provider().unwrap();
        assert_eq!(said(&model, "something else").await.unwrap(), answer);
    }

    #[test]
    fn what_cannot_be_replayed_is_an_error_and_settings_without_effect_are_told() {
        let error = factory(&settings(&[("llm.engine", "replay:no/such.jsonl")])).provider();
        assert!(error.unwrap_err().to_string().contains("no/such.jsonl"));
        let wrong = factory(&settings(&[("llm.engine", "replay")])).provider();
        assert!(wrong.unwrap_err().to_string().contains("replay:FILE"));
        let idle = settings(&[("replay.speed", "2")]);
        let notes = factory(&idle).notes(&["llm"]);
        assert!(notes.iter().any(|note| note.starts_with("replay.speed counts only")), "{notes:?}");
    }
}
