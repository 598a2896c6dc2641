//! An embedder that does as a test tells it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{EmbedFuture, Embedder};
use crate::providers::ProviderError;
use crate::time::SessionClock;

/// A test double of an [`Embedder`]: it makes vectors by a closure, after a pause if it is told to,
/// and remembers the last 256 requests.
pub struct MockEmbedder {
    vector: Arc<Make>,
    pause: Option<(SessionClock, Duration)>,
    requests: Mutex<VecDeque<Vec<String>>>,
}

type Make = dyn Fn(&str) -> Result<Vec<f32>, ProviderError> + Send + Sync;

impl MockEmbedder {
    /// Gives what `vector` makes of each text.
    #[must_use]
    pub fn new(
        vector: impl Fn(&str) -> Result<Vec<f32>, ProviderError> + Send + Sync + 'static,
    ) -> Self {
        Self { vector: Arc::new(vector), pause: None, requests: Mutex::default() }
    }

    /// The same, so much later on `clock`.
    #[must_use]
    pub fn after(mut self, clock: SessionClock, pause: Duration) -> Self {
        self.pause = Some((clock, pause));
        self
    }

    /// The texts of each request, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Vec<String>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl fmt::Debug for MockEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockEmbedder").field("pause", &self.pause).finish_non_exhaustive()
    }
}

impl Embedder for MockEmbedder {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(texts.clone());
        drop(requests);
        let (vector, pause) = (Arc::clone(&self.vector), self.pause.clone());
        Box::pin(async move {
            if let Some((clock, pause)) = pause {
                clock.sleep(pause).await;
            }
            texts.iter().map(|text| vector(text)).collect()
        })
    }
}

const REMEMBERED: usize = 256;
