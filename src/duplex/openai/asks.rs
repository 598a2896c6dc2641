//! Answers that are asked for: one at a time, since the other side refuses a second.

use std::collections::VecDeque;
use std::sync::Arc;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// An answer to what was said.
    Answer,
    /// That this is said, word by word.
    Say(Arc<str>),
}

/// What was asked for and has not begun, and what is to be asked for next.
#[derive(Debug, Default)]
pub(super) struct Asks {
    number: u64,
    sent: Option<(u64, Ask)>,
    waiting: VecDeque<Ask>,
    /// How often the other side was busy in a row.
    refused: u32,
}

impl Asks {
    /// Another connection knows nothing of them.
    pub(super) fn forget(&mut self) {
        self.sent = None;
        self.waiting.clear();
    }

    /// This is wanted, after what is wanted already. Two answers to the same are one.
    pub(super) fn want(&mut self, ask: Ask) {
        if ask == Ask::Answer && self.waiting.back() == Some(&ask) {
            return;
        }
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(ask);
    }

    /// What to ask for now, with its number, if nothing is asked for yet.
    pub(super) fn next(&mut self) -> Option<(u64, Ask)> {
        if self.sent.is_some() {
            return None;
        }
        let ask = self.waiting.pop_front()?;
        self.number += 1;
        self.sent = Some((self.number, ask.clone()));
        Some((self.number, ask))
    }

    /// Something is asked for and has not begun.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// What was asked for has begun, or is not to be waited for.
    pub(super) fn begun(&mut self) {
        self.sent = None;
        self.refused = 0;
    }

    /// Whether this number is that of what was asked for.
    pub(super) fn is(&self, number: u64) -> bool {
        self.sent.as_ref().is_some_and(|(sent, _)| *sent == number)
    }

    /// The other side was busy: what was asked for is to be asked for again. False if it has been
    /// so too often.
    pub(super) fn again(&mut self) -> bool {
        self.refused += 1;
        if self.refused > REFUSED {
            return false;
        }
        if let Some((_, ask)) = self.sent.take() {
            self.waiting.push_front(ask);
        }
        true
    }
}

/// As many as anybody has patience for.
const WAITING: usize = 16;
/// Each time another answer was under way, or had just been.
const REFUSED: u32 = 8;
