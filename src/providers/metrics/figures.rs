//! The figures of one model.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::{ModelReport, Quantiles};
use crate::providers::ProviderErrorKind;
use crate::types::Usage;

/// The figures of one model, as they grow. The lock is taken twice for a request.
#[derive(Debug)]
pub(super) struct Model {
    name: String,
    /// Shared with whoever asks again.
    pub(super) retries: Arc<AtomicU64>,
    figures: Mutex<Figures>,
}

#[derive(Debug)]
struct Figures {
    requests: u64,
    in_flight: u64,
    answered: u64,
    left: u64,
    errors: BTreeMap<ProviderErrorKind, u64>,
    /// In microseconds.
    first: Histogram<u64>,
    /// In microseconds.
    whole: Histogram<u64>,
    /// In hundredths of a token for each second.
    speed: Histogram<u64>,
    usage: Usage,
    cost: Option<f64>,
}

/// A request that is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Over {
    pub(super) ending: Ending,
    /// From the request to the first of the answer, if something came.
    pub(super) first: Option<Duration>,
    /// From the request to the end.
    pub(super) whole: Duration,
    /// From the first of the answer to its last.
    pub(super) wrote: Duration,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Answered,
    Failed(ProviderErrorKind),
    Left,
}

impl Model {
    pub(super) fn new(name: &str) -> Self {
        let figures = Figures {
            requests: 0,
            in_flight: 0,
            answered: 0,
            left: 0,
            errors: BTreeMap::new(),
            first: histogram(),
            whole: histogram(),
            speed: histogram(),
            usage: Usage::default(),
            cost: None,
        };
        Self { name: name.to_owned(), retries: Arc::default(), figures: Mutex::new(figures) }
    }

    /// It is asked: the number of the request, from 1.
    pub(super) fn begin(&self) -> u64 {
        let mut figures = self.figures();
        figures.requests += 1;
        figures.in_flight += 1;
        figures.requests
    }

    /// One of its requests is over.
    pub(super) fn end(&self, over: &Over) {
        let mut figures = self.figures();
        figures.in_flight = figures.in_flight.saturating_sub(1);
        match over.ending {
            Ending::Answered => {
                figures.answered += 1;
                note(&mut figures.whole, micros(over.whole));
            }
            Ending::Failed(kind) => *figures.errors.entry(kind).or_default() += 1,
            Ending::Left => figures.left += 1,
        }
        if let Some(first) = over.first {
            note(&mut figures.first, micros(first));
        }
        if let Some(usage) = over.usage {
            figures.usage = figures.usage + usage;
            // The first begins the time, and is not written in it.
            let written = usage.output_tokens.saturating_sub(1);
            if written > 0 && !over.wrote.is_zero() {
                let speed = written as f64 / over.wrote.as_secs_f64();
                note(&mut figures.speed, (speed * HUNDREDTHS).round() as u64);
            }
        }
        if let Some(cost) = over.cost {
            figures.cost = Some(figures.cost.unwrap_or_default() + cost);
        }
    }

    pub(super) fn report(&self) -> ModelReport {
        let figures = self.figures();
        let failed: u64 = figures.errors.values().sum();
        let over = figures.answered + figures.left + failed;
        ModelReport {
            model: self.name.clone(),
            requests: figures.requests,
            in_flight: figures.in_flight,
            answered: figures.answered,
            left: figures.left,
            errors: figures.errors.clone(),
            error_rate: if over == 0 { 0.0 } else { failed as f64 / over as f64 },
            retries: self.retries.load(Ordering::Relaxed),
            first_token_ms: quantiles(&figures.first, MICROS),
            answer_ms: quantiles(&figures.whole, MICROS),
            tokens_per_second: quantiles(&figures.speed, HUNDREDTHS),
            usage: figures.usage,
            cost: figures.cost,
        }
    }

    /// How many counts its histograms hold.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> usize {
        let figures = self.figures();
        [&figures.first, &figures.whole, &figures.speed]
            .map(Histogram::distinct_values)
            .iter()
            .sum()
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::expect_used, reason = "these are within the crate's limits")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LARGEST, 2).expect("a day, to two significant digits")
}

/// What is larger counts as the largest.
fn note(histogram: &mut Histogram<u64>, value: u64) {
    histogram.saturating_record(value);
}

fn quantiles(values: &Histogram<u64>, scale: f64) -> Option<Quantiles> {
    let at = |quantile| values.value_at_quantile(quantile) as f64 / scale;
    (!values.is_empty()).then(|| Quantiles {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        mean: values.mean() / scale,
        count: values.len(),
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Of a millisecond.
const MICROS: f64 = 1e3;
const HUNDREDTHS: f64 = 1e2;
/// A day in microseconds.
const LARGEST: u64 = 24 * 3_600 * 1_000_000;
