//! What comes out of a call.

use std::time::Duration;

use crate::audio::AudioChunk;
use crate::events::{Event, EventKind};
use crate::ids::{ResponseId, TurnId};

/// What comes out of a call, in order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallChunk {
    /// Sound of the agent, as it leaves the call's speaker: at the pace of speech, at most 60 ms
    /// ahead of it, in pieces of at most 20 ms. In silence nothing comes.
    Sound(AudioChunk),
    /// The user interrupts: forget the sound that you have not played. It counts as not heard, and
    /// comes again if the agent goes on. It comes before any other sound, perhaps just behind the end
    /// of the answer.
    Clear,
    /// More words of an answer.
    Text {
        /// The answer.
        response: ResponseId,
        /// The words, never those so far.
        text: String,
    },
    /// What the user said, as it is understood.
    Transcript {
        /// The turn.
        turn: TurnId,
        /// All of the turn so far.
        text: String,
        /// Whether it will not change any more.
        is_final: bool,
    },
    /// An answer was cut short: the user spoke over it. Its end follows.
    Interrupted {
        /// The answer.
        response: ResponseId,
        /// How much of its sound was heard.
        heard: Duration,
        /// The words of it that were heard.
        text: String,
    },
    /// An answer is over, and all that was to be heard of it has come.
    Ended {
        /// The answer.
        response: ResponseId,
        /// `completed`, `interrupted`, `failed`, `awaiting_tools` or `discarded`, as
        /// [`EventKind::ResponseEnded`] says.
        outcome: &'static str,
    },
    /// You took too little: a second of sound waited for you, so the agent's voice was held back for
    /// so long. None of it is lost.
    Behind {
        /// How long it waited.
        held: Duration,
    },
    /// You took too little: so many events were told while nobody took any, and are lost. Sound
    /// never is.
    Missed {
        /// How many.
        events: u64,
    },
    /// Anything else that happens: turns, tools, failures, latencies, connections.
    Event(Event),
}

impl From<Event> for CallChunk {
    fn from(event: Event) -> Self {
        let Event { turn, response, .. } = event;
        match (event.kind, turn, response) {
            (EventKind::ResponseText { text }, _, Some(response)) => Self::Text { response, text },
            (EventKind::Transcript { text, is_final }, Some(turn), _) => {
                Self::Transcript { turn, text, is_final }
            }
            (EventKind::Interrupted { heard_ms, heard_text: text }, _, Some(response)) => {
                let heard = Duration::try_from_secs_f64(heard_ms / 1e3).unwrap_or_default();
                Self::Interrupted { response, heard, text }
            }
            (EventKind::ResponseEnded { outcome }, _, Some(response)) => {
                Self::Ended { response, outcome }
            }
            (kind, ..) => Self::Event(Event { kind, ..event }),
        }
    }
}
