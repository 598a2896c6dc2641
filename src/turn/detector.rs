//! Turn detectors of a program's own: what begins and ends a turn is theirs to say.
//!
//! A [`TurnDetector`] takes the place of the rules for voice and silence: a model that hears
//! whether a sentence is over, a light barrier, a switch on a desk. It is pure: told each piece of
//! sound, it answers with what it found, and waits for nothing. Who has something to ask elsewhere
//! asks beside it, and answers with a later piece.
//!
//! Give it to a session with [`with_turn_detector`](crate::Session::with_turn_detector);
//! `examples/turn_detector.rs` is one. A program that learns of turns by other ways than sound
//! needs none: [`speech_started`](crate::SessionHandle::speech_started) tells the session.

use std::fmt::Debug;

use crate::audio::SampleRate;
use crate::time::SessionTime;

/// Detects turns.
pub trait TurnDetector: Debug + Send {
    /// Names it in events, in place of the voice detector.
    fn name(&self) -> &'static str;

    /// The next piece of the user's sound. Gives a sign when one has just become clear.
    ///
    /// Pieces follow one another without a gap, also while the agent speaks: a turn that starts
    /// then is an interruption, and does what [`BargeIn::strategy`](super::BargeIn::strategy)
    /// says. No piece may take long to be judged: the microphone's sound waits for it.
    fn hear(&mut self, piece: Piece<'_>) -> Option<TurnSign>;
}

/// A piece of the user's sound: some milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece<'a> {
    /// When it begins.
    pub at: SessionTime,
    /// Its samples, at `rate`.
    pub samples: &'a [i16],
    /// The voice detector's rate: 16 kHz with all that come with the program.
    pub rate: SampleRate,
    /// How likely the voice detector thinks it, from 0 to 1, that the last frame that ended in the
    /// piece or before it is speech: 0 before the first.
    pub probability: f32,
}

/// What a [`TurnDetector`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnSign {
    /// The user speaks: a turn begins, if none has.
    Started {
        /// Since when. Sound before it, as long as the pre-roll, belongs to the turn too.
        at: SessionTime,
    },
    /// The user has finished: the turn is over.
    Ended {
        /// When the user ceased to speak. Latency counts from there.
        speech_end: SessionTime,
    },
}

impl Piece<'_> {
    /// When it ends.
    #[must_use]
    pub fn end(&self) -> SessionTime {
        self.at + self.rate.duration(self.samples.len() as u64)
    }
}
