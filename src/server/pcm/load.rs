//! Measures how busy the server is.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bench::machine::cpu_time;
use crate::time::{SessionClock, SessionTime};

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// How late tasks ran over the last 2 s.
    pub(super) p50: Duration,
    /// The same, for one in twenty.
    pub(super) p95: Duration,
    /// The same, at worst.
    pub(super) max: Duration,
    /// The part of the processors' time that was used over the last second, from 0 to 1.
    pub(super) cpu: f64,
}

/// Tells what it measures, five times a second, and never ends: a task that sleeps again and
/// again, and looks how late it wakes.
pub(super) async fn watch(clock: SessionClock, processors: usize, mut tell: impl FnMut(Measured)) {
    let mut lateness = VecDeque::with_capacity(WINDOW);
    let mut used = VecDeque::from([(clock.now(), cpu_time())]);
    let mut measured = Measured::default();
    loop {
        for _ in 0..TOLD {
            let due = clock.now() + NAP;
            clock.sleep_until(due).await;
            if lateness.len() == WINDOW {
                lateness.pop_front();
            }
            lateness.push_back(clock.now().since(due));
        }
        used.push_back((clock.now(), cpu_time()));
        if used.len() > SECOND {
            used.pop_front();
        }
        measured.cpu = share(&used, processors);
        [measured.p50, measured.p95, measured.max] = ranks(&lateness);
        tell(measured);
    }
}

/// The median, the 95th percentile and the greatest.
fn ranks(lateness: &VecDeque<Duration>) -> [Duration; 3] {
    let mut sorted: Vec<_> = lateness.iter().copied().collect();
    sorted.sort_unstable();
    let rank = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(rank).copied().unwrap_or_default()
    };
    [rank(50), rank(95), rank(100)]
}

/// The part of the time that was used between the first and the last look.
fn share(used: &VecDeque<(SessionTime, Duration)>, processors: usize) -> f64 {
    let (Some((from, before)), Some((to, after))) = (used.front(), used.back()) else { return 0.0 };
    let passed = to.since(*from).as_secs_f64() * processors as f64;
    if passed > 0.0 { after.saturating_sub(*before).as_secs_f64() / passed } else { 0.0 }
}

/// How long it sleeps at a time.
const NAP: Duration = Duration::from_millis(20);

/// Naps from one telling to the next: 0.2 s.
const TOLD: usize = 10;

/// Naps in 2 s.
const WINDOW: usize = 100;

/// Tellings in a second, and one to count from.
const SECOND: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_of_the_sorted() {
        let ms = |ms| Duration::from_millis(ms);
        let lateness: VecDeque<_> = (1..=100).rev().map(ms).collect();
        assert_eq!(ranks(&lateness), [ms(50), ms(95), ms(100)]);
        assert_eq!(ranks(&VecDeque::from([ms(7)])), [ms(7); 3]);
        assert_eq!(ranks(&VecDeque::new()), [Duration::ZERO; 3]);
    }

    #[test]
    fn a_share_is_of_all_processors() {
        let at = SessionTime::from_millis;
        let used = [(at(1000), Duration::from_secs(5)), (at(2000), Duration::from_secs(6))];
        assert!((share(&used.into(), 1) - 1.0).abs() < 1e-9);
        assert!((share(&used.into(), 4) - 0.25).abs() < 1e-9);
        assert!(share(&VecDeque::from([used[0]]), 4).abs() < 1e-9, "nothing has passed");
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_five_times_a_second() {
        let clock = SessionClock::live();
        let mut told = 0;
        let watching = watch(clock.clone(), 1, |measured| {
            assert!(measured.max < Duration::from_millis(5), "{measured:?}");
            told += 1;
        });
        clock.timeout(Duration::from_millis(1010), watching).await;
        assert_eq!(told, 5);
    }
}
