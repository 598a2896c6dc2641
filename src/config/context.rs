//! What settings say about long conversations.

use std::sync::Arc;

use super::engines::{AUTO, COMMON_BASE, COMMON_KEY, Chosen, EngineError, Factory, SERVICE};
use crate::context::{Budget, Relevance, Strategy, Summarise};
use crate::net::Endpoint;
use crate::providers::Provider;
use crate::providers::ProviderKind;
use crate::providers::embeddings::{
    Embedder, GeminiEmbedder, Hashed, OllamaEmbedder, OpenAiEmbedder,
};
use crate::stages::ContextConfig;
use crate::types::Parameters;

impl Factory<'_> {
    /// How a conversation is kept within a budget; `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the model or the embeddings that are named for it cannot be had.
    pub fn context(&self) -> Result<Option<ContextConfig>, EngineError> {
        let tokens = self.settings.integer("context.tokens");
        let Some(tokens) = tokens.and_then(|tokens| u32::try_from(tokens).ok()) else {
            return Ok(None);
        };
        let strategy = match self.text("context.strategy") {
            "summarise" => Strategy::Summarise(Summarise::default()),
            "relevance" => Strategy::Relevance(Relevance::default()),
            "fail" => Strategy::Fail,
            _ => Strategy::Sliding,
        };
        let mut config = ContextConfig::new(Budget::new(tokens));
        match strategy {
            Strategy::Summarise(_) => config.summariser = self.summariser()?,
            Strategy::Relevance(_) => config.embedder = self.embedder()?,
            Strategy::Sliding | Strategy::Fail => {}
        }
        config.budget.strategy = strategy;
        Ok(Some(config))
    }

    /// The model that makes summaries; `None` if it is the one that answers.
    fn summariser(&self) -> Result<Option<Arc<dyn Provider>>, EngineError> {
        let named = self.text("context.summariser");
        if named.is_empty() || named == AUTO {
            return Ok(None);
        }
        let provider = match self.named(named) {
            Chosen::Embedded(named) => self.embedded(named)?,
            Chosen::Service(kind, model) => {
                let set = self.settings.text("llm.model");
                let usual = match kind {
                    ProviderKind::OpenAi | ProviderKind::Responses => set,
                    kind => {
                        kind.usual_model().or(set.filter(|_| self.settings.is_set("llm.model")))
                    }
                };
                self.model_service(kind, model.or(usual))?
            }
            Chosen::Table(table, model) => {
                let spec = self.spec_of_table(table, model)?;
                self.made(&spec, Parameters::default())?
            }
        };
        Ok(Some(self.observed(provider)))
    }

    fn embedder(&self) -> Result<Arc<dyn Embedder>, EngineError> {
        let named = self.text("context.embeddings");
        let (service, model) = match named.split_once(':') {
            Some((service, model)) => (service, Some(model)),
            None => (named, None),
        };
        let embedder: Arc<dyn Embedder> = match service {
            SERVICE => {
                let endpoint = self.vectors_at(COMMON_BASE, COMMON_KEY)?;
                let model = model.unwrap_or("text-embedding-3-small");
                Arc::new(OpenAiEmbedder::new(self.http()?, endpoint, model))
            }
            "gemini" => {
                let endpoint = self.vectors_at("gemini.base_url", "gemini.api_key")?;
                let model = model.unwrap_or("gemini-embedding-001");
                Arc::new(GeminiEmbedder::new(self.http()?, endpoint, model))
            }
            "ollama" => {
                let endpoint = match self.settings.text(OWN_BASE) {
                    Some(_) => self.vectors_at(OWN_BASE, OWN_KEY)?,
                    None => Endpoint::new(OLLAMA, self.settings.secret(OWN_KEY).cloned())?,
                };
                let model = model.unwrap_or("nomic-embed-text");
                Arc::new(OllamaEmbedder::new(self.http()?, endpoint, model))
            }
            // It is no service: nothing to count.
            _ => return Ok(Arc::new(Hashed)),
        };
        Ok(self.watched(embedder))
    }

    /// Where vectors are made: at an address of their own, with a key of their own, else at the
    /// common ones. The common key is not sent to another address.
    fn vectors_at(&self, common_base: &str, common_key: &str) -> Result<Endpoint, EngineError> {
        let has_own = self.settings.text(OWN_BASE).is_some();
        let base = if has_own { OWN_BASE } else { common_base };
        let has_key = has_own || self.settings.secret(OWN_KEY).is_some();
        let key = if has_key { OWN_KEY } else { common_key };
        let shown = self.key.as_ref().filter(|_| !has_own && common_key == COMMON_KEY);
        self.endpoint_at(base, key, shown, (key, "--set context.embeddings=hashed"))
    }

    /// What has no effect without a budget.
    pub(super) fn no_budget(&self) -> Option<String> {
        let set = ["context.strategy", "context.summariser", "context.embeddings"];
        let set = set.into_iter().find(|key| self.settings.is_set(key))?;
        let has_budget = self.settings.integer("context.tokens").is_some();
        (!has_budget).then(|| format!("{set} counts only with a budget: set context.tokens, too"))
    }
}

const OWN_BASE: &str = "embeddings.base_url";
const OWN_KEY: &str = "embeddings.api_key";
const OLLAMA: &str = "http://localhost:11434";

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use crate::net::mock::MockHttp;

    /// What the factory makes of these settings, all of which are flags.
    fn context(settings: &[(&str, &str)]) -> Result<Option<ContextConfig>, EngineError> {
        Factory::new(&flags(settings), || Ok(Arc::new(MockHttp::new()))).context()
    }

    fn flags(settings: &[(&str, &str)]) -> Settings {
        let owned = |text: &str| text.to_owned();
        let flags: Vec<_> = settings
            .iter()
            .map(|(key, value)| (owned("--set"), owned(key), owned(value)))
            .collect();
        Settings::layered(&flags, &[], None).unwrap()
    }

    #[test]
    fn without_a_number_of_tokens_there_is_no_budget() {
        assert!(context(&[]).unwrap().is_none());
        assert!(context(&[("context.strategy", "fail")]).unwrap().is_none());
        let made = context(&[("context.tokens", "4000")]).unwrap().unwrap();
        assert_eq!(made.budget, Budget::new(4000));
        assert!(made.summariser.is_none() && made.summaries.is_none());
    }

    #[test]
    fn strategies_have_their_names() {
        for (name, strategy) in [
            ("sliding", Strategy::Sliding),
            ("summarise", Strategy::Summarise(Summarise::default())),
            ("relevance", Strategy::Relevance(Relevance::default())),
            ("fail", Strategy::Fail),
        ] {
            let made = context(&[("context.tokens", "500"), ("context.strategy", name)]);
            assert_eq!(made.unwrap().unwrap().budget.strategy, strategy);
        }
    }

    #[test]
    fn summaries_are_made_by_the_model_that_is_named() {
        let named = |name| {
            let budget = [("context.tokens", "500"), ("context.strategy", "summarise")];
            let key = [("openai.api_key", "sk-7"), ("context.summariser", name)];
            let made = context(&[budget, key].concat()).unwrap().unwrap().summariser;
            made.map(|model| model.name().to_owned())
        };
        assert_eq!(named(""), None);
        assert_eq!(named("auto"), None);
        assert_eq!(named("mock"), Some("mock".to_owned()));
        assert_eq!(named("openai:small"), Some("openai:small".to_owned()));
        assert_eq!(named("openai"), Some("openai:gpt-4o-mini".to_owned()));
    }

    #[test]
    fn messages_are_compared_by_the_embeddings_that_are_named() {
        let budget = [("context.tokens", "500"), ("context.strategy", "relevance")];
        let named = |name, key| {
            context(&[budget, [("context.embeddings", name), ("openai.api_key", key)]].concat())
        };
        let name = |name, key| named(name, key).unwrap().unwrap().embedder.name().to_owned();
        assert_eq!(name("", ""), "hashed");
        assert_eq!(name("hashed", ""), "hashed");
        assert_eq!(name("openai", "sk-7"), "openai:text-embedding-3-small");
        assert_eq!(name("openai:mine", "sk-7"), "openai:mine");
        let gemini = [budget, [("context.embeddings", "gemini"), ("gemini.api_key", "k")]].concat();
        let made = context(&gemini).unwrap().unwrap();
        assert_eq!(made.embedder.name(), "gemini:gemini-embedding-001");
        assert_eq!(name("ollama", ""), "ollama:nomic-embed-text");
        assert_eq!(name("ollama:mine", "sk-7"), "ollama:mine");
        let told = named("gemini", "sk-7").unwrap_err().to_string();
        assert!(told.contains("set GEMINI_API_KEY"), "{told}");
        let told = named("openai", "").unwrap_err().to_string();
        for part in ["set OPENAI_API_KEY", "with --set context.embeddings=hashed"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[tokio::test]
    async fn vectors_of_an_address_of_their_own_get_no_common_key() {
        for (named, path, header) in [
            ("openai", "/embeddings", "authorization"),
            ("gemini", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "x-goog-api-key"),
            ("ollama", "/api/embed", "authorization"),
        ] {
            for (own, sent) in [(None, None), (Some("sk-own"), Some("sk-own"))] {
                let http = MockHttp::new();
                let mut set = vec![
                    ("context.tokens", "500"),
                    ("context.strategy", "relevance"),
                    ("context.embeddings", named),
                    ("openai.api_key", "sk-common"),
                    ("gemini.api_key", "sk-common"),
                    ("embeddings.base_url", "http://there"),
                ];
                set.extend(own.map(|key| ("embeddings.api_key", key)));
                let settings = flags(&set);
                let factory = Factory::new(&settings, || Ok(Arc::new(http.clone())));
                let embedder = factory.context().unwrap().unwrap().embedder;
                assert!(embedder.embed(vec!["one".to_owned()]).await.is_err(), "nobody answers");
                let [counted] = &factory.metrics().report()[..] else { panic!("one model") };
                assert_eq!((&*counted.model, counted.requests), (embedder.name(), 1));
                let [request] = &http.requests()[..] else { panic!("one request") };
                assert_eq!(request.uri.to_string(), format!("http://there{path}"));
                let key = request.headers.get(header).map(|key| key.to_str().unwrap());
                assert_eq!(key.map(|key| key.trim_start_matches("Bearer ")), sent, "{named}");
            }
        }
    }
}
