//! Who may be heard: watermarks on responses.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

use super::Element;
use crate::ids::ResponseId;

/// Which responses are cancelled, which are committed, and of which there is enough.
///
/// A state, not a message: it cannot be queued, late or lost. Responses are numbered as they
/// begin, so "this one and all before" is one number. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Floor(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    /// The newest cancelled response; zero for none.
    cancelled: AtomicU32,
    /// The newest committed response; zero for none.
    committed: AtomicU32,
    /// The newest response of which no more is wanted; zero for none.
    enough: AtomicU32,
    moved: Notify,
}

impl Floor {
    /// Cancels `response` and all before it: nothing more of them is passed on or heard.
    pub fn cancel(&self, response: ResponseId) {
        self.0.cancelled.fetch_max(response.get(), Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    /// Commits `response` and all before it: they may be heard, and their tools may act.
    pub fn commit(&self, response: ResponseId) {
        self.0.committed.fetch_max(response.get(), Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    /// No more is to be written of `response` and of all before it. What was is still said: it is
    /// not cancelled.
    pub fn enough(&self, response: ResponseId) {
        self.0.enough.fetch_max(response.get(), Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    /// Whether `response` is cancelled.
    #[must_use]
    pub fn is_cancelled(&self, response: ResponseId) -> bool {
        response.get() <= self.0.cancelled.load(Ordering::Acquire)
    }

    /// Whether `response` is committed.
    #[must_use]
    pub fn is_committed(&self, response: ResponseId) -> bool {
        response.get() <= self.0.committed.load(Ordering::Acquire)
    }

    /// Whether no more is to be written of `response`.
    #[must_use]
    pub fn is_enough(&self, response: ResponseId) -> bool {
        response.get() <= self.0.enough.load(Ordering::Acquire)
    }

    /// Whether `element` is no longer wanted. An end always is: stages rely on it.
    #[must_use]
    pub fn drops(&self, element: &Element) -> bool {
        element.response.is_some_and(|response| self.is_cancelled(response)) && !element.is_end()
    }

    /// Waits until `response` is cancelled: the other arm of a `select!` around slow work.
    pub async fn cancelled(&self, response: ResponseId) {
        self.until(|| self.is_cancelled(response)).await;
    }

    /// Waits until no more is to be written of `response`: for whoever writes it.
    pub async fn had_enough(&self, response: ResponseId) {
        self.until(|| self.is_enough(response)).await;
    }

    /// Waits until `response` is committed or cancelled.
    pub async fn settled(&self, response: ResponseId) {
        self.until(|| self.is_committed(response) || self.is_cancelled(response)).await;
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        while !reached() {
            let mut moved = pin!(self.0.moved.notified());
            // Register first, look again, then wait: a mark set in between is not missed.
            poll_fn(|cx| match moved.as_mut().poll(cx) {
                Poll::Pending if !reached() => Poll::Pending,
                _ => Poll::Ready(()),
            })
            .await;
        }
    }
}
