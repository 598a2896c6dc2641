//! Many calls side by side, and how many are too many.
//!
//! [`side_by_side`] starts the calls one after the other and tells what the process spends on all
//! of them; [`step`] makes a row of the report from what became of them, and says whether they
//! were too many: [`MOST_OVERHEAD_MS`], a turn without an answer, a gap in the agent's voice.

use std::ops::Add;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::figures::{Cost, Discarded, Spread, Step, Turn};
use super::machine;
use crate::time::SessionClock;

/// What became of calls side by side.
#[derive(Debug)]
pub struct Together<T> {
    /// Of each call, in the order in which they ended.
    pub calls: Vec<T>,
    /// The processor time of this process meanwhile.
    pub cpu: Duration,
    /// The most memory that was resident, in KiB; `None` where the system does not tell.
    pub peak_kib: Option<f64>,
}

/// Makes `calls`, whose starts are spread evenly over `spread`, and waits for their ends. Dropping
/// it ends those that go on.
///
/// # Errors
///
/// When a call panics.
pub async fn side_by_side<F>(
    calls: Vec<F>,
    spread: Duration,
    clock: &SessionClock,
) -> Result<Together<F::Output>, JoinError>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (begun, before) = (clock.now(), machine::cpu_time());
    let mut peak_kib = machine::resident_kib();
    let count = calls.len() as f64;
    let mut waiting = calls.into_iter().enumerate().peekable();
    let (mut running, mut calls) = (JoinSet::new(), Vec::with_capacity(waiting.len()));
    let mut look = begun + LOOK;
    while waiting.len() > 0 || !running.is_empty() {
        let due = waiting.peek().map(|(index, _)| begun + spread.mul_f64(*index as f64 / count));
        tokio::select! {
            biased;
            () = clock.sleep_until(due.unwrap_or(look)), if due.is_some() => {
                running.extend(waiting.next().map(|(_, call)| call));
            }
            Some(ended) = running.join_next() => calls.push(ended?),
            () = clock.sleep_until(look) => {
                peak_kib = peak_kib.into_iter().chain(machine::resident_kib()).reduce(f64::max);
                look = clock.now() + LOOK;
            }
        }
    }
    Ok(Together { calls, cpu: machine::cpu_time().saturating_sub(before), peak_kib })
}

/// One of many calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OneOfMany {
    /// Its turns that were answered.
    pub turns: Vec<Turn>,
    /// How many should have been, and were not.
    pub lost: usize,
    /// How often its speaker ran out of sound.
    pub under_runs: u64,
    /// How late its driver was, in milliseconds, at the 95th percentile.
    pub late_ms: f64,
    /// The same at worst: a machine that stands still for a moment breaks any voice.
    pub most_late_ms: f64,
    /// How long it lasted.
    pub minutes: f64,
    /// Its answers that were begun in vain.
    pub discarded: Discarded,
}

/// What so many calls side by side came to.
///
/// `together` has those that took place, and `None` for each that was refused; what it cost is
/// this process's, where the agent runs in it (`is_here`). `base_kib` is the memory before the
/// first call.
#[must_use]
pub fn step(
    sessions: usize,
    together: &Together<Option<OneOfMany>>,
    base_kib: Option<f64>,
    is_here: bool,
) -> Step {
    let made: Vec<_> = together.calls.iter().flatten().collect();
    let turns = || made.iter().flat_map(|call| &call.turns);
    let minutes: f64 = made.iter().map(|call| call.minutes).sum();
    let spent = is_here && minutes > 0.0;
    let above = together.peak_kib.zip(base_kib).map(|(peak, base)| (peak - base).max(0.0));
    let cost = Cost {
        sessions: made.len(),
        session_minutes: minutes,
        cpu_s_per_minute: spent.then(|| together.cpu.as_secs_f64() / minutes),
        memory_kib_per_session: above.filter(|_| spent).map(|kib| kib / made.len() as f64),
        base_kib: base_kib.filter(|_| is_here),
        under_runs: made.iter().map(|call| call.under_runs).sum(),
        lost_turns: made.iter().map(|call| call.lost as u64).sum(),
        driver_late_ms: Spread::of(made.iter().map(|call| call.late_ms)).p95,
        discarded: made.iter().map(|call| call.discarded).fold(Discarded::default(), Add::add),
    };
    let mut step = Step {
        sessions,
        voice_to_voice_ms: Spread::of(turns().map(|turn| turn.voice_to_voice_ms)),
        overhead_ms: Spread::of(turns().filter_map(|turn| turn.overhead_ms)),
        cost,
        refused: together.calls.len() - made.len(),
        knee: None,
    };
    step.knee = knee(&step);
    step
}

/// Why these were too many calls; `None` if they were not. That some were refused is no reason:
/// those that were not are to be as good as ever.
fn knee(step: &Step) -> Option<String> {
    let (late, cost) = (step.overhead_ms.p95, &step.cost);
    if cost.sessions == 0 {
        Some("no call took place".to_owned())
    } else if cost.lost_turns > 0 {
        Some(format!("{} turns were not answered", cost.lost_turns))
    } else if cost.under_runs > 0 {
        Some(format!("the agent's voice broke {} times", cost.under_runs))
    } else if late > MOST_OVERHEAD_MS {
        Some(format!("overhead of {late:.0} ms at the 95th percentile"))
    } else {
        None
    }
}

/// The overhead at the 95th percentile, in milliseconds, above which there are too many calls.
pub const MOST_OVERHEAD_MS: f64 = 100.0;

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn call(overhead_ms: f64) -> OneOfMany {
        let turn = Turn {
            scenario: "4 calls".to_owned(),
            session: 0,
            index: 0,
            labelled: true,
            voice_to_voice_ms: 1_000.0 + overhead_ms,
            overhead_ms: Some(overhead_ms),
            gaps: None,
            services: None,
            residual_ms: 0.0,
        };
        OneOfMany { turns: vec![turn], minutes: 0.5, ..OneOfMany::default() }
    }

    fn of(calls: Vec<Option<OneOfMany>>) -> Step {
        let together = Together { calls, cpu: Duration::from_secs(1), peak_kib: Some(5_000.0) };
        step(4, &together, Some(4_000.0), true)
    }

    #[tokio::test(start_paused = true)]
    async fn starts_are_spread_and_all_ends_awaited() {
        let clock = SessionClock::live();
        let (of_call, begun) = (clock.clone(), clock.now());
        let second = Duration::from_secs(1);
        let call = |index| {
            let clock = of_call.clone();
            async move {
                let started = clock.now();
                clock.sleep(second * if index == 0 { 9 } else { 1 }).await;
                (index, started.since(begun).as_millis())
            }
        };
        let together = side_by_side((0..4).map(call).collect(), 2 * second, &clock).await;
        let mut calls = together.unwrap().calls;
        assert_eq!(calls.last(), Some(&(0, 0)), "the longest ends last");
        calls.sort_unstable();
        assert_eq!(calls, [(0, 0), (1, 500), (2, 1_000), (3, 1_500)]);
        assert_eq!(clock.now().since(begun), 9 * second);
    }

    #[test]
    fn what_calls_cost_is_shared_by_those_that_took_place() {
        let step = of(vec![Some(call(10.0)), Some(call(20.0)), None]);
        assert_eq!((step.refused, step.cost.sessions, step.knee), (1, 2, None));
        assert_eq!((step.overhead_ms.p50, step.overhead_ms.p95), (10.0, 20.0));
        assert_eq!(step.cost.cpu_s_per_minute, Some(1.0));
        assert_eq!(step.cost.memory_kib_per_session, Some(500.0));
        let calls = vec![Some(call(1.0))];
        let together = Together { calls, cpu: Duration::from_secs(1), peak_kib: Some(9.0) };
        let elsewhere = super::step(1, &together, Some(1.0), false);
        assert_eq!(elsewhere.cost.cpu_s_per_minute, None, "that of another process is not known");
    }

    #[test]
    fn beyond_the_knee_turns_are_late_or_lost_or_broken() {
        let why = |calls| of(calls).knee.unwrap_or_default();
        assert_eq!(why(vec![Some(call(100.0))]), "");
        assert!(why(vec![Some(call(140.0))]).contains("140 ms"));
        let lost = OneOfMany { lost: 2, ..call(1.0) };
        assert!(why(vec![Some(lost)]).contains("2 turns"));
        let broken = OneOfMany { under_runs: 3, ..call(1.0) };
        assert!(why(vec![Some(call(1.0)), Some(broken)]).contains("broke 3 times"));
        assert!(why(vec![None]).contains("no call"));
    }
}
