//! What a protocol's codec does: frames of inputs, events of frames. It owns no socket and reads no
//! clock.

use std::fmt::Debug;

use super::{DuplexEvent, DuplexInput, DuplexSettings, Refusal};
use crate::types::Message;

/// Speaks one protocol, over one connection after the other.
///
/// ```text
/// open ─▶ frames            frame ─▶ decode ─▶ events, frames to answer with
/// input ─▶ encode ─▶ frames            … until lost, then open again
/// ```
///
/// All frames that go out are text; those that come may be text or bytes.
pub trait Codec: Debug + Send {
    /// A connection is open, the first or a later one: what is said on it first. `past` is what
    /// was said before, as it was heard; who can resume where the last connection was lost does
    /// not need it.
    fn open(&mut self, settings: &DuplexSettings, past: &[Message], frames: &mut Vec<String>);

    /// Whether the other side has agreed to what was said first. Inputs wait until then.
    fn is_ready(&self) -> bool;

    /// What the other side is to be told of an input; nothing if it need not know.
    fn encode(&mut self, input: &DuplexInput, frames: &mut Vec<String>);

    /// An input that the other side knows from a connection before, on which this one goes on:
    /// nothing of it is sent.
    fn recall(&mut self, input: &DuplexInput) {
        let mut unsent = Vec::new();
        self.encode(input, &mut unsent);
    }

    /// What the next connection will know of what was told on the last one, once that is
    /// [`lost`](Self::lost): nothing by default.
    fn known(&self) -> Known {
        Known::Nothing
    }

    /// What a frame means. One that is unknown, or that cannot be read, is counted and skipped.
    fn decode(&mut self, frame: &[u8], decoded: &mut Decoded);

    /// The connection is lost: answers that were under way end.
    fn lost(&mut self, decoded: &mut Decoded);

    /// How many frames were skipped so far.
    fn skipped(&self) -> u64;
}

/// What the next connection knows of what was told on the last one, and not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is told all of that.
    Nothing,
    /// What the last one knew when it began.
    Before,
    /// That, and the frames up to this one, of those that were sent on the last one; the first is 0.
    UpTo(u64),
}

/// What a frame means.
#[derive(Debug, Default)]
pub struct Decoded {
    /// What happened, in order.
    pub events: Vec<DuplexEvent>,
    /// What is to be said about it at once.
    pub frames: Vec<String>,
    /// The other side does not want this session at all.
    pub refused: Option<Refusal>,
}
