//! Brings events to those who watch.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::Event;

/// Brings events to any number of subscribers. Cloning gives another handle.
///
/// A subscriber that falls behind by more than 1,024 events loses the oldest, and is told how
/// many: watching never holds the session back.
#[derive(Clone, Debug)]
// A session has room for its whole backlog, used or not: an `Arc` keeps that small.
pub struct EventBus {
    own: broadcast::Sender<Arc<Event>>,
    /// The events of the whole that this is a part of.
    whole: Option<broadcast::Sender<Arc<Event>>>,
}

impl Default for EventBus {
    fn default() -> Self {
        Self { own: broadcast::Sender::new(BACKLOG), whole: None }
    }
}

impl EventBus {
    /// Tells all subscribers.
    pub fn publish(&self, event: Event) {
        let event = Arc::new(event);
        if let Some(whole) = &self.whole {
            let _nobody = whole.send(Arc::clone(&event));
        }
        let _nobody = self.own.send(event);
    }

    /// The events of a part: all of them are told here as well, and those who watch the part see
    /// it end.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { whole: Some(self.own.clone()), ..Self::default() }
    }

    /// A handle that does not keep the events from ending.
    #[must_use]
    pub fn weak(&self) -> WeakEventBus {
        let whole = self.whole.as_ref().map(broadcast::Sender::downgrade);
        WeakEventBus { own: self.own.downgrade(), whole }
    }

    /// From now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.own.subscribe())
    }
}

/// A handle to an [`EventBus`] that others keep.
#[derive(Clone, Debug)]
pub struct WeakEventBus {
    own: broadcast::WeakSender<Arc<Event>>,
    whole: Option<broadcast::WeakSender<Arc<Event>>>,
}

impl WeakEventBus {
    /// Tells all subscribers, if there is still a session. Those of the whole are told even when
    /// the part is over.
    pub fn publish(&self, event: Event) {
        let event = Arc::new(event);
        let whole = self.whole.as_ref().and_then(broadcast::WeakSender::upgrade);
        for bus in whole.into_iter().chain(self.own.upgrade()) {
            let _nobody = bus.send(Arc::clone(&event));
        }
    }
}

/// The events of a session, from when it was taken.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Arc<Event>>);

impl Subscription {
    /// The next event, or how many were lost because they were not taken in time; `None` when
    /// the session is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Event, u64>> {
        match self.0.recv().await {
            Ok(event) => Some(Ok(Arc::unwrap_or_clone(event))),
            Err(broadcast::error::RecvError::Lagged(lost)) => Some(Err(lost)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// A minute of a lively conversation.
const BACKLOG: usize = 1024;
