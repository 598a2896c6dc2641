//! What a client says of its sound: that the user speaks, and has finished.

use std::fmt::Debug;

use bytes::Bytes;
use serde::Deserialize;

use crate::session::SessionHandle;
use crate::time::SessionTime;

/// What comes from a client, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// Whole samples.
    Sound(Bytes),
    /// Something about the sound so far.
    Signal(Signal),
}

/// What a client's own voice detector says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Signal {
    /// The user speaks.
    SpeechStarted,
    /// The user has finished.
    SpeechEnded,
}

impl Signal {
    /// What a text message says; `None` for one that means nothing.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Who is told of signals.
pub(super) trait Told: Debug + Send + 'static {
    /// What the client says of its sound until `at`.
    fn tell(&self, signal: Signal, at: SessionTime);
}

impl Told for SessionHandle {
    fn tell(&self, signal: Signal, at: SessionTime) {
        let told = match signal {
            Signal::SpeechStarted => self.speech_started_at(at),
            Signal::SpeechEnded => self.speech_ended_at(at),
        };
        if let Err(error) = told {
            tracing::debug!(?signal, "a signal is lost: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_and_all_else_means_nothing() {
        let read = Signal::read;
        assert_eq!(read(r#"{"type":"speech_started"}"#), Some(Signal::SpeechStarted));
        let more = r#" {"at": 3, "type": "speech_ended", "by": {"vad": "mine"}} "#;
        assert_eq!(read(more), Some(Signal::SpeechEnded));
        let deep = "[".repeat(10_000);
        for text in ["", "speech_started", "{}", r#"{"type":"clear"}"#, r#"{"type":1}"#, &deep] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
