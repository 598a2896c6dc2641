//! Words over the agent's voice that do not interrupt it.

use std::sync::Arc;
use std::time::Duration;

use super::{Actor, Ending, Unanswered};
use crate::ids::TurnId;
use crate::time::SessionTime;

/// What was said while the agent spoke, and went on.
#[derive(Debug)]
pub(super) struct Aside {
    turn: TurnId,
    text: Arc<str>,
    /// If the agent has finished by then, it was said to its last words.
    until: SessionTime,
}

impl Actor {
    /// The agent goes on over these words, which are not answered.
    pub(super) fn pass_over(&mut self, turn: TurnId, text: Arc<str>) {
        if !text.is_empty() {
            let until = self.clock.now() + LAST_WORDS;
            self.aside = Some(Aside { turn, text, until });
        }
        self.no_words(turn);
    }

    /// The answer is over. Who said something to its last words has answered it: "okay" to a
    /// question is no listener's word.
    pub(super) fn take_up(&mut self, whole: bool, at: SessionTime) {
        let aside = self.aside.take().filter(|aside| whole && at <= aside.until);
        if let Some(Aside { turn, text, .. }) = aside.filter(|_| self.ending == Ending::NotYet) {
            self.unanswered.push(Unanswered::user(turn, text));
        }
    }
}

/// What the agent says after it has gone on, if it was about to finish: the words that it lowered
/// its voice for, and a few more.
const LAST_WORDS: Duration = Duration::from_secs(1);
