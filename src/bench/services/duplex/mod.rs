//! Models that hear and speak for themselves: OpenAI's Realtime protocol (GA) and Gemini Live, as
//! both look from the other end of a WebSocket, without sockets, clocks or tasks.
//!
//! ```text
//! Knock ─▶ Services::open ─▶ Peer ◀── hear(message, now)
//!               ▲             │ due(), poll(now) ─▶ Say: a message, a goodbye, an end
//!             Script          ▼
//!                        CallLog, in Services::log
//! ```
//!
//! Both have one persona. It hears by the voice detector and the turn machine that a session has:
//! where turns begin and end in the sound is true, while the words in it are those of the
//! [`Script`](super::Script), which gives its answers too. It speaks with the voice of the mock
//! synthesizer, as fast as the profile says. Whoever holds the peer's socket tells it what comes
//! and asks it what is due: an axum server does (`server::mock`), and [`DuplexMock`], a
//! [`Dial`](crate::net::Dial) for tests and simulations.
//!
//! It does not think, does not limit what a context may hold, and looks at no image. Sound of the
//! user is measured and forgotten: no item gives it back.

mod callers;
mod desk;
mod dial;
mod ear;
mod gemini;
mod knock;
mod log;
mod mishap;
mod openai;
mod peer;
mod persona;
mod script;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use dial::DuplexMock;
pub use knock::{Knock, Refusal};
pub use log::{CallEnd, CallLog, Line, ResponseLog, Truncated, TurnLog};
pub use mishap::{CallFault, Mishap, MishapError, Moment};
pub use peer::{Peer, Say};
pub use script::DuplexScript;

pub(super) use callers::Calls;

/// What is spoken over the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenAI's Realtime protocol, as it is generally available.
    OpenAi,
    /// Gemini Live.
    Gemini,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OpenAi, Self::Gemini];
    /// Their names.
    pub const NAMES: [&str; 2] = ["openai", "gemini"];
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES[*self as usize])
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let at = Self::NAMES.iter().position(|known| *known == name);
        at.map(|at| Self::ALL[at]).ok_or_else(|| UnknownProtocol(name.to_owned()))
    }
}

/// A name that is no protocol's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no protocol \"{0}\"; choose openai or gemini")]
pub struct UnknownProtocol(String);
