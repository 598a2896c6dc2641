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
pub struct EventBus(broadcast::Sender<Arc<Event>>);

impl Default for EventBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl EventBus {
    /// Tells all subscribers.
    pub fn publish(&self, event: Event) {
        let _nobody = self.0.send(Arc::new(event));
    }

    /// From now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe())
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
