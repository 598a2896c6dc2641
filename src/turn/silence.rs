//! When nobody says anything any more: whether the agent asks if somebody is still there.
//!
//! ```text
//!            quiet                `after`, so many times in a row
//!   busy ◀─────────▶ waiting ────────────────────────────────────▶ ask ─▶ busy …
//!            busy       │  `after`, once they are used up
//!                       └─────────────────────────────────────────▶ hang up, or nothing more
//! ```
//!
//! Pure: told since when it is quiet, and when the user gives a sign of life, it says what is due.

use std::sync::Arc;
use std::time::Duration;

use crate::time::SessionTime;

/// What the agent does when the user says nothing after it has finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillThere {
    /// What it says. Nothing, if it is empty.
    pub line: Arc<str>,
    /// How long it waits: 10 s by default.
    pub after: Duration,
    /// How often it says it, while the user gives no sign of life: twice by default.
    pub times: u32,
    /// Whether it ends the call, when it has waited as long again after the last time: it does not
    /// by default.
    pub hang_up: bool,
}

impl StillThere {
    /// Asks with this line, all else by default.
    #[must_use]
    pub fn new(line: impl Into<Arc<str>>) -> Self {
        Self { line: line.into(), after: Duration::from_secs(10), times: 2, hang_up: false }
    }
}

/// Knows how long nobody has said anything, and how often that was asked about.
#[derive(Debug)]
pub struct Silence {
    rules: StillThere,
    /// Since when it is quiet, while it is.
    since: Option<SessionTime>,
    asked: u32,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// The agent says this.
    Ask(Arc<str>),
    /// The call ends.
    HangUp,
}

impl Silence {
    /// By these rules, while it is not quiet yet.
    #[must_use]
    pub fn new(rules: StillThere) -> Self {
        Self { rules, since: None, asked: 0 }
    }

    /// Whether it is quiet `now`: nobody speaks, or is about to.
    pub fn is_quiet(&mut self, quiet: bool, now: SessionTime) {
        match quiet {
            true => self.since = self.since.or(Some(now)),
            false => self.since = None,
        }
    }

    /// The user is there: a voice, a key, a typed line.
    pub fn sign_of_life(&mut self, now: SessionTime) {
        self.asked = 0;
        self.since = self.since.map(|_| now);
    }

    /// When something is due, unless something happens before.
    #[must_use]
    pub fn due_at(&self) -> Option<SessionTime> {
        let due = self.asks() || self.rules.hang_up;
        self.since.filter(|_| due).map(|since| since + self.rules.after)
    }

    /// What is due `now`: each once.
    pub fn look(&mut self, now: SessionTime) -> Option<Due> {
        self.due_at().filter(|at| *at <= now)?;
        self.since = None;
        if !self.asks() {
            return Some(Due::HangUp);
        }
        self.asked += 1;
        Some(Due::Ask(Arc::clone(&self.rules.line)))
    }

    fn asks(&self) -> bool {
        self.asked < self.rules.times && !self.rules.line.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: u64) -> SessionTime {
        SessionTime::from_millis(1000 * s)
    }

    fn asking() -> Silence {
        Silence::new(StillThere::new("Are you still there?"))
    }

    fn ask() -> Option<Due> {
        Some(Due::Ask("Are you still there?".into()))
    }

    /// Quiet until it asks; then it speaks for a second.
    fn asks_at(silence: &mut Silence, s: u64) -> Option<Due> {
        assert_eq!(silence.look(at(s - 1)), None);
        let due = silence.look(at(s));
        silence.is_quiet(false, at(s));
        silence.is_quiet(true, at(s + 1));
        due
    }

    #[test]
    fn it_asks_twice_in_a_row_and_then_waits_for_ever() {
        let mut silence = asking();
        assert_eq!(silence.look(at(100)), None, "it was never quiet");
        silence.is_quiet(true, at(5));
        silence.is_quiet(true, at(9));
        assert_eq!(silence.due_at(), Some(at(15)), "from the beginning of the silence");
        assert_eq!(asks_at(&mut silence, 15), ask());
        assert_eq!(asks_at(&mut silence, 26), ask());
        assert_eq!((silence.due_at(), silence.look(at(9999))), (None, None));
    }

    #[test]
    fn it_hangs_up_after_the_last_time_if_it_is_to() {
        let hang_up = StillThere { hang_up: true, ..StillThere::new("Hello?") };
        let mut silence = Silence::new(StillThere { times: 1, ..hang_up.clone() });
        silence.is_quiet(true, at(0));
        assert_eq!(asks_at(&mut silence, 10), Some(Due::Ask("Hello?".into())));
        assert_eq!(asks_at(&mut silence, 21), Some(Due::HangUp));
        let mut wordless = Silence::new(StillThere { line: "".into(), ..hang_up });
        wordless.is_quiet(true, at(0));
        assert_eq!(wordless.look(at(10)), Some(Due::HangUp));
    }

    #[test]
    fn a_sign_of_life_begins_the_wait_and_the_count_anew() {
        let mut silence = asking();
        silence.is_quiet(true, at(0));
        assert_eq!(asks_at(&mut silence, 10), ask());
        silence.sign_of_life(at(15));
        assert_eq!(silence.due_at(), Some(at(25)));
        assert_eq!(asks_at(&mut silence, 25), ask());
        assert_eq!(asks_at(&mut silence, 36), ask());
        assert_eq!(silence.due_at(), None);
        silence.sign_of_life(at(50));
        assert_eq!(silence.due_at(), Some(at(60)));
    }

    proptest! {
        /// Without a sign of life it never asks more often than it may, and never early.
        #[test]
        fn it_asks_no_more_often_than_it_may(
            events in prop::collection::vec((0u8..4, 1u64..20), 0..60),
            times in 0u32..4,
        ) {
            let mut silence = Silence::new(StillThere { times, ..StillThere::new("Hello?") });
            let (mut now, mut asked, mut quiet_since) = (0, 0, None);
            for (event, seconds) in events {
                now += seconds;
                match event {
                    0 => { silence.is_quiet(true, at(now)); quiet_since = quiet_since.or(Some(now)); }
                    1 => { silence.is_quiet(false, at(now)); quiet_since = None; }
                    2 => {
                        silence.sign_of_life(at(now));
                        (asked, quiet_since) = (0, quiet_since.map(|_| now));
                    }
                    _ => if silence.look(at(now)).is_some() {
                        asked += 1;
                        prop_assert!(asked <= times);
                        prop_assert!(quiet_since.take().is_some_and(|since| now - since >= 10));
                    }
                }
            }
        }
    }
}
