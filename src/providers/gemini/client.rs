//! The client of Gemini's `generateContent`.

use std::sync::Arc;

use http::HeaderName;

use super::codec::Codec;
use super::thinking::GeminiThinking;
use super::{content, request};
use crate::net::{Endpoint, Http, Limits};
use crate::providers::asides::Asides;
use crate::providers::retry::Retries;
use crate::providers::service::{Service, Tuning};
use crate::providers::{
    Capabilities, JsonAnswers, Prices, Provider, ProviderRequest, ProviderStream,
};

/// A Gemini, asked with `generateContent`.
#[derive(Debug)]
pub struct Gemini {
    model: String,
    service: Service,
    options: Options,
    asides: Asides,
}

/// What is asked of each answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) thinking: Option<GeminiThinking>,
    pub(super) safety: Option<Safety>,
    pub(super) cached_content: Option<String>,
    pub(super) whole: bool,
}

/// What Gemini withholds of harassment, hate, sex and danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// Nothing.
    Off,
    /// What is likely to be that.
    High,
    /// What may well be.
    Medium,
    /// What may be.
    Low,
}

impl Safety {
    /// What is called so: `off`, `high`, `medium`, `low`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "high" => Some(Self::High),
            "medium" => Some(Self::Medium),
            "low" => Some(Self::Low),
            _ => None,
        }
    }
}

impl Gemini {
    /// The model at `endpoint`, which is `https://generativelanguage.googleapis.com` as a rule. It
    /// has 25 s to begin, and as long for each next event: less than a session waits, so that the
    /// error names the server.
    ///
    /// A user's message may show images, sound, films, PDF and plain text: bytes of up to 14 MiB
    /// each, or the address of one of Gemini's files. All else is a
    /// [`ProviderErrorKind::InvalidRequest`] before anything is sent. In a message that was refused
    /// for it the conversation goes on with a note in its place. What Gemini withholds, of the
    /// question or of the answer, is a [`ProviderErrorKind::ContentPolicy`], unless some of the
    /// answer was given.
    ///
    /// [`ProviderErrorKind::InvalidRequest`]: crate::providers::ProviderErrorKind::InvalidRequest
    /// [`ProviderErrorKind::ContentPolicy`]: crate::providers::ProviderErrorKind::ContentPolicy
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let endpoint = endpoint.with_key_in(HeaderName::from_static("x-goog-api-key"));
        let service = Service::new(format!("gemini:{model}"), http, endpoint);
        Self { model, service, options: Options::default(), asides: Asides::default() }
    }

    /// The same, thinking so before an answer; if the model does not know the way, the service
    /// refuses each request. By default the model decides. What was thought before a call of a tool
    /// is told again, by the signature of the call.
    #[must_use]
    pub fn thinking(mut self, thinking: GeminiThinking) -> Self {
        self.options.thinking = Some(thinking);
        self
    }

    /// The same, withholding so much. By default the service decides.
    #[must_use]
    pub fn with_safety(mut self, safety: Safety) -> Self {
        self.options.safety = Some(safety);
        self
    }

    /// The same with what Gemini keeps under this name, as `cachedContents/abc`, before each
    /// conversation. It has instructions and tools of its own: those of a request are not sent,
    /// since Gemini does not take both.
    #[must_use]
    pub fn with_cached_content(mut self, name: impl Into<String>) -> Self {
        self.options.cached_content = Some(name.into());
        self
    }

    /// The same, with answers that come as a whole instead of word by word.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.options.whole = true;
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

    fn path(&self) -> String {
        let model = resource(&self.model);
        match self.options.whole {
            true => format!("v1beta/{model}:generateContent"),
            false => format!("v1beta/{model}:streamGenerateContent?alt=sse"),
        }
    }
}

/// A model as paths have it; tuned ones have paths of their own.
pub(super) fn resource(model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("models/{model}") }
}

impl Provider for Gemini {
    fn name(&self) -> &str {
        &self.service.name
    }

    fn is_metered(&self) -> bool {
        self.service.endpoint.is_metered()
    }

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
        let body = request::body(&request, &self.options, &self.asides);
        let codec = Codec::new(&self.service.name, request.messages.len(), self.asides.clone());
        self.service.ask(&self.path(), body, codec)
    }

    fn warm(&self) {
        self.service.warm();
    }
}
