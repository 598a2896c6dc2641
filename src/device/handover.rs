//! The way of a speaker's port from one device to the next, while both run.
//!
//! A new speaker starts with a port that waits, and plays silence. Once it runs, and the speaker
//! before has given its port back, that port takes the place of the one that waits, within the
//! audio callback: nothing is allocated or freed there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;

use super::render::{RenderPort, render_port};
use crate::audio::SampleRate;
use crate::time::SessionTime;

/// What a port that waits shares with whoever gives it the other.
pub(super) struct Waiting {
    /// The port that is given, then the one that waited, which is freed elsewhere.
    place: ArrayQueue<RenderPort>,
    origin: AtomicU64,
}

impl Waiting {
    pub(super) fn origin(&self) -> SessionTime {
        SessionTime::from_nanos(self.origin.load(Ordering::Acquire))
    }

    /// Puts what was given in the place of `waits`.
    pub(super) fn relieve(&self, waits: &mut RenderPort) {
        if let Some(mut port) = self.place.pop() {
            port.keep(waits.kept); // as its new device wishes
            let _room = self.place.push(std::mem::replace(waits, port));
        }
    }
}

/// Gives a port to a speaker that waits for it. Dropping it frees what was exchanged.
pub(crate) struct Handover(Arc<Waiting>);

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handover").finish_non_exhaustive()
    }
}

/// A port that plays silence until another is handed over.
pub(crate) fn waiting_port(rate: SampleRate) -> (RenderPort, Handover) {
    let (mut port, _playback, _tap) = render_port(rate);
    let waiting = Arc::new(Waiting { place: ArrayQueue::new(1), origin: AtomicU64::new(u64::MAX) });
    port.waiting = Some(Arc::clone(&waiting));
    (port, Handover(waiting))
}

impl Handover {
    /// Hands a port over, which is played from `origin` on.
    pub(crate) fn give(&self, mut port: RenderPort, origin: SessionTime) {
        port.reopen(origin);
        self.0.origin.store(origin.as_nanos(), Ordering::Release);
        let _once = self.0.place.push(port);
    }

    /// The port that was handed over, if its speaker never took it.
    pub(crate) fn take_back(&self) -> Option<RenderPort> {
        self.0.place.pop().filter(|port| !port.is_waiting())
    }
}

impl Drop for Handover {
    /// The port that waited holds on to its own place.
    fn drop(&mut self) {
        if let Some(port) = self.0.place.pop()
            && !port.is_waiting()
        {
            let _room = self.0.place.push(port); // its speaker is still to take it
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const RATE: SampleRate = SampleRate::SPEECH;

    #[test]
    fn what_is_queued_is_heard_from_the_speaker_that_waited() {
        let (mut port, mut playback, mut tap) = render_port(RATE);
        playback.push(&mut VecDeque::from(vec![7; 2000]));
        let mut out = [0; 500];
        port.fill(&mut out, SessionTime::ZERO);
        let (mut waits, handover) = waiting_port(RATE);
        assert!(waits.is_waiting());
        waits.fill(&mut out, SessionTime::ZERO);
        assert_eq!(out, [0; 500], "silence at first");

        let origin = SessionTime::from_millis(50);
        handover.give(port, origin);
        assert_eq!(waits.origin(), origin, "before anything is played of it");
        waits.fill(&mut out, origin);
        assert_eq!(out, [7; 500]);
        assert!(!waits.is_waiting() && waits.origin() == origin);
        assert_eq!((playback.gate().played(), handover.take_back().is_none()), (1000, true));
        let mut left = Vec::new();
        while tap.next_block(&mut left).is_some() {}
        assert_eq!(left, [7; 1000], "what played while it waited left nowhere");
    }

    #[test]
    fn a_port_that_was_never_taken_comes_back() {
        let (port, _playback, _tap) = render_port(RATE);
        let (waits, handover) = waiting_port(RATE);
        handover.give(port, SessionTime::ZERO);
        drop(waits);
        assert!(handover.take_back().is_some_and(|port| !port.is_waiting()));
        assert!(handover.take_back().is_none());
    }

    #[test]
    fn dropping_the_handover_frees_what_was_exchanged_and_nothing_else() {
        let (port, _playback, _tap) = render_port(RATE);
        let (mut waits, handover) = waiting_port(RATE);
        handover.give(port, SessionTime::ZERO);
        drop(handover);
        waits.fill(&mut [0; 10], SessionTime::ZERO);
        assert!(!waits.is_waiting(), "it is taken all the same");

        let (port, _playback, _tap) = render_port(RATE);
        let (mut waits, handover) = waiting_port(RATE);
        handover.give(port, SessionTime::ZERO);
        let freed = Arc::downgrade(&handover.0);
        waits.fill(&mut [0; 10], SessionTime::ZERO);
        drop(handover);
        assert_eq!(freed.strong_count(), 0);
    }
}
