//! The model that hears and speaks for itself, as settings name it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{EngineError, Factory};
use crate::duplex::gemini::{GeminiLive, GeminiOptions};
use crate::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use crate::duplex::{DuplexProvider, Protocol, SocketDuplex};
use crate::net::{Dial, Endpoint};

impl Factory<'_> {
    /// The model that hears and speaks for itself, over WebSockets of `dial`.
    ///
    /// # Errors
    ///
    /// When its model is not named, its key is missing, or its options make no sense.
    pub fn duplex(&self, dial: Arc<dyn Dial>) -> Result<Arc<dyn DuplexProvider>, EngineError> {
        if self.settings.text("duplex.model").is_none() {
            return Err(EngineError::NoDuplexModel);
        }
        let endpoint = match (self.text("duplex.provider"), self.settings.text("duplex.base_url")) {
            ("gemini", None) => {
                let (base, key) = ("gemini.base_url", "gemini.api_key");
                self.endpoint_at(base, key, self.key.as_ref(), (key, "--set mode=vad"))?
            }
            ("gemini", Some(_)) => {
                let (base, key) = ("duplex.base_url", "duplex.api_key");
                self.endpoint_at(base, key, None, (key, "--set mode=vad"))?
            }
            _ => self.endpoint("duplex").map_err(|error| match error {
                EngineError::NoKey { host, variable, .. } => {
                    EngineError::NoKey { host, variable, flag: "--set mode=vad".to_owned() }
                }
                other => other,
            })?,
        };
        Ok(Arc::new(SocketDuplex::new(self.protocol(endpoint, None)?, dial)))
    }

    /// The protocol of its provider, spoken at `endpoint`, with this model or the one of the settings.
    pub(crate) fn protocol(
        &self,
        endpoint: Endpoint,
        model: Option<&str>,
    ) -> Result<Arc<dyn Protocol>, EngineError> {
        Ok(match self.text("duplex.provider") {
            "gemini" => {
                let options = self.options::<GeminiOptions>(model, Map::new())?;
                Arc::new(GeminiLive::new(endpoint, options))
            }
            _ => {
                let transcriber = json!({"model": self.text("stt.model")});
                let defaults = Map::from_iter([("transcription".to_owned(), transcriber)]);
                let options = self.options::<OpenAiOptions>(model, defaults)?;
                Arc::new(OpenAiRealtime::new(endpoint, options))
            }
        })
    }

    /// What the provider is told beyond what all are: the options, with the model's name.
    fn options<T: serde::de::DeserializeOwned>(
        &self,
        model: Option<&str>,
        defaults: Map<String, Value>,
    ) -> Result<T, EngineError> {
        let wrong = |problem: String| EngineError::DuplexOptions { problem };
        let named = self.settings.text("duplex.model").or(model);
        let model = named.ok_or(EngineError::NoDuplexModel)?;
        let mut options: Map<String, Value> = match self.settings.text("duplex.options") {
            Some(text) => serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?,
            None => Map::new(),
        };
        options.insert("model".to_owned(), model.into());
        defaults.into_iter().for_each(|(key, value)| {
            options.entry(key).or_insert(value);
        });
        serde_path_to_error::deserialize(Value::Object(options))
            .map_err(|error| wrong(error.to_string()))
    }
}
