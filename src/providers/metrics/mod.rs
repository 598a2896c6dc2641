//! What models do: how soon they answer, how fast, at what cost, and how often not.
//!
//! ```text
//! whoever asks ─▶ Watched ─▶ the model
//!                   │ once for each request, when it is over
//!                   ▼
//!              ModelMetrics ─▶ report: values │ prometheus: text for a scraper
//! ```
//!
//! [`Watched`] also logs each request and how it ended, by `tracing`; [`WatchedEmbedder`] does the same
//! for models that make vectors. [`ModelMetrics`] is the one owner of the figures, which many sessions
//! share; its memory does not grow with the requests.

mod embedder;
mod figures;
mod prometheus;
#[cfg(test)]
mod tests;
mod watched;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use self::figures::Model;
use super::ProviderErrorKind;
use crate::types::Usage;

pub use embedder::WatchedEmbedder;
pub use watched::Watched;

/// The figures of all models that are asked, by provider and model. Clones are the same figures.
#[derive(Clone, Debug, Default)]
pub struct ModelMetrics(Arc<Mutex<BTreeMap<String, Arc<Model>>>>);

/// The figures of one model so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelReport {
    /// Provider and model, as `openai:gpt-4o-mini`.
    pub model: String,
    /// How often it was asked, retries included.
    pub requests: u64,
    /// Those under way.
    pub in_flight: u64,
    /// Those that it has answered to the end.
    pub answered: u64,
    /// Those that nobody wanted an answer to any longer.
    pub left: u64,
    /// Those that failed, by kind.
    pub errors: BTreeMap<ProviderErrorKind, u64>,
    /// The failed ones among those that are over; 0 to 1, and 0 if none is.
    pub error_rate: f64,
    /// How often it was asked again after a failure.
    pub retries: u64,
    /// From the request to the first of the answer, in milliseconds; `None` if nothing came yet.
    pub first_token_ms: Option<Quantiles>,
    /// From the request to the end of the answer, in milliseconds, of those that were answered.
    pub answer_ms: Option<Quantiles>,
    /// How fast it writes once it has begun, where it tells its tokens.
    pub tokens_per_second: Option<Quantiles>,
    /// The tokens of all answers that tell them.
    pub usage: Usage,
    /// What these have cost, in the money of their prices; `None` if no price is known.
    pub cost: Option<f64>,
}

/// What half of the values, 95 % and 99 % of them stay within, to two significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// 95 % stay within.
    pub p95: f64,
    /// 99 % stay within.
    pub p99: f64,
    /// The mean.
    pub mean: f64,
    /// How many values there are.
    pub count: u64,
}

impl ModelMetrics {
    /// The figures so far, by the names of the models.
    #[must_use]
    pub fn report(&self) -> Vec<ModelReport> {
        let models: Vec<_> = self.models().values().cloned().collect();
        models.iter().map(|model| model.report()).collect()
    }

    /// The figures so far, in Prometheus' text format (version 0.0.4).
    #[must_use]
    pub fn prometheus(&self) -> String {
        prometheus::text(&self.report())
    }

    /// Where the figures of the model of this name are. Of too many names, the last ones share.
    fn of(&self, name: &str) -> Arc<Model> {
        let mut models = self.models();
        let name = if models.len() < MOST || models.contains_key(name) { name } else { OTHERS };
        let new = || Arc::new(Model::new(name));
        Arc::clone(models.entry(name.to_owned()).or_insert_with(new))
    }

    fn models(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Model>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Far more models than a program has.
const MOST: usize = 256;
const OTHERS: &str = "others";
