//! What the user said, as it becomes known.

use crate::duplex::DuplexEvent;
use crate::ids::TurnId;

/// The words of the user's turn that began last.
///
/// The other side writes down one voice after the other and names no turns. It seldom says that it
/// has finished with one: so the words are final when all of the answer to them is there.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    turn: Option<TurnId>,
    text: String,
    /// Words that may still be replaced.
    interim: String,
    is_final: bool,
}

impl Hearing {
    /// A turn begins. What came before a turn was known belongs to it; else returns what is to be
    /// said of the turn before.
    pub(super) fn began(&mut self, turn: TurnId) -> Option<DuplexEvent> {
        if self.turn == Some(turn) {
            return None;
        }
        let before = self.whole();
        let early =
            if self.turn.is_none() { std::mem::take(&mut self.text) } else { String::new() };
        *self = Self { turn: Some(turn), text: early, ..Self::default() };
        match before {
            None if !self.text.is_empty() => self.told(),
            before => before,
        }
    }

    /// More words.
    pub(super) fn more(&mut self, delta: &str) -> Option<DuplexEvent> {
        if delta.is_empty() || self.text.len() + delta.len() > LONGEST {
            return None;
        }
        self.interim.clear();
        // It had finished with one voice, and writes down the next one in the same turn.
        if std::mem::take(&mut self.is_final) && !delta.starts_with(char::is_whitespace) {
            self.text.push(' ');
        }
        self.text.push_str(delta);
        self.told()
    }

    /// Words that may still be replaced follow those that are known.
    pub(super) fn maybe(&mut self, words: &str) -> Option<DuplexEvent> {
        if self.is_final || self.interim == words || words.len() > LONGEST {
            return None;
        }
        words.clone_into(&mut self.interim);
        self.told()
    }

    /// The words that are there are all.
    pub(super) fn whole(&mut self) -> Option<DuplexEvent> {
        self.interim.clear();
        if self.is_final || self.text.is_empty() {
            return None;
        }
        self.is_final = true;
        self.told()
    }

    /// No words come any more; if none came, that is to be known.
    pub(super) fn over(&mut self, reason: &str) -> Option<DuplexEvent> {
        let turn = self.turn?;
        if self.text.is_empty() && !self.is_final {
            self.is_final = true;
            return Some(DuplexEvent::NoTranscript { turn, reason: reason.to_owned() });
        }
        self.whole()
    }

    /// The turn whose words these are.
    pub(super) fn turn(&self) -> Option<TurnId> {
        self.turn
    }

    fn told(&self) -> Option<DuplexEvent> {
        let turn = self.turn?;
        let text = format!("{}{}", self.text, self.interim);
        Some(DuplexEvent::Transcript { turn, text: text.trim().into(), is_final: self.is_final })
    }
}

/// Of the words of a turn, in bytes.
const LONGEST: usize = 64 << 10;
