//! The model that hears and speaks for itself, as settings name it.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::turn_detection::TurnDetection;
use super::{EngineError, Factory, Settings};
use crate::duplex::gemini::{GeminiLive, GeminiOptions};
use crate::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use crate::duplex::{DuplexProvider, Protocol, ServerTurns, SocketDuplex};
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
                let options = read::<GeminiOptions>(self.options(model, Map::new())?)?;
                Arc::new(GeminiLive::new(endpoint, options))
            }
            _ => {
                let transcriber = json!({"model": self.text("stt.model")});
                let defaults = Map::from_iter([("transcription".to_owned(), transcriber)]);
                self.check_turn_detection()?;
                let mut options = self.options(model, defaults)?;
                // It is a part of what all duplex sessions are told.
                options.remove(TURN_DETECTION);
                let options = read::<OpenAiOptions>(options)?;
                Arc::new(OpenAiRealtime::new(endpoint, options))
            }
        })
    }

    /// What the provider is told beyond what all are: the options, with the model's name.
    fn options(
        &self,
        model: Option<&str>,
        defaults: Map<String, Value>,
    ) -> Result<Map<String, Value>, EngineError> {
        let named = self.settings.text("duplex.model").or(model);
        let model = named.ok_or(EngineError::NoDuplexModel)?;
        let mut options = self.settings.duplex_options()?;
        options.insert("model".to_owned(), model.into());
        defaults.into_iter().for_each(|(key, value)| {
            options.entry(key).or_insert(value);
        });
        Ok(options)
    }

    /// The other side's rules for turns count where it has a say in them.
    fn check_turn_detection(&self) -> Result<(), EngineError> {
        let Some(detection) = self.settings.turn_detection()? else { return Ok(()) };
        match detection.problem() {
            _ if matches!(self.text("duplex.turns"), "" | "here") => Err(EngineError::TurnsHere),
            Some(problem) => Err(EngineError::DuplexOptions { problem }),
            None => Ok(()),
        }
    }
}

impl Settings {
    /// How OpenAI is to detect turns where it does. What is wrong with it is an error of
    /// [`Factory::duplex`].
    pub(super) fn server_turns(&self) -> ServerTurns {
        let is_openai = self.text("duplex.provider") != Some("gemini");
        let detection = self.turn_detection().ok().flatten().filter(|_| is_openai);
        detection.map(ServerTurns::from).unwrap_or_default()
    }

    fn turn_detection(&self) -> Result<Option<TurnDetection>, EngineError> {
        let options = self.duplex_options()?;
        options.get(TURN_DETECTION).map(|detection| read(detection.clone())).transpose()
    }

    fn duplex_options(&self) -> Result<Map<String, Value>, EngineError> {
        let Some(text) = self.text("duplex.options") else { return Ok(Map::new()) };
        serde_json::from_str(text)
            .map_err(|error| EngineError::DuplexOptions { problem: error.to_string() })
    }
}

fn read<T: DeserializeOwned>(options: impl Into<Value>) -> Result<T, EngineError> {
    serde_path_to_error::deserialize(options.into())
        .map_err(|error| EngineError::DuplexOptions { problem: error.to_string() })
}

const TURN_DETECTION: &str = "turn_detection";
