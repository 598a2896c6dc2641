//! A queue in which the urgent overtakes.
//!
//! There is a lane for each priority. An end is a fence: it goes down every lane, and nothing
//! that was sent after it comes out before it.

use std::task::{Context as TaskContext, Poll, ready};

use tokio::sync::mpsc;

use super::queue::{Closed, push};
use super::{Element, Floor, Priority};

/// The two ends of a queue with `capacity` elements of each priority.
pub(super) fn prioritized(capacity: usize) -> (Sender, Receiver) {
    let (senders, lanes) = Priority::ALL
        .iter()
        .map(|_| {
            let (sender, queue) = mpsc::channel(capacity);
            (sender, Lane { queue, head: None, over: false })
        })
        .unzip();
    (Sender(senders), Receiver(lanes))
}

/// The sending end.
#[derive(Debug)]
pub(super) struct Sender(Vec<mpsc::Sender<Element>>);

impl Sender {
    pub(super) async fn send(&self, element: Element, floor: &Floor) -> Result<(), Closed> {
        if element.is_end() {
            for lane in &self.0 {
                push(lane, element.clone(), floor).await?;
            }
            return Ok(());
        }
        push(&self.0[element.payload.priority() as usize], element, floor).await
    }

    pub(super) fn has_room(&self) -> bool {
        self.0.iter().all(|lane| lane.capacity() > 0)
    }
}

/// The receiving end: the lanes, the least urgent first.
#[derive(Debug)]
pub(super) struct Receiver(Vec<Lane>);

#[derive(Debug)]
struct Lane {
    queue: mpsc::Receiver<Element>,
    head: Option<Element>,
    over: bool,
}

impl Receiver {
    pub(super) fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Element>> {
        loop {
            // The least urgent first: what was sent before a head is then seen to be there.
            self.0.iter_mut().for_each(Lane::look);
            if let Some(element) = self.take() {
                return Poll::Ready(Some(element));
            }
            if self.0.iter().all(|lane| lane.over) {
                return Poll::Ready(None);
            }
            ready!(self.wait(cx));
        }
    }

    /// Takes the most urgent head, or the end that every lane has come to.
    fn take(&mut self) -> Option<Element> {
        let mut urgent = self.0.iter_mut().rev();
        let goes = |head: &mut Element| !head.is_end();
        if let Some(element) = urgent.find_map(|lane| lane.head.take_if(goes)) {
            return Some(element);
        }
        if self.0.iter().any(|lane| lane.head.is_none() && !lane.over) {
            return None;
        }
        // Where sending was given up half-way, some lanes are at an earlier end than others.
        let key = |end: &Element| (end.turn, end.response);
        let first = self.0.iter().filter_map(|lane| lane.head.as_ref()).map(key).min()?;
        let same = |end: &mut Element| key(end) == first;
        self.0.iter_mut().filter_map(|lane| lane.head.take_if(same)).last()
    }

    /// Waits until a lane without a head has something new.
    fn wait(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut news = Poll::Pending;
        for lane in self.0.iter_mut().filter(|lane| lane.head.is_none() && !lane.over) {
            if let Poll::Ready(next) = lane.queue.poll_recv(cx) {
                lane.over = next.is_none();
                lane.head = next;
                news = Poll::Ready(());
            }
        }
        news
    }
}

impl Lane {
    fn look(&mut self) {
        if self.head.is_none() && !self.over {
            match self.queue.try_recv() {
                Ok(element) => self.head = Some(element),
                Err(mpsc::error::TryRecvError::Empty) => {}
                Err(mpsc::error::TryRecvError::Disconnected) => self.over = true,
            }
        }
    }
}
