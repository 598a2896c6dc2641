//! The two directions of a call's WebSocket, and its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite;

use super::frames::Frames;
use super::outgoing::{Outgoing, Queue};
use super::signal::{Coming, Signal};
use crate::time::{SessionClock, SessionTime};

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The agent has hung up.
    Over,
    /// The session has failed.
    Failed(String),
    /// The client has closed its socket.
    Closed,
    /// Nothing comes from the client any more.
    Vanished(String),
    /// The client takes too little of what is sent.
    Slow,
    /// A message was too long.
    TooLong,
    /// The client does not speak WebSocket as it should.
    Wrong(String),
    /// The server ends.
    Away,
}

impl Ending {
    /// What the client is told, if it listens.
    fn frame(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Over => (1000, "the call is over"),
            Self::Away => (1001, "the server ends"),
            Self::Wrong(_) => (1002, "this is not how WebSockets speak"),
            Self::Slow => (1008, "you take too little of what is sent: 5 s of it wait"),
            Self::TooLong => (1009, "a message has at most 4 MiB"),
            Self::Failed(_) => (1011, "the session has failed; the server's log says why"),
            Self::Closed | Self::Vanished(_) => return None,
        };
        Some(CloseFrame { code, reason: reason.into() })
    }

    /// Whether what is left to be said can be sent.
    pub(super) const fn lets_send(&self) -> bool {
        matches!(self, Self::Over | Self::Failed(_) | Self::Away)
    }
}

/// For the server's log.
impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Over => f.write_str("the agent hung up"),
            Self::Failed(why) => write!(f, "the session failed: {why}"),
            Self::Closed => f.write_str("the client hung up"),
            Self::Vanished(why) => write!(f, "the client is gone: {why}"),
            Self::Slow => f.write_str("the client takes too little of what is sent"),
            Self::TooLong => f.write_str("the client sent a message of more than 4 MiB"),
            Self::Wrong(why) => write!(f, "the client is wrong: {why}"),
            Self::Away => f.write_str("the server ends"),
        }
    }
}

/// When the client gave its last sign of life.
#[derive(Debug)]
pub(super) struct Sign {
    clock: SessionClock,
    last: AtomicU64,
}

impl Sign {
    pub(super) fn new(clock: SessionClock) -> Self {
        let last = AtomicU64::new(clock.now().as_nanos());
        Self { clock, last }
    }

    fn alive(&self) {
        self.last.store(self.clock.now().as_nanos(), Ordering::Relaxed);
    }

    /// Whether nothing has come since then.
    fn is_before(&self, then: SessionTime) -> bool {
        SessionTime::from_nanos(self.last.load(Ordering::Relaxed)) < then
    }
}

/// Takes what the client sends, as fast as its sound is heard, until it sends no more.
pub(super) async fn read(
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    sound: mpsc::Sender<Coming>,
    sign: &Sign,
) -> Ending {
    let mut frames = Frames::default();
    loop {
        let message = match stream.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return failure(error),
            None => return Ending::Vanished("its connection has ended".to_owned()),
        };
        sign.alive();
        match message {
            Message::Binary(bytes) => {
                for piece in frames.cut(bytes) {
                    // A session that is over hears nothing; whoever waits for its end sees it.
                    let _unheard = sound.send(Coming::Sound(piece)).await;
                    sign.alive();
                }
            }
            Message::Close(_) => return Ending::Closed,
            Message::Text(text) => {
                if let Some(signal) = Signal::read(&text) {
                    let _unheard = sound.send(Coming::Signal(signal)).await;
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

/// Sends what the agent says, until it says no more, and asks whether the client is still there.
///
/// # Errors
///
/// Why nothing more can be sent.
pub(super) async fn write(
    sink: &mut (impl Sink<Message, Error = axum::Error> + Unpin),
    mut queue: Queue,
    sign: &Sign,
) -> Result<(), Ending> {
    let clock = &sign.clock;
    let mut asked = clock.now();
    loop {
        let message = tokio::select! {
            biased;
            () = clock.sleep_until(asked + ASK) => {
                if sign.is_before(asked) {
                    return Err(Ending::Vanished("it answers no ping".to_owned()));
                }
                asked = clock.now();
                Message::Ping(Bytes::new())
            }
            outgoing = queue.next() => match outgoing {
                Some(Outgoing::Sound(sound)) => Message::Binary(sound),
                Some(Outgoing::Clear) => Message::Text(CLEAR.into()),
                None => return Ok(()),
            },
        };
        match clock.timeout(SEND, sink.send(message)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(failure(error)),
            None => return Err(Ending::Slow),
        }
    }
}

/// Says goodbye, and waits a moment for the client's.
pub(super) async fn close(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    ending: &Ending,
    clock: &SessionClock,
) {
    let goodbye = async {
        if let Some(frame) = ending.frame() {
            sink.send(Message::Close(Some(frame))).await?;
        }
        sink.close().await?;
        while stream.next().await.transpose()?.is_some() {}
        Ok::<_, axum::Error>(())
    };
    // Who does not answer has not heard it: there is nothing left to do.
    let _in_vain = clock.timeout(GOODBYE, goodbye).await;
}

fn failure(error: axum::Error) -> Ending {
    use tungstenite::Error;
    let text = error.to_string();
    match error.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => Ending::TooLong,
        Some(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            Ending::Vanished(text)
        }
        Some(Error::Protocol(_) | Error::Utf8(_)) => Ending::Wrong(text),
        _ => Ending::Vanished(text),
    }
}

/// Drop the sound that you have not played.
const CLEAR: &str = r#"{"type":"clear"}"#;

/// How often the client is asked whether it is there: one that has vanished is found after twice
/// this time at most.
const ASK: Duration = Duration::from_secs(15);

/// How long a message may take to leave.
const SEND: Duration = Duration::from_secs(5);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
