//! An embedder whose requests are counted and logged.

use std::sync::Arc;

use tracing::Instrument;

use super::ModelMetrics;
use super::figures::Model;
use super::watched::{Log, Watch};
use crate::providers::embeddings::{EmbedFuture, Embedder};
use crate::providers::exchanges::scrub::Scrubber;
use crate::time::SessionClock;
use crate::types::Secret;

/// An embedder whose requests are counted and logged, as [`Watched`](super::Watched) does with those
/// of providers. Else it is the one within.
///
/// A request is all texts that are given at once. Nothing comes of it before its end, and embedders
/// tell no tokens: so there is no time to the first token, no speed and no cost.
#[derive(Debug)]
pub struct WatchedEmbedder {
    embedder: Arc<dyn Embedder>,
    model: Arc<Model>,
    scrubber: Scrubber,
    clock: SessionClock,
}

impl WatchedEmbedder {
    /// Counts what `embedder` does in `metrics`, under its name. Several may share them.
    #[must_use]
    pub fn new(embedder: Arc<dyn Embedder>, metrics: &ModelMetrics) -> Self {
        let model = metrics.of(embedder.name());
        Self { embedder, model, scrubber: Scrubber::default(), clock: SessionClock::live() }
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

impl Embedder for WatchedEmbedder {
    fn name(&self) -> &str {
        self.embedder.name()
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        let log = Log::new(self.name(), self.model.begin(), &self.scrubber);
        log.asked_for(texts.len());
        let span = log.span.clone();
        let mut watch = Watch::new(self.clock.clone(), Arc::clone(&self.model), None, log);
        let vectors = span.in_scope(|| self.embedder.embed(texts));
        Box::pin(async move {
            let came = vectors.instrument(span).await;
            match &came {
                Ok(_) => watch.answer(None),
                Err(error) => watch.fail(error),
            }
            came
        })
    }
}
