//! A provider whose requests are counted and logged.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tracing::{Instrument, Level, Span};

use super::ModelMetrics;
use super::figures::{Ending, Model, Over};
use crate::providers::exchanges::scrub::Scrubber;
use crate::providers::retry::Retries;
use crate::providers::{
    Capabilities, Prices, Provider, ProviderError, ProviderEvent, ProviderRequest, ProviderStream,
    RetryAdvice,
};
use crate::time::{SessionClock, SessionTime};
use crate::types::{Secret, Usage};

/// A provider whose requests are counted and logged. Else it is the one within.
///
/// Each request is an event of `tracing` when it is made (debug: `asked`) and when it is over
/// (info: `answered` or `failed`; debug: `left`), with `provider`, `model`, `call` (its number),
/// times, tokens and cost as fields; the service's name for it is in the span around them
/// (`model`, as `request_id`). What is asked and answered is logged at the level trace alone, with
/// media as name, type and size, and without the secrets that it was told. Neither keys nor headers
/// are logged.
#[derive(Debug)]
pub struct Watched {
    provider: Arc<dyn Provider>,
    model: Arc<Model>,
    /// Those of the one within, counted.
    retries: Option<Retries>,
    prices: Option<Prices>,
    scrubber: Scrubber,
    clock: SessionClock,
}

impl Watched {
    /// Counts what `provider` does in `metrics`. Several may share them.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, metrics: &ModelMetrics) -> Self {
        let model = metrics.of(provider.name());
        let retries = provider.retries().cloned();
        let retries = retries.map(|retries| retries.counted_by(Arc::clone(&model.retries)));
        let (prices, clock) = (provider.prices(), SessionClock::live());
        Self { provider, model, retries, prices, scrubber: Scrubber::default(), clock }
    }

    /// The same of a model that costs this, whatever it says itself.
    #[must_use]
    pub fn priced(self, prices: Option<Prices>) -> Self {
        Self { prices, ..self }
    }

    /// The same with these secrets taken out of what is logged.
    #[must_use]
    pub fn without(self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self { scrubber: Scrubber::new(secrets), ..self }
    }

    /// The same with the times of another clock: real time by default.
    #[must_use]
    pub fn timed_by(self, clock: SessionClock) -> Self {
        Self { clock, ..self }
    }
}

impl Provider for Watched {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn is_metered(&self) -> bool {
        self.provider.is_metered()
    }

    fn prices(&self) -> Option<Prices> {
        self.prices
    }

    fn retries(&self) -> Option<&Retries> {
        self.retries.as_ref()
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let log = Log::new(self.name(), self.model.begin(), &self.scrubber);
        log.asked(&request);
        let span = log.span.clone();
        let answer = span.in_scope(|| self.provider.stream(request));
        let watch = Watch::new(self.clock.clone(), Arc::clone(&self.model), self.prices, log);
        Box::pin(stream::unfold((answer, watch), |(mut answer, mut watch)| async move {
            let span = watch.log.span.clone();
            let came = answer.next().instrument(span).await?;
            watch.take(&came);
            Some((came, (answer, watch)))
        }))
    }

    fn warm(&self) {
        self.provider.warm();
    }

    fn close(&self) {
        self.provider.close();
    }
}

/// A request under way. Whoever leaves its answer drops this with it.
pub(super) struct Watch {
    asked: SessionTime,
    clock: SessionClock,
    model: Arc<Model>,
    prices: Option<Prices>,
    /// When something of the answer came first, and last.
    first: Option<SessionTime>,
    last: Option<SessionTime>,
    over: bool,
    log: Log,
}

impl Watch {
    /// One that is made now.
    pub(super) fn new(
        clock: SessionClock,
        model: Arc<Model>,
        prices: Option<Prices>,
        log: Log,
    ) -> Self {
        let asked = clock.now();
        Self { asked, clock, model, prices, first: None, last: None, over: false, log }
    }

    fn take(&mut self, came: &Result<ProviderEvent, ProviderError>) {
        match came {
            Ok(ProviderEvent::TextDelta(text)) if text.is_empty() => {}
            Ok(ProviderEvent::Raw(_)) => {}
            Ok(ProviderEvent::Finished { usage, .. }) => self.answer(*usage),
            Err(error) => self.fail(error),
            Ok(event) => {
                let now = self.clock.now();
                self.first.get_or_insert(now);
                self.last = Some(now);
                self.log.said(event);
            }
        }
    }

    /// It was answered to its end.
    pub(super) fn answer(&mut self, usage: Option<Usage>) {
        let over = self.end(Ending::Answered, usage);
        self.log.answered(&over);
    }

    pub(super) fn fail(&mut self, error: &ProviderError) {
        let over = self.end(Ending::Failed(error.kind), None);
        self.log.failed(&over, error);
    }

    fn end(&mut self, ending: Ending, usage: Option<Usage>) -> Over {
        let whole = self.clock.now().since(self.asked);
        let cost = self.prices.zip(usage).and_then(|(prices, usage)| prices.of(usage));
        let first = self.first.map(|first| first.since(self.asked));
        let wrote = self.last.zip(self.first).map(|(last, first)| last.since(first));
        let wrote = wrote.unwrap_or_default();
        let over = Over { ending, first, whole, wrote, usage, cost };
        if !std::mem::replace(&mut self.over, true) {
            self.model.end(&over);
        }
        over
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.over {
            let over = self.end(Ending::Left, None);
            self.log.left(&over);
        }
    }
}

/// What is logged of a request.
pub(super) struct Log {
    pub(super) span: Span,
    provider: String,
    model: String,
    call: u64,
    /// What is said, if it is to be logged.
    said: Option<(String, Scrubber)>,
}

impl Log {
    pub(super) fn new(name: &str, call: u64, scrubber: &Scrubber) -> Self {
        let (provider, model) = name.split_once(':').unwrap_or((name, ""));
        let (provider, model) = (provider.to_owned(), model.to_owned());
        let span = tracing::info_span!("model", request_id = tracing::field::Empty);
        let wanted = tracing::enabled!(Level::TRACE);
        let said = wanted.then(|| (String::new(), scrubber.clone()));
        Self { span, provider, model, call, said }
    }

    fn asked(&self, request: &ProviderRequest) {
        let Self { provider, model, call, .. } = self;
        let (messages, tools) = (request.messages.len(), request.tools.len());
        tracing::debug!(parent: &self.span, provider, model, call, messages, tools, "asked");
        if let Some((_, scrubber)) = &self.said {
            let request = scrubber.asked(request.clone());
            tracing::trace!(parent: &self.span, provider, model, call, %request, "asked this");
        }
    }

    /// Of an embedder.
    pub(super) fn asked_for(&self, texts: usize) {
        let Self { provider, model, call, .. } = self;
        tracing::debug!(parent: &self.span, provider, model, call, texts, "asked");
    }

    fn said(&mut self, event: &ProviderEvent) {
        let Some((said, _)) = &mut self.said else { return };
        match event {
            ProviderEvent::TextDelta(text) => said.push_str(text),
            ProviderEvent::Sound(sound) => {
                *said += &format!("[{} ms of sound]", sound.duration().as_millis());
            }
            // Without its bytes.
            ProviderEvent::Media(media) => *said += &format!("[{}, {}]", media.kind, media.mime),
            ProviderEvent::ToolCall(call) => {
                *said += &format!("[{} {}]", call.name, call.arguments)
            }
            ProviderEvent::Raw(_) | ProviderEvent::Finished { .. } => {}
        }
    }

    fn answered(&self, over: &Over) {
        let Self { provider, model, call, .. } = self;
        let (ms, first_token_ms) = (millis(over.whole), over.first.map(millis));
        let input_tokens = over.usage.map(|usage| usage.input_tokens);
        let output_tokens = over.usage.map(|usage| usage.output_tokens);
        let cached_tokens = over.usage.map(|usage| usage.cached_tokens);
        let cost = over.cost;
        tracing::info!(
            parent: &self.span, provider, model, call, ms, first_token_ms, input_tokens,
            output_tokens, cached_tokens, cost, "answered"
        );
        self.contents();
    }

    fn failed(&self, over: &Over, error: &ProviderError) {
        let Self { provider, model, call, .. } = self;
        let (ms, first_token_ms) = (millis(over.whole), over.first.map(millis));
        let (kind, status) = (error.kind.name(), error.status.map(|status| status.as_u16()));
        let request_id = error.request_id.as_deref();
        let retry_after_ms = match error.advice {
            RetryAdvice::After(pause) => Some(millis(pause)),
            RetryAdvice::None | RetryAdvice::Never => None,
        };
        tracing::info!(
            parent: &self.span, provider, model, call, ms, first_token_ms, kind, status,
            request_id, retry_after_ms, "failed"
        );
        // What a service says may quote what it was asked.
        if let Some((_, scrubber)) = &self.said {
            let reason = scrubber.cleaned(&error.reason);
            tracing::trace!(parent: &self.span, provider, model, call, reason, "failed so");
        }
        self.contents();
    }

    fn left(&self, over: &Over) {
        let Self { provider, model, call, .. } = self;
        let (ms, first_token_ms) = (millis(over.whole), over.first.map(millis));
        tracing::debug!(parent: &self.span, provider, model, call, ms, first_token_ms, "left");
        self.contents();
    }

    fn contents(&self) {
        let Self { provider, model, call, .. } = self;
        if let Some((said, scrubber)) = self.said.as_ref().filter(|(said, _)| !said.is_empty()) {
            let said = scrubber.cleaned(said);
            tracing::trace!(parent: &self.span, provider, model, call, said, "said this");
        }
    }
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
