//! WebSockets: connections over which both sides speak whenever they like.
//!
//! ```text
//!  Connection ─ Outgoing ═16═▶ Far ─▶ what owns the socket (SocketClient) │ a test (MockDial)
//!             ◀ Incoming ═16══     ◀──┘
//! ```

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::sync::mpsc::{self, OwnedPermit, Permit, Receiver, Sender};
use tokio::time::timeout;

use super::NetError;

/// Opens WebSockets.
pub trait Dial: Debug + Send + Sync {
    /// Opens a WebSocket at the address of `request` (`wss`, or `https`, which means the same),
    /// with its headers. Errors never quote the value of a header that is marked as sensitive.
    /// Dropping the future ends the attempt. Must be called within a Tokio runtime.
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture;
}

/// A connection to come.
pub type DialFuture = Pin<Box<dyn Future<Output = Result<Connection, NetError>> + Send>>;

/// How long the steps of a connection may take, and how long its messages may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialLimits {
    /// Until it is open: 10 s by default.
    pub open: Duration,
    /// Until a message has left: 10 s by default.
    pub send: Duration,
    /// Silence of the other side, until it is asked whether it is still there, and as long again
    /// until it is given up: 20 s by default.
    pub alive: Duration,
    /// From the wish to close until the other side has agreed: 2 s by default.
    pub close: Duration,
    /// A message that comes, in bytes: 4 MiB by default.
    pub size: usize,
}

impl Default for DialLimits {
    fn default() -> Self {
        let wait = Duration::from_secs(10);
        let close = Duration::from_secs(2);
        Self { open: wait, send: wait, alive: 2 * wait, close, size: 4 << 20 }
    }
}

/// A message, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketMessage {
    /// Text, as a rule JSON.
    Text(String),
    /// Bytes, as a rule sound.
    Binary(Bytes),
}

/// An open WebSocket. Its halves may be used by different tasks; it closes when either is dropped,
/// after what was sent has left.
#[derive(Debug)]
pub struct Connection {
    /// What is said.
    pub outgoing: OutgoingMessages,
    /// What is heard.
    pub incoming: IncomingMessages,
}

/// The half of a [`Connection`] that sends.
#[derive(Debug)]
pub struct OutgoingMessages {
    host: String,
    limits: DialLimits,
    messages: Sender<SocketMessage>,
}

/// The half of a [`Connection`] that receives.
#[derive(Debug)]
pub struct IncomingMessages(Receiver<Result<SocketMessage, NetError>>);

/// The other end of a [`Connection`]: whoever owns the socket holds it.
#[derive(Debug)]
pub struct Far {
    pub(super) outgoing: Receiver<SocketMessage>,
    pub(super) incoming: Sender<Result<SocketMessage, NetError>>,
    /// Room for the error that ends it, however many messages wait.
    pub(super) last: Option<OwnedPermit<Result<SocketMessage, NetError>>>,
}

impl Connection {
    /// A connection to `host`, and its other end. It keeps `limits.send` and `limits.close`; the
    /// others are the other end's.
    #[must_use]
    pub fn pair(host: impl Into<String>, limits: DialLimits) -> (Self, Far) {
        let (messages, outgoing) = mpsc::channel(WAITING);
        let (incoming, received) = mpsc::channel(WAITING + 1);
        let last = incoming.clone().try_reserve_owned().ok();
        let outgoing_half = OutgoingMessages { host: host.into(), limits, messages };
        let near = Self { outgoing: outgoing_half, incoming: IncomingMessages(received) };
        (near, Far { outgoing, incoming, last })
    }

    /// Closes it, and returns when the other side has agreed or its time is up. What still comes
    /// is lost.
    pub async fn close(self) {
        let Self { outgoing, mut incoming } = self;
        let limit = outgoing.limits.close;
        drop(outgoing);
        let ended = async { while incoming.receive().await.is_some() {} };
        let _in_vain = timeout(limit, ended).await;
    }
}

impl OutgoingMessages {
    /// The name and port of the other side.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a message. It waits while 16 others do.
    ///
    /// # Errors
    ///
    /// When the connection has ended, for a reason that [`IncomingMessages::receive`] tells, or when
    /// nothing leaves for too long.
    pub async fn send(&self, message: SocketMessage) -> Result<(), NetError> {
        let (host, limit) = (self.host.clone(), self.limits.send);
        match timeout(limit, self.messages.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(NetError::BrokeOff { host, reason: "it has ended".to_owned() }),
            Err(_late) => Err(NetError::TimedOut { host, limit }),
        }
    }

    /// Waits, without a limit, until there is room for a message; `None` when the connection has
    /// ended. Nothing is sent if the permit is dropped.
    pub async fn room(&self) -> Option<Permit<'_, SocketMessage>> {
        self.messages.reserve().await.ok()
    }
}

impl IncomingMessages {
    /// The next message; none when the other side has closed the connection. An error is the last
    /// that comes. The other side may be silent for as long as it is there; messages that nobody
    /// receives hold it up.
    pub async fn receive(&mut self) -> Option<Result<SocketMessage, NetError>> {
        self.0.recv().await
    }
}

impl Far {
    /// What was sent; none when the near side wants to close.
    pub async fn receive(&mut self) -> Option<SocketMessage> {
        self.outgoing.recv().await
    }

    /// Says something to the near side. Waits for room; false when nobody will hear it.
    pub async fn send(&self, message: SocketMessage) -> bool {
        self.incoming.send(Ok(message)).await.is_ok()
    }

    /// Ends the connection with an error.
    pub fn fail(mut self, error: NetError) {
        if let Some(last) = self.last.take() {
            last.send(Err(error));
        }
    }
}

/// Messages that wait, each way. With those that come as long as they may be, 64 MiB.
const WAITING: usize = 16;
