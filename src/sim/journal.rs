//! What happened in a simulated call, beside the session's own events.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::bench::services::duplex::CallEnd;
use crate::bench::services::{Outcome, Service};
use crate::time::SessionTime;

/// Something that happened. `docs/simulator.md` explains each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Happening {
    /// The conditions of the run.
    Weather {
        seed: u64,
        mode: String,
        faults: String,
        latency_ms: f64,
        jitter_ms: f64,
        bandwidth: Option<u32>,
    },
    /// A request was begun.
    Request { exchange: u64, path: String },
    /// Its last byte was there.
    Arrived { exchange: u64, bytes: usize },
    /// The head of its answer was there.
    Answer { exchange: u64, status: u16 },
    /// The exchange is over.
    Over { exchange: u64, bytes: usize, how: How },
    /// What a service did: written when all is over, at the time when the request was there.
    Served {
        service: Service,
        request: u64,
        status: u16,
        /// How many were sent, and when the first and the last of them.
        steps: usize,
        first_ms: Option<f64>,
        last_ms: Option<f64>,
        outcome: Outcome,
    },
    /// What a service did in a call over a socket: written when all is over, at the time when the
    /// socket was there.
    Call {
        call: u64,
        resumed: bool,
        ending: CallEnd,
        closed_ms: Option<f64>,
        turns: usize,
        responses: usize,
        errors: Vec<String>,
        /// What went wrong, as it was asked for.
        faults: Vec<String>,
    },
    /// The person spoke: these are the true bounds.
    Spoke { utterance: usize, end_ms: f64 },
    /// The person heard the agent.
    Heard { end_ms: f64 },
    /// Nobody answered the person in time.
    Unanswered { utterance: usize },
    /// The program wished for something.
    Wished { wish: String, taken: bool },
    /// A device was unplugged.
    Gone { device: &'static str },
    /// It was plugged in again.
    Back { device: &'static str },
    /// A device's clock is off.
    Drifts { device: &'static str, ppm: f64 },
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// With all of its answer.
    Whole,
    /// The connection broke off.
    Cut,
    /// Nobody could be reached.
    Unreachable,
    /// The client did not want the rest.
    Dropped,
    /// Nothing came any more, and the client has given it up.
    Silent,
}

/// Of whom a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Who {
    Simulator,
    Network,
    Services,
    Person,
    Program,
    Device,
}

#[derive(Serialize)]
struct Line<'a> {
    t_ms: f64,
    who: Who,
    #[serde(flatten)]
    what: &'a Happening,
}

/// Collects lines. A clone writes into the same journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal(Arc<Mutex<Vec<(SessionTime, Who, Happening)>>>);

impl Journal {
    pub(super) fn note(&self, at: SessionTime, who: Who, what: Happening) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((at, who, what));
    }

    /// All that was noted, in its order.
    pub(super) fn take(&self) -> Vec<(SessionTime, Who, Happening)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The line of a log.
pub(super) fn line(at: SessionTime, who: Who, what: &Happening) -> String {
    serde_json::to_string(&Line { t_ms: ms(at), who, what }).unwrap_or_default()
}

/// To a microsecond, as events are.
pub(super) fn ms(at: SessionTime) -> f64 {
    (at.as_millis() * 1e3).round() / 1e3
}
