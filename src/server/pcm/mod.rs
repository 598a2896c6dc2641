//! Calls over a plain socket: a WebSocket with bare samples in both directions.
//!
//! ```text
//!                  GET /ws?sid=ID                               Session
//!  client ── binary: s16le, mono, 16 kHz ──▶ SocketMicrophone ──▶ │
//!         ◀─ binary: s16le, mono, 24 kHz ─── SocketSpeaker ◀──────┘
//!         ◀─ text: {"type":"clear"} ──────── when the user interrupts
//!         ── text: {"type":"speech_started"} ▶ from a client that detects turns itself
//! ```
//!
//! Each connection is a [`Session`](crate::session::Session) of its own; what [`Answering`] gives
//! it may be shared by all. [`PcmServer::serve`] holds all calls until it is told to end. New
//! calls are refused while the server is busy, so that those in progress keep their latency.
//! `docs/serve.md` describes the protocol.
//!
//! It does not encrypt, and knows nobody: what is open to a network stands behind a proxy that
//! does.

mod admission;
mod call;
mod frames;
mod load;
mod microphone;
mod outgoing;
mod routes;
mod sid;
mod signal;
mod socket;
mod speaker;

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::serve::ListenerExt;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

pub use self::admission::Limits;
use self::admission::{Book, Refusal};
use self::load::Measured;
pub use self::sid::{Sid, WrongSid};
use crate::session::{Cast, SessionConfig};
use crate::time::SessionClock;

/// What a call is answered with.
#[derive(Debug)]
pub struct NewCall {
    /// Who hears, answers and speaks.
    pub cast: Cast,
    /// Its settings.
    pub config: SessionConfig,
    /// What the agent says first, if it does.
    pub greeting: Option<String>,
}

/// Who answers calls.
pub trait Answering: Debug + Send + Sync + 'static {
    /// What the call with this number, from 1, is answered with. It must not take long.
    ///
    /// # Errors
    ///
    /// Why there are no engines, for the server's log.
    fn answer(&self, sid: Option<&Sid>, number: u64) -> Result<NewCall, String>;

    /// What a scraper is told at `/metrics` beside the server's own figures, in Prometheus' text
    /// format. Nothing by default.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// A server of calls.
#[derive(Debug)]
pub struct PcmServer {
    listener: TcpListener,
    shared: Arc<Shared>,
    processors: usize,
}

/// What a server leaves behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// Calls that were taken.
    pub calls: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Calls that did not end in time.
    pub left: usize,
}

impl PcmServer {
    /// Listens at `address`. `processors` is how many the process may run on. Must be called
    /// within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When nobody can listen there.
    pub fn bind(
        address: SocketAddr,
        answering: Arc<dyn Answering>,
        limits: Limits,
        processors: usize,
    ) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        // What waits in the system for a slow client cannot be taken back.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let clock = SessionClock::live();
        let book = Book::new(limits, processors, clock.clone());
        let shared = Shared {
            answering,
            clock,
            state: Mutex::new(State { book, measured: Measured::default() }),
            away: watch::Sender::new(false),
            calls: watch::Sender::new(0),
        };
        Ok(Self { listener, shared: Arc::new(shared), processors })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes calls until `end`, then ends those in progress, within 5 s.
    ///
    /// # Errors
    ///
    /// When it cannot listen any more.
    pub async fn serve(self, end: impl Future<Output = ()>) -> io::Result<Served> {
        let Self { listener, shared, processors } = self;
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!("frames may wait for others: {error}");
            }
        });
        let watched = Arc::clone(&shared);
        let watching = load::watch(shared.clock.clone(), processors, |measured| {
            watched.state().tell(measured);
        });
        let serving = axum::serve(listener, routes::routes(Arc::clone(&shared)));
        tokio::select! {
            biased;
            () = end => {}
            served = serving.into_future() => served?,
            () = watching => {}
        }
        shared.state().book.ending = true;
        shared.away.send_replace(true);
        let mut calls = shared.calls.subscribe();
        let _late = shared.clock.timeout(GOODBYE, calls.wait_for(|calls| *calls == 0)).await;
        let state = shared.state();
        let (book, left) = (&state.book, state.book.load().calls);
        Ok(Served { calls: book.taken, refused: book.refused, left })
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    answering: Arc<dyn Answering>,
    clock: SessionClock,
    /// Held for moments only, when a call comes or goes.
    state: Mutex<State>,
    away: watch::Sender<bool>,
    calls: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    book: Book,
    measured: Measured,
}

impl State {
    fn tell(&mut self, measured: Measured) {
        self.book.measured(measured.p95, measured.cpu);
        self.measured = measured;
    }
}

/// A call's place. Dropping it makes room for another.
#[derive(Debug)]
struct Seat {
    shared: Arc<Shared>,
    number: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>) -> Result<Seat, Refusal> {
        let mut state = self.state();
        state.book.enter()?;
        self.calls.send_modify(|calls| *calls += 1);
        Ok(Seat { shared: Arc::clone(self), number: state.book.taken })
    }

    fn health(&self) -> Value {
        let state = self.state();
        let (book, measured) = (&state.book, &state.measured);
        let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 1e2;
        json!({
            "status": if book.ending { "ending" } else { "ok" },
            "calls": book.load().calls,
            "max_calls": book.limits().calls,
            "taken": book.taken,
            "refused": book.refused,
            "lateness_ms": {
                "p50": ms(measured.p50), "p95": ms(measured.p95), "max": ms(measured.max),
            },
            "cpu": (measured.cpu * 1e3).round() / 1e3,
        })
    }
}

impl Shared {
    /// The server's figures and those of whoever answers, for a scraper.
    fn metrics(&self) -> String {
        let (calls, taken, refused) = {
            let book = &self.state().book;
            (book.load().calls as u64, book.taken, book.refused)
        };
        let mut page = String::new();
        for (name, kind, help, value) in [
            ("banter_calls", "gauge", "Calls in progress", calls),
            ("banter_calls_taken_total", "counter", "Calls that were taken", taken),
            ("banter_calls_refused_total", "counter", "Calls that were refused", refused),
        ] {
            page += &format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}\n");
        }
        page + &self.answering.metrics()
    }
}

impl Seat {
    /// Is told when the server ends.
    fn away(&self) -> watch::Receiver<bool> {
        self.shared.away.subscribe()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.state().book.leave();
        self.shared.calls.send_modify(|calls| *calls -= 1);
    }
}

/// In bytes: 0.7 s of sound. The system takes twice as much.
const SEND_BUFFER: u32 = 32 << 10;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long the calls in progress may take to end.
const GOODBYE: Duration = Duration::from_secs(5);
