use std::fs;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

fn store() -> (TempDir, FolderMedia) {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderMedia::new(folder.path().join("media"));
    (folder, store)
}

#[tokio::test]
async fn bytes_are_a_file_of_their_own_for_their_user_alone() {
    let (folder, store) = store();
    let name = store.put(Bytes::from_static(b"a picture")).await.unwrap();
    let path = folder.path().join("media").join(&name.sha256);
    assert_eq!(fs::read(&path).unwrap(), b"a picture");
    assert_eq!(store.get(&name).await.unwrap(), "a picture");
    assert_eq!(store.put(Bytes::from_static(b"a picture")).await.unwrap(), name);
    // Nothing that was under way is left.
    assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(store.delete(&name).await.unwrap() && !store.delete(&name).await.unwrap());
    assert!(matches!(store.get(&name).await, Err(StateError::Lost { .. })));
}

#[tokio::test]
async fn eight_put_the_same_bytes_at_once() {
    let (_folder, store) = store();
    let store = Arc::new(store);
    let puts: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.put(Bytes::from(vec![7; 100_000])).await })
        })
        .collect();
    for put in puts {
        let name = put.await.unwrap().unwrap();
        assert_eq!(store.get(&name).await.unwrap().len(), 100_000);
    }
    assert_eq!(store.older(Duration::ZERO).await.unwrap().len(), 1);
}

#[tokio::test]
async fn bytes_that_are_others_are_lost_and_put_anew() {
    let (folder, store) = store();
    let name = store.put(Bytes::from_static(b"a picture")).await.unwrap();
    let path = folder.path().join("media").join(&name.sha256);
    fs::write(&path, "a pictore").unwrap();
    assert!(matches!(store.get(&name).await, Err(StateError::Lost { .. })));
    fs::write(&path, "a pict").unwrap();
    store.put(Bytes::from_static(b"a picture")).await.unwrap();
    assert_eq!(store.get(&name).await.unwrap(), "a picture");
}

#[tokio::test]
async fn a_name_in_a_log_leads_nowhere_else() {
    let (folder, store) = store();
    fs::write(folder.path().join("secret"), "hush").unwrap();
    let long = "a".repeat(64);
    for name in ["../secret", "", ".", "/etc/passwd", &long.to_uppercase(), &"../".repeat(22)[..64]]
    {
        let media = MediaRef { sha256: name.to_owned(), size: 4 };
        assert!(matches!(store.get(&media).await, Err(StateError::Lost { .. })), "{name}");
        assert_eq!(store.delete(&media).await, Ok(false));
    }
    assert!(folder.path().join("secret").exists());
}

#[tokio::test]
async fn what_was_put_long_ago_is_old_until_it_is_put_again() {
    let (folder, store) = store();
    let name = store.put(Bytes::from_static(b"a picture")).await.unwrap();
    let hour = Duration::from_secs(3_600);
    assert_eq!(store.older(hour).await.unwrap(), []);
    let file = fs::File::open(folder.path().join("media").join(&name.sha256)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(store.older(hour).await.unwrap(), std::slice::from_ref(&name));
    store.put(Bytes::from_static(b"a picture")).await.unwrap();
    assert_eq!(store.older(hour).await.unwrap(), []);
}
