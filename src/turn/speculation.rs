//! Answers that are begun before the user's turn has ended, in the hope that it has.
//!
//! At a lull the recogniser says what its final would be. An answer to that is begun and not
//! committed: nobody hears it, and tools with side effects wait. If the turn ends there, it is the
//! answer; if the user goes on, it was none. Here is when one may be begun, and when its words
//! stand; the session does the rest.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ids::TurnId;
use crate::time::SessionTime;

/// Whether answers are begun ahead of the end of a turn, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speculation {
    /// Whether they are.
    pub when: Speculate,
    /// At most so many in one turn: 3 by default.
    pub per_turn: u32,
    /// At most so many in a minute: 30 by default.
    pub per_minute: u32,
}

impl Default for Speculation {
    fn default() -> Self {
        Self { when: Speculate::default(), per_turn: 3, per_minute: 30 }
    }
}

/// Whether answers are begun ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speculate {
    /// If no engine takes money for it: what is begun in vain is paid for as well.
    #[default]
    WhereFree,
    /// Whatever it costs.
    Always,
    /// Never.
    Never,
}

impl Speculate {
    /// Whether it is done with engines that take money, or with such that take none.
    #[must_use]
    pub const fn with_engines(self, take_money: bool) -> bool {
        match self {
            Self::WhereFree => !take_money,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How many answers may still be begun ahead.
#[derive(Debug)]
pub struct Budget {
    limits: Speculation,
    turn: TurnId,
    in_turn: u32,
    /// When each was begun, the oldest first: those of the last minute.
    begun: VecDeque<SessionTime>,
}

impl Budget {
    /// A full one.
    #[must_use]
    pub fn new(limits: Speculation) -> Self {
        Self { limits, turn: TurnId::default(), in_turn: 0, begun: VecDeque::new() }
    }

    /// Takes one for this turn, if there is one.
    pub fn take(&mut self, turn: TurnId, now: SessionTime) -> bool {
        if self.turn != turn {
            (self.turn, self.in_turn) = (turn, 0);
        }
        while self.begun.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            self.begun.pop_front();
        }
        let may = self.in_turn < self.limits.per_turn
            && self.begun.len() < self.limits.per_minute as usize;
        if may {
            self.in_turn += 1;
            self.begun.push_back(now);
        }
        may
    }
}

/// Whether what was guessed stands: the words are the same, however they are written.
#[must_use]
pub fn stands(guess: &str, words: &str) -> bool {
    let plain = |text: &str| -> Vec<String> {
        let words = text.split_whitespace();
        let bare = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        bare.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    plain(guess) == plain(words)
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &mut Budget, turn: u32, at: u64) -> bool {
        budget.take(TurnId::new(turn), SessionTime::from_millis(1_000 * at))
    }

    #[test]
    fn so_many_are_begun_in_a_turn_and_no_more() {
        let mut budget = Budget::new(Speculation { per_turn: 2, ..Speculation::default() });
        let of_one: Vec<_> = (0..4).map(|at| taken(&mut budget, 1, at)).collect();
        assert_eq!(of_one, [true, true, false, false]);
        assert!(taken(&mut budget, 2, 5));
    }

    #[test]
    fn so_many_are_begun_in_any_minute() {
        let mut budget = Budget::new(Speculation { per_minute: 2, ..Speculation::default() });
        let of_a_minute: Vec<_> = [(1, 0), (2, 30), (3, 59), (4, 60), (5, 89), (6, 90)]
            .into_iter()
            .map(|(turn, at)| taken(&mut budget, turn, at))
            .collect();
        assert_eq!(of_a_minute, [true, true, false, true, false, true]);
    }

    #[test]
    fn money_is_spent_on_guesses_only_if_somebody_says_so() {
        let of = |when: Speculate| [when.with_engines(false), when.with_engines(true)];
        assert_eq!(of(Speculate::WhereFree), [true, false]);
        assert_eq!(of(Speculate::Always), [true, true]);
        assert_eq!(of(Speculate::Never), [false, false]);
    }

    #[test]
    fn words_stand_however_they_are_written() {
        assert!(stands("how far is the moon", "How far is the moon?"));
        assert!(stands("well - yes", "Well, yes."));
        assert!(!stands("how far", "how far is the moon"));
        assert!(!stands("", "yes"));
        assert!(!stands("it is his", "it is hers"));
    }
}
