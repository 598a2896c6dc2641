//! The receiving end of the edges into a stage.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll};

use tokio::sync::mpsc;

use super::edge::Shared;
use super::metrics::Meter;
use super::{Context, Element, Floor, StageError, Transform};

/// The receiving end of one edge, or of several that meet.
///
/// Where several meet, the more urgent element goes first, the order on each edge is kept, and
/// an end is passed on when every edge has given its own.
#[derive(Debug)]
pub struct Inlet {
    lanes: Vec<Lane>,
    /// Where to begin to look, so that equals take turns.
    first: usize,
    ends: Vec<PendingEnd>,
    context: Context,
    meter: Option<Meter>,
}

impl Inlet {
    pub(super) fn new(lanes: Vec<Lane>, context: Context) -> Self {
        Self { lanes, first: 0, ends: Vec::new(), context, meter: None }
    }

    pub(super) fn metered(mut self, meter: Option<Meter>) -> Self {
        self.meter = meter;
        self
    }

    /// The next live element, or `None` when the stages before have ended.
    ///
    /// Cancel-safe: dropping the future loses no element.
    ///
    /// # Errors
    ///
    /// When a [`Transform`] on the way failed.
    pub async fn recv(&mut self) -> Result<Option<Element>, StageError> {
        if let Some(meter) = &mut self.meter {
            meter.done(self.context.clock.now());
        }
        let next = poll_fn(|cx| self.poll(cx)).await?;
        if next.is_some() {
            let now = self.context.touch();
            if let Some(meter) = &mut self.meter {
                meter.taken(now);
            }
        }
        Ok(next)
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<Option<Element>, StageError>> {
        if let [lane] = &mut self.lanes[..] {
            return lane.poll(cx, &self.context.floor);
        }
        loop {
            for lane in &mut self.lanes {
                lane.peek(cx, &self.context.floor)?;
            }
            if let Some(end) = self.complete_end() {
                return Poll::Ready(Ok(Some(end)));
            }
            let Some(element) = self.most_urgent() else {
                let over = self.lanes.iter().all(|lane| lane.over);
                return if over { Poll::Ready(Ok(None)) } else { Poll::Pending };
            };
            if !element.is_end() {
                return Poll::Ready(Ok(Some(element)));
            }
            self.count_end(element);
        }
    }

    /// Takes the most urgent of the elements at hand.
    fn most_urgent(&mut self) -> Option<Element> {
        let count = self.lanes.len();
        let turn = (0..count).map(|offset| (self.first + offset) % count);
        let best = turn
            .filter_map(|index| {
                let head = self.lanes[index].head.as_ref()?;
                // An end waits for its response's elements, so it goes when nothing else can.
                Some((if head.is_end() { None } else { Some(head.payload.priority()) }, index))
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        self.first = (best.1 + 1) % count;
        self.lanes[best.1].head.take()
    }

    fn count_end(&mut self, element: Element) {
        let key = (element.turn, element.response);
        match self.ends.iter_mut().find(|end| (end.element.turn, end.element.response) == key) {
            Some(end) => end.seen += 1,
            None => self.ends.push(PendingEnd { element, seen: 1 }),
        }
    }

    /// Takes the oldest end that every live lane has given.
    fn complete_end(&mut self) -> Option<Element> {
        let live = self.lanes.iter().filter(|lane| !lane.over).count();
        let at = self.ends.iter().position(|end| end.seen >= live)?;
        // Lanes keep their order: an older end that is still short of a lane will not come.
        self.ends.drain(..=at).next_back().map(|end| end.element)
    }
}

/// An end that some lanes have given.
#[derive(Debug)]
struct PendingEnd {
    element: Element,
    seen: usize,
}

/// One queue into an inlet, with the transforms that run on its way.
#[derive(Debug)]
pub(super) struct Lane {
    queue: Queue,
    transforms: Vec<(Box<dyn Transform>, Option<Meter>)>,
    /// What the transforms have given and nobody has taken yet.
    given: VecDeque<Element>,
    /// The next element, where several lanes compete.
    head: Option<Element>,
    /// The queue has ended and the transforms have given all they held.
    over: bool,
}

#[derive(Debug)]
pub(super) enum Queue {
    Required(mpsc::Receiver<Element>),
    BestEffort(Arc<Shared>),
}

impl Queue {
    pub(super) fn best_effort(shared: Arc<Shared>) -> Self {
        Self::BestEffort(shared)
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Element>> {
        let shared = match self {
            Self::Required(receiver) => return receiver.poll_recv(cx),
            Self::BestEffort(shared) => shared,
        };
        shared.reader.register(cx.waker());
        // `ended` first: what was pushed before the end is then still seen below.
        let ended = shared.ended.load(Ordering::Acquire);
        match shared.queue.pop() {
            Some(element) => Poll::Ready(Some(element)),
            None if ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Lane {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, transforms: Vec::new(), given: VecDeque::new(), head: None, over: false }
    }

    /// Adds a transform behind those that are there.
    pub(super) fn fuse(&mut self, transform: Box<dyn Transform>, meter: Option<Meter>) {
        self.transforms.push((transform, meter));
    }

    fn peek(&mut self, cx: &mut TaskContext<'_>, floor: &Floor) -> Result<(), StageError> {
        if self.head.as_ref().is_some_and(|head| floor.drops(head)) {
            self.head = None;
        }
        if self.head.is_none()
            && let Poll::Ready(next) = self.poll(cx, floor)
        {
            self.head = next?;
        }
        Ok(())
    }

    fn poll(
        &mut self,
        cx: &mut TaskContext<'_>,
        floor: &Floor,
    ) -> Poll<Result<Option<Element>, StageError>> {
        loop {
            if let Some(element) = self.given.pop_front() {
                if floor.drops(&element) {
                    continue;
                }
                return Poll::Ready(Ok(Some(element)));
            }
            if self.over {
                return Poll::Ready(Ok(None));
            }
            match std::task::ready!(self.queue.poll(cx)) {
                Some(element) if floor.drops(&element) => {}
                Some(element) if self.transforms.is_empty() => {
                    return Poll::Ready(Ok(Some(element)));
                }
                Some(element) => self.transform(0, Some(element))?,
                None => {
                    self.over = true;
                    for from in 0..self.transforms.len() {
                        self.transform(from, None)?;
                    }
                }
            }
        }
    }

    /// Runs an element, or the end of all, through the transforms from `from` on.
    fn transform(&mut self, from: usize, element: Option<Element>) -> Result<(), StageError> {
        let mut wave: Vec<Option<Element>> = vec![element];
        for (transform, meter) in &mut self.transforms[from..] {
            let mut emitted = Vec::new();
            for element in wave {
                let _measured = meter.as_mut().map(Meter::measure);
                match element {
                    Some(element) => transform.apply(element, &mut emitted)?,
                    None => transform.finish(&mut emitted)?,
                }
            }
            wave = emitted.into_iter().map(Some).collect();
        }
        self.given.extend(wave.into_iter().flatten());
        Ok(())
    }
}
