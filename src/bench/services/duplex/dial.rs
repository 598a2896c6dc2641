//! A way to the service without a network.

use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::{Knock, Peer, Say};
use crate::bench::services::Services;
use crate::net::{Connection, Dial, DialFuture, DialLimits, Far, NetError, SocketMessage};
use crate::time::{SessionClock, SessionTime, UtcTime};

/// Opens calls to [`Services`] in memory, each held by a task of its own.
///
/// ```
/// use std::sync::Arc;
///
/// use banter::bench::services::duplex::DuplexMock;
/// use banter::bench::services::{Profile, Services};
/// use banter::net::{Dial, DialLimits, SocketMessage};
/// use banter::time::SessionClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let services = Arc::new(Services::new(Profile::Realistic.delays(), 1));
/// let mock = DuplexMock::new(Arc::clone(&services), SessionClock::live());
/// let request = http::Request::get("wss://mock/v1/realtime?model=m");
/// let request = request.header("authorization", "Bearer me").body(()).unwrap();
/// let mut call = mock.dial(request, DialLimits::default()).await.unwrap();
///
/// let Some(Ok(SocketMessage::Text(first))) = call.incoming.receive().await else { panic!() };
/// assert!(first.contains("session.created"));
/// drop(call);
/// # }
/// ```
///
/// It runs on its clock: in Tokio's paused time nothing waits. A socket that breaks off, or closes
/// with any code but 1000 and 1001, ends with [`NetError::BrokeOff`], as a real one does; one that
/// falls silent takes what is sent, and ends with [`NetError::TimedOut`] after twice
/// [`DialLimits::alive`]. A clone is another handle to the same services.
#[derive(Clone, Debug)]
pub struct DuplexMock {
    services: Arc<Services>,
    clock: SessionClock,
}

impl DuplexMock {
    /// A way to these services, on this clock.
    #[must_use]
    pub const fn new(services: Arc<Services>, clock: SessionClock) -> Self {
        Self { services, clock }
    }

    /// The services: their scripts and logs.
    #[must_use]
    pub const fn services(&self) -> &Arc<Services> {
        &self.services
    }
}

impl Dial for DuplexMock {
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let unix = UtcTime::now().as_millis() / 1_000;
        let answer = match Knock::new(request.uri(), request.headers(), 0, unix) {
            Some(knock) => self.services.open(&knock, self.clock.now()).map_err(|refusal| {
                let (status, message) = (refusal.status, refusal.message);
                let (retry_after, details) = (refusal.retry_after, Box::default());
                NetError::Refused { host: host.clone(), status, message, retry_after, details }
            }),
            None => Err(NetError::Refused {
                host: host.clone(),
                status: http::StatusCode::NOT_FOUND,
                message: "there is no such service".to_owned(),
                retry_after: None,
                details: Box::default(),
            }),
        };
        let clock = self.clock.clone();
        Box::pin(async move {
            let peer = answer?;
            let (near, far) = Connection::pair(host.clone(), limits);
            let held = Held { peer, clock: clock.clone(), host, limits };
            tokio::spawn(clock.track(held.run(far)));
            Ok(near)
        })
    }
}

/// A call, and what holds it.
struct Held {
    peer: Peer,
    clock: SessionClock,
    host: String,
    limits: DialLimits,
}

impl Held {
    async fn run(mut self, mut far: Far) {
        loop {
            while let Some(said) = self.peer.poll(self.clock.now()) {
                match said {
                    Say::Message(message) => {
                        // A caller who takes nothing holds the service up, but not for ever.
                        let sent = self.clock.timeout(LONGEST_SEND, far.send(message)).await;
                        if sent != Some(true) {
                            return self.peer.left(self.clock.now());
                        }
                    }
                    Say::Close(code, reason) => return self.close(far, code, &reason),
                    Say::Cut => {
                        let reason = "as it was told".to_owned();
                        return far.fail(NetError::BrokeOff { host: self.host, reason });
                    }
                    Say::Deafen => return self.deafen(far).await,
                }
            }
            match next(&self.clock, self.peer.due(), &mut far).await {
                Came::Due => {}
                Came::Message(message) => self.peer.hear(&message, self.clock.now()),
                Came::Left => return self.peer.left(self.clock.now()),
            }
        }
    }

    /// As a socket tells it.
    fn close(self, far: Far, code: u16, reason: &str) {
        if ![1000, 1001, 1005].contains(&code) {
            let reason = format!("{code}, {reason}");
            far.fail(NetError::BrokeOff { host: self.host, reason });
        }
    }

    /// Nobody answers: the caller's side notices when it asks whether somebody is there.
    async fn deafen(self, mut far: Far) {
        let limit = 2 * self.limits.alive;
        let drained = async { while far.receive().await.is_some() {} };
        if self.clock.timeout(limit, drained).await.is_none() {
            far.fail(NetError::TimedOut { host: self.host, limit });
        }
    }
}

/// What comes, or that something is due.
async fn next(clock: &SessionClock, due: Option<SessionTime>, far: &mut Far) -> Came {
    let wait = clock.sleep_until(due.unwrap_or(SessionTime::ZERO));
    tokio::select! {
        biased;
        message = far.receive() => message.map_or(Came::Left, Came::Message),
        () = wait, if due.is_some() => Came::Due,
    }
}

enum Came {
    Due,
    Message(SocketMessage),
    Left,
}

const LONGEST_SEND: Duration = Duration::from_secs(10);
