//! What pauses a speaker makes.

use std::time::Duration;

use super::Lesson;

/// The pauses of this speaker, as they were learned within the call.
///
/// It is one length, the *reach*: silence up to there may be a pause. A pause after which the
/// speaker went on draws it half of the way up, a turn that was cut off all the way; each turn that
/// was rightly ended takes a little of it away. So it is bounded by the longest pause that was
/// heard, and forgets it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Habit {
    reach: Duration,
}

impl Habit {
    /// Nothing was learned.
    pub const NONE: Self = Self { reach: Duration::ZERO };

    /// Learns from what became of a pause.
    pub fn learn(&mut self, lesson: Lesson) {
        self.reach = match lesson {
            Lesson::WentOn(pause) => self.reach.max((self.reach + pause) / 2),
            Lesson::CutOff(pause) => self.reach.max(pause),
            Lesson::Ended => self.reach.mul_f32(KEPT),
        };
    }

    /// The silence that this speaker's pauses ask for: a little more than the reach; none while
    /// nothing was learned.
    #[must_use]
    pub fn asks(&self) -> Duration {
        if self.reach.is_zero() { self.reach } else { self.reach + MARGIN }
    }
}

/// What is left after a turn: half after 23.
const KEPT: f32 = 0.97;
/// Pauses of one speaker differ, and detectors hear them longer or shorter than they are.
const MARGIN: Duration = Duration::from_millis(150);
