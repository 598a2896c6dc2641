//! Real WebSockets: opened by reqwest, so that proxies, certificates and what is logged are those
//! of all other requests; spoken by tungstenite.

use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::header::{HeaderValue, UPGRADE};
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use reqwest::{Proxy, Upgraded};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::client::{builder, environment, failure, nowhere, proxies, received, why};
use super::endpoint::refused;
use super::refusal::presentable;
use super::{Connection, Dial, DialFuture, DialLimits, Far, NetError, SocketMessage};
use crate::types::Secret;

/// WebSockets over TLS, through the same proxies as [`HttpClient`](super::HttpClient). Shared by
/// all sessions.
///
/// A task of its own moves the messages of each connection and answers pings. It ends with the
/// connection.
#[derive(Clone, Debug)]
pub struct SocketClient(reqwest::Client);

impl SocketClient {
    /// A client without connections.
    ///
    /// # Errors
    ///
    /// When a proxy's address is none, or when the machine's certificates cannot be used.
    pub fn new() -> Result<Self, NetError> {
        Self::behind(proxies(environment)?)
    }

    pub(super) fn behind(proxies: Vec<Proxy>) -> Result<Self, NetError> {
        // HTTP/2 cannot become a WebSocket.
        let client = builder(proxies).http1_only().build();
        client.map(Self).map_err(|error| nowhere(why(&error)))
    }
}

impl Dial for SocketClient {
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture {
        let client = self.0.clone();
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        Box::pin(async move {
            let shell = Shell { host, keys: keys(request.headers()), limits };
            let late = NetError::TimedOut { host: shell.host.clone(), limit: limits.open };
            let opening = timeout(limits.open, shell.open(&client, request));
            let socket = opening.await.map_err(|_| late)??;
            let (near, far) = Connection::pair(shell.host.clone(), limits);
            tokio::spawn(shell.run(socket, far));
            Ok(near)
        })
    }
}

type Socket = WebSocketStream<Upgraded>;

/// What is known of a connection beside its socket.
struct Shell {
    host: String,
    keys: Vec<Secret>,
    limits: DialLimits,
}

impl Shell {
    async fn open(
        &self,
        client: &reqwest::Client,
        request: Request<()>,
    ) -> Result<Socket, NetError> {
        let (mut head, ()) = request.into_parts();
        let key = generate_key();
        head.uri = as_http(head.uri).ok_or_else(|| self.no_address())?;
        for (name, value) in [
            (CONNECTION, "Upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, key.as_str()),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                head.headers.insert(name, value);
            }
        }
        let failed = |error: reqwest::Error| failure(&self.host, &error);
        let request = Request::from_parts(head, reqwest::Body::default());
        let answer = client.execute(request.try_into().map_err(failed)?).await.map_err(failed)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let answer = received(answer, self.host.clone());
            return Err(refused(&self.host, &self.keys, answer).await);
        }
        let accepts = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
        if accepts.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
            let (host, reason) = (self.host.clone(), "it is no WebSocket".to_owned());
            return Err(NetError::Nonsense { host, reason });
        }
        let socket = answer.upgrade().await.map_err(failed)?;
        let size = Some(self.limits.size);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(size)
            .max_frame_size(size);
        Ok(WebSocketStream::from_raw_socket(socket, Role::Client, Some(config)).await)
    }

    /// Moves messages until either side closes.
    async fn run(self, socket: Socket, far: Far) {
        let Far { outgoing, incoming, last } = far;
        let (mut sink, stream) = socket.split();
        let (ask, asked) = mpsc::channel(1);
        let mut reading = pin!(self.read(stream, &incoming, &ask));
        let ended = tokio::select! {
            biased;
            ended = &mut reading => ended,
            // The other side is to agree, or tells why nothing could be sent.
            ended = self.write(&mut sink, outgoing, asked, &incoming) => {
                timeout(self.limits.close, reading).await.unwrap_or(ended)
            }
        };
        if let (Err(error), Some(last)) = (ended, last) {
            last.send(Err(error));
        }
        // What replies to the other side's goodbye may still be here.
        let _in_vain = timeout(self.limits.close, sink.close()).await;
    }

    async fn read(
        &self,
        mut stream: SplitStream<Socket>,
        incoming: &Sender<Result<SocketMessage, NetError>>,
        ask: &Sender<()>,
    ) -> Result<(), NetError> {
        let mut silent = false;
        loop {
            let Ok(message) = timeout(self.limits.alive, stream.next()).await else {
                if silent || ask.try_send(()).is_err() {
                    return Err(self.late(2 * self.limits.alive));
                }
                silent = true;
                continue;
            };
            silent = false;
            let message = match message.transpose().map_err(|error| self.failure(&error))? {
                None => return Ok(()),
                Some(Message::Text(text)) => SocketMessage::Text(text.as_str().to_owned()),
                Some(Message::Binary(bytes)) => SocketMessage::Binary(bytes),
                Some(Message::Close(frame)) => return self.closed(frame),
                Some(_) => continue,
            };
            // That nobody hears it is noticed by the one who writes.
            let _unheard = incoming.send(Ok(message)).await;
        }
    }

    async fn write(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        mut outgoing: Receiver<SocketMessage>,
        mut asked: Receiver<()>,
        incoming: &Sender<Result<SocketMessage, NetError>>,
    ) -> Result<(), NetError> {
        loop {
            let message = tokio::select! {
                biased;
                Some(()) = asked.recv() => Message::Ping(bytes::Bytes::new()),
                message = outgoing.recv() => match message {
                    Some(SocketMessage::Text(text)) => text.into(),
                    Some(SocketMessage::Binary(bytes)) => bytes.into(),
                    None => break,
                },
                () = incoming.closed() => break,
            };
            self.leave(self.limits.send, sink.send(message)).await?;
        }
        let bye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        self.leave(self.limits.close, sink.send(Message::Close(Some(bye)))).await
    }

    async fn leave(
        &self,
        limit: Duration,
        sent: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), NetError> {
        let sent = timeout(limit, sent).await.map_err(|_| self.late(limit))?;
        sent.map_err(|error| self.failure(&error))
    }

    /// What the other side's end means: services name the errors that they end with.
    fn closed(&self, frame: Option<CloseFrame>) -> Result<(), NetError> {
        match frame {
            Some(CloseFrame { code, reason })
                if ![CloseCode::Normal, CloseCode::Away, CloseCode::Status].contains(&code) =>
            {
                let said = format!("{}, {}", u16::from(code), presentable(&reason, &self.keys));
                Err(NetError::BrokeOff { host: self.host.clone(), reason: said })
            }
            _ => Ok(()),
        }
    }

    fn failure(&self, error: &Error) -> NetError {
        let (host, reason) = (self.host.clone(), presentable(&error.to_string(), &self.keys));
        match error {
            Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
                NetError::TooLong { host, limit: *max_size }
            }
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) => {
                NetError::BrokeOff { host, reason }
            }
            _ => NetError::Nonsense { host, reason },
        }
    }

    fn late(&self, limit: Duration) -> NetError {
        NetError::TimedOut { host: self.host.clone(), limit }
    }

    fn no_address(&self) -> NetError {
        let reason = "the address of a WebSocket begins with wss:// or ws://".to_owned();
        NetError::Unreachable { host: self.host.clone(), reason }
    }
}

/// What errors must not quote. Of "Bearer sk-1234", the second word is the secret.
fn keys(headers: &HeaderMap) -> Vec<Secret> {
    let sensitive = headers.values().filter(|value| value.is_sensitive());
    let words = sensitive.filter_map(|value| value.to_str().ok()?.split_whitespace().next_back());
    words.map(Secret::new).collect()
}

fn as_http(uri: Uri) -> Option<Uri> {
    let mut parts = uri.into_parts();
    parts.scheme = match parts.scheme?.as_str() {
        "ws" | "http" => Some(Scheme::HTTP),
        "wss" | "https" => Some(Scheme::HTTPS),
        _ => return None,
    };
    Uri::from_parts(parts).ok()
}

/// For each connection, from its start. Longer messages do not need more, only more reads.
const READ_BUFFER: usize = 16 << 10;
