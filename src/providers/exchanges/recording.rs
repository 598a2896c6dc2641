//! A provider whose exchanges are written down.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::ExchangeLog;
use super::line::End;
use crate::providers::retry::Retries;
use crate::providers::{
    Capabilities, Prices, Provider, ProviderError, ProviderEvent, ProviderRequest, ProviderStream,
};
use crate::time::{SessionClock, SessionTime, UtcTime};

/// A provider whose exchanges are written to a log. Else it is the one within: an answer comes
/// when it comes, and nothing waits for the file.
#[derive(Debug)]
pub struct Recording {
    provider: Arc<dyn Provider>,
    log: ExchangeLog,
    clock: SessionClock,
}

/// An exchange that is over.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) at: UtcTime,
    pub(super) provider: String,
    pub(super) metered: bool,
    pub(super) request: ProviderRequest,
    pub(super) events: Vec<(Duration, Result<ProviderEvent, ProviderError>)>,
    pub(super) end: End,
    pub(super) ended: Duration,
}

impl Recording {
    /// Writes what `provider` is asked and answers to `log`. Several may share one.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, log: ExchangeLog) -> Self {
        Self { provider, log, clock: SessionClock::live() }
    }

    /// The same with the times of another clock: real time by default.
    #[must_use]
    pub fn timed_by(self, clock: SessionClock) -> Self {
        Self { clock, ..self }
    }
}

impl Provider for Recording {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn is_metered(&self) -> bool {
        self.provider.is_metered()
    }

    fn prices(&self) -> Option<Prices> {
        self.provider.prices()
    }

    fn retries(&self) -> Option<&Retries> {
        self.provider.retries()
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let exchange = Exchange {
            at: UtcTime::now(),
            provider: self.name().to_owned(),
            metered: self.is_metered(),
            request: request.clone(),
            events: Vec::new(),
            end: End::Left,
            ended: Duration::ZERO,
        };
        let (clock, log) = (self.clock.clone(), self.log.clone());
        let tap = Tap { asked: clock.now(), clock, log, exchange: Some(exchange) };
        let answer = self.provider.stream(request);
        Box::pin(stream::unfold((answer, tap), |(mut answer, mut tap)| async move {
            let Some(came) = answer.next().await else {
                tap.write();
                return None;
            };
            tap.take(&came);
            Some((came, (answer, tap)))
        }))
    }

    fn warm(&self) {
        self.provider.warm();
    }

    fn close(&self) {
        self.provider.close();
    }
}

/// What has come of an answer. Whoever leaves it drops this with it.
struct Tap {
    asked: SessionTime,
    clock: SessionClock,
    log: ExchangeLog,
    /// Nothing, once it is written.
    exchange: Option<Exchange>,
}

impl Tap {
    fn take(&mut self, came: &Result<ProviderEvent, ProviderError>) {
        let after = self.clock.now().since(self.asked);
        let Some(exchange) = &mut self.exchange else { return };
        match came {
            Ok(ProviderEvent::Finished { .. }) => exchange.end = End::Finished,
            Ok(_) => {}
            Err(_) => exchange.end = End::Failed,
        }
        if exchange.events.len() == MOST_EVENTS {
            self.log.lose();
            self.exchange = None;
            return;
        }
        exchange.events.push((after, came.clone()));
        // Many leave an answer at its last event.
        if exchange.end != End::Left {
            self.write();
        }
    }

    fn write(&mut self) {
        let Some(mut exchange) = self.exchange.take() else { return };
        exchange.ended = self.clock.now().since(self.asked);
        self.log.write(exchange);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.write();
    }
}

/// Each answer's text is bounded, but not how many pieces it comes in.
const MOST_EVENTS: usize = 100_000;
