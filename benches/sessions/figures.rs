//! What is measured.

use std::time::Duration;

use banter::events::{EventKind, Subscription};
use banter::session::Summary;
use banter::time::{SessionClock, SessionTime};

use super::world::SERVICES_MS;

/// The CPU time of this process in seconds, exact where it has one thread, and its memory.
pub(crate) struct Process {
    pub(crate) cpu: f64,
    pub(crate) mib: f64,
}

impl Process {
    pub(crate) fn now() -> Self {
        let read = |name: &str| std::fs::read_to_string(name).unwrap();
        let (scheduled, memory) = (read("/proc/self/schedstat"), read("/proc/self/statm"));
        let number = |text: &str, at| text.split_whitespace().nth(at).unwrap().parse::<f64>();
        Self { cpu: number(&scheduled, 0).unwrap() / 1e9, mib: number(&memory, 1).unwrap() / 256.0 }
    }
}

/// By how many milliseconds a timer is late, over so many seconds.
pub(crate) async fn lateness(seconds: u64) -> Percentiles {
    let clock = SessionClock::live();
    let mut late = Vec::new();
    let mut due = clock.now();
    for _ in 0..seconds * 100 {
        due = due + Duration::from_millis(10);
        clock.sleep_until(due).await;
        late.push(clock.now().millis_since(due));
    }
    Percentiles::of(late)
}

/// What the events of a call say.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// From the end of speech to the answer's first sound, without silence and services: with
    /// the share of the voice detector, and without.
    overhead: Vec<(f64, f64)>,
    failed: usize,
    /// Sentences that should have been answered.
    said: usize,
}

/// Reads the events of a call that begins now.
pub(crate) async fn watch(mut events: Subscription, speech_ends: Vec<SessionTime>) -> Watched {
    let clock = SessionClock::live();
    let mut watched = Watched::default();
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            EventKind::Latency(latency) => {
                let overhead = latency.total_ms - latency.silence_ms - SERVICES_MS;
                watched.overhead.push((overhead, overhead - latency.vad_ms));
            }
            EventKind::TurnFailed { .. } => watched.failed += 1,
            _ => {}
        }
    }
    let answered = SessionTime::ZERO + clock.now().since(SessionTime::from_millis(3_000));
    watched.said = speech_ends.partition_point(|end| *end < answered);
    watched
}

/// What came of some calls.
pub(crate) struct Figures {
    overhead: Percentiles,
    without_vad: Percentiles,
    lost: usize,
    failed: usize,
    under_runs: u64,
}

impl Figures {
    pub(crate) fn of(calls: &[(Watched, Summary)]) -> Self {
        let overhead = calls.iter().flat_map(|(watched, _)| &watched.overhead);
        let lost =
            |(watched, _): &(Watched, Summary)| watched.said.saturating_sub(watched.overhead.len());
        Self {
            without_vad: Percentiles::of(overhead.clone().map(|(_, without)| *without).collect()),
            overhead: Percentiles::of(overhead.map(|(with, _)| *with).collect()),
            lost: calls.iter().map(lost).sum(),
            failed: calls.iter().map(|(watched, _)| watched.failed).sum(),
            under_runs: calls.iter().map(|(_, summary)| summary.under_runs).sum(),
        }
    }

    pub(crate) fn print(&self) {
        println!("  overhead                   {} ms", self.overhead);
        println!("  without the detector's     {} ms", self.without_vad);
        let Self { lost, failed, under_runs, .. } = self;
        println!("  turns lost, failed; under-runs   {lost}, {failed}; {under_runs}");
    }
}

/// The median, the 95th percentile and the greatest.
pub(crate) struct Percentiles([f64; 3]);

impl Percentiles {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| {
            values.get((values.len() * part / 100).min(values.len().saturating_sub(1)))
        };
        Self([50, 95, 100].map(|part| at(part).copied().unwrap_or(f64::NAN)))
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([median, late, greatest]) = self;
        write!(f, "{median:.2} / {late:.2} / {greatest:.2}")
    }
}
