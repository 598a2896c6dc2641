//! What is known of a call from the person's side of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Sound;
use super::mind::{LATENESS, Mind};
use crate::ids::ResponseId;
use crate::time::SessionTime;

/// What was said and heard, while the call goes on and after it. Cloning gives another handle.
#[derive(Clone, Debug)]
pub struct PersonLog(Arc<Mutex<Mind>>);

/// An utterance that was said, or is being said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Which one, from 0.
    pub index: usize,
    /// When its speech truly begins.
    pub start: SessionTime,
    /// When it truly ends.
    pub end: SessionTime,
    /// Whether these are from a label: else they are a detector's estimate.
    pub labelled: bool,
}

impl PersonLog {
    pub(super) fn new(mind: Arc<Mutex<Mind>>) -> Self {
        Self(mind)
    }

    /// What was said so far, in its order.
    #[must_use]
    pub fn spoken(&self) -> Vec<Spoken> {
        self.mind().spoken.clone()
    }

    /// The stretches in which the agent was heard so far. Only the last may still grow.
    #[must_use]
    pub fn agent(&self) -> Vec<Sound> {
        self.mind().sounds().to_vec()
    }

    /// Which utterances had no reply within the person's patience.
    #[must_use]
    pub fn unanswered(&self) -> Vec<usize> {
        self.mind().unanswered.clone()
    }

    /// How many utterances were not said yet: after the call, because it ended before.
    #[must_use]
    pub fn unsaid(&self) -> usize {
        self.mind().unsaid()
    }

    /// What the session's time zero was on the other clock, in nanoseconds; 0 before the call.
    #[must_use]
    pub fn zero_nanos(&self) -> u64 {
        self.mind().zero_nanos
    }

    /// How late the speaker was asked for sound, in whole milliseconds, in this share of the
    /// blocks at the most: the driver's own lateness, 0.95 for its 95th percentile.
    #[must_use]
    pub fn lateness_ms(&self, share: f64) -> usize {
        let mind = self.mind();
        let blocks: u64 = mind.lateness.iter().copied().map(u64::from).sum();
        let rank = (share * blocks as f64).ceil() as u64;
        let mut seen = 0;
        let found = mind.lateness.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        });
        found.unwrap_or(LATENESS - 1)
    }

    /// Tells the person the next piece of the text of a reply, so that it finds its words. Not
    /// telling is possible too.
    pub fn tell_text(&self, response: ResponseId, text: &str) {
        self.mind().tell(response, text);
    }

    /// What a call left behind, made by hand.
    #[cfg(test)]
    pub(in crate::bench) fn of(spoken: Vec<Spoken>, sounds: &[Sound], zero_nanos: u64) -> Self {
        let log = super::Person::new(Vec::new()).devices().2;
        {
            let mut mind = log.mind();
            (mind.spoken, mind.zero_nanos) = (spoken, zero_nanos);
            sounds.iter().for_each(|sound| mind.remember(*sound));
        }
        log
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        lock(&self.0)
    }
}

/// What a panic left behind is still true of what was heard.
pub(super) fn lock(mind: &Mutex<Mind>) -> MutexGuard<'_, Mind> {
    mind.lock().unwrap_or_else(PoisonError::into_inner)
}
