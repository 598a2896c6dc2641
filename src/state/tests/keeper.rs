use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::*;
use crate::time::SessionClock;

/// A store in memory that does with each append what it is told; then as a store does.
#[derive(Debug)]
struct Moody {
    memory: MemoryStore,
    moods: Mutex<VecDeque<Mood>>,
    /// How many entries each append brought.
    appends: Mutex<Vec<usize>>,
    /// Appends that `Mood::Waits` may go on.
    go_on: Semaphore,
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Fails,
    /// It stores, and says that it did not: an answer that was lost.
    Lies,
    /// It waits for `go_on`.
    Waits,
    Hangs,
}

impl Moody {
    fn new(moods: impl IntoIterator<Item = Mood>) -> Arc<Self> {
        Arc::new(Self {
            memory: MemoryStore::default(),
            moods: Mutex::new(moods.into_iter().collect()),
            appends: Mutex::default(),
            go_on: Semaphore::new(0),
        })
    }

    fn appends(&self) -> Vec<usize> {
        self.appends.lock().unwrap().clone()
    }

    async fn words(&self) -> Vec<String> {
        let entries = self.memory.read(&id("talk")).await.unwrap().unwrap_or_default();
        let saved = Saved::of(entries);
        saved.turns.iter().map(|turn| turn.messages[0].text.clone()).collect()
    }
}

fn full() -> StateError {
    StateError::Full { place: "talk".into(), reason: "the disk is full".into() }
}

impl StateStore for Moody {
    fn name(&self) -> &str {
        "moody"
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        self.memory.read(id)
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        self.appends.lock().unwrap().push(entries.len());
        let (mood, id) = (self.moods.lock().unwrap().pop_front(), id.clone());
        Box::pin(async move {
            match mood {
                Some(Mood::Fails) => return Err(full()),
                Some(Mood::Hangs) => std::future::pending().await,
                Some(Mood::Waits) => self.go_on.acquire().await.unwrap().forget(),
                Some(Mood::Lies) | None => {}
            }
            let revision = self.memory.append(&id, after, entries).await?;
            if matches!(mood, Some(Mood::Lies)) { Err(full()) } else { Ok(revision) }
        })
    }

    fn list(&self) -> StoreFuture<'_, Vec<Listing>> {
        self.memory.list()
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        self.memory.delete(id)
    }
}

/// A keeper, and how often it has reported a failure.
fn keeper(store: &Arc<Moody>) -> (Keeper, Arc<AtomicUsize>) {
    let reports = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reports);
    let report = move |_: &StateError| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let store: Arc<dyn StateStore> = Arc::<Moody>::clone(store);
    (Keeper::start(store, id("talk"), Revision::ZERO, report), reports)
}

async fn wait(seconds: u64) {
    SessionClock::live().sleep(Duration::from_secs(seconds)).await;
}

fn keep(keeper: &Keeper, all: &[&str]) {
    for words in all {
        keeper.keep(turn(words)).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_stored_in_its_order() {
    let store = Moody::new([]);
    let (keeper, reports) = keeper(&store);
    assert_eq!(keeper.flush().await, Ok(Revision::ZERO));
    keep(&keeper, &["a", "b"]);
    assert_eq!(keeper.flush().await, Ok(Revision::new(2)));
    keep(&keeper, &["c"]);
    assert_eq!(keeper.flush().await, Ok(Revision::new(3)));
    assert_eq!(store.words().await, ["a", "b", "c"]);
    assert_eq!((keeper.revision(), keeper.unsaved()), (Revision::new(3), vec![]));
    assert_eq!(reports.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_stored_all_at_once() {
    let store = Moody::new([Mood::Waits]);
    let (keeper, _) = keeper(&store);
    keep(&keeper, &["a"]);
    tokio::task::yield_now().await;
    keep(&keeper, &["b", "c", "d"]);
    assert_eq!(keeper.unsaved().len(), 4);
    store.go_on.add_permits(1);
    assert_eq!(keeper.flush().await, Ok(Revision::new(4)));
    assert_eq!(store.appends(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_with_the_next_entry_and_never_out_of_order() {
    let store = Moody::new([Mood::Fails, Mood::Fails]);
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a"]);
    assert_eq!(keeper.flush().await, Err(full()));
    keep(&keeper, &["b"]);
    // Nothing is tried for no reason.
    wait(60).await;
    assert_eq!(store.appends(), [1, 2]);
    assert_eq!(keeper.unsaved(), [turn("a"), turn("b")]);
    keep(&keeper, &["c"]);
    assert_eq!(keeper.flush().await, Ok(Revision::new(3)));
    assert_eq!(store.words().await, ["a", "b", "c"]);
    // Once for both failures.
    assert_eq!(reports.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flush_tries_again_by_itself() {
    let store = Moody::new([Mood::Fails, Mood::Fails]);
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a"]);
    assert_eq!(keeper.flush().await, Err(full()));
    assert_eq!(keeper.flush().await, Err(full()));
    assert_eq!(keeper.flush().await, Ok(Revision::new(1)));
    assert_eq!((store.appends(), reports.load(Ordering::Relaxed)), (vec![1, 1, 1], 1));
}

#[tokio::test(start_paused = true)]
async fn a_second_run_of_failures_is_reported_again() {
    let store = Moody::new([Mood::Fails]);
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a"]);
    assert!(keeper.flush().await.is_err());
    assert!(keeper.flush().await.is_ok());
    store.moods.lock().unwrap().push_back(Mood::Fails);
    keep(&keeper, &["b"]);
    assert!(keeper.flush().await.is_err());
    assert_eq!(reports.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_final_and_what_was_not_stored_can_go_elsewhere() {
    let store = Moody::new([]);
    store.memory.append(&id("talk"), Revision::ZERO, vec![turn("theirs")]).await.unwrap();
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a", "b"]);
    let conflict = keeper.flush().await.unwrap_err();
    let (expected, found) = (Revision::ZERO, Revision::new(1));
    assert_eq!(conflict, StateError::Conflict { id: id("talk"), expected, found });
    let refused = keeper.keep(turn("c")).unwrap_err();
    assert_eq!((*refused.entry, refused.why), (turn("c"), conflict.clone()));
    assert_eq!(keeper.flush().await, Err(conflict));
    assert_eq!(store.appends(), [2]);
    assert_eq!(reports.load(Ordering::Relaxed), 1);
    assert_eq!(keeper.unsaved(), [turn("a"), turn("b")]);
    assert_eq!(store.words().await, ["theirs"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_is_no_conflict() {
    let store = Moody::new([Mood::Lies]);
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a"]);
    assert_eq!(keeper.flush().await, Err(full()));
    keep(&keeper, &["b"]);
    assert_eq!(keeper.flush().await, Ok(Revision::new(2)));
    assert_eq!(store.words().await, ["a", "b"]);
    assert_eq!(reports.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_somebody_else_s_words_are_a_conflict_still() {
    let store = Moody::new([Mood::Fails]);
    let (keeper, _) = keeper(&store);
    keep(&keeper, &["a"]);
    assert!(keeper.flush().await.is_err());
    store.memory.append(&id("talk"), Revision::ZERO, vec![turn("theirs")]).await.unwrap();
    assert!(matches!(keeper.flush().await, Err(StateError::Conflict { .. })));
    assert_eq!(store.words().await, ["theirs"]);
}

#[tokio::test(start_paused = true)]
async fn when_too_much_waits_the_next_entry_is_given_back() {
    let store = Moody::new([Mood::Waits]);
    let (keeper, _) = keeper(&store);
    for number in 0..1_024 {
        keeper.keep(turn(&number.to_string())).unwrap();
    }
    let refused = keeper.keep(turn("more")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "1024 entries of talk wait to be stored, and no more are taken until they are"
    );
    store.go_on.add_permits(1);
    assert_eq!(keeper.flush().await, Ok(Revision::new(1_024)));
    keeper.keep(*refused.entry).unwrap();
    assert_eq!(keeper.flush().await, Ok(Revision::new(1_025)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_nobody_up_for_ever() {
    let store = Moody::new([Mood::Hangs]);
    let (keeper, _) = keeper(&store);
    keep(&keeper, &["a"]);
    let late = StateError::Late { place: "moody".into(), limit: Duration::from_secs(10) };
    assert_eq!(keeper.flush().await, Err(late));
    assert_eq!(keeper.flush().await, Ok(Revision::new(1)));
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_last_handle_goes_is_tried_once_more() {
    let store = Moody::new([Mood::Fails, Mood::Waits]);
    let (keeper, _) = keeper(&store);
    keep(&keeper, &["a"]);
    assert!(keeper.flush().await.is_err());
    let other = keeper.clone();
    drop(keeper);
    keep(&other, &["b"]);
    drop(other);
    store.go_on.add_permits(1);
    wait(1).await;
    assert_eq!((store.appends(), store.words().await), (vec![1, 2], vec!["a".into(), "b".into()]));
    // The task has ended, and lets go of the store.
    assert_eq!(Arc::strong_count(&store), 1);
}

#[tokio::test(start_paused = true)]
async fn a_last_try_that_hangs_ends() {
    let store = Moody::new([Mood::Hangs]);
    let (keeper, reports) = keeper(&store);
    keep(&keeper, &["a"]);
    drop(keeper);
    wait(11).await;
    assert_eq!((Arc::strong_count(&store), reports.load(Ordering::Relaxed)), (1, 1));
}
