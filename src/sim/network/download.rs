//! The way of an answer.

use std::collections::VecDeque;
use std::future::pending;

use bytes::Bytes;

use super::Exchange;
use crate::bench::services::{End, Plan};
use crate::net::NetError;
use crate::sim::journal::{Happening, How};
use crate::sim::link::Way;
use crate::sim::weather::{Place, Trouble};
use crate::time::SessionTime;

/// An answer that is being sent. Dropping it ends the exchange.
#[derive(Debug)]
pub(super) struct Download {
    exchange: Exchange,
    plan: Plan,
    way: Way,
    /// How many steps were sent, and when the last of them.
    step: usize,
    sent: SessionTime,
    /// Pieces on their way, and when they are there.
    pieces: VecDeque<(Bytes, Option<SessionTime>)>,
    /// Bytes that were sent, and that were received.
    bytes: usize,
    received: usize,
    trouble: Option<(usize, Trouble)>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sending,
    /// It breaks off behind the pieces that are on their way.
    Breaking,
    Over,
}

impl Download {
    /// The answer that `plan` is to a request that was there at `arrived`.
    pub(super) fn new(exchange: Exchange, plan: Plan, arrived: SessionTime) -> Self {
        let all: usize = plan.steps.iter().map(|step| step.bytes.len()).sum();
        let trouble = exchange.trouble.and_then(|trouble| match trouble {
            Trouble::Cut(Place::Down(part)) | Trouble::Stalled(Place::Down(part), _) => {
                Some(((all as f64 * part) as usize, trouble))
            }
            _ => None,
        });
        Self {
            way: exchange.way("down"),
            exchange,
            plan,
            step: 0,
            sent: arrived,
            pieces: VecDeque::new(),
            bytes: 0,
            received: 0,
            trouble,
            state: State::Sending,
        }
    }

    /// The next piece, when it is there; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, NetError>> {
        loop {
            if let Some((_, arrives)) = self.pieces.front() {
                let Some(arrives) = *arrives else {
                    return Some(Err(self.broken("nothing gets through")));
                };
                self.exchange.until(arrives).await;
                let (piece, _) = self.pieces.pop_front()?;
                self.received += piece.len();
                return Some(Ok(piece));
            }
            match self.state {
                State::Over => return None,
                State::Breaking => return Some(Err(self.broken("it was cut"))),
                State::Sending if self.step < self.plan.steps.len() => self.send().await,
                State::Sending => match self.plan.end {
                    End::Stall => pending().await,
                    End::Cut => self.state = State::Breaking,
                    End::Finish => {
                        self.over(How::Whole);
                        return None;
                    }
                },
            }
        }
    }

    /// The service sends its next step.
    async fn send(&mut self) {
        let step = &mut self.plan.steps[self.step];
        self.sent = self.sent + step.after;
        let bytes = std::mem::take(&mut step.bytes);
        self.exchange.until(self.sent).await;
        let services = &self.exchange.network.0.services;
        services.sent(self.plan.exchange, self.step, self.sent.as_nanos());
        self.step += 1;
        for piece in pieces(bytes, self.exchange.network.0.weather.is_rough()) {
            if self.suffers(piece.len()) {
                self.state = State::Breaking;
                return;
            }
            let arrives = self.way.send(self.sent, piece.len()).arrives;
            self.pieces.push_back((piece, arrives));
        }
    }

    /// What happens to the next piece. Returns whether the connection breaks off before it.
    fn suffers(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        match self.trouble.take_if(|(after, _)| *after < self.bytes.max(1)) {
            Some((_, Trouble::Stalled(_, length))) => self.way.stall(self.sent, length),
            Some(_) => return true,
            None => {}
        }
        false
    }

    fn broken(&mut self, reason: &str) -> NetError {
        self.over(How::Cut);
        self.exchange.broken_off(reason)
    }

    fn over(&mut self, how: How) {
        self.state = State::Over;
        self.pieces.clear();
        self.exchange.network.0.services.over(self.plan.exchange);
        if how == How::Whole {
            self.exchange.network.keep();
        }
        let (exchange, bytes) = (self.exchange.number, self.received);
        self.exchange.note(Happening::Over { exchange, bytes, how });
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if self.state != State::Over {
            self.over(How::Dropped);
        }
    }
}

/// What is sent at once travels in pieces, where that makes a difference.
fn pieces(mut bytes: Bytes, rough: bool) -> impl Iterator<Item = Bytes> {
    let mut first = true;
    std::iter::from_fn(move || {
        // An empty step is sent as well: the head travels with it.
        if bytes.is_empty() && !std::mem::take(&mut first) {
            return None;
        }
        first = false;
        let most = if rough { SEGMENT } else { usize::MAX };
        Some(bytes.split_to(bytes.len().min(most)))
    })
}

/// In bytes: what a packet of a network holds.
const SEGMENT: usize = 1_448;
