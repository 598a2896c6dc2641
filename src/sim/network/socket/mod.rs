//! A WebSocket through the simulated network: how it is opened.

mod wire;

use http::{Request, StatusCode};

use self::wire::Wire;
use super::{Exchange, SimNetwork};
use crate::bench::services::duplex::{Knock, Peer};
use crate::net::{Connection, Dial, DialFuture, DialLimits, NetError};
use crate::sim::journal::{Happening, How};
use crate::sim::link::Way;
use crate::sim::weather::SocketTrouble;

impl Dial for SimNetwork {
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture {
        let exchange = self.exchange(request.uri());
        let trouble = self.0.weather.socket(exchange.number);
        Box::pin(Socket { exchange, limits, trouble }.open(request))
    }
}

/// One socket, as its ends know it.
#[derive(Clone, Debug)]
struct Socket {
    exchange: Exchange,
    limits: DialLimits,
    trouble: SocketTrouble,
}

impl Socket {
    async fn open(self, request: Request<()>) -> Result<Connection, NetError> {
        let path = format!("{} {}", request.method(), request.uri().path());
        let Exchange { network, number, host, .. } = &self.exchange;
        self.exchange.note(Happening::Request { exchange: *number, path });
        let limit = self.limits.open;
        let opened = network.0.clock.timeout(limit, self.knock(&request)).await;
        let late = NetError::TimedOut { host: host.clone(), limit };
        let (peer, ways) = match opened.unwrap_or(Err(late)) {
            Ok(opened) => opened,
            Err(error) => {
                let how = match error {
                    NetError::Unreachable { .. } => return Err(error), // it is told
                    NetError::Refused { .. } => How::Whole,
                    _ => How::Cut,
                };
                self.exchange.note(Happening::Over { exchange: *number, bytes: 0, how });
                return Err(error);
            }
        };
        let (near, far) = Connection::pair(host.clone(), self.limits);
        let clock = network.0.clock.clone();
        tokio::spawn(clock.track(Wire::new(self, peer, ways, far).run()));
        Ok(near)
    }

    /// A round trip to connect, and one to become a WebSocket.
    async fn knock(&self, request: &Request<()>) -> Result<(Peer, [Way; 2]), NetError> {
        let exchange = &self.exchange;
        exchange.connect().await?;
        let mut ways = [exchange.way("up"), exchange.way("down")];
        self.pass(&mut ways[0]).await?;
        let answer = self.answer(request);
        self.pass(&mut ways[1]).await?;
        let status = answer.as_ref().map_or_else(|refused| refused.0, |_| SWITCHES).as_u16();
        exchange.note(Happening::Answer { exchange: exchange.number, status });
        match answer {
            Ok(peer) => Ok((peer, ways)),
            Err((status, message, retry_after)) => {
                let (host, details) = (exchange.host.clone(), Box::default());
                Err(NetError::Refused { host, status, message, retry_after, details })
            }
        }
    }

    /// What the service says to the request.
    fn answer(&self, request: &Request<()>) -> Result<Peer, Refused> {
        let network = &self.exchange.network;
        if let Some((status, retry_after)) = self.trouble.refused {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            return Err((status, "refused, as the weather has it".to_owned(), retry_after));
        }
        let knock = Knock::new(request.uri(), request.headers(), 0, NOW);
        let nobody = || (StatusCode::NOT_FOUND, "there is no such service".to_owned(), None);
        let opened = network.0.services.open(&knock.ok_or_else(nobody)?, network.now());
        opened.map_err(|refusal| (refusal.status, refusal.message, refusal.retry_after))
    }

    /// A head travels.
    async fn pass(&self, way: &mut Way) -> Result<(), NetError> {
        let Some(arrives) = way.send(self.exchange.network.now(), HEAD).arrives else {
            return Err(self.exchange.broken_off("nothing gets through"));
        };
        self.exchange.until(arrives).await;
        Ok(())
    }
}

/// A status, why, and when to come back.
type Refused = (StatusCode, String, Option<std::time::Duration>);

const SWITCHES: StatusCode = StatusCode::SWITCHING_PROTOCOLS;
/// The time of day, in seconds since 1970 began: the same in each run.
const NOW: i64 = 1_800_000_000;
/// In bytes: of a request or its answer, about.
const HEAD: usize = 500;

#[cfg(test)]
mod tests;
