//! How much silence ends a turn.
//!
//! Silence alone is slow and still cuts people off: who thinks is silent for longer than who waits
//! for an answer. So an [`Endpointer`] says, from what is known of the turn so far, how much
//! silence is enough just now. [`Graded`] weighs the voice at the end of the speech, the words and
//! what this speaker's pauses have been; [`Fixed`] always wants the same.
//!
//! ```text
//! frames ─▶ Prosody ─▶ Contour ─┐
//! EndModel ─▶ heard_end ────────┤
//! words ─▶ Completeness ────────┼─▶ SoFar ─▶ Endpointer ─▶ the silence that is needed
//! pauses that went on ─▶ learn ─┘
//! ```
//!
//! All of it is pure. It knows neither when silence began nor how long it has been: that is the
//! turn machine's.

mod graded;
mod habit;
pub mod log_mel;
mod prosody;
mod recent;
mod smart_turn;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt::Debug;
use std::time::Duration;

pub use graded::Graded;
pub use habit::Habit;
pub use log_mel::{MELS, WINDOWS};
pub use prosody::{Contour, Prosody};
pub use recent::Recent;
pub use smart_turn::{EndModel, SmartTurn, SmartTurnNetwork};
pub(super) use watch::Watch;

use crate::text::Completeness;

/// Says how much silence ends a turn.
pub trait Endpointer: Debug + Send {
    /// The silence, from the end of speech, that ends the turn as far as it is known now. It is
    /// asked with every frame of silence, so that it must be quick.
    fn silence(&self, turn: &SoFar) -> Duration;

    /// Whether [`SoFar::heard_end`] counts. If not, no model is asked.
    fn asks_a_model(&self) -> bool {
        true
    }

    /// Is told what became of a pause or a turn, so that it can learn from it.
    fn learn(&mut self, _lesson: Lesson) {}
}

/// What is known of a turn that may be over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoFar {
    /// How much voice it has had.
    pub spoken: Duration,
    /// How the voice ended, where it was measured.
    pub contour: Option<Contour>,
    /// How likely a model thinks it, from 0 to 1, that the user has finished: its lowest answer in
    /// this pause, where one was asked.
    pub heard_end: Option<f32>,
    /// Whether the words so far are a whole.
    pub words: Completeness,
    /// How much of the pause may be voice after all, as far as the detector is nearly sure of it. Its first
    /// 250 ms do not count, in which voices fade away.
    pub doubt: Duration,
    /// Whether the recogniser believes that the user has finished.
    pub finished: bool,
}

/// What became of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// The speaker went on after so much silence, within the turn.
    WentOn(Duration),
    /// The turn was over, but the speaker went on after so much silence.
    CutOff(Duration),
    /// The turn was over, and the speaker had finished.
    Ended,
}

/// Who says how much silence ends a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// Answers fast, and cuts people off more often.
    Eager,
    /// Hardly slower than people are, and waits where somebody seems to go on.
    #[default]
    Balanced,
    /// Leaves time to think.
    Patient,
    /// The same silence always: [`TurnConfig::silence`](super::TurnConfig::silence).
    Fixed,
}

impl Endpoint {
    /// All, with their names in settings.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("eager", Self::Eager),
        ("balanced", Self::Balanced),
        ("patient", Self::Patient),
        ("fixed", Self::Fixed),
    ];

    /// The one of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, endpoint)| endpoint)
    }

    /// Its name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// An endpointer for a call. `silence` is what [`Fixed`] wants, and others where nothing but
    /// silence is known.
    #[must_use]
    pub fn endpointer(self, silence: Duration) -> Box<dyn Endpointer> {
        match self {
            Self::Fixed => Box::new(Fixed(silence)),
            Self::Eager => Box::new(Graded::eager(silence)),
            Self::Balanced => Box::new(Graded::balanced(silence)),
            Self::Patient => Box::new(Graded::patient(silence)),
        }
    }
}

/// Always wants the same silence, whatever is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(pub Duration);

impl Endpointer for Fixed {
    fn silence(&self, _: &SoFar) -> Duration {
        self.0
    }

    fn asks_a_model(&self) -> bool {
        false
    }
}

/// The least silence that ends a turn, whatever speaks for it, unless a preset or the recogniser's
/// own rule wants less.
pub const MIN_SILENCE: Duration = Duration::from_millis(250);
/// The most that is waited for, whatever speaks against an end.
pub const MAX_SILENCE: Duration = Duration::from_millis(1_500);
