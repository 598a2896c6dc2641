//! Calls to models that hear and speak for themselves, over WebSockets.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::extract::{FromRequestParts, Request, WebSocketUpgrade};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tokio_util::sync::CancellationToken;

use super::routes::refusal;
use crate::bench::person::monotonic;
use crate::bench::services::Services;
use crate::bench::services::duplex::{Knock, Peer, Protocol, Say};
use crate::net::SocketMessage;
use crate::time::{SessionClock, SessionTime, UtcTime};

/// All calls of a server: they have one clock.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    services: Arc<Services>,
    protocols: Arc<[Protocol]>,
    clock: SessionClock,
    /// The machine's clock when this one was zero.
    origin: u64,
    over: CancellationToken,
}

impl Calls {
    pub(super) fn new(
        services: Arc<Services>,
        protocols: Vec<Protocol>,
        over: CancellationToken,
    ) -> Self {
        let clock = SessionClock::live();
        let origin = monotonic().saturating_sub(clock.now().as_nanos());
        Self { services, protocols: protocols.into(), clock, origin, over }
    }

    /// Which call a request asks for, if it does.
    pub(super) fn knock(&self, request: &Request) -> Option<Knock> {
        let unix = UtcTime::now().as_millis() / 1_000;
        let knock = Knock::new(request.uri(), request.headers(), self.origin, unix)?;
        self.protocols.contains(&knock.protocol).then_some(knock)
    }

    pub(super) async fn open(&self, knock: &Knock, request: Request) -> Response {
        let (mut head, _) = request.into_parts();
        let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut head, &()).await else {
            return refusal(StatusCode::UPGRADE_REQUIRED, "this is for WebSockets");
        };
        let peer = match self.services.open(knock, self.clock.now()) {
            Ok(peer) => peer,
            Err(why) => {
                let mut answer = refusal(why.status, &why.message);
                let wait = why.retry_after.map(|wait| wait.as_secs_f64().ceil().to_string());
                if let Some(Ok(wait)) = wait.map(HeaderValue::try_from) {
                    answer.headers_mut().insert(RETRY_AFTER, wait);
                }
                return answer;
            }
        };
        tracing::debug!(protocol = %knock.protocol, "a call");
        let call = Call { peer, clock: self.clock.clone() };
        let over = self.over.clone();
        upgrade
            // What browsers offer beside their key.
            .protocols(["realtime"])
            .max_message_size(MESSAGE)
            .max_frame_size(MESSAGE)
            .write_buffer_size(0)
            .on_upgrade(async move |socket| {
                tokio::select! {
                    biased;
                    () = over.cancelled() => {}
                    () = call.hold(socket) => {}
                }
            })
    }
}

/// A call, and its clock.
struct Call {
    peer: Peer,
    clock: SessionClock,
}

impl Call {
    async fn hold(mut self, mut socket: WebSocket) {
        loop {
            while let Some(said) = self.peer.poll(self.clock.now()) {
                let message = match said {
                    Say::Message(SocketMessage::Text(text)) => Message::Text(text.into()),
                    Say::Message(SocketMessage::Binary(bytes)) => Message::Binary(bytes),
                    Say::Close(code, reason) => {
                        let frame = CloseFrame { code, reason: reason.into() };
                        return self.part(socket, Message::Close(Some(frame))).await;
                    }
                    Say::Cut => return,
                    // The socket stays open, and nobody reads it.
                    Say::Deafen => return self.clock.sleep(LONGEST_SILENCE).await,
                };
                let sent = self.clock.timeout(LONGEST_SEND, socket.send(message)).await;
                if !matches!(sent, Some(Ok(()))) {
                    return self.peer.left(self.clock.now());
                }
            }
            match next(&self.clock, self.peer.due(), &mut socket).await {
                Came::Due => {}
                Came::Message(message) => self.peer.hear(&message, self.clock.now()),
                Came::Left => {
                    self.peer.left(self.clock.now());
                    // The goodbye is answered.
                    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
                    self.clock.timeout(LONGEST_GOODBYE, rest).await;
                    return;
                }
            }
        }
    }

    async fn part(self, mut socket: WebSocket, goodbye: Message) {
        let parting = async {
            if socket.send(goodbye).await.is_ok() {
                while let Some(Ok(_)) = socket.recv().await {}
            }
        };
        self.clock.timeout(LONGEST_GOODBYE, parting).await;
    }
}

enum Came {
    Due,
    Message(SocketMessage),
    Left,
}

/// What comes, or that something is due. Pings are answered meanwhile.
async fn next(clock: &SessionClock, due: Option<SessionTime>, socket: &mut WebSocket) -> Came {
    let wait = clock.sleep_until(due.unwrap_or(SessionTime::ZERO));
    let mut wait = std::pin::pin!(wait);
    loop {
        tokio::select! {
            biased;
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    return Came::Message(SocketMessage::Text(text.as_str().to_owned()));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    return Came::Message(SocketMessage::Binary(bytes));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Came::Left,
            },
            () = &mut wait, if due.is_some() => return Came::Due,
        }
    }
}

/// A message of the caller's: 15 MiB of sound in base 64, and what is around it.
const MESSAGE: usize = 21 << 20;
const LONGEST_SEND: Duration = Duration::from_secs(10);
const LONGEST_GOODBYE: Duration = Duration::from_secs(2);
/// No client is that patient.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);
