//! The messages of an open socket on their way, and what happens to it.

use std::collections::VecDeque;
use std::time::Duration;

use super::Socket;
use crate::bench::services::duplex::{Peer, Say};
use crate::net::{Far, NetError, SocketMessage};
use crate::sim::journal::{Happening, How};
use crate::sim::link::Way;
use crate::sim::weather::Break;
use crate::time::SessionTime;

/// Both ends of a socket and the ways between them. It ends with the socket.
pub(super) struct Wire {
    socket: Socket,
    peer: Peer,
    far: Far,
    up: Way,
    down: Way,
    rising: Line<Up>,
    falling: Line<Down>,
    breaks: Option<(SessionTime, Break)>,
    service: Service,
    /// The client has closed it.
    left: bool,
    /// When something came to the client last, or it asked whether somebody is there.
    heard: SessionTime,
    /// It has asked.
    asked: bool,
    /// Bytes that came to the client.
    bytes: usize,
}

/// How the service is, as far as the client could know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    There,
    /// It has left, or does not listen any more.
    Gone,
    /// Nothing passes any more, and nobody is told.
    CutOff,
}

/// What is on its way, and when it is there; never, if the connection is given up.
type Line<T> = VecDeque<(T, Option<SessionTime>)>;

/// What a client sends.
enum Up {
    Message(SocketMessage),
    Ping,
    Bye,
}

/// What a service sends.
enum Down {
    Message(SocketMessage),
    Pong,
    Close(u16, String),
    Cut,
}

/// How a socket ends.
struct End {
    how: How,
    error: Option<NetError>,
}

impl Wire {
    pub(super) fn new(socket: Socket, peer: Peer, [up, down]: [Way; 2], far: Far) -> Self {
        let now = socket.exchange.network.now();
        let breaks = socket.trouble.breaks.map(|(after, happens)| (now + after, happens));
        Self {
            socket,
            peer,
            far,
            up,
            down,
            rising: VecDeque::new(),
            falling: VecDeque::new(),
            breaks,
            service: Service::There,
            left: false,
            heard: now,
            asked: false,
            bytes: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let end = loop {
            if let Some(end) = self.happen().await {
                break end;
            }
            let now = self.now();
            let clock = self.socket.exchange.network.0.clock.clone();
            // What has not left holds up what follows.
            let takes = !self.left && self.up.left() <= now;
            let waits = (!takes && !self.left).then(|| self.up.left());
            let next = self.due().into_iter().chain(waits).min();
            tokio::select! {
                biased;
                message = self.far.receive(), if takes => self.send(message),
                () = clock.sleep_until(next.unwrap_or_default()), if next.is_some() => {}
            }
        };
        self.peer.left(self.now());
        let exchange = self.socket.exchange.number;
        let over = Happening::Over { exchange, bytes: self.bytes, how: end.how };
        self.socket.exchange.note(over);
        if let Some(error) = end.error {
            self.far.fail(error);
        }
    }

    /// All that is due happens; the end, if that is among it.
    async fn happen(&mut self) -> Option<End> {
        loop {
            let now = self.now();
            if let Some((_, happens)) = self.breaks.take_if(|(at, _)| *at <= now) {
                match happens {
                    Break::Cut => return Some(self.cut("it was cut")),
                    Break::Silent => self.service = Service::CutOff,
                    Break::Stalled(length) => {
                        self.up.stall(now, length);
                        self.down.stall(now, length);
                    }
                }
            } else if let Some(arrived) = arrival(&mut self.rising, now) {
                match arrived {
                    Some(up) => self.rise(up, now),
                    None => return Some(self.cut("nothing gets through")),
                }
            } else if let Some(said) = self.says(now) {
                self.say(said);
            } else if let Some(arrived) = arrival(&mut self.falling, now) {
                let Some(down) = arrived else { return Some(self.cut("nothing gets through")) };
                if let Some(end) = self.fall(down).await {
                    return Some(end);
                }
            } else if self.left && self.service == Service::CutOff {
                // The goodbye is not answered.
                return Some(End { how: How::Dropped, error: None });
            } else if self.is_quiet(now) {
                if std::mem::replace(&mut self.asked, true) {
                    return Some(self.late());
                }
                self.heard = now;
                self.rises(Up::Ping, PING);
            } else {
                return None;
            }
        }
    }

    /// When something is due, unless the client says something before.
    fn due(&self) -> Option<SessionTime> {
        let peer = self.peer.due().filter(|_| self.service == Service::There);
        let arrivals = [soonest(&self.rising), soonest(&self.falling)];
        let breaks = self.breaks.map(|(at, _)| at);
        let asks = (!self.left).then(|| self.heard + self.socket.limits.alive);
        arrivals.into_iter().flatten().chain(peer).chain(breaks).chain(asks).min()
    }

    /// The client sends a message, or closes the socket.
    fn send(&mut self, message: Option<SocketMessage>) {
        match message {
            Some(message) => {
                let bytes = size(&message);
                self.rises(Up::Message(message), bytes);
            }
            None => {
                self.left = true;
                self.rises(Up::Bye, PING);
            }
        }
    }

    fn rises(&mut self, what: Up, bytes: usize) {
        let passage = self.up.send(self.now(), bytes);
        if self.service != Service::CutOff {
            self.rising.push_back((what, passage.arrives));
        }
    }

    fn falls(&mut self, what: Down, bytes: usize) {
        let passage = self.down.send(self.now(), bytes);
        if self.service != Service::CutOff {
            self.falling.push_back((what, passage.arrives));
        }
    }

    /// Something has come to the service.
    fn rise(&mut self, what: Up, now: SessionTime) {
        match what {
            Up::Message(message) => self.peer.hear(&message, now),
            Up::Ping if self.service == Service::There => self.falls(Down::Pong, PING),
            Up::Ping => {}
            Up::Bye => {
                self.peer.left(now);
                self.falls(Down::Close(1000, String::new()), PING);
            }
        }
    }

    fn says(&mut self, now: SessionTime) -> Option<Say> {
        if self.service == Service::There { self.peer.poll(now) } else { None }
    }

    /// The service says something.
    fn say(&mut self, said: Say) {
        match said {
            Say::Message(message) => {
                let bytes = size(&message);
                return self.falls(Down::Message(message), bytes);
            }
            Say::Close(code, reason) => self.falls(Down::Close(code, reason), PING),
            Say::Cut => self.falls(Down::Cut, PING),
            // It takes what comes, and answers no ping.
            Say::Deafen => {}
        }
        self.service = Service::Gone;
    }

    /// Something has come to the client.
    async fn fall(&mut self, what: Down) -> Option<End> {
        let host = || self.socket.exchange.host.clone();
        match what {
            Down::Message(message) => {
                self.bytes += size(&message);
                // A client that takes nothing holds up what follows, but not for ever.
                let clock = &self.socket.exchange.network.0.clock;
                let _heard = clock.timeout(LONGEST_WAIT, self.far.send(message)).await;
            }
            Down::Pong => {}
            Down::Close(..) if self.left => return Some(End { how: How::Dropped, error: None }),
            // As a socket tells it.
            Down::Close(1000 | 1001 | 1005, _) => {
                return Some(End { how: How::Whole, error: None });
            }
            Down::Close(code, reason) => {
                let reason = format!("{code}, {reason}");
                let error = Some(NetError::BrokeOff { host: host(), reason });
                return Some(End { how: How::Whole, error });
            }
            Down::Cut => return Some(self.cut("it was cut")),
        }
        (self.heard, self.asked) = (self.now(), false);
        None
    }

    fn is_quiet(&self, now: SessionTime) -> bool {
        self.heard + self.socket.limits.alive <= now && !self.left
    }

    fn cut(&self, reason: &str) -> End {
        match self.left {
            // Nobody wants to know.
            true => End { how: How::Dropped, error: None },
            false => End { how: How::Cut, error: Some(self.socket.exchange.broken_off(reason)) },
        }
    }

    fn late(&self) -> End {
        let (host, limit) = (self.socket.exchange.host.clone(), 2 * self.socket.limits.alive);
        End { how: How::Silent, error: Some(NetError::TimedOut { host, limit }) }
    }

    fn now(&self) -> SessionTime {
        self.socket.exchange.network.now()
    }
}

/// What is there by now, if anything is; nothing of it, if the connection is given up.
fn arrival<T>(line: &mut Line<T>, now: SessionTime) -> Option<Option<T>> {
    if line.front()?.1.is_some_and(|at| at > now) {
        return None;
    }
    line.pop_front().map(|(what, arrives)| arrives.map(|_| what))
}

fn soonest<T>(line: &Line<T>) -> Option<SessionTime> {
    line.front().map(|(_, arrives)| arrives.unwrap_or_default())
}

fn size(message: &SocketMessage) -> usize {
    FRAME
        + match message {
            SocketMessage::Text(text) => text.len(),
            SocketMessage::Binary(bytes) => bytes.len(),
        }
}

/// In bytes: what a frame has beside its message, and one without.
const FRAME: usize = 8;
const PING: usize = FRAME;
/// For a client that takes nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
