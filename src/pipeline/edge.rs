//! The sending end of an edge.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::inlet::{Lane, Queue};
use super::priority::{self, prioritized};
use super::queue::{Closed, Dropping, Shared, push};
use super::{Context, Element, Floor, Inlet};

/// An edge of `capacity` elements between two ends.
#[must_use]
pub fn edge(capacity: usize, context: &Context) -> (Outlet, Inlet) {
    let (target, lane) = Target::required("", capacity);
    (Outlet::new(vec![target], context.floor.clone()), Inlet::new(vec![lane], context.clone()))
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
    /// responses vanish, and their senders do not wait.
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
            open |= target.send(element.clone(), &self.floor).await.is_ok();
        }
        open |= last.send(element, &self.floor).await.is_ok();
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
        target.send(element, &self.floor).await
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

/// One edge, as its sender sees it.
#[derive(Debug)]
pub(super) struct Target {
    name: String,
    queue: Sender,
}

#[derive(Debug)]
enum Sender {
    Required(mpsc::Sender<Element>),
    Prioritized(priority::Sender),
    BestEffort(Dropping),
}

impl Target {
    /// An edge that holds its sender back when it is full.
    pub(super) fn required(name: &str, capacity: usize) -> (Self, Lane) {
        let (sender, receiver) = mpsc::channel(capacity);
        Self::new(name, Sender::Required(sender), Queue::Required(receiver))
    }

    /// The same, on which the urgent goes first.
    pub(super) fn prioritized(name: &str, capacity: usize) -> (Self, Lane) {
        let (sender, receiver) = prioritized(capacity);
        Self::new(name, Sender::Prioritized(sender), Queue::Prioritized(receiver))
    }

    /// An edge that drops its oldest element when it is full.
    pub(super) fn best_effort(name: &str, capacity: usize) -> (Self, Lane) {
        let shared = Shared::new(capacity);
        let queue = Queue::BestEffort(Arc::clone(&shared));
        Self::new(name, Sender::BestEffort(Dropping(shared)), queue)
    }

    fn new(name: &str, queue: Sender, lane: Queue) -> (Self, Lane) {
        (Self { name: name.to_owned(), queue }, Lane::new(lane))
    }

    async fn send(&self, element: Element, floor: &Floor) -> Result<(), Closed> {
        match &self.queue {
            Sender::Required(queue) => push(queue, element, floor).await,
            Sender::Prioritized(queue) => queue.send(element, floor).await,
            Sender::BestEffort(Dropping(shared)) => shared.push(element),
        }
    }

    fn has_room(&self) -> bool {
        match &self.queue {
            Sender::Required(queue) => queue.capacity() > 0,
            Sender::Prioritized(queue) => queue.has_room(),
            Sender::BestEffort(_) => true,
        }
    }

    fn dropped(&self) -> u64 {
        match &self.queue {
            Sender::Required(_) | Sender::Prioritized(_) => 0,
            Sender::BestEffort(Dropping(shared)) => shared.dropped(),
        }
    }
}
