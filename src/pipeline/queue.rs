//! What happens at a full queue: the sender waits, or the oldest element goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll};

use crossbeam_queue::ArrayQueue;
use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use super::{Element, Floor};
use crate::ids::ResponseId;

/// The other end of the edge is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the next stage has ended")]
pub struct Closed;

/// Waits for room, or until the element is cancelled and needs none.
pub(super) async fn push(
    queue: &mpsc::Sender<Element>,
    element: Element,
    floor: &Floor,
) -> Result<(), Closed> {
    let response = element.response.filter(|_| !element.is_end());
    tokio::select! {
        biased;
        room = queue.reserve() => room.map_err(|_| Closed)?.send(element),
        () = cancelled(response, floor) => {}
    }
    Ok(())
}

async fn cancelled(response: Option<ResponseId>, floor: &Floor) {
    match response {
        Some(response) => floor.cancelled(response).await,
        None => std::future::pending().await,
    }
}

/// The queue of a best-effort edge.
#[derive(Debug)]
pub(super) struct Shared {
    queue: ArrayQueue<Element>,
    /// The sender is gone.
    ended: AtomicBool,
    reader: AtomicWaker,
    dropped: AtomicU64,
}

impl Shared {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            queue: ArrayQueue::new(capacity),
            ended: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            dropped: AtomicU64::new(0),
        })
    }

    pub(super) fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Option<Element>> {
        self.reader.register(cx.waker());
        // `ended` first: what was pushed before the end is then still seen below.
        let ended = self.ended.load(Ordering::Acquire);
        match self.queue.pop() {
            Some(element) => Poll::Ready(Some(element)),
            None if ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn push(self: &Arc<Self>, element: Element) -> Result<(), Closed> {
        if Arc::strong_count(self) == 1 {
            return Err(Closed); // the inlet is gone
        }
        if self.queue.force_push(element).is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.reader.wake();
        Ok(())
    }
}

/// The sender's hold on a best-effort queue; its drop ends the edge.
#[derive(Debug)]
pub(super) struct Dropping(pub(super) Arc<Shared>);

impl Drop for Dropping {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.reader.wake();
    }
}
