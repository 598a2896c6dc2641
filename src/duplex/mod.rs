//! Models that hear and speak for themselves: sound in, sound out, over one connection.
//!
//! ```text
//!  DuplexProvider::open ─▶ DuplexSession ═ DuplexInput ═▶ link ─▶ Codec ─▶ Dial (WebSocket)
//!                                        ◀═ DuplexEvent ═      ◀─       ◀─
//! ```
//!
//! A [`DuplexProvider`] opens sessions. Behind each is a task, the link, which owns the socket and
//! what is known of the other side: it dials, waits until the other side is ready, keeps what the
//! user says meanwhile, notices a connection that is lost and opens the next one, which is told all
//! that was said, as it was heard. A [`Codec`] knows one protocol, and no socket: it makes frames of
//! inputs and events of frames.
//!
//! What the other side calls its items and responses stays in the codec: here a turn of the user's
//! is a [`TurnId`](crate::ids::TurnId), and an answer a [`ReplyId`].

mod anchors;
mod codec;
mod error;
mod event;
pub mod gemini;
mod input;
mod link;
pub mod mock;
pub mod openai;
mod protocol;
mod refusals;
mod repeats;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use tokio::sync::mpsc;

pub use codec::{Codec, Decoded, Known};
pub use error::{DuplexError, Refusal, RefusalKind};
pub use event::{DuplexEvent, ReplyEnd, ReplyId};
pub use input::DuplexInput;
pub use link::{Budget, SocketDuplex};
pub use protocol::Protocol;
pub use settings::{
    Detecting, DuplexCapabilities, DuplexSettings, Eagerness, Opening, Past, ServerTurns, Speaks,
    Takes, Turns,
};

/// A model that hears and speaks for itself, shared by many sessions.
pub trait DuplexProvider: Debug + Send + Sync {
    /// Names the provider in events and on the command line.
    fn name(&self) -> &str;

    /// What it hears, says and can do.
    fn capabilities(&self) -> DuplexCapabilities;

    /// Whether its use is paid for. By default it is not.
    fn is_metered(&self) -> bool {
        false
    }

    /// Opens a session. The connection opens behind it, at once; what is told before it is open
    /// waits. Must be called within a Tokio runtime.
    fn open(&self, opening: Opening) -> DuplexSession;
}

/// An open session. Dropping it closes the connection.
#[derive(Debug)]
pub struct DuplexSession {
    /// What it is told.
    pub inputs: mpsc::Sender<DuplexInput>,
    /// What happens. The last is [`DuplexEvent::Closed`], unless the session is dropped.
    pub events: mpsc::Receiver<DuplexEvent>,
}

/// The provider's side of a [`DuplexSession`].
#[derive(Debug)]
pub struct DuplexEngine {
    /// What to do, in order. It ends when the session is dropped.
    pub inputs: mpsc::Receiver<DuplexInput>,
    /// Where the events go.
    pub events: mpsc::Sender<DuplexEvent>,
}

impl DuplexSession {
    /// A session and the provider's side of it. Inputs and events hold 64 each: whoever gives more
    /// waits.
    #[must_use]
    pub fn channel() -> (Self, DuplexEngine) {
        let (inputs, engine_inputs) = mpsc::channel(QUEUE);
        let (engine_events, events) = mpsc::channel(QUEUE);
        (Self { inputs, events }, DuplexEngine { inputs: engine_inputs, events: engine_events })
    }
}

/// 64 pieces of 20 ms are more than a second.
const QUEUE: usize = 64;
