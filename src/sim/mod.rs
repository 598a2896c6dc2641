//! Whole calls in virtual time: person, devices, network and services, on one thread, the same
//! each time from one seed.
//!
//! ```text
//!            ┌──────────────── one thread, one clock that nobody waits for ───────────────┐
//!  Play ──▶  │ person ⇄ devices ⇄ session ⇄ clients of services ⇄ SimNetwork ⇄ Services   │ ──▶ Outcome
//!  seed ──▶  │            └ Weather: what goes wrong, and when ─────┘                     │
//!            └────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`run`] makes a call of a [`Play`] and checks what must hold of every call. The session, the
//! clients of services with their limits, and the person are those of a real call; devices,
//! network and time are not. The same play, seed and program give the same log, byte by byte.
//!
//! Engines that compute elsewhere (in a process, on threads) have no place here: their time is
//! the machine's.

mod call;
mod devices;
mod dice;
mod fault;
mod journal;
mod link;
mod mode;
mod network;
mod play;
mod properties;
mod random;
mod trace;
mod voice;
mod weather;

pub use call::{Options, Outcome, SimError, run, run_with_vad};
pub use fault::{Fault, Faults, UnknownFault};
pub use link::Link;
pub use mode::Mode;
pub use network::SimNetwork;
pub use play::{Play, PlayError, Wish};
pub use properties::{Broken, Property};
pub use random::{Kind as RandomKind, play as random_play, play_of as random_play_of};

/// The program in its documentation compiles, and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/simulator.md")]
struct Documented;
