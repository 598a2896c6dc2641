//! What the user's voice and words do to the agent's voice.
//!
//! ```text
//!        suspicion        the rule        words enough
//!   Free ────────▶ Ducked ───────▶ Held ──────────────▶ Free, the answer is cancelled
//!    ▲               │ it was       │ no words, too few of them, those of a listener,
//!    ├───────────────┘ nothing      │ or none in time
//!    └──────────────────────────────┘
//! ```
//!
//! A hold that was released because no words came in time is not the end of it: words that come
//! later cancel the answer all the same.

use std::time::Duration;

use super::BargeIn;
use super::terms::Action;
use crate::ids::TurnId;
use crate::text::Words;
use crate::time::SessionTime;

/// How the agent's voice is held, and by what.
#[derive(Debug)]
pub(super) struct Grip {
    rules: BargeIn,
    /// Words are heard while they are said.
    prompt: bool,
    level: Level,
    /// When the last hold began.
    since: SessionTime,
    /// Turns that held the agent and whose words may still come: few, since each has an end.
    holders: Vec<Holder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Free,
    Ducked,
    Held,
}

/// A turn that held the agent.
#[derive(Clone, Copy, Debug)]
struct Holder {
    turn: TurnId,
    /// The agent was heard. If it was not, any word is for it: the user had not finished.
    over_voice: bool,
    /// How much voice there was, and its end so far.
    voice: Duration,
    voice_end: SessionTime,
    words: Words,
}

impl Grip {
    pub(super) fn new(rules: BargeIn) -> Self {
        let (level, since) = (Level::Free, SessionTime::ZERO);
        Self { rules, prompt: false, level, since, holders: Vec::new() }
    }

    /// Whether words are heard while they are said.
    pub(super) fn set_prompt(&mut self, prompt: bool) {
        self.prompt = prompt;
    }

    pub(super) fn duck(&mut self) -> Option<Action> {
        let free = self.level == Level::Free;
        free.then(|| self.level = Level::Ducked)?;
        Some(Action::Duck)
    }

    pub(super) fn unduck(&mut self) -> Option<Action> {
        let ducked = self.level == Level::Ducked;
        ducked.then(|| self.level = Level::Free)?;
        Some(Action::Unduck)
    }

    /// The agent falls silent for a turn that begins.
    pub(super) fn hold(&mut self, turn: TurnId, now: SessionTime, over_voice: bool) -> Action {
        (self.level, self.since) = (Level::Held, now);
        if self.holders.len() == HOLDERS {
            self.holders.remove(0);
        }
        let (voice, words) = (Duration::ZERO, Words::default());
        self.holders.push(Holder { turn, over_voice, voice, voice_end: now, words });
        Action::Hold
    }

    /// So much voice there is in the turn so far, and it ended then.
    pub(super) fn voice(&mut self, turn: TurnId, voice: Duration, end: SessionTime) {
        if let Some(holder) = self.of(turn) {
            (holder.voice, holder.voice_end) = (voice, end);
        }
    }

    /// The words of a turn so far.
    pub(super) fn words(&mut self, turn: TurnId, words: Words) -> Option<Action> {
        let least = self.rules.min_words;
        match self.of(turn) {
            Some(holder) => {
                holder.words = words;
                holder.interrupts(least).then(|| self.cancel())
            }
            // No answer was opened before all that was said was known: they are for it.
            None if words.count > 0 => self.call(turn),
            None => None,
        }
    }

    /// Somebody means the agent, whatever the words are.
    pub(super) fn call(&mut self, turn: TurnId) -> Option<Action> {
        let held = self.level == Level::Held || self.of(turn).is_some();
        held.then(|| self.cancel())
    }

    /// Whether the words of a turn do not interrupt the agent, which was heard and is there still:
    /// they are too few, or a listener's.
    pub(super) fn passes_over(&self, turn: TurnId, words: Words) -> bool {
        let holder = self.holders.iter().find(|holder| holder.turn == turn);
        let least = self.rules.min_words;
        holder.is_some_and(|holder| !Holder { words, ..*holder }.interrupts(least))
    }

    /// There are no words, or none that count, in a turn that is over.
    pub(super) fn no_words(&mut self, turn: TurnId, is_last: bool) -> Option<Action> {
        self.holders.retain(|holder| holder.turn != turn);
        if is_last { self.release() } else { None }
    }

    /// Looks at what the time has brought.
    pub(super) fn look(&mut self, now: SessionTime) -> Option<Action> {
        let least = self.rules.min_words;
        let last = self.holders.last()?;
        if self.holders.iter().any(|holder| holder.interrupts(least)) {
            return Some(self.cancel());
        }
        if self.level != Level::Held {
            return None;
        }
        let quiet = now.since(last.voice_end);
        let waited = match last.words.count {
            // Noise may go on for ever.
            0 if self.prompt => now.since(self.since),
            _ => quiet,
        };
        let listens = last.words.of_listener && quiet >= PAUSE;
        if listens || waited >= self.rules.patience { self.release() } else { None }
    }

    /// The agent is silent by itself: nothing is held any more.
    pub(super) fn let_go(&mut self) {
        self.level = Level::Free;
        self.holders.clear();
    }

    pub(super) fn release(&mut self) -> Option<Action> {
        (self.level == Level::Held).then(|| {
            self.level = Level::Free;
            Action::Release
        })
    }

    fn cancel(&mut self) -> Action {
        self.let_go();
        Action::Cancel
    }

    fn of(&mut self, turn: TurnId) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|holder| holder.turn == turn)
    }
}

impl Holder {
    /// Whether its words end the answer, if `least` are needed.
    fn interrupts(&self, least: u32) -> bool {
        let Words { count, of_listener } = self.words;
        match self.over_voice {
            false => count > 0,
            true => count >= least && !(of_listener && self.voice < LISTENERS),
        }
    }
}

/// Who has said no more by then leaves it at that.
const PAUSE: Duration = Duration::from_millis(300);

/// Listeners say less than that.
const LISTENERS: Duration = Duration::from_millis(600);

/// A turn that is over has words soon, or none: only those that follow one another fast can wait
/// for words together.
const HOLDERS: usize = 4;
