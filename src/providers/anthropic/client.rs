//! The client of Anthropic's Messages.

use std::sync::Arc;

use http::HeaderName;

use super::codec::Codec;
use super::thinking::Thinking;
use super::thoughts::{Before, Thoughts};
use super::{content, request};
use crate::net::{Endpoint, Http, Limits};
use crate::providers::retry::Retries;
use crate::providers::service::{Service, Tuning};
use crate::providers::{
    Capabilities, JsonAnswers, Prices, Provider, ProviderRequest, ProviderStream,
};

/// A model behind Anthropic's Messages.
#[derive(Debug)]
pub struct Anthropic {
    model: String,
    service: Service,
    options: Options,
    thoughts: Thoughts,
}

/// What is asked of each answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) thinking: Thinking,
    pub(super) caches: bool,
    pub(super) whole: bool,
}

impl Anthropic {
    /// The model at `endpoint`, which is `https://api.anthropic.com` as a rule. It has 25 s to
    /// begin, and as long for each next event: less than a session waits, so that the error names
    /// the server.
    ///
    /// The service wants a longest answer: 4,096 tokens, where the request names none. It knows
    /// neither a seed nor penalties, temperatures up to 1 only, of temperature and `top_p` one
    /// alone (the first, if both are given), and of JSON only what follows a schema: what it does
    /// not know is left out. What stays the same from one request to the next it keeps at hand for
    /// five minutes, by marks at the end of the instructions and of the conversation
    /// ([`uncached`](Self::uncached) leaves them out).
    ///
    /// The service wants user and agent to take turns, the user to begin and to end, and each call
    /// beside its result: the conversation is told so.
    ///
    /// A user's message may show images and PDF (their bytes or their address), and plain text. All
    /// else is a [`ProviderErrorKind::InvalidRequest`] before anything is sent. In a message that
    /// was refused for it the conversation goes on with a note in its place.
    ///
    /// [`ProviderErrorKind::InvalidRequest`]: crate::providers::ProviderErrorKind::InvalidRequest
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let endpoint = endpoint.with_key_in(HeaderName::from_static("x-api-key"));
        let service = Service::new(format!("anthropic:{model}"), http, endpoint)
            .with_header("anthropic-version", "2023-06-01");
        let options = Options { thinking: Thinking::Usual, caches: true, whole: false };
        Self { model, service, options, thoughts: Thoughts::default() }
    }

    /// The same, thinking so before an answer; if the model does not know the way, the service
    /// refuses each request. Who is to think is told no temperature, which the service does not take
    /// beside it. Where it must call a tool nothing is said of thinking, and with [`Thinking::Tokens`]
    /// it does not think there.
    ///
    /// What was thought before a call of a tool is told again with the call's result, as long as all
    /// that stood before it is still told as it was: the service refuses it otherwise.
    #[must_use]
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.options.thinking = thinking;
        self
    }

    /// The same without marks up to which the service keeps a request at hand. To write to its
    /// memory costs more than to be read, so this is for requests that have nothing in common.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.options.caches = false;
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

impl Provider for Anthropic {
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
        let told = request::body(&self.model, &request, self.options, &self.thoughts);
        let before = told.as_ref().map_or_else(|_| Before::default(), |(_, before)| *before);
        let (name, known) = (&self.service.name, self.thoughts.clone());
        let codec = Codec::new(name, request.messages.len(), known, before);
        self.service.ask("v1/messages", told.map(|(body, _)| body), codec)
    }

    fn warm(&self) {
        self.service.warm();
    }
}
