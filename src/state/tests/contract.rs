//! What holds of every store. `contract!` makes a test of each for one of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;

use super::*;

/// The tests of one kind of store. What makes it gives the store, which must be empty, with what
/// must outlive it; or nothing, if the machine lacks a part.
macro_rules! contract {
    ($make:expr; $($test:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let Some((store, _alive)) = $make.await else { return };
            crate::state::tests::contract::$test(store).await;
        }
    )*};
    ($make:expr) => {
        crate::state::tests::contract::contract! { $make;
            what_was_appended_is_read_in_its_order
            nobody_is_known_at_first
            whoever_does_not_know_what_is_there_writes_nothing
            what_is_deleted_is_gone_and_may_begin_anew
            conversations_are_listed_by_name
            of_eight_writers_one_wins_each_revision
            eight_conversations_are_written_side_by_side
            what_is_too_old_is_pruned
            any_name_is_kept_apart
        }
    };
}
pub(in crate::state) use contract;

type Store = Arc<dyn StateStore>;

pub(in crate::state) async fn what_was_appended_is_read_in_its_order(store: Store) {
    let (name, mut revision) = (id("talk"), Revision::ZERO);
    let mut expected = Vec::new();
    for entries in [all_kinds(), vec![turn("one\u{2028}\r\n\"\\")], vec![], all_kinds()] {
        expected.extend(entries.clone());
        revision = store.append(&name, revision, entries).await.unwrap();
        assert_eq!(revision.get(), expected.len() as u64);
        assert_eq!(store.read(&name).await.unwrap().as_ref(), Some(&expected));
    }
}

pub(in crate::state) async fn nobody_is_known_at_first(store: Store) {
    assert_eq!(store.read(&id("nobody")).await.unwrap(), None);
    assert!(!store.delete(&id("nobody")).await.unwrap());
    assert_eq!(store.list().await.unwrap(), []);
    // No entries make no conversation.
    assert_eq!(store.append(&id("nobody"), Revision::ZERO, vec![]).await, Ok(Revision::ZERO));
    assert_eq!(store.read(&id("nobody")).await.unwrap(), None);
    assert_eq!(store.list().await.unwrap(), []);
}

pub(in crate::state) async fn whoever_does_not_know_what_is_there_writes_nothing(store: Store) {
    let name = id("talk");
    let two = store.append(&name, Revision::ZERO, vec![opened(), turn("one")]).await.unwrap();
    for (expected, entries) in
        [(0, vec![turn("x")]), (1, vec![turn("x")]), (3, vec![turn("x")]), (0, vec![])]
    {
        let expected = Revision::new(expected);
        let error = store.append(&name, expected, entries).await.unwrap_err();
        assert_eq!(error, StateError::Conflict { id: name.clone(), expected, found: two });
    }
    let missing = store.append(&id("other"), two, vec![turn("x")]).await.unwrap_err();
    let found = Revision::ZERO;
    assert_eq!(missing, StateError::Conflict { id: id("other"), expected: two, found });
    assert_eq!(store.read(&name).await.unwrap().unwrap(), [opened(), turn("one")]);
    assert_eq!(store.read(&id("other")).await.unwrap(), None);
}

pub(in crate::state) async fn what_is_deleted_is_gone_and_may_begin_anew(store: Store) {
    let name = id("talk");
    for words in ["before", "after"] {
        let entries = vec![opened(), turn(words)];
        store.append(&name, Revision::ZERO, entries.clone()).await.unwrap();
        assert_eq!(store.read(&name).await.unwrap(), Some(entries));
        assert_eq!(store.list().await.unwrap()[0].first_words, words);
        assert!(store.delete(&name).await.unwrap());
        assert_eq!(store.read(&name).await.unwrap(), None);
        assert_eq!(store.list().await.unwrap(), []);
        let late = store.append(&name, Revision::new(2), vec![turn("late")]).await;
        assert!(matches!(late, Err(StateError::Conflict { .. })), "{late:?}");
    }
}

pub(in crate::state) async fn conversations_are_listed_by_name(store: Store) {
    store.append(&id("b"), Revision::ZERO, all_kinds()).await.unwrap();
    let one = store.append(&id("a"), Revision::ZERO, vec![turn("")]).await.unwrap();
    let listings = store.list().await.unwrap();
    let expected = [(id("a"), vec![turn("")]), (id("b"), all_kinds())]
        .map(|(name, entries)| super::super::listing::Sketch::of(&entries).listing(name).unwrap());
    assert_eq!(listings, expected);
    // It tells what was appended one by one, too.
    store.append(&id("a"), one, vec![turn("hello"), opened()]).await.unwrap();
    let listings = store.list().await.unwrap();
    assert_eq!((listings[0].turns, &*listings[0].first_words), (2, "hello"));
    assert_eq!(listings[0].prompt.as_deref(), Some("guide"));
    store.append(&id("a"), Revision::new(3), vec![Entry::Cleared { at: at(8) }]).await.unwrap();
    let listings = store.list().await.unwrap();
    assert_eq!((listings[0].turns, &*listings[0].first_words), (0, ""));
    assert_eq!((listings[0].opened, listings[0].changed), (Some(at(0)), at(8)));
}

pub(in crate::state) async fn of_eight_writers_one_wins_each_revision(store: Store) {
    race(vec![store; 8]).await;
}

/// Writers race for each revision: with one store, or each with a store of its own in the same
/// place, as programs have.
pub(in crate::state) async fn race(stores: Vec<Store>) {
    const ROUNDS: u64 = 20;
    let (barrier, last) = (Arc::new(Barrier::new(stores.len())), stores[0].clone());
    let writers: Vec<_> = stores
        .into_iter()
        .enumerate()
        .map(|(writer, store)| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                let mut won = Vec::new();
                for round in 0..ROUNDS {
                    barrier.wait().await;
                    let words = format!("{round} of {writer}");
                    let after = Revision::new(round);
                    let append = || store.append(&id("talk"), after, vec![turn(&words)]);
                    let mut done = append().await;
                    // On a disk that stalls, a lock may be held for longer than it is waited for.
                    for _ in 0..5 {
                        if matches!(done, Err(StateError::Locked { .. })) {
                            done = append().await;
                        }
                    }
                    match done {
                        Ok(revision) => {
                            assert_eq!(revision.get(), round + 1);
                            won.push((round, words));
                        }
                        Err(StateError::Conflict { found, .. }) => {
                            assert_eq!(found.get(), round + 1)
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                won
            })
        })
        .collect();
    // One that fails ends it: the others would wait for it for ever.
    let mut won = futures_util::future::try_join_all(writers).await.unwrap().concat();
    won.sort();
    let words: Vec<_> = won.iter().map(|(_, words)| turn(words)).collect();
    let rounds: Vec<_> = won.iter().map(|(round, _)| *round).collect();
    assert_eq!(rounds, (0..ROUNDS).collect::<Vec<_>>());
    assert_eq!(last.read(&id("talk")).await.unwrap().unwrap(), words);
}

pub(in crate::state) async fn eight_conversations_are_written_side_by_side(store: Store) {
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, name) = (Arc::clone(&store), id(&format!("talk{writer}")));
            tokio::spawn(async move {
                for round in 0..10 {
                    let words = format!("{round} of {writer}");
                    let after = Revision::new(round);
                    store.append(&name, after, vec![turn(&words)]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for (writer, listing) in store.list().await.unwrap().into_iter().enumerate() {
        assert_eq!((listing.turns, listing.first_words), (10, format!("0 of {writer}")));
    }
}

pub(in crate::state) async fn what_is_too_old_is_pruned(store: Store) {
    let long_ago = UtcTime::from_millis(0);
    let entry = |at| Entry::Opened(Opened::new(at));
    store.append(&id("old"), Revision::ZERO, vec![entry(long_ago)]).await.unwrap();
    store.append(&id("new"), Revision::ZERO, vec![entry(UtcTime::now())]).await.unwrap();
    let day = Some(Duration::from_secs(24 * 3_600));
    let retention = Retention { older_than: day, at_most: None };
    assert_eq!(store.prune(retention).await.unwrap(), [id("old")]);
    assert_eq!(store.prune(retention).await.unwrap(), []);
    assert_eq!(
        store.prune(Retention { at_most: Some(0), ..retention }).await.unwrap(),
        [id("new")]
    );
}

pub(in crate::state) async fn any_name_is_kept_apart(store: Store) {
    let longest = "x".repeat(128);
    let names = ["-", "-a", "A..b", "_", "a.jsonl", "a.jsonl.jsonl", "nul", &longest];
    for name in names {
        store.append(&id(name), Revision::ZERO, vec![turn(name)]).await.unwrap();
    }
    for name in names {
        assert_eq!(store.read(&id(name)).await.unwrap().unwrap(), [turn(name)]);
    }
    let listed: Vec<_> = store.list().await.unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(listed, names.map(id));
}

/// Not for all stores: it takes a while.
pub(in crate::state) async fn ten_thousand_turns_are_what_they_were(store: Store) {
    const PIECE: usize = 500;
    let name = id("long");
    let all: Vec<_> = (0..10_000)
        .map(|number| match number % 10 {
            0 => full_turn(),
            _ => turn(&format!("question {number}, in as many words as people use at a time")),
        })
        .collect();
    #[expect(clippy::disallowed_methods, reason = "it tells how long it takes")]
    let now = std::time::Instant::now;
    let began = now();
    let mut revision = Revision::ZERO;
    for entries in all.chunks(PIECE) {
        revision = store.append(&name, revision, entries.to_vec()).await.unwrap();
    }
    let written = now();
    let read = store.read(&name).await.unwrap().unwrap();
    let loaded = now();
    let saved = Saved::of(read.clone());
    let folded = now();
    let listed = store.list().await.unwrap();
    let told = now();
    store.append(&name, revision, vec![turn("one more")]).await.unwrap();
    let more = now();
    println!(
        "{}: 10,000 turns: written {PIECE} at a time in {:?}, read in {:?}, folded in {:?}, \
         listed in {:?}, one more appended in {:?}",
        store.name(),
        written - began,
        loaded - written,
        folded - loaded,
        told - folded,
        more - told,
    );
    assert!(read == all, "they are not what they were");
    assert_eq!(saved.messages().count(), 9_000 * 2 + 1_000 * 4);
    assert_eq!((listed[0].turns, &*listed[0].first_words), (10_000, "What time is it?"));
}
