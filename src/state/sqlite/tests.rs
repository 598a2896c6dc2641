use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::state::{Mode, TurnRecord};
use crate::types::Message;

mod contract {
    use super::*;

    crate::state::tests::contract::contract!(make());
    crate::state::tests::contract::contract! { make(); ten_thousand_turns_are_what_they_were }

    #[expect(clippy::unused_async, reason = "other stores wait for their server")]
    async fn make() -> Option<(Arc<dyn StateStore>, TempDir)> {
        let (folder, store) = store();
        Some((Arc::new(store), folder))
    }
}

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

fn turn(words: &str) -> Entry {
    let at = "2026-11-21T10:30:00.250Z".parse().unwrap();
    Entry::Turn(TurnRecord::new(at, Mode::Text, vec![Message::user(words)]))
}

/// A store in a folder that is not there yet.
fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::new(folder.path().join("of/talks.db"));
    (folder, store)
}

/// A second connection to the same database, as another program has one.
fn other(store: &SqliteStore) -> Connection {
    Connection::open(&store.database.path).unwrap()
}

async fn add(store: &SqliteStore, after: u64, words: &str) -> Result<Revision, StateError> {
    store.append(&id("talk"), Revision::new(after), vec![turn(words)]).await
}

#[tokio::test]
async fn to_ask_makes_no_database() {
    let (folder, store) = store();
    assert_eq!(store.read(&id("talk")).await, Ok(None));
    assert_eq!(store.list().await, Ok(vec![]));
    assert_eq!(store.delete(&id("talk")).await, Ok(false));
    assert!(add(&store, 1, "a").await.is_err());
    assert!(!folder.path().join("of").exists());
}

#[tokio::test]
async fn what_is_acknowledged_is_on_the_disk_for_its_user_alone() {
    let (_folder, store) = store();
    add(&store, 0, "a").await.unwrap();
    let modes = store.with(Missing::Make, |connection| {
        let journal: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let sync: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((journal, sync))
    });
    assert_eq!(modes.await.unwrap(), ("wal".to_owned(), 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for file in store.database.path.parent().unwrap().read_dir().unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
    }
}

#[tokio::test]
async fn what_another_program_appended_is_a_conflict() {
    let (_folder, store) = store();
    add(&store, 0, "ours").await.unwrap();
    let theirs = SqliteStore::new(&store.database.path);
    add(&theirs, 1, "theirs").await.unwrap();
    let late = add(&store, 1, "late").await;
    assert!(
        matches!(late, Err(StateError::Conflict { found, .. }) if found.get() == 2),
        "{late:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_programs_one_wins_each_revision() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Arc::new(SqliteStore::new(folder.path().join("new.db"))) as Arc<dyn StateStore>;
    crate::state::tests::contract::race((0..8).map(|_| store()).collect()).await;
}

#[tokio::test]
async fn a_database_that_another_holds_is_told_after_two_seconds() {
    let (_folder, store) = store();
    add(&store, 0, "a").await.unwrap();
    let other = other(&store);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    #[expect(clippy::disallowed_methods, reason = "a lock on a file is waited for on the wall")]
    let began = Instant::now();
    let place = store.database.path.display().to_string();
    assert_eq!(add(&store, 1, "b").await, Err(StateError::Locked { place, limit: LIMIT }));
    assert!((1.5..10.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
    // Meanwhile it can be read.
    assert_eq!(store.read(&id("talk")).await.unwrap().unwrap().len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    add(&store, 1, "b").await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_acknowledged_stays() {
    let (_folder, store) = store();
    add(&store, 0, "a").await.unwrap();
    let pages = |count: i64| {
        store.with(Missing::Make, move |connection| {
            connection.pragma_update(None, "max_page_count", count)?;
            Ok(())
        })
    };
    // What a full disk is to a database.
    pages(8).await.unwrap();
    let long = "x".repeat(50_000);
    let full = add(&store, 1, &long).await.unwrap_err();
    let told = format!("no room for {}: database or disk is full", store.database.path.display());
    assert!(full.to_string().starts_with(&told), "{full}");
    assert_eq!(store.read(&id("talk")).await.unwrap().unwrap(), [turn("a")]);
    // The connection is a new one, without that limit.
    add(&store, 1, &long).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_left_alone() {
    let (folder, store) = store();
    let path = folder.path().join("other.db");
    let theirs = Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE birds (name TEXT)").unwrap();
    let told = add(&SqliteStore::new(&path), 0, "a").await.unwrap_err().to_string();
    assert!(told.contains("it is a database of another program; name another file"), "{told}");

    std::fs::write(&path, "all kinds of birds, in more than sixteen letters").unwrap();
    let told = SqliteStore::new(&path).read(&id("talk")).await.unwrap_err();
    assert!(matches!(&told, StateError::Damaged { .. }), "{told}");

    add(&store, 0, "a").await.unwrap();
    other(&store).pragma_update(None, "user_version", VERSION + 1).unwrap();
    let told = SqliteStore::new(&store.database.path).list().await.unwrap_err();
    assert!(matches!(&told, StateError::Newer { .. }), "{told}");
}

#[tokio::test]
async fn a_database_that_was_deleted_is_not_written_to() {
    let (_folder, store) = store();
    add(&store, 0, "a").await.unwrap();
    std::fs::remove_dir_all(store.database.path.parent().unwrap()).unwrap();
    assert_eq!(store.read(&id("talk")).await, Ok(None));
    assert!(matches!(add(&store, 1, "b").await, Err(StateError::Conflict { .. })));
    add(&store, 0, "new").await.unwrap();
    assert_eq!(SqliteStore::new(&store.database.path).list().await.unwrap()[0].first_words, "new");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_told_with_its_place() {
    let (_folder, store) = store();
    add(&store, 0, "a").await.unwrap();
    add(&store, 1, "b").await.unwrap();
    let broken =
        "UPDATE entries SET kind = 'dream', entry = '{\"kind\":\"dream\"}' WHERE revision = 2";
    other(&store).execute_batch(broken).unwrap();
    let told = store.read(&id("talk")).await.unwrap_err();
    let place = format!("{}, entry 2 of talk", store.name());
    assert!(matches!(&told, StateError::Newer { place: at, .. } if *at == place), "{told}");
    let listed = store.list().await.unwrap();
    assert_eq!((listed[0].turns, listed[0].damage.as_ref()), (1, Some(&told.to_string())));
}
