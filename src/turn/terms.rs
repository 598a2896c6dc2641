//! What the turn machine is told, and what it answers.

use std::time::Duration;

use crate::audio::Tone;
use crate::ids::TurnId;
use crate::text::{Completeness, Words};
use crate::time::SessionTime;
use crate::vad::Vad;

/// What the machine is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// A frame of sound is speech with this probability.
    Voice {
        /// When the frame ends. Times must not go back.
        end: SessionTime,
        /// How long the frame is.
        length: Duration,
        /// What the detector says, from 0 to 1.
        probability: f32,
        /// How loud it is, and how high the voice in it; the default where that is not known.
        tone: Tone,
    },
    /// What the agent does now.
    Agent(Agent),
    /// The user presses the key to talk: a turn begins now, if none has, and lasts until it is
    /// released.
    Press,
    /// The user releases the key: the turn is over once the sound of that time has come.
    Release {
        /// When the key was released.
        at: SessionTime,
    },
    /// The sound up to the release of the key, or to the end that was told, has not come, and is
    /// not waited for any more.
    EndLate,
    /// Somebody else who detects turns says that the user speaks: a turn begins, if none has. It
    /// counts where turns are [`Told`](crate::turn::Detection::Told) only.
    Started {
        /// When the user began to, as far as that is known.
        at: SessionTime,
    },
    /// The same says that the user has finished: the turn is over once the sound of that time has
    /// come.
    Ended {
        /// When the user ceased to speak.
        at: SessionTime,
    },
    /// The words of a turn so far, as the recogniser has them. Whichever turn it is, they end an
    /// answer that is held, since it was not opened before all that was said was known; of a turn
    /// that interrupts the agent it takes as many as
    /// [`BargeIn::min_words`](super::BargeIn::min_words), and not those of a listener.
    Words(TurnId, Words),
    /// The user calls the agent in a turn: what it says is over, whatever else the words are.
    Called(TurnId),
    /// The recogniser found no words in the turn, which is over, or none that
    /// [interrupt](super::TurnMachine::passes_over).
    NoWords(TurnId),
    /// What a model that was [`Action::Ask`]ed thinks of the end.
    Judged {
        /// When it was asked.
        at: SessionTime,
        /// How likely it is, from 0 to 1, that the user has finished.
        likely: f32,
    },
    /// The words of the turn so far, as far as the recogniser can be trusted.
    Said(TurnId, Completeness),
    /// The recogniser believes that the user has finished: a lull is then silence enough.
    SpeechEnded(TurnId),
    /// No more sound will come.
    StreamEnd,
}

/// What the agent does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agent {
    /// Nothing: it listens.
    #[default]
    Listening,
    /// It prepares an answer; nothing is heard yet.
    Preparing,
    /// It is heard.
    Sounding,
    /// It says, or is about to say, what no voice may interrupt. A turn of the user's begins when
    /// it has finished.
    Announcing,
}

/// What the caller must now do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is voice; it may become a turn.
    Voice {
        /// When it began.
        since: SessionTime,
    },
    /// Lower the agent's voice: the user may be about to interrupt.
    Duck,
    /// Raise the agent's voice again: it was nothing.
    Unduck,
    /// Silence the agent, but keep what it has to say.
    Hold,
    /// Let the agent go on where it was held: there were no words.
    Release,
    /// End the agent's answer.
    Cancel,
    /// End the agent's answer after the sentence that is being spoken.
    FinishSentence,
    /// A turn began.
    Begin {
        /// The new turn.
        turn: TurnId,
        /// When its first voice was heard.
        since: SessionTime,
    },
    /// The user pauses and may have finished.
    Lull {
        /// The turn.
        turn: TurnId,
    },
    /// The user goes on after a lull: it was not the end.
    GoesOn {
        /// The turn.
        turn: TurnId,
    },
    /// Ask the model whether the user has finished, by the sound up to now.
    Ask {
        /// The turn.
        turn: TurnId,
        /// The time of the question, for the answer.
        at: SessionTime,
    },
    /// The turn is over.
    End {
        /// The turn.
        turn: TurnId,
        /// When the user ceased to speak.
        speech_end: SessionTime,
        /// Why it is over.
        reason: EndReason,
        /// The silence that was needed for it; none if something else ended it.
        silence: Duration,
    },
}

/// Why a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user was silent for long enough.
    Silence,
    /// The user released the key to talk.
    Released,
    /// Somebody else who detects turns has said so.
    Told,
    /// It reached the limit. What follows is the next turn.
    MaxTurn,
    /// No more sound comes.
    StreamEnd,
    /// It had too little voice to be speech.
    TooShort,
}

/// What the machine must know of the voice detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    /// The probability from which a frame counts as speech.
    pub threshold: f32,
    /// How long the probability stays high after speech has ended.
    pub delay: Duration,
}

impl Detector {
    /// What this detector says of itself.
    #[must_use]
    pub fn of(vad: &dyn Vad) -> Self {
        Self { threshold: vad.threshold(), delay: vad.delay() }
    }
}
