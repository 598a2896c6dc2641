//! What a caller did in a call, and what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Protocol;

/// One call. Times are in nanoseconds on the clock of whoever holds the call; of each list the
/// last 1,024 are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLog {
    /// Whose call it was: its key.
    pub caller: String,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which of the caller's calls it was, from 1, since its script was given.
    pub call: u64,
    /// The model that was asked for.
    pub model: String,
    /// When the connection was there.
    pub opened: u64,
    /// When it ended.
    pub closed: Option<u64>,
    /// How it ended.
    pub ending: CallEnd,
    /// It went on where an earlier one had ended.
    pub resumed: bool,
    /// How many messages came, by their kinds; those of no kind are `unknown`.
    pub received: BTreeMap<String, u64>,
    /// How many messages were sent, by their kinds.
    pub sent: BTreeMap<String, u64>,
    /// How much sound came, in milliseconds.
    pub heard_ms: u64,
    /// How much sound was sent, in milliseconds.
    pub spoken_ms: u64,
    /// How many images came.
    pub images: u64,
    /// The user's turns.
    pub turns: Vec<TurnLog>,
    /// The responses.
    pub responses: Vec<ResponseLog>,
    /// What was cut from answers, as the user had not heard it.
    pub truncated: Vec<Truncated>,
    /// The codes of the errors that the caller was told.
    pub errors: Vec<String>,
    /// The faults that struck, as they were asked for.
    pub faults: Vec<String>,
    /// What was said, as far as the service remembers it.
    pub conversation: Vec<Line>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// It has not.
    #[default]
    Open,
    /// The caller left.
    Left,
    /// The service closed with this code.
    Closed(u16),
    /// It broke off, as it was told.
    Cut,
    /// The service fell silent, as it was told, and the caller was not heard any more.
    Silent,
}

/// A turn of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnLog {
    /// Where in the call's sound it began, in milliseconds.
    pub started_ms: u64,
    /// Where its speech ended; the same where the caller detects turns.
    pub ended_ms: u64,
    /// When its beginning was known.
    pub began: u64,
    /// When its end was known.
    pub over: u64,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseLog {
    /// When it was asked for.
    pub began: u64,
    /// When its first sound was sent; its first text where it has no sound.
    pub first: Option<u64>,
    /// When it was over.
    pub over: Option<u64>,
    /// `in_progress`, `completed`, `cancelled`, `failed`, `incomplete` or `tools`.
    pub status: String,
    /// How much of it was sent, in milliseconds.
    pub spoken_ms: u64,
}

/// What was cut from an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// The item.
    pub item: String,
    /// How much of it was heard, in milliseconds.
    pub audio_end_ms: u64,
    /// How much of it there was.
    pub of_ms: u64,
}

/// Something that was said, or done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `user`, `assistant`, `system`, `call` or `tool`.
    pub role: String,
    /// What: of a call its name and arguments, of a tool its result, and of each 4 KiB at most.
    /// Sound that nobody wrote down is empty.
    pub text: String,
}

impl Line {
    pub(super) fn new(role: &str, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(LONGEST));
        Self { role: role.to_owned(), text }
    }
}

/// The log of a call that may go on.
#[derive(Clone, Debug)]
pub(super) struct SharedLog(Arc<Mutex<CallLog>>);

impl SharedLog {
    pub(super) fn new(log: CallLog) -> Self {
        Self(Arc::new(Mutex::new(log)))
    }

    pub(super) fn read(&self) -> CallLog {
        self.write().clone()
    }

    pub(super) fn write(&self) -> MutexGuard<'_, CallLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn received(&self, kind: &str) {
        *self.write().received.entry(kind.to_owned()).or_default() += 1;
    }

    pub(super) fn sent(&self, kind: &str) {
        *self.write().sent.entry(kind.to_owned()).or_default() += 1;
    }
}

/// Adds to a list of which the last ones are kept.
pub(super) fn keep<T>(list: &mut Vec<T>, entry: T) {
    if list.len() == KEPT {
        list.remove(0);
    }
    list.push(entry);
}

/// Of each list.
pub(super) const KEPT: usize = 1_024;
/// Of a line, in bytes.
const LONGEST: usize = 4 << 10;
