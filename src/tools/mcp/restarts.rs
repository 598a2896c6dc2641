//! When a server that ended by itself is started again.

use std::time::Duration;

/// Counts the restarts in a row. One that has run for a minute has earned a new row.
#[derive(Debug)]
pub(super) struct Restarts {
    limit: u32,
    used: u32,
}

impl Restarts {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, used: 0 }
    }

    /// How long to wait before the next start of a server that has run for `ran`; `None` if there
    /// is none: 100 ms, and then each time twice as long, to 10 s.
    pub(super) fn next(&mut self, ran: Duration) -> Option<Duration> {
        if ran >= STEADY {
            self.used = 0;
        }
        if self.used == self.limit {
            return None;
        }
        let pause = FIRST.saturating_mul(2_u32.saturating_pow(self.used)).min(LONGEST);
        self.used += 1;
        Some(pause)
    }

    /// How often it has been started again in a row.
    pub(super) fn used(&self) -> u32 {
        self.used
    }
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
const STEADY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_restarts_ends_and_a_minute_begins_a_new_one() {
        let mut restarts = Restarts::new(3);
        let moment = Duration::from_millis(1);
        let pauses: Vec<_> = (0..5).map(|_| restarts.next(moment)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(100), ms(200), ms(400), None, None]);
        assert_eq!(restarts.next(Duration::from_secs(60)), ms(100));
        assert_eq!(restarts.used(), 1);
        assert_eq!(Restarts::new(0).next(moment), None);
    }

    #[test]
    fn pauses_do_not_grow_for_ever() {
        let mut restarts = Restarts::new(u32::MAX);
        let last = (0..100).map(|_| restarts.next(Duration::ZERO)).last();
        assert_eq!(last, Some(Some(LONGEST)));
    }
}
