//! The sending end of an edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use super::inlet::{Lane, Queue};
use super::{Context, Element, Floor, Inlet, Priority};

/// An edge of `capacity` elements between two ends.
#[must_use]
pub fn edge(capacity: usize, context: &Context) -> (Outlet, Inlet) {
    let (target, lanes) = Target::required("", capacity);
    (Outlet::new(vec![target], context.floor.clone()), Inlet::new(lanes, context.clone()))
}

/// The sending end of one edge, or of several that get the same.
#[derive(Debug)]
pub struct Outlet {
    targets: Vec<Target>,
    floor: Floor,
}

impl Outlet {
    pub(super) fn new(targets: Vec<Target>, floor: Floor) -> Self {
        Self { targets, floor }
    }

    /// Sends an element to every edge, waiting while one is full. Elements of cancelled
    /// responses vanish.
    ///
    /// # Errors
    ///
    /// [`Closed`] when nobody is left to work for.
    pub async fn send(&self, element: Element) -> Result<(), Closed> {
        if self.floor.drops(&element) {
            return Ok(());
        }
        let Some((last, others)) = self.targets.split_last() else {
            return Ok(()); // a sink: what it sends goes nowhere
        };
        let mut open = false;
        for target in others {
            open |= target.send(element.clone()).await.is_ok();
        }
        open |= last.send(element).await.is_ok();
        if open { Ok(()) } else { Err(Closed) }
    }

    /// Sends an element to the stage called `to` only. An end goes to every edge.
    ///
    /// # Errors
    ///
    /// [`Closed`] when that stage has ended, or there is no edge to it.
    pub async fn send_to(&self, to: &str, element: Element) -> Result<(), Closed> {
        if element.is_end() {
            return self.send(element).await;
        }
        if self.floor.drops(&element) {
            return Ok(());
        }
        let target = self.targets.iter().find(|target| target.name == to).ok_or(Closed)?;
        target.send(element).await
    }

    /// Whether an element can be sent without waiting, if nobody else sends.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.targets.iter().all(Target::has_room)
    }

    /// The stages that its edges lead to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.name.as_str())
    }

    /// How many elements best-effort edges have dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.targets.iter().map(Target::dropped).sum()
    }
}

/// The other end of the edge is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the next stage has ended")]
pub struct Closed;

/// One edge, as its sender sees it.
#[derive(Debug)]
pub(super) struct Target {
    name: String,
    queues: Sender,
}

#[derive(Debug)]
enum Sender {
    /// One queue, or one for each priority.
    Required(Vec<mpsc::Sender<Element>>),
    BestEffort(Dropping),
}

impl Target {
    /// An edge that holds its sender back when it is full.
    pub(super) fn required(name: &str, capacity: usize) -> (Self, Vec<Lane>) {
        Self::lanes(name, capacity, 1)
    }

    /// The same with a queue for each priority, so that the urgent goes first.
    pub(super) fn prioritized(name: &str, capacity: usize) -> (Self, Vec<Lane>) {
        Self::lanes(name, capacity, Priority::ALL.len())
    }

    fn lanes(name: &str, capacity: usize, count: usize) -> (Self, Vec<Lane>) {
        let (senders, lanes) = (0..count)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(capacity);
                (sender, Lane::new(Queue::Required(receiver)))
            })
            .unzip();
        (Self { name: name.to_owned(), queues: Sender::Required(senders) }, lanes)
    }

    /// An edge that drops its oldest element when it is full.
    pub(super) fn best_effort(name: &str, capacity: usize) -> (Self, Vec<Lane>) {
        let shared = Arc::new(Shared {
            queue: ArrayQueue::new(capacity),
            dropped: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        });
        let lane = Lane::new(Queue::best_effort(Arc::clone(&shared)));
        let queues = Sender::BestEffort(Dropping(shared));
        (Self { name: name.to_owned(), queues }, vec![lane])
    }

    async fn send(&self, element: Element) -> Result<(), Closed> {
        match &self.queues {
            Sender::Required(queues) if queues.len() == 1 => {
                queues[0].send(element).await.map_err(|_| Closed)
            }
            // An end goes down every lane: the inlet passes it on when it has come out of all.
            Sender::Required(queues) if element.is_end() => {
                for queue in queues {
                    queue.send(element.clone()).await.map_err(|_| Closed)?;
                }
                Ok(())
            }
            Sender::Required(queues) => {
                let lane = element.payload.priority() as usize;
                queues[lane].send(element).await.map_err(|_| Closed)
            }
            Sender::BestEffort(Dropping(shared)) => shared.push(element),
        }
    }

    fn has_room(&self) -> bool {
        match &self.queues {
            Sender::Required(queues) => queues.iter().all(|queue| queue.capacity() > 0),
            Sender::BestEffort(_) => true,
        }
    }

    fn dropped(&self) -> u64 {
        match &self.queues {
            Sender::Required(_) => 0,
            Sender::BestEffort(Dropping(shared)) => shared.dropped.load(Ordering::Relaxed),
        }
    }
}

/// The queue of a best-effort edge.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: ArrayQueue<Element>,
    /// The sender is gone.
    pub(super) ended: AtomicBool,
    pub(super) reader: AtomicWaker,
    dropped: AtomicU64,
}

impl Shared {
    fn push(self: &Arc<Self>, element: Element) -> Result<(), Closed> {
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
struct Dropping(Arc<Shared>);

impl Drop for Dropping {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.reader.wake();
    }
}
