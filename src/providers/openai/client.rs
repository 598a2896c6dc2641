//! Asks a server, and reads its answer as it comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use tokio::time::timeout;

use super::codec::Codec;
use super::content;
use super::request::{self, Dialect};
use crate::net::{Body, Endpoint, Events, Http, Limits, NetError, events};
use crate::providers::{
    Capabilities, JsonAnswers, Provider, ProviderError, ProviderEvent, ProviderRequest,
    ProviderStream,
};
use crate::time::{SessionClock, SessionTime};

/// A model behind OpenAI's chat completions interface, which Ollama, llama-server, vLLM and many
/// services have too.
#[derive(Debug)]
pub struct OpenAi {
    name: String,
    model: String,
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    limits: Limits,
    clock: SessionClock,
    warmed: Mutex<Option<SessionTime>>,
}

impl OpenAi {
    /// The model at `endpoint`, whose address ends in `/v1` as a rule. It has 25 s to begin, and
    /// as long for each next piece: less than a session waits, so that the error names the server.
    ///
    /// The longest answer is asked for as `max_completion_tokens` at `api.openai.com`, and
    /// elsewhere as `max_tokens`. There, `top_k` is left out, which it does not know.
    ///
    /// A user's message may show images (their bytes or their address), WAV and MP3, PDF, and plain
    /// text. All else is a [`ProviderError::InvalidRequest`] before anything is sent. In a message
    /// that was refused for it the conversation goes on with a note in its place.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let limits = Limits { head: PATIENCE, piece: PATIENCE, ..Limits::default() };
        let (clock, warmed) = (SessionClock::live(), Mutex::default());
        Self { name: format!("openai:{model}"), model, http, endpoint, limits, clock, warmed }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_metered(&self) -> bool {
        self.endpoint.is_metered()
    }

    /// What the protocol carries; a model behind it may take less.
    fn capabilities(&self) -> Capabilities {
        Capabilities { media: content::KINDS, json: JsonAnswers::Schema, tools: true }
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let body = match request::body(&self.model, &request, Dialect::of(self.endpoint.host())) {
            Ok(body) => body,
            Err(reason) => {
                let provider = self.name.clone();
                let refused = ProviderError::InvalidRequest { provider, reason };
                return Box::pin(stream::iter([Err(refused)]));
            }
        };
        let codec = Codec::new(&self.name, request.messages.len());
        let (http, endpoint) = (Arc::clone(&self.http), self.endpoint.clone());
        let (name, limits) = (self.name.clone(), self.limits);
        let opened = async move {
            let request = endpoint
                .post("chat/completions")
                .header(CONTENT_TYPE, "application/json")
                .header(ACCEPT, "text/event-stream")
                .body(Body::Whole(body.into()));
            let request = request.map_err(|error| {
                let (provider, reason) = (name.clone(), error.to_string());
                ProviderError::Failed { provider, reason }
            })?;
            let failed = |error| ProviderError::of_net(&name, error);
            let answer = endpoint.send(&*http, request, limits).await.map_err(failed)?;
            let events = events(answer.into_body(), endpoint.host());
            Ok(Answer { name, endpoint, events, codec, ready: VecDeque::new(), over: false }
                .stream())
        };
        Box::pin(stream::once(opened).try_flatten())
    }

    fn warm(&self) {
        let now = self.clock.now();
        {
            let mut warmed = self.warmed.lock().unwrap_or_else(PoisonError::into_inner);
            if warmed.is_some_and(|at| now.since(at) < STAYS_WARM) {
                return;
            }
            *warmed = Some(now);
        }
        let (http, endpoint) = (Arc::clone(&self.http), self.endpoint.clone());
        tokio::spawn(async move { endpoint.warm(&*http).await });
    }
}

struct Answer {
    name: String,
    endpoint: Endpoint,
    events: Events,
    codec: Codec,
    ready: VecDeque<ProviderEvent>,
    over: bool,
}

impl Answer {
    fn stream(self) -> ProviderStream {
        Box::pin(stream::unfold(self, |mut answer| async move {
            let event = answer.next().await?;
            Some((event, answer))
        }))
    }

    async fn next(&mut self) -> Option<Result<ProviderEvent, ProviderError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.over {
                return None;
            }
            match self.read().await {
                Ok(events) => {
                    let over = matches!(events.last(), Some(ProviderEvent::Finished { .. }));
                    self.finish(over);
                    self.ready.extend(events);
                }
                Err(error) => {
                    self.finish(true);
                    return Some(Err(error));
                }
            }
        }
    }

    fn finish(&mut self, over: bool) {
        self.over = over;
        let skipped = self.codec.skipped();
        if over && skipped > 0 {
            tracing::warn!(provider = self.name, skipped, "events could not be read");
        }
        if over {
            self.events = Box::pin(stream::empty());
        }
    }

    async fn read(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let event = match self.codec.is_complete() {
            true => timeout(COST_FOLLOWS, self.events.next()).await.unwrap_or(None),
            false => self.events.next().await,
        };
        match event {
            Some(Ok(data)) => self.codec.read(&data).map_err(|error| self.without_key(error)),
            // All that counts is there.
            Some(Err(_)) if self.codec.is_complete() => self.codec.end(),
            Some(Err(error)) => Err(self.failed(error)),
            None => self.codec.end(),
        }
    }

    fn failed(&self, error: NetError) -> ProviderError {
        ProviderError::of_net(&self.name, error)
    }

    fn without_key(&self, error: ProviderError) -> ProviderError {
        let shown = |reason: String| self.endpoint.presentable(&reason);
        match error {
            ProviderError::Failed { provider, reason } => {
                ProviderError::Failed { provider, reason: shown(reason) }
            }
            ProviderError::OutOfCredit { provider, reason } => {
                ProviderError::OutOfCredit { provider, reason: shown(reason) }
            }
            other => other,
        }
    }
}

/// A session gives up after 30 s without a sign of life.
const PATIENCE: Duration = Duration::from_secs(25);
/// The cost comes right behind the end, if at all; until then the last words wait.
const COST_FOLLOWS: Duration = Duration::from_millis(500);
/// Servers keep a connection for longer than this.
const STAYS_WARM: Duration = Duration::from_secs(20);
