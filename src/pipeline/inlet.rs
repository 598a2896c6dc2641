//! The receiving end of the edges into a stage.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use tokio::sync::mpsc;

use super::metrics::Meter;
use super::queue::Shared;
use super::{Context, Element, Floor, StageError, Transform, priority};

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
            let Some((lane, element)) = self.most_urgent() else {
                let over = self.lanes.iter().all(Lane::is_over);
                return if over { Poll::Ready(Ok(None)) } else { Poll::Pending };
            };
            if !element.is_end() {
                return Poll::Ready(Ok(Some(element)));
            }
            self.count_end(lane, element);
        }
    }

    /// Takes the most urgent of the elements at hand, and says from which lane.
    fn most_urgent(&mut self) -> Option<(usize, Element)> {
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
        Some((best.1, self.lanes[best.1].head.take()?))
    }

    fn count_end(&mut self, lane: usize, element: Element) {
        let same = |end: &&mut PendingEnd| {
            (end.element.turn, end.element.response) == (element.turn, element.response)
                && !end.from.contains(&lane)
        };
        match self.ends.iter_mut().find(same) {
            Some(end) => end.from.push(lane),
            None => self.ends.push(PendingEnd { element, from: vec![lane] }),
        }
        // An edge that never gives its ends must not have those of the others pile up.
        let too_many = self.ends.len().saturating_sub(PENDING_ENDS);
        self.ends.drain(..too_many);
    }

    /// Takes the first end that nobody owes any more.
    fn complete_end(&mut self) -> Option<Element> {
        let complete = |end: &PendingEnd| {
            (0..self.lanes.len())
                .all(|lane| self.lanes[lane].is_over() || self.has_given(lane, end))
        };
        let ends = self.ends.iter().enumerate().filter(|(_, end)| complete(end));
        let first = ends.min_by_key(|(_, end)| (end.element.response, end.element.turn))?.0;
        Some(self.ends.remove(first).element)
    }

    /// Whether `lane` has given `end`, or a later one: lanes keep their order, so that it has
    /// lost this one.
    fn has_given(&self, lane: usize, end: &PendingEnd) -> bool {
        let Element { turn, response, .. } = end.element;
        self.ends.iter().filter(|other| other.from.contains(&lane)).any(|other| {
            let later = &other.element;
            match response {
                Some(_) => later.response >= response,
                None => later.response.is_none() && later.turn >= turn,
            }
        })
    }
}

/// An end that some lanes have given.
#[derive(Debug)]
struct PendingEnd {
    element: Element,
    from: Vec<usize>,
}

/// One queue into an inlet, with the transforms that run on its way.
#[derive(Debug)]
pub(super) struct Lane {
    queue: Queue,
    transforms: Vec<(Box<dyn Transform>, Option<Meter>)>,
    /// What goes into the next transform, and what comes out of it: kept for their room.
    wave: Vec<Element>,
    emitted: Vec<Element>,
    /// What the transforms have given and nobody has taken yet.
    given: VecDeque<Element>,
    /// The next element, where several lanes compete.
    head: Option<Element>,
    /// The queue has ended, and the transforms have no more to give than is in `given`.
    ended: bool,
}

#[derive(Debug)]
pub(super) enum Queue {
    Required(mpsc::Receiver<Element>),
    Prioritized(priority::Receiver),
    BestEffort(Arc<Shared>),
}

impl Queue {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Element>> {
        match self {
            Self::Required(queue) => queue.poll_recv(cx),
            Self::Prioritized(queue) => queue.poll(cx),
            Self::BestEffort(shared) => shared.poll(cx),
        }
    }
}

impl Lane {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            transforms: Vec::new(),
            wave: Vec::new(),
            emitted: Vec::new(),
            given: VecDeque::new(),
            head: None,
            ended: false,
        }
    }

    /// Adds a transform behind those that are there.
    pub(super) fn fuse(&mut self, transform: Box<dyn Transform>, meter: Option<Meter>) {
        self.transforms.push((transform, meter));
    }

    fn is_over(&self) -> bool {
        self.ended && self.given.is_empty() && self.head.is_none()
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
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            match std::task::ready!(self.queue.poll(cx)) {
                Some(element) if floor.drops(&element) => {}
                Some(element) if self.transforms.is_empty() => {
                    return Poll::Ready(Ok(Some(element)));
                }
                Some(element) => {
                    self.wave.push(element);
                    self.transform(0)?;
                }
                None => {
                    self.ended = true;
                    for at in 0..self.transforms.len() {
                        self.transforms[at].0.finish(&mut self.wave)?;
                        self.transform(at + 1)?;
                    }
                }
            }
        }
    }

    /// Runs the wave through the transforms from `from` on.
    fn transform(&mut self, from: usize) -> Result<(), StageError> {
        for (transform, meter) in &mut self.transforms[from..] {
            for element in self.wave.drain(..) {
                let _measured = meter.as_mut().map(Meter::measure);
                transform.apply(element, &mut self.emitted)?;
            }
            std::mem::swap(&mut self.wave, &mut self.emitted);
        }
        self.given.extend(self.wave.drain(..));
        Ok(())
    }
}

/// Ends that wait for the other edges of a merge. Only a few responses are on their way at once.
const PENDING_ENDS: usize = 64;
