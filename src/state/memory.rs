//! Conversations that last as long as the program, or shorter.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::listing::{Listing, Sketch};
use super::{Entry, Revision, StateError, StateStore, StoreFuture};
use crate::ids::ConversationId;
use crate::time::{SessionClock, SessionTime};

/// Keeps conversations in memory: those that nobody reads or writes for an hour go, and of more
/// than 10,000 the one longest untouched.
///
/// Time is Tokio's, so that a test can pause it.
#[derive(Debug)]
pub struct MemoryStore {
    limits: MemoryLimits,
    clock: SessionClock,
    kept: Mutex<Kept>,
}

/// How long a [`MemoryStore`] keeps how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// A conversation that nobody reads or writes for so long goes: 1 h by default.
    pub idle: Duration,
    /// So many are kept, at least one: 10,000 by default. Of more, the one longest untouched goes.
    pub conversations: usize,
}

#[derive(Debug, Default)]
struct Kept {
    conversations: BTreeMap<ConversationId, Conversation>,
    /// By the last touch; the first is the longest untouched.
    order: BTreeMap<u64, ConversationId>,
    touches: u64,
}

#[derive(Debug)]
struct Conversation {
    entries: Vec<Entry>,
    sketch: Sketch,
    at: SessionTime,
    /// Its place in the order.
    touch: u64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(3_600), conversations: 10_000 }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryLimits::default())
    }
}

impl MemoryStore {
    /// A store that keeps nothing yet.
    #[must_use]
    pub fn new(limits: MemoryLimits) -> Self {
        Self { limits, clock: SessionClock::live(), kept: Mutex::default() }
    }

    /// What is kept, without what has gone by now.
    fn kept(&self) -> (MutexGuard<'_, Kept>, SessionTime) {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.expire(now, self.limits.idle);
        (kept, now)
    }

    fn add(
        &self,
        id: &ConversationId,
        expected: Revision,
        entries: Vec<Entry>,
    ) -> Result<Revision, StateError> {
        let (mut kept, now) = self.kept();
        let found = kept.conversations.get(id).map_or(Revision::ZERO, Conversation::revision);
        if found != expected {
            return Err(StateError::Conflict { id: id.clone(), expected, found });
        }
        if entries.is_empty() {
            return Ok(found);
        }
        if found == Revision::ZERO {
            kept.make_room(self.limits.conversations);
        }
        Ok(kept.add(id, entries, now))
    }
}

impl StateStore for MemoryStore {
    fn name(&self) -> &str {
        "memory"
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        let (mut kept, now) = self.kept();
        let entries = kept.conversations.get(id).map(|found| found.entries.clone());
        kept.touch(id, now);
        Box::pin(ready(Ok(entries)))
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        Box::pin(ready(self.add(id, after, entries)))
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        let (kept, _) = self.kept();
        let all = kept.conversations.iter();
        let all = all.filter_map(|(id, found)| found.sketch.clone().listing(id.clone()));
        Box::pin(ready(Ok(all.collect())))
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        let (mut kept, _) = self.kept();
        Box::pin(ready(Ok(kept.remove(id))))
    }
}

impl Kept {
    fn expire(&mut self, now: SessionTime, idle: Duration) {
        while let Some((_, id)) = self.order.first_key_value() {
            let id = id.clone();
            let is_idle = |found: &Conversation| now.since(found.at) >= idle;
            if !self.conversations.get(&id).is_some_and(is_idle) {
                return;
            }
            self.remove(&id);
        }
    }

    fn make_room(&mut self, most: usize) {
        while self.conversations.len() >= most.max(1)
            && let Some((_, id)) = self.order.first_key_value()
        {
            let id = id.clone();
            self.remove(&id);
        }
    }

    fn add(&mut self, id: &ConversationId, entries: Vec<Entry>, now: SessionTime) -> Revision {
        let new =
            || Conversation { entries: Vec::new(), sketch: Sketch::default(), at: now, touch: 0 };
        let found = self.conversations.entry(id.clone()).or_insert_with(new);
        entries.iter().for_each(|entry| found.sketch.add(entry));
        found.entries.extend(entries);
        let revision = found.revision();
        self.touch(id, now);
        revision
    }

    fn touch(&mut self, id: &ConversationId, now: SessionTime) {
        let Some(found) = self.conversations.get_mut(id) else { return };
        self.order.remove(&found.touch);
        self.touches += 1;
        (found.at, found.touch) = (now, self.touches);
        self.order.insert(self.touches, id.clone());
    }

    fn remove(&mut self, id: &ConversationId) -> bool {
        let gone = self.conversations.remove(id);
        gone.is_some_and(|gone| self.order.remove(&gone.touch).is_some())
    }
}

impl Conversation {
    fn revision(&self) -> Revision {
        Revision::ZERO.plus(self.entries.len())
    }
}
