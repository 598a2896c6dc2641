//! Exchanges with models, written down: what was asked, and what came of it when.
//!
//! ```text
//! whoever asks ─▶ Recording ─▶ the model
//!                    │ request, events and their times, once the answer is over
//!                    ▼
//!                ExchangeLog ─queue of 64─▶ its thread: scrub, write a line, flush
//!                                                         │
//!                     Replay ◀─────────────── file ◀──────┘
//! ```
//!
//! A file holds a JSON object a line, an exchange each. A try that failed is one of its own, and an
//! answer that nobody wanted any longer ends with `left`. Headers are not in it, nor keys: what
//! models are asked and answer is all there is, and the secrets that the log was told are taken
//! out of that. Of media it has kind, type, name, size and hash; their bytes only if that is
//! wanted.
//!
//! [`Replay`](super::replay::Replay) is the provider that answers from such a file.

pub(super) mod line;
mod log;
mod recording;
pub(super) mod scrub;
#[cfg(test)]
mod tests;

pub use log::{ExchangeLog, ExchangeLogError};
pub use recording::Recording;
pub use scrub::KeptMedia;
