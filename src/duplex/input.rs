//! What a duplex session is told.

use std::sync::Arc;
use std::time::Duration;

use super::{DuplexSettings, ReplyId};
use crate::audio::AudioChunk;
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::types::{Media, ToolResult};

/// What a duplex session is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DuplexInput {
    /// The user's sound, at the rate that the [`capabilities`](super::DuplexCapabilities) say. Where
    /// the other side detects turns it is all that is heard, silence too; else it is what belongs to
    /// turns.
    Sound {
        /// When it begins.
        at: SessionTime,
        /// The sound.
        audio: AudioChunk,
    },
    /// A turn of the user's has begun. What the other side says of the user's voice from here on is
    /// about it.
    TurnBegan {
        /// The turn.
        turn: TurnId,
    },
    /// The turn is over. Where the other side does not detect turns, its sound is now a message;
    /// nothing is answered yet.
    TurnEnded {
        /// The turn.
        turn: TurnId,
    },
    /// The turn was noise: its sound is to be forgotten, where that can be done.
    TurnDropped {
        /// The turn.
        turn: TurnId,
    },
    /// The user has written something. Nothing is answered yet.
    Text(Arc<str>),
    /// The user shows something. Nothing is answered yet.
    Image(Arc<Media>),
    /// A frame of what a camera or a screen shows.
    Frame {
        /// When it was taken.
        at: SessionTime,
        /// The picture.
        image: Arc<Media>,
    },
    /// An answer is wanted to what was said.
    Respond {
        /// It is to say this, word by word, in place of an answer.
        say: Option<Arc<str>>,
    },
    /// The results of tools. Once no call of the answer is without one, the other side goes on.
    ToolResults(Vec<ToolResult>),
    /// No more is wanted of an answer. One that is over is no error.
    Cancel {
        /// The answer.
        reply: ReplyId,
    },
    /// An answer is not heard any more. The other side's history is to hold what was.
    Heard {
        /// The answer.
        reply: ReplyId,
        /// How much of its sound was heard.
        sound: Duration,
        /// The words of it that were heard.
        text: Arc<str>,
        /// It was heard to its end.
        whole: bool,
    },
    /// Other instructions or tools, from here on.
    Settings(Arc<DuplexSettings>),
}
