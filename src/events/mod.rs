//! What happens in a session, for those who watch: a versioned vocabulary and a bus.
//!
//! Every event is one JSON object: `type`, `t_ms` (session milliseconds, the time at which it
//! is told), `turn`, `response` where there is one, and the fields of its [`EventKind`].
//! `docs/events.md` explains them all.

mod bus;
mod event;
mod latency;
mod log;
mod recording;

pub use bus::{EventBus, Subscription, WeakEventBus};
pub use event::{Event, EventKind, StageName, VERSION};
pub use latency::{Instants, Latency, SpeechEnd};
pub use log::{EventLog, LogError};
pub use recording::{RecordError, Recorder};

#[cfg(test)]
mod tests;
