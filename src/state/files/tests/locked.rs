use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_file_that_another_holds_is_told_after_two_seconds() {
    let (_folder, path, store) = store_with(line("a"));
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let place = path.display().to_string();
    let locked = StateError::Locked { place, limit: Duration::from_secs(2) };
    #[expect(clippy::disallowed_methods, reason = "a lock on a file is waited for on the wall")]
    let began = Instant::now();
    let (read, append, delete) = tokio::join!(
        store.read(&id("talk")),
        store.append(&id("talk"), Revision::new(1), vec![turn("b")]),
        store.delete(&id("talk")),
    );
    assert!((1.5..10.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
    assert_eq!((read, append, delete), (Err(locked.clone()), Err(locked.clone()), Err(locked)));
    other.unlock().unwrap();
    store.append(&id("talk"), Revision::new(1), vec![turn("b")]).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_only_read_can_be_read() {
    let (_folder, path, store) = store_with(line("a"));
    let other = fs::File::open(&path).unwrap();
    other.lock_shared().unwrap();
    assert_eq!(store.read(&id("talk")).await.unwrap().unwrap(), [turn("a")]);
}

#[tokio::test]
async fn who_waits_for_a_file_that_is_then_deleted_finds_no_conversation() {
    let (_folder, path, store) = store_with(line("a"));
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let waits = store.append(&id("talk"), Revision::new(1), vec![turn("b")]);
    let deletes = async {
        tokio::task::yield_now().await;
        fs::remove_file(&path).unwrap();
        drop(other);
    };
    let (append, ()) = tokio::join!(waits, deletes);
    let found = Revision::ZERO;
    assert_eq!(
        append,
        Err(StateError::Conflict { id: id("talk"), expected: Revision::new(1), found })
    );
    assert!(!path.exists());
}
