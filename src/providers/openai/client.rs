//! The client of chat completions.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::codec::Codec;
use super::content;
use super::request::{self, Dialect};
use crate::net::{Endpoint, Http, Limits};
use crate::providers::retry::Retries;
use crate::providers::service::{Service, Tuning};
use crate::providers::{
    Capabilities, JsonAnswers, Prices, Provider, ProviderRequest, ProviderStream,
};

/// A model behind OpenAI's chat completions interface, which Ollama, llama-server, vLLM and many
/// services have too.
#[derive(Debug)]
pub struct OpenAi {
    model: String,
    service: Service,
    extra: Map<String, Value>,
}

impl OpenAi {
    /// The model at `endpoint`, whose address ends in `/v1` as a rule. It has 25 s to begin, and
    /// as long for each next event: less than a session waits, so that the error names the server.
    ///
    /// The longest answer is asked for as `max_completion_tokens` at `api.openai.com`, and
    /// elsewhere as `max_tokens`. There, `top_k` is left out, which it does not know.
    ///
    /// A user's message may show images (their bytes or their address), WAV and MP3, PDF, and plain
    /// text. All else is a [`ProviderErrorKind::InvalidRequest`] before anything is sent. In a
    /// message that was refused for it the conversation goes on with a note in its place.
    ///
    /// [`ProviderErrorKind::InvalidRequest`]: crate::providers::ProviderErrorKind::InvalidRequest
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let service = Service::new(format!("openai:{model}"), http, endpoint);
        Self { model, service, extra: Map::new() }
    }

    /// The same with more in each request, for servers that know more than OpenAI, such as `min_p`
    /// of vLLM. It takes the place of nothing that a request says.
    #[must_use]
    pub fn with_extra(mut self, extra: impl IntoIterator<Item = (String, Value)>) -> Self {
        self.extra.extend(extra);
        self
    }

    /// The same at an Ollama that loads the model when the user begins to speak, and keeps it for
    /// so long: a text as `"30m"`, or seconds; for ever, if it is negative. Ollama takes no heed of
    /// that in the requests of this protocol, so it is asked at `api/generate` beside them.
    #[must_use]
    pub fn kept_by_ollama(mut self, keep_alive: &Value) -> Self {
        let body = json!({ "model": self.model, "keep_alive": keep_alive, "stream": false });
        self.service.preload("api/generate", body.to_string());
        self
    }

    pub(in crate::providers) fn tuned(mut self, tuning: Tuning) -> Self {
        self.service.tune(tuning);
        self
    }

    /// The same with other limits: `head` is from the request to the first event, `piece` from one
    /// event to the next.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.service.limits = limits;
        self
    }

    /// The same with a rule for retries, which others may share.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.service.retries = retries;
        self
    }

    /// The same with at most so many requests at once, at least one; by default as many as there
    /// are. Further ones wait for as long as for a first event, and then fail.
    #[must_use]
    pub fn with_at_most(mut self, requests: usize) -> Self {
        self.service.limit(requests);
        self
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.service.name
    }

    fn is_metered(&self) -> bool {
        self.service.endpoint.is_metered()
    }

    /// What the protocol carries; a model behind it may take less.
    fn capabilities(&self) -> Capabilities {
        Capabilities { media: content::KINDS, json: JsonAnswers::Schema, tools: true }
    }

    fn prices(&self) -> Option<Prices> {
        self.service.prices(&self.model)
    }

    fn retries(&self) -> Option<&Retries> {
        Some(&self.service.retries)
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let dialect = Dialect::of(self.service.endpoint.host());
        let body = request::body(&self.model, &request, dialect, &self.extra);
        let codec = Codec::new(&self.service.name, request.messages.len());
        self.service.ask("chat/completions", body, codec)
    }

    fn warm(&self) {
        self.service.warm();
    }
}
