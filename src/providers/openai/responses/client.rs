//! The client of OpenAI's Responses.

use std::sync::Arc;

use super::codec::Codec;
use super::request;
use crate::net::{Endpoint, Http, Limits};
use crate::providers::asides::Asides;
use crate::providers::retry::Retries;
use crate::providers::service::{Service, Tuning};
use crate::providers::{
    Capabilities, JsonAnswers, Prices, Provider, ProviderRequest, ProviderStream,
};

/// A model behind OpenAI's Responses interface.
#[derive(Debug)]
pub struct OpenAiResponses {
    model: String,
    service: Service,
    options: Options,
    asides: Asides,
}

/// What is asked of each answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) reasoning: Option<Reasoning>,
    pub(super) whole: bool,
}

/// How hard a model thinks before it answers. What it thinks is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// Not at all, where the model can do without.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As is usual.
    Medium,
    /// Long.
    High,
    /// Longer.
    Xhigh,
    /// As long as can be.
    Max,
}

impl Reasoning {
    const ALL: [Self; 7] =
        [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// As the service calls it: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reasoning| reasoning.name() == name)
    }
}

impl OpenAiResponses {
    /// The model at `endpoint`, whose address ends in `/v1` as a rule. It has 25 s to begin, and
    /// as long for each next event: less than a session waits, so that the error names the server.
    ///
    /// The service is asked to keep nothing (`store` is false): the whole conversation is sent each
    /// time. It knows neither a seed nor penalties nor `top_k`: they are left out.
    ///
    /// A user's message may show images and documents (their bytes or their address; of bytes PDF
    /// and plain text). All else is a [`ProviderErrorKind::InvalidRequest`] before anything is sent.
    /// In a message that was refused for it the conversation goes on with a note in its place.
    ///
    /// [`ProviderErrorKind::InvalidRequest`]: crate::providers::ProviderErrorKind::InvalidRequest
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let service = Service::new(format!("responses:{model}"), http, endpoint);
        Self { model, service, options: Options::default(), asides: Asides::default() }
    }

    /// The same, thinking so hard. Then no temperature is told, which models that think do not
    /// take. Models that cannot think refuse it.
    #[must_use]
    pub fn reasoning(mut self, reasoning: Reasoning) -> Self {
        self.options.reasoning = Some(reasoning);
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
}

impl Provider for OpenAiResponses {
    fn name(&self) -> &str {
        &self.service.name
    }

    fn is_metered(&self) -> bool {
        self.service.endpoint.is_metered()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { media: request::KINDS, json: JsonAnswers::Schema, tools: true }
    }

    fn prices(&self) -> Option<Prices> {
        self.service.prices(&self.model)
    }

    fn retries(&self) -> Option<&Retries> {
        Some(&self.service.retries)
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let body = request::body(&self.model, &request, self.options, &self.asides);
        let codec = Codec::new(&self.service.name, request.messages.len(), self.asides.clone());
        self.service.ask("responses", body, codec)
    }

    fn warm(&self) {
        self.service.warm();
    }
}
