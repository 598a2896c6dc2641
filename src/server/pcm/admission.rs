//! Who may call: decided from what the server has to do already.

use std::time::Duration;

use crate::time::{SessionClock, SessionTime};

/// Beyond what new calls are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Calls at a time; any number by default.
    pub calls: Option<usize>,
    /// How late tasks may run, p95 over the last 2 s: 20 ms by default.
    pub lateness: Duration,
    /// How much of its processors' time the process may use, over the last second: 0.75 of all that
    /// it may run on by default.
    pub cpu: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls: None, lateness: Duration::from_millis(20), cpu: 0.75 }
    }
}

/// What the server has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Calls in progress.
    pub(super) calls: usize,
    /// Calls of these that came so lately that nothing measured shows what they cost.
    pub(super) fresh: usize,
    /// How late tasks run, p95.
    pub(super) lateness: Duration,
    /// The used part of the processors' time, from 0 to 1.
    pub(super) cpu: f64,
    /// What a call uses of it, where nothing is known of the calls.
    pub(super) guess: f64,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("all {0} calls that this server takes at a time are taken; try again later")]
    Full(usize),
    #[error("the server is too busy: its tasks run {:.0} ms late; try again soon", .0.as_secs_f64() * 1e3)]
    Late(Duration),
    #[error("the server is too busy: it uses {:.0} % of its processors; try again soon", .0 * 100.0)]
    Busy(f64),
    #[error("the server ends")]
    Ending,
}

impl Refusal {
    /// One word for programs.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Full(_) => "full",
            Self::Late(_) | Self::Busy(_) => "busy",
            Self::Ending => "ending",
        }
    }

    /// After how many seconds it is worth another try.
    pub(super) const fn retry_after(self) -> u64 {
        match self {
            Self::Late(_) | Self::Busy(_) => 2,
            Self::Full(_) => 5,
            Self::Ending => 10,
        }
    }
}

/// Whether one more call may come.
pub(super) fn admit(load: &Load, limits: &Limits) -> Result<(), Refusal> {
    if let Some(most) = limits.calls
        && load.calls >= most
    {
        return Err(Refusal::Full(most));
    }
    if load.lateness > limits.lateness {
        return Err(Refusal::Late(load.lateness));
    }
    let cpu = expected(load);
    if cpu > limits.cpu {
        return Err(Refusal::Busy(cpu));
    }
    Ok(())
}

/// What will be used once it can be measured. A call that has just come costs what the others do.
fn expected(load: &Load) -> f64 {
    let settled = load.calls.saturating_sub(load.fresh);
    let each = if settled >= ENOUGH { load.cpu / settled as f64 } else { load.guess };
    load.cpu + each * load.fresh as f64
}

/// So many calls tell what a call costs; with fewer, other work would be mistaken for theirs.
const ENOUGH: usize = 10;

/// Who is in, and what was measured last.
#[derive(Debug)]
pub(super) struct Book {
    limits: Limits,
    load: Load,
    /// When the last calls came, the newest last.
    came: std::collections::VecDeque<SessionTime>,
    clock: SessionClock,
    pub(super) taken: u64,
    pub(super) refused: u64,
    pub(super) ending: bool,
}

impl Book {
    /// An empty one, for a process with so many processors.
    pub(super) fn new(limits: Limits, processors: usize, clock: SessionClock) -> Self {
        let load = Load { guess: GUESS / processors as f64, ..Load::default() };
        let came = std::collections::VecDeque::new();
        Self { limits, load, came, clock, taken: 0, refused: 0, ending: false }
    }

    /// Lets a call in, if it may.
    pub(super) fn enter(&mut self) -> Result<(), Refusal> {
        let admitted = if self.ending { Err(Refusal::Ending) } else { self.admit() };
        match admitted {
            Ok(()) => {
                self.load.calls += 1;
                self.taken += 1;
                self.came.push_back(self.clock.now());
            }
            Err(_) => self.refused += 1,
        }
        admitted
    }

    fn admit(&mut self) -> Result<(), Refusal> {
        let now = self.clock.now();
        while self.came.front().is_some_and(|came| now.since(*came) > FRESH) {
            self.came.pop_front();
        }
        self.load.fresh = self.came.len().min(self.load.calls);
        admit(&self.load, &self.limits)
    }

    /// A call is over.
    pub(super) fn leave(&mut self) {
        self.load.calls -= 1;
    }

    /// What was measured.
    pub(super) fn measured(&mut self, lateness: Duration, cpu: f64) {
        (self.load.lateness, self.load.cpu) = (lateness, cpu);
    }

    pub(super) const fn load(&self) -> &Load {
        &self.load
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// In processors: 0.24 s for a minute of talk with a service for each engine. The true cost is
/// measured.
const GUESS: f64 = 0.004;

/// For so long a call does not show in what is measured.
const FRESH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn load(calls: usize, fresh: usize, late_ms: u32, cpu: f64) -> Load {
        Load { calls, fresh, lateness: late_ms * MS, cpu, guess: 0.004 }
    }

    #[test]
    fn a_server_with_nothing_to_do_takes_calls() {
        assert_eq!(admit(&Load::default(), &Limits::default()), Ok(()));
        assert_eq!(admit(&load(300, 0, 20, 0.75), &Limits::default()), Ok(()), "up to the limits");
    }

    #[test]
    fn each_limit_refuses_by_its_name() {
        let two = Limits { calls: Some(2), ..Limits::default() };
        assert_eq!(admit(&load(1, 0, 0, 0.1), &two), Ok(()));
        assert_eq!(admit(&load(2, 0, 0, 0.1), &two), Err(Refusal::Full(2)));
        let any = Limits::default();
        assert_eq!(admit(&load(9, 0, 21, 0.1), &any), Err(Refusal::Late(21 * MS)));
        assert_eq!(admit(&load(9, 0, 0, 0.91), &any), Err(Refusal::Busy(0.91)));
        assert_eq!(admit(&load(9, 0, 0, 0.91), &Limits { cpu: 1.0, ..any }), Ok(()));
        let texts = [Refusal::Full(2), Refusal::Late(21 * MS), Refusal::Busy(0.914)];
        let told = texts.map(|refusal| refusal.to_string());
        assert!(told[0].contains("all 2 calls") && told[1].contains("21 ms"), "{told:?}");
        assert!(told[2].contains("91 %"), "{told:?}");
    }

    #[test]
    fn calls_that_have_just_come_count_before_they_cost_anything() {
        let any = Limits::default();
        // 100 calls use 0.5: 50 more would use 0.25.
        assert_eq!(admit(&load(149, 49, 0, 0.5), &any), Ok(()));
        assert!(matches!(admit(&load(151, 51, 0, 0.5), &any), Err(Refusal::Busy(_))));
        // Too few to learn from: 0.004 each.
        assert_eq!(admit(&load(172, 170, 0, 0.05), &any), Ok(()));
        assert!(matches!(admit(&load(182, 180, 0, 0.05), &any), Err(Refusal::Busy(_))));
    }

    #[test]
    fn the_book_counts_who_came_who_went_and_who_was_refused() {
        let (clock, _stepper) = SessionClock::stepped();
        let limits = Limits { calls: Some(1), ..Limits::default() };
        let mut book = Book::new(limits, 2, clock);
        assert_eq!(book.enter(), Ok(()));
        assert_eq!(book.enter(), Err(Refusal::Full(1)));
        book.leave();
        assert_eq!(book.enter(), Ok(()));
        book.leave();
        book.measured(30 * MS, 0.1);
        assert_eq!(book.enter(), Err(Refusal::Late(30 * MS)));
        book.measured(MS, 0.1);
        book.ending = true;
        assert_eq!(book.enter(), Err(Refusal::Ending));
        assert_eq!((book.load().calls, book.taken, book.refused), (0, 2, 3));
    }

    #[tokio::test]
    async fn a_call_is_fresh_for_a_second() {
        let (clock, mut stepper) = SessionClock::stepped();
        let mut book = Book::new(Limits::default(), 1, clock);
        let mut came = 0;
        while book.enter().is_ok() {
            came += 1;
        }
        assert!((180..=190).contains(&came), "as many as are guessed to fit: {came}");
        stepper.advance_to(SessionTime::from_millis(1001)).await;
        assert_eq!(book.enter(), Ok(()), "they turned out to cost nothing");
    }
}
