//! A network that is not there: requests and the messages of sockets travel through a
//! [`Link`](super::Link) to services in memory, and their answers back.

mod download;
mod socket;
mod upload;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};

use self::download::Download;
use super::journal::{Happening, How, Journal, Who};
use super::link::Way;
use super::weather::{Trouble, Weather};
use crate::bench::services::{self, Plan, Services};
use crate::net::{Body, Http, HttpFuture, Incoming, NetError};
use crate::time::{SessionClock, SessionTime};

/// Reaches [`Services`] through a simulated network, by requests and by WebSockets. Its time is Tokio's, which a simulation
/// pauses; its faults come from the seed. A clone is another handle to the same network.
#[derive(Clone, Debug)]
pub struct SimNetwork(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    services: Arc<Services>,
    weather: Weather,
    clock: SessionClock,
    journal: Journal,
    exchanges: AtomicU64,
    /// Since when each open connection has been idle.
    idle: Mutex<Vec<SessionTime>>,
}

/// One request and its answer.
#[derive(Clone, Debug)]
struct Exchange {
    network: SimNetwork,
    number: u64,
    host: String,
    trouble: Option<Trouble>,
}

impl SimNetwork {
    pub(super) fn new(
        services: Arc<Services>,
        weather: Weather,
        clock: SessionClock,
        journal: Journal,
    ) -> Self {
        let (exchanges, idle) = (AtomicU64::new(0), Mutex::default());
        Self(Arc::new(Shared { services, weather, clock, journal, exchanges, idle }))
    }

    fn now(&self) -> SessionTime {
        self.0.clock.now()
    }

    /// The next exchange, in which all goes well.
    fn exchange(&self, uri: &Uri) -> Exchange {
        let number = self.0.exchanges.fetch_add(1, Ordering::Relaxed);
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        Exchange { network: self.clone(), number, host, trouble: None }
    }

    /// A connection that is open already, if there is one.
    fn take_idle(&self) -> bool {
        let now = self.now();
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|since| now.since(*since) < KEPT);
        idle.pop().is_some()
    }

    fn keep(&self) {
        let now = self.now();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(now);
    }
}

impl Http for SimNetwork {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        let exchange = self.exchange(request.uri());
        let trouble = self.0.weather.trouble(exchange.number);
        Box::pin(Exchange { trouble, ..exchange }.run(request))
    }
}

impl Exchange {
    async fn run(self, request: Request<Body>) -> Result<Response<Incoming>, NetError> {
        let (head, body) = request.into_parts();
        let path = format!("{} {}", head.method, head.uri.path());
        self.note(Happening::Request { exchange: self.number, path });
        // Unless a connection is open already.
        if !self.network.take_idle() {
            self.connect().await?;
        }
        let early = matches!(self.trouble, Some(Trouble::Refused { early: true, .. }));
        let body = match early {
            true => Bytes::new(),
            false => self.upload(body).await?,
        };
        let arrived = self.network.now();
        self.note(Happening::Arrived { exchange: self.number, bytes: body.len() });
        let is_head = head.method == Method::HEAD;
        let request = services::Request::new(&head, body, arrived.as_nanos());
        let mut request = request.map_err(|error| self.broken_off(error.to_string()))?;
        if let Some(Trouble::Refused { fault, .. }) = self.trouble {
            request.fault = Some(fault);
        }
        let mut plan = self.network.0.services.answer(&request);
        if is_head {
            plan.steps.iter_mut().for_each(|step| step.bytes = Bytes::new());
        }
        self.answer(plan, arrived).await
    }

    /// One round trip.
    async fn connect(&self) -> Result<(), NetError> {
        let network = &self.network.0;
        if let Some(wait) = network.weather.unreachable(self.network.now(), self.number) {
            self.pass(wait).await;
            self.note(Happening::Over { exchange: self.number, bytes: 0, how: How::Unreachable });
            let reason = "nobody is there".to_owned();
            return Err(NetError::Unreachable { host: self.host.clone(), reason });
        }
        self.pass(network.weather.link.round_trip()).await;
        Ok(())
    }

    /// The head of the answer, when it is there; its body comes behind.
    async fn answer(
        self,
        plan: Plan,
        arrived: SessionTime,
    ) -> Result<Response<Incoming>, NetError> {
        let status = StatusCode::from_u16(plan.status).unwrap_or_default();
        let (content_type, retry_after) = (plan.content_type, plan.retry_after);
        let mut download = Download::new(self.clone(), plan, arrived);
        let first = download.next().await;
        if let Some(Err(error)) = first {
            return Err(error);
        }
        self.note(Happening::Answer { exchange: self.number, status: status.as_u16() });
        let rest = stream::unfold(download, |mut download| async move {
            let piece = download.next().await?;
            Some((piece, download))
        });
        let body: Incoming = Box::pin(stream::iter(first).chain(rest));
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(wait) = retry_after {
            let seconds = HeaderValue::from_str(&wait.as_secs_f64().to_string());
            seconds.map(|seconds| answer.headers_mut().insert(RETRY_AFTER, seconds)).ok();
        }
        Ok(answer)
    }

    fn way(&self, direction: &str) -> Way {
        let weather = &self.network.0.weather;
        Way::new(weather.link, weather.dice(direction, self.number))
    }

    fn broken_off(&self, reason: impl Into<String>) -> NetError {
        NetError::BrokeOff { host: self.host.clone(), reason: reason.into() }
    }

    fn note(&self, what: Happening) {
        self.network.0.journal.note(self.network.now(), Who::Network, what);
    }

    async fn pass(&self, duration: Duration) {
        self.until(self.network.now() + duration).await;
    }

    /// What has passed is not waited for: it costs no timer.
    async fn until(&self, at: SessionTime) {
        if at > self.network.now() {
            self.network.0.clock.sleep_until(at).await;
        }
    }
}

/// How long an idle connection is kept.
const KEPT: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests;
