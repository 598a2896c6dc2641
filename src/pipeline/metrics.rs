//! How long stages take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::StageKind;
use crate::time::{SessionClock, SessionTime};

/// The figures of one stage, as they grow. Cloning gives another handle.
///
/// The latency of an element is the time from when the stage takes it until the stage asks for
/// the next: its own work, and its wait for room in the queue after it.
#[derive(Clone, Debug)]
pub struct StageMetrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    kind: StageKind,
    figures: Mutex<Figures>,
}

#[derive(Debug)]
struct Figures {
    /// In nanoseconds, to two significant digits.
    latency: Histogram<u64>,
    errors: u64,
    span: Option<(SessionTime, SessionTime)>,
}

/// The figures of one stage. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageReport {
    /// The stage.
    pub stage: String,
    /// Its kind.
    pub kind: StageKind,
    /// How many elements it took.
    pub elements: u64,
    /// Elements per second of session time, from the first to the last.
    pub per_second: f64,
    /// How many failed.
    pub errors: u64,
    /// The shortest latency.
    pub min_us: f64,
    /// The mean latency.
    pub mean_us: f64,
    /// The median latency.
    pub p50_us: f64,
    /// The latency that 95 % stay within.
    pub p95_us: f64,
    /// The latency that 99 % stay within.
    pub p99_us: f64,
    /// The longest latency.
    pub max_us: f64,
}

impl StageMetrics {
    pub(super) fn new(name: &str, kind: StageKind) -> Self {
        #[expect(clippy::expect_used, reason = "two digits are within the crate's limit of five")]
        let latency = Histogram::new(2).expect("two significant digits");
        let figures = Mutex::new(Figures { latency, errors: 0, span: None });
        Self(Arc::new(Inner { name: name.to_owned(), kind, figures }))
    }

    /// The figures so far.
    #[must_use]
    pub fn report(&self) -> StageReport {
        let figures = self.figures();
        let latency = &figures.latency;
        let us = |nanos: u64| nanos as f64 / 1e3;
        let seconds = figures.span.map_or(0.0, |(first, last)| last.since(first).as_secs_f64());
        StageReport {
            stage: self.0.name.clone(),
            kind: self.0.kind,
            elements: latency.len(),
            per_second: if seconds > 0.0 { latency.len() as f64 / seconds } else { 0.0 },
            errors: figures.errors,
            min_us: us(latency.min()),
            mean_us: latency.mean() / 1e3,
            p50_us: us(latency.value_at_quantile(0.5)),
            p95_us: us(latency.value_at_quantile(0.95)),
            p99_us: us(latency.value_at_quantile(0.99)),
            max_us: us(latency.max()),
        }
    }

    pub(super) fn stage(&self) -> &str {
        &self.0.name
    }

    /// Counts an element that failed.
    pub(super) fn count_error(&self) {
        self.figures().errors += 1;
    }

    fn record(&self, from: SessionTime, to: SessionTime) {
        let mut figures = self.figures();
        let _too_big = figures.latency.record(nanos(to.since(from))); // it grows as it must
        let first = figures.span.map_or(from, |(first, _)| first);
        figures.span = Some((first, to));
    }

    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures one stage at its inlet.
#[derive(Debug)]
pub(super) struct Meter {
    metrics: StageMetrics,
    clock: SessionClock,
    since: Option<SessionTime>,
}

impl Meter {
    pub(super) fn new(metrics: StageMetrics, clock: SessionClock) -> Self {
        Self { metrics, clock, since: None }
    }

    pub(super) fn taken(&mut self, now: SessionTime) {
        self.since = Some(now);
    }

    pub(super) fn done(&mut self, now: SessionTime) {
        if let Some(since) = self.since.take() {
            self.metrics.record(since, now);
        }
    }

    /// Measures until the returned value is dropped.
    pub(super) fn measure(&mut self) -> impl Drop + '_ {
        struct Measured<'a>(&'a mut Meter);
        impl Drop for Measured<'_> {
            fn drop(&mut self) {
                let now = self.0.clock.now();
                self.0.done(now);
            }
        }
        let now = self.clock.now();
        self.taken(now);
        Measured(self)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.done(now);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
