//! Writes behind a conversation, so that it never waits for its store.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::{Entry, Revision, StateError, StateStore};
use crate::ids::ConversationId;

/// Writes behind one conversation.
///
/// What is [kept](Self::keep) is stored in its order by a task of its own, all that waits at once.
/// What could not be stored (the store is locked, full, gone) waits, and is tried again with the
/// next entry or [`flush`](Self::flush). A conflict is final: somebody else writes to that
/// conversation, so nothing more is stored, and [`unsaved`](Self::unsaved) has what was not, for a
/// log under another id.
///
/// Clones are handles to the same log. When the last one is dropped, what waits is tried once
/// more, in the background, for at most 10 s; whoever must know that it is stored flushes first.
#[derive(Clone)]
pub struct Keeper(Arc<Owner>);

/// An entry that was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct NotKept {
    /// The entry.
    pub entry: Box<Entry>,
    /// Why: [`StateError::Behind`] or [`StateError::Conflict`].
    #[source]
    pub why: StateError,
}

/// What all handles hold together; its drop ends the task.
struct Owner(Arc<Shared>);

struct Shared {
    id: ConversationId,
    log: Mutex<Log>,
    /// There is something to try, or the end.
    wake: Notify,
    progress: watch::Sender<Progress>,
}

struct Log {
    waiting: VecDeque<Arc<Entry>>,
    /// How many entries were taken so far.
    taken: u64,
    /// How many tries have begun.
    tries: u64,
    /// A try is worth it: something has come since the last, or somebody waits for one.
    wanted: bool,
    closing: bool,
}

/// How far the task has come.
#[derive(Clone, Debug)]
struct Progress {
    /// How many of the entries that were taken are stored.
    stored: u64,
    revision: Revision,
    /// The last try, if it failed: its number and why.
    failed: Option<(u64, StateError)>,
    is_over: bool,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { id, progress, .. } = &*self.0.0;
        f.debug_struct("Keeper").field("id", id).field("progress", &*progress.borrow()).finish()
    }
}

impl Keeper {
    /// Begins to write behind the conversation `id`, which has `after` entries in the store.
    ///
    /// `report` is told of a failure, once until something is stored again. It must not wait.
    ///
    /// Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(
        store: Arc<dyn StateStore>,
        id: ConversationId,
        after: Revision,
        report: impl Fn(&StateError) + Send + 'static,
    ) -> Self {
        let progress = Progress { stored: 0, revision: after, failed: None, is_over: false };
        let log =
            Log { waiting: VecDeque::new(), taken: 0, tries: 0, wanted: false, closing: false };
        let shared = Arc::new(Shared {
            id,
            log: Mutex::new(log),
            wake: Notify::new(),
            progress: watch::Sender::new(progress),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            store,
            report: Box::new(report),
            failing: false,
            unsure: false,
        };
        tokio::spawn(writer.run());
        Self(Arc::new(Owner(shared)))
    }

    /// Takes an entry, to be stored soon. Never waits.
    ///
    /// # Errors
    ///
    /// Gives the entry back when 1,024 wait already, so that nothing is lost unseen, or when there
    /// was a conflict. After it, later ones must not be kept before it was: the log would have a
    /// gap.
    pub fn keep(&self, entry: Entry) -> Result<(), NotKept> {
        let shared = &self.0.0;
        let mut log = shared.log();
        let waiting = log.waiting.len();
        let why = shared.refusal().or_else(|| {
            (waiting >= MOST_WAITING).then(|| StateError::Behind { id: shared.id.clone(), waiting })
        });
        if let Some(why) = why {
            return Err(NotKept { entry: Box::new(entry), why });
        }
        log.waiting.push_back(Arc::new(entry));
        log.taken += 1;
        log.wanted = true;
        shared.wake.notify_one();
        Ok(())
    }

    /// Waits until all that was kept so far is stored, and says how many entries there are then;
    /// or until a try to store it has failed. It is tried at once.
    ///
    /// # Errors
    ///
    /// Why the try failed. What waits goes on waiting.
    pub async fn flush(&self) -> Result<Revision, StateError> {
        let shared = &self.0.0;
        let mut progress = shared.progress.subscribe();
        let (taken, tries) = {
            let mut log = shared.log();
            log.wanted = true;
            (log.taken, log.tries)
        };
        shared.wake.notify_one();
        let settled = |progress: &Progress| {
            let failed = progress.failed.as_ref();
            progress.stored >= taken
                || progress.is_over
                || failed.is_some_and(|(at, why)| *at > tries || why.is_final())
        };
        let progress = match progress.wait_for(settled).await {
            Ok(progress) => progress.clone(),
            Err(_gone) => shared.progress.borrow().clone(),
        };
        if progress.stored >= taken {
            return Ok(progress.revision);
        }
        let ended = || StateError::Failed {
            place: shared.id.to_string(),
            reason: "its runtime has ended".to_owned(),
        };
        Err(progress.failed.map_or_else(ended, |(_, why)| why))
    }

    /// The conversation.
    #[must_use]
    pub fn id(&self) -> &ConversationId {
        &self.0.0.id
    }

    /// How many entries the store has acknowledged.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.0.progress.borrow().revision
    }

    /// A copy of what waits to be stored. After a conflict that is all that never will be.
    #[must_use]
    pub fn unsaved(&self) -> Vec<Entry> {
        self.0.0.log().waiting.iter().map(|entry| Entry::clone(entry)).collect()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.log().closing = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The conflict, if there was one.
    fn refusal(&self) -> Option<StateError> {
        let progress = self.progress.borrow();
        let failed = progress.failed.as_ref().map(|(_, why)| why);
        failed.filter(|why| why.is_final()).cloned()
    }
}

/// The task that stores.
struct Writer {
    shared: Arc<Shared>,
    store: Arc<dyn StateStore>,
    report: Box<dyn Fn(&StateError) + Send>,
    /// The last try failed, and that was told.
    failing: bool,
    /// A try failed in such a way that it may have been stored nevertheless.
    unsure: bool,
}

/// What there is to do.
enum Next {
    Wait,
    Try { number: u64, entries: Vec<Arc<Entry>>, is_last: bool },
    End,
}

impl Drop for Writer {
    /// Whoever waits waits no longer; the runtime may have ended the task.
    fn drop(&mut self) {
        self.shared.progress.send_modify(|progress| progress.is_over = true);
    }
}

impl Writer {
    async fn run(mut self) {
        loop {
            match self.next() {
                Next::Wait => self.shared.wake.notified().await,
                Next::Try { number, entries, is_last } => {
                    let tried = timeout(LIMIT, self.attempt(number, &entries)).await;
                    if tried.is_err() {
                        self.unsure = true;
                        let place = self.store.name().to_owned();
                        self.failed(number, StateError::Late { place, limit: LIMIT });
                    }
                    if is_last {
                        return;
                    }
                }
                Next::End => return,
            }
        }
    }

    fn next(&self) -> Next {
        let refused = self.shared.refusal().is_some();
        let mut log = self.shared.log();
        let closing = log.closing;
        if refused || log.waiting.is_empty() {
            log.wanted = false;
            return if closing { Next::End } else { Next::Wait };
        }
        if !std::mem::take(&mut log.wanted) && !closing {
            return Next::Wait;
        }
        log.tries += 1;
        let entries = log.waiting.iter().map(Arc::clone).collect();
        Next::Try { number: log.tries, entries, is_last: closing }
    }

    /// Tries to store all that waits.
    async fn attempt(&mut self, number: u64, entries: &[Arc<Entry>]) {
        let mut rest = entries;
        loop {
            match self.append(rest).await {
                Ok(revision) => return self.stored(rest.len(), revision),
                Err(why) if why.is_final() && self.unsure => {
                    self.unsure = false;
                    match self.already_there(rest).await {
                        Ok(there) if there > 0 => {
                            self.stored(there, self.revision().plus(there));
                            rest = &rest[there..];
                            if rest.is_empty() {
                                return;
                            }
                        }
                        Ok(_) => return self.failed(number, why),
                        Err(why) => {
                            self.unsure = true;
                            return self.failed(number, why);
                        }
                    }
                }
                Err(why) => {
                    self.unsure |= !why.is_final();
                    return self.failed(number, why);
                }
            }
        }
    }

    async fn append(&mut self, entries: &[Arc<Entry>]) -> Result<Revision, StateError> {
        let entries = entries.iter().map(|entry| Entry::clone(entry)).collect();
        self.store.append(&self.shared.id, self.revision(), entries).await
    }

    /// How many of `entries` stand where they should: an append whose answer was lost.
    async fn already_there(&mut self, entries: &[Arc<Entry>]) -> Result<usize, StateError> {
        let there = self.store.read(&self.shared.id).await?.unwrap_or_default();
        let before = usize::try_from(self.revision().get()).unwrap_or(usize::MAX);
        let there = there.get(before..).unwrap_or_default();
        let ours = there.len() <= entries.len()
            && there.iter().zip(entries).all(|(one, other)| is_same(one, other));
        Ok(if ours { there.len() } else { 0 })
    }

    fn stored(&mut self, count: usize, revision: Revision) {
        (self.failing, self.unsure) = (false, false);
        self.shared.log().waiting.drain(..count);
        self.shared.progress.send_modify(|progress| {
            progress.stored += count as u64;
            progress.revision = revision;
            progress.failed = None;
        });
    }

    fn failed(&mut self, number: u64, why: StateError) {
        // A conflict is another matter than the failures before it.
        if !self.failing || why.is_final() {
            (self.report)(&why);
        }
        self.failing = true;
        self.shared.progress.send_modify(|progress| progress.failed = Some((number, why)));
    }

    fn revision(&self) -> Revision {
        self.shared.progress.borrow().revision
    }
}

/// Whether `read` is what came of `written`: a number may come back a last digit off.
fn is_same(read: &Entry, written: &Entry) -> bool {
    let read_again = || serde_json::from_str::<Entry>(&serde_json::to_string(written).ok()?).ok();
    read == written || read_again().as_ref() == Some(read)
}

const MOST_WAITING: usize = 1_024;
/// For one try, with a store that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(10);
