use std::env;
use std::process::Command;

use super::*;

/// A process whose files may not grow over 8 KiB meets what a full disk is: a write that stops in
/// the middle. The test runs itself again as one.
#[cfg(unix)]
#[tokio::test]
async fn on_a_full_disk_half_a_line_is_cut_off_and_what_was_acknowledged_stays() {
    if let Some(folder) = env::var_os(INSIDE) {
        return fill(&FileStore::new(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = concat!(
        module_path!(),
        "::on_a_full_disk_half_a_line_is_cut_off_and_what_was_acknowledged_stays"
    );
    let name = name.split_once("::").unwrap().1;
    // The signal would end the process before the write could fail.
    let script = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && told.contains("1 passed"), "{child:?}");

    // With room, the conversation goes on.
    let store = FileStore::new(folder.path());
    let count = store.read(&id("talk")).await.unwrap().unwrap().len();
    let after = Revision::ZERO.plus(count);
    store.append(&id("talk"), after, vec![turn(&"x".repeat(9_000))]).await.unwrap();
}

async fn fill(store: &FileStore) {
    let (mut revision, words) = (Revision::ZERO, "x".repeat(500));
    let path = store.folder().join("talk.jsonl");
    let full = loop {
        match store.append(&id("talk"), revision, vec![turn(&words)]).await {
            Ok(after) => revision = after,
            Err(error) => break error,
        }
    };
    assert!(matches!(&full, StateError::Full { .. }), "{full}");
    assert!(full.to_string().starts_with(&format!("no room for {}: ", path.display())), "{full}");
    // Whole lines only, and all that were acknowledged.
    assert!(revision.get() > 5, "{revision}");
    let expected = vec![turn(&words); usize::try_from(revision.get()).unwrap()];
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, line(&words).repeat(expected.len()));
    assert_eq!(store.read(&id("talk")).await.unwrap(), Some(expected));
    // It can be tried again, in vain, and what is shorter finds room.
    assert_eq!(store.append(&id("talk"), revision, vec![turn(&words)]).await, Err(full));
    store.append(&id("talk"), revision, vec![turn("short")]).await.unwrap();
}

const INSIDE: &str = "BANTER_TEST_FULL";
