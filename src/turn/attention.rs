//! Whether the agent is meant: awake or asleep.
//!
//! Asleep, what is said is nobody's business until it holds a phrase that wakes. Awake, all that
//! is said is for the agent, until nobody has spoken to it, nor it to anybody, for some time. It is
//! awake while it speaks: no phrase is needed to interrupt it.
//!
//! ```text
//!            phrase, key, typed line, the agent speaks
//!   asleep ───────────────────────────────────────────▶ awake
//!      ▲                                                  │ `awake` after the last turn
//!      └──────────────────────────────────────────────────┘ and the last answer
//! ```
//!
//! Pure: told what happened and when, it says which turns are meant. What wakes is for others to
//! hear ([`Phrases`]).

use std::sync::Arc;
use std::time::Duration;

use crate::ids::TurnId;
use crate::text::Phrases;
use crate::time::SessionTime;

/// What wakes the agent, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The phrases, any of which wakes.
    pub phrases: Phrases,
    /// How long it stays awake after an answer, and after a phrase without a question: 8 s by
    /// default.
    pub awake: Duration,
    /// What it says to a phrase without a question: nothing by default.
    pub acknowledgement: Arc<str>,
}

impl Wake {
    /// These phrases, all else by default.
    #[must_use]
    pub fn new(phrases: Phrases) -> Self {
        Self { phrases, awake: Duration::from_secs(8), acknowledgement: "".into() }
    }
}

/// Knows whether the agent is meant. It is told what was said, and when.
#[derive(Debug)]
pub struct Attention {
    awake: Duration,
    /// When it falls asleep, if nothing happens; `None` while it sleeps.
    until: Option<SessionTime>,
    /// Turns that are meant, and whose words are still to come: a few at most. Whether each was
    /// begun with a phrase.
    meant: Vec<(TurnId, bool)>,
    answers: bool,
}

impl Attention {
    /// Asleep; once awake, for this long after each turn and answer.
    #[must_use]
    pub fn new(awake: Duration) -> Self {
        Self { awake, until: None, meant: Vec::new(), answers: false }
    }

    /// A turn begins. It is meant if the agent is awake.
    pub fn begin(&mut self, turn: TurnId) {
        if self.until.is_some() {
            self.mean(turn, false);
        }
    }

    /// Something wakes the agent. Returns whether it was asleep.
    pub fn wake(&mut self, now: SessionTime) -> bool {
        self.until.replace(now + self.awake).is_none()
    }

    /// The same with a phrase in this turn, which is meant then.
    pub fn called(&mut self, turn: TurnId, now: SessionTime) -> bool {
        self.mean(turn, true);
        self.wake(now)
    }

    /// The turn is meant, as if it had begun while the agent was awake.
    pub fn mean(&mut self, turn: TurnId, called: bool) {
        match self.meant.iter_mut().find(|(meant, _)| *meant == turn) {
            Some((_, before)) => *before |= called,
            None => self.meant.push((turn, called)),
        }
    }

    /// Whether what is said in the turn is for the agent.
    #[must_use]
    pub fn is_meant(&self, turn: TurnId) -> bool {
        self.meant.iter().any(|(meant, _)| *meant == turn)
    }

    /// All words of the turn are known, or none will come. Returns whether it was begun with a
    /// phrase.
    pub fn settled(&mut self, turn: TurnId, now: SessionTime) -> bool {
        let Some(index) = self.meant.iter().position(|(meant, _)| *meant == turn) else {
            return false;
        };
        let (_, called) = self.meant.swap_remove(index);
        if self.until.is_some() {
            self.until = Some(now + self.awake);
        }
        called
    }

    /// The agent begins to answer, or to say something of its own. Returns whether it was asleep.
    pub fn answers(&mut self, now: SessionTime) -> bool {
        self.answers = true;
        self.wake(now)
    }

    /// Nothing more will be heard of the answer.
    pub fn answered(&mut self, now: SessionTime) {
        self.answers = false;
        self.wake(now);
    }

    /// Whether it sleeps.
    #[must_use]
    pub const fn sleeps(&self) -> bool {
        self.until.is_none()
    }

    /// When it falls asleep, unless something happens before.
    #[must_use]
    pub fn sleeps_at(&self) -> Option<SessionTime> {
        self.until.filter(|_| !self.answers && self.meant.is_empty())
    }

    /// Falls asleep, if it is time to. Returns whether it does.
    pub fn sleep(&mut self, now: SessionTime) -> bool {
        let sleeps = self.sleeps_at().is_some_and(|at| at <= now);
        if sleeps {
            self.until = None;
        }
        sleeps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: u64) -> SessionTime {
        SessionTime::from_millis(1000 * s)
    }

    fn turn(number: u32) -> TurnId {
        TurnId::new(number)
    }

    fn asleep() -> Attention {
        Attention::new(Duration::from_secs(8))
    }

    #[test]
    fn asleep_no_turn_is_meant_until_one_has_the_phrase() {
        let mut attention = asleep();
        attention.begin(turn(1));
        assert!(!attention.is_meant(turn(1)));
        attention.begin(turn(2));
        assert!(attention.called(turn(2), at(3)), "it was asleep");
        assert!(attention.is_meant(turn(2)) && !attention.is_meant(turn(1)));
        assert!(attention.settled(turn(2), at(4)), "it was called");
        assert_eq!(attention.sleeps_at(), Some(at(12)));
    }

    #[test]
    fn it_stays_awake_after_an_answer_and_falls_asleep_once() {
        let mut attention = asleep();
        attention.called(turn(1), at(1));
        attention.settled(turn(1), at(2));
        assert!(!attention.answers(at(2)), "it was awake");
        assert_eq!(attention.sleeps_at(), None, "however long the answer is");
        attention.answered(at(60));
        assert!(!attention.sleep(at(67)));
        attention.begin(turn(2));
        assert_eq!(attention.sleeps_at(), None, "however long the question is");
        assert!(!attention.sleep(at(90)));
        assert!(!attention.settled(turn(2), at(91)), "it needed no phrase");
        assert!(attention.sleep(at(99)) && !attention.sleep(at(100)));
        attention.begin(turn(3));
        assert!(!attention.is_meant(turn(3)));
    }

    #[test]
    fn what_the_agent_says_of_itself_wakes_it() {
        let mut attention = asleep();
        assert!(attention.answers(at(1)));
        attention.begin(turn(1));
        assert!(attention.is_meant(turn(1)), "nobody needs a phrase to interrupt");
        attention.answered(at(2));
        attention.settled(turn(1), at(3));
        assert_eq!(attention.sleeps_at(), Some(at(11)));
    }

    proptest! {
        /// It sleeps only when nothing is under way, and a turn that began while it slept is
        /// meant by a phrase alone.
        #[test]
        fn sleep_comes_only_when_all_is_over(events in prop::collection::vec((0u8..6, 1u32..5), 0..60)) {
            let (mut attention, mut now, mut open) = (asleep(), 0, Vec::new());
            let mut answers = false;
            for (event, number) in events {
                now += 3;
                let id = turn(number);
                match event {
                    0 => attention.begin(id),
                    1 => { attention.called(id, at(now)); }
                    2 => { attention.settled(id, at(now)); }
                    3 => { attention.answers(at(now)); answers = true; }
                    4 => { attention.answered(at(now)); answers = false; }
                    _ => {
                        let slept = attention.sleep(at(now));
                        prop_assert!(!slept || (open.is_empty() && !answers));
                    }
                }
                open = (1..5).map(turn).filter(|id| attention.is_meant(*id)).collect();
                prop_assert!(attention.sleeps_at().is_none() || open.is_empty());
            }
        }
    }
}
