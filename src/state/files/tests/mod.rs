mod full;
mod listing;
mod locked;
mod torn;

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::super::{Mode, TurnRecord};
use super::*;
use crate::types::Message;

mod contract {
    use super::*;

    crate::state::tests::contract::contract!(make());

    #[expect(clippy::unused_async, reason = "other stores wait for their server")]
    async fn make() -> Option<(Arc<dyn StateStore>, TempDir)> {
        let folder = tempfile::tempdir().unwrap();
        // A folder that is not there yet.
        Some((Arc::new(FileStore::new(folder.path().join("of/the user"))), folder))
    }

    crate::state::tests::contract::contract! { make(); ten_thousand_turns_are_what_they_were }
}

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

fn turn(words: &str) -> Entry {
    let at = "2026-11-21T10:30:00.250Z".parse().unwrap();
    Entry::Turn(TurnRecord::new(at, Mode::Text, vec![Message::user(words)]))
}

fn line(words: &str) -> String {
    serde_json::to_string(&turn(words)).unwrap() + "\n"
}

/// A store with the conversation `talk`, which has these bytes.
fn store_with(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("talk.jsonl");
    fs::write(&path, bytes).unwrap();
    let store = FileStore::new(folder.path());
    (folder, path, store)
}

#[tokio::test]
async fn a_conversation_is_a_file_of_lines_that_its_user_alone_can_read() {
    let (folder, _, store) = store_with("");
    store.append(&id("new"), Revision::ZERO, vec![turn("a"), turn("b")]).await.unwrap();
    let path = folder.path().join("new.jsonl");
    assert_eq!(fs::read_to_string(&path).unwrap(), line("a") + &line("b"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let inner = FileStore::new(folder.path().join("x/y"));
        inner.append(&id("new"), Revision::ZERO, vec![turn("a")]).await.unwrap();
        let made = fs::metadata(folder.path().join("x")).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn to_ask_makes_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("later"));
    assert_eq!(store.read(&id("talk")).await, Ok(None));
    assert_eq!(store.list().await, Ok(vec![]));
    assert_eq!(store.delete(&id("talk")).await, Ok(false));
    assert!(store.append(&id("talk"), Revision::new(1), vec![turn("a")]).await.is_err());
    assert!(!store.folder().exists());
}

#[tokio::test]
async fn what_another_program_appended_is_seen() {
    let (_folder, path, store) = store_with("");
    store.append(&id("talk"), Revision::ZERO, vec![turn("ours")]).await.unwrap();
    let theirs = FileStore::new(path.parent().unwrap());
    theirs.append(&id("talk"), Revision::new(1), vec![turn("theirs")]).await.unwrap();
    let late = store.append(&id("talk"), Revision::new(1), vec![turn("late")]).await;
    assert!(
        matches!(late, Err(StateError::Conflict { found, .. }) if found.get() == 2),
        "{late:?}"
    );
    store.append(&id("talk"), Revision::new(2), vec![turn("ours")]).await.unwrap();
    theirs.delete(&id("talk")).await.unwrap();
    // The same length, but another file.
    theirs
        .append(&id("talk"), Revision::ZERO, vec![turn("three times as long as that")])
        .await
        .unwrap();
    let late = store.append(&id("talk"), Revision::new(3), vec![turn("late")]).await;
    assert!(
        matches!(late, Err(StateError::Conflict { found, .. }) if found.get() == 1),
        "{late:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_programs_one_wins_each_revision() {
    let folder = tempfile::tempdir().unwrap();
    let store = || Arc::new(FileStore::new(folder.path().join("new"))) as Arc<dyn StateStore>;
    crate::state::tests::contract::race((0..8).map(|_| store()).collect()).await;
}

#[tokio::test]
async fn a_line_in_the_middle_that_is_broken_is_told_with_its_place() {
    for (broken, told) in [
        ("{\"kind\":\"turn\",\n".to_owned(), "damaged: EOF while parsing"),
        ("\n".to_owned(), "damaged: EOF while parsing"),
        ("\0\0\0\n".to_owned(), "damaged: expected value"),
        (line("x").replace("\"turn\"", "\"dream\""), "by a later version: unknown variant `dream`"),
        (
            line("x").replace("\"mode\"", "\"mood\":1,\"mode\""),
            "by a later version: unknown field `mood`",
        ),
    ] {
        let (_folder, path, store) = store_with(line("a") + &broken + &line("b"));
        let error = store.read(&id("talk")).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:2 ", path.display())), "{error}");
        assert!(error.contains(told), "{error}");
        // Nothing is lost by it, and one can go on after it.
        store.append(&id("talk"), Revision::new(3), vec![turn("c")]).await.unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            line("a") + &broken + &line("b") + &line("c")
        );
    }
}
