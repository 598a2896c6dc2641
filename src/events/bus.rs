//! Brings events to those who watch.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::{Event, EventKind};

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
        Subscription { events: self.0.subscribe(), over: None, has_ended: false }
    }

    /// Until the session is over that holds the other end, though others may go on telling.
    pub(crate) fn subscribe_until(&self, over: watch::Receiver<()>) -> Subscription {
        Subscription { over: Some(over), ..self.subscribe() }
    }
}

/// The events of a session, from when it was taken.
#[derive(Debug)]
pub struct Subscription {
    events: broadcast::Receiver<Arc<Event>>,
    /// Of one session of several.
    over: Option<watch::Receiver<()>>,
    has_ended: bool,
}

impl Subscription {
    /// The next event, or how many were lost because they were not taken in time; `None` when
    /// the session is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Event, u64>> {
        if self.has_ended {
            return None;
        }
        let taken = match &mut self.over {
            None => self.events.recv().await,
            Some(over) => tokio::select! {
                biased;
                taken = self.events.recv() => taken,
                // What it told last may have come just now.
                _gone = over.changed() => self.events.try_recv().map_err(|error| match error {
                    broadcast::error::TryRecvError::Lagged(lost) => RecvError::Lagged(lost),
                    _ => RecvError::Closed,
                }),
            },
        };
        match taken {
            Ok(event) => {
                let is_last = matches!(event.kind, EventKind::SessionEnded { .. });
                self.has_ended = is_last && self.over.is_some();
                Some(Ok(Arc::unwrap_or_clone(event)))
            }
            Err(RecvError::Lagged(lost)) => Some(Err(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// A minute of a lively conversation.
const BACKLOG: usize = 1024;
