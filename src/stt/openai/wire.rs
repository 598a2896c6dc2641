//! What a service of transcription sends.

use serde::Deserialize;

/// A whole answer. What else there is in it, as in `verbose_json`, is not needed.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) text: String,
}

/// An event of a streamed answer, if it is no error.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Event {
    #[serde(rename = "transcript.text.delta")]
    Delta { delta: String },
    #[serde(rename = "transcript.text.done")]
    Done { text: String },
    #[serde(other)]
    Unknown,
}
