//! Whether a lost connection is worth another one, and when. A core: it is told what time it is.

use std::time::Duration;

use crate::duplex::DuplexError;
use crate::error::Recovery;
use crate::time::SessionTime;

/// How often a lost connection is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Connections that fail in a row, until the session is given up: 6 by default.
    pub in_a_row: u32,
    /// Connections that are lost within ten minutes, whatever became of each: 30 by default.
    pub in_ten_minutes: usize,
    /// The pause before the second try; before each one after it twice as long, up to 8 s. The first
    /// try comes at once. 250 ms by default.
    pub pause: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { in_a_row: 6, in_ten_minutes: 30, pause: Duration::from_millis(250) }
    }
}

/// What to do about a connection that is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Open another one then.
    Again(SessionTime),
    /// The session is over.
    Over(DuplexError),
}

/// Counts connections.
#[derive(Debug)]
pub(super) struct Lifeline {
    budget: Budget,
    provider: String,
    failed: u32,
    lost: Vec<SessionTime>,
}

impl Lifeline {
    pub(super) fn new(provider: &str, budget: Budget) -> Self {
        Self { budget, provider: provider.to_owned(), failed: 0, lost: Vec::new() }
    }

    /// The other side has answered something: the connection is worth what it costs.
    pub(super) fn serves(&mut self) {
        self.failed = 0;
    }

    /// A connection is lost, or could not be opened.
    pub(super) fn lost(&mut self, now: SessionTime, error: DuplexError) -> Verdict {
        self.lost.retain(|at| now.since(*at) < TEN_MINUTES);
        self.lost.push(now);
        self.failed += 1;
        let wanted = match error.recovery() {
            Recovery::Abort | Recovery::AskUser => return Verdict::Over(error),
            // Another connection may do what this one did not.
            Recovery::FallBack => Duration::ZERO,
            Recovery::RetryAfter(pause) => pause,
        };
        if self.failed > self.budget.in_a_row || self.lost.len() > self.budget.in_ten_minutes {
            let (provider, attempts) = (self.provider.clone(), self.lost.len() as u32);
            return Verdict::Over(DuplexError::GaveUp {
                provider,
                attempts,
                last: Box::new(error),
            });
        }
        let doubled = match self.failed {
            1 => Duration::ZERO,
            more => self.budget.pause * 2_u32.saturating_pow(more - 2),
        };
        // The first one may come at once, unless the other side asks for time.
        let wanted = if self.failed == 1 && wanted <= self.budget.pause { doubled } else { wanted };
        Verdict::Again(now + doubled.max(wanted).min(LONGEST))
    }
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Somebody listens to silence meanwhile.
const LONGEST: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duplex::{Refusal, RefusalKind};
    use crate::net::NetError;

    fn broke() -> DuplexError {
        NetError::BrokeOff { host: "there".to_owned(), reason: "reset".to_owned() }.into()
    }

    fn at(ms: u64) -> SessionTime {
        SessionTime::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn the_first_try_comes_at_once_and_each_one_after_it_later() {
        let mut lifeline = Lifeline::new("mock", Budget::default());
        for pause in [0, 250, 500, 1_000, 2_000, 4_000] {
            assert_eq!(lifeline.lost(at(5), broke()), Verdict::Again(at(5 + pause)));
        }
        let Verdict::Over(DuplexError::GaveUp { attempts: 7, last, .. }) =
            lifeline.lost(at(5), broke())
        else {
            panic!("it was to give up")
        };
        assert_eq!(*last, broke());
    }

    #[test]
    fn a_connection_that_serves_begins_the_count_anew() {
        let mut lifeline = Lifeline::new("mock", Budget::default());
        for _ in 0..20 {
            assert_eq!(lifeline.lost(at(0), broke()), Verdict::Again(at(0)));
            lifeline.serves();
        }
    }

    #[test]
    fn a_storm_ends_even_if_each_connection_serves() {
        let mut lifeline = Lifeline::new("mock", Budget::default());
        for second in 0..30 {
            assert!(matches!(lifeline.lost(at(second * 1_000), broke()), Verdict::Again(_)));
            lifeline.serves();
        }
        assert!(matches!(lifeline.lost(at(31_000), broke()), Verdict::Over(_)));
        assert!(matches!(lifeline.lost(at(640_000), broke()), Verdict::Again(_)), "long ago");
    }

    #[test]
    fn who_is_not_known_is_not_tried_again() {
        let refusal = Refusal {
            kind: RefusalKind::Unauthorized,
            code: Some("invalid_api_key".to_owned()),
            message: "no such key".to_owned(),
        };
        let error = DuplexError::Refused { provider: "mock".to_owned(), refusal };
        let mut lifeline = Lifeline::new("mock", Budget::default());
        assert_eq!(lifeline.lost(at(0), error.clone()), Verdict::Over(error));
    }

    #[test]
    fn who_asks_for_time_gets_it() {
        let refusal =
            Refusal { kind: RefusalKind::Busy, code: None, message: "too many".to_owned() };
        let error = DuplexError::Refused { provider: "mock".to_owned(), refusal };
        let mut lifeline = Lifeline::new("mock", Budget::default());
        assert_eq!(lifeline.lost(at(0), error), Verdict::Again(at(1_000)));
    }
}
