use super::*;
use crate::ids::ConversationId;
use crate::state::tests::contract::contract;
use crate::state::{MemoryStore, Revision, StateStore};

mod contract {
    use super::*;

    contract!(make());

    #[expect(clippy::unused_async, reason = "other stores wait for their server")]
    async fn make() -> Option<(Arc<dyn StateStore>, ())> {
        let (store, _, _) = store();
        Some((Arc::new(store), ()))
    }
}

fn store() -> (WithMedia, Arc<MemoryStore>, Arc<MemoryMedia>) {
    let (conversations, media) =
        (Arc::new(MemoryStore::default()), Arc::new(MemoryMedia::default()));
    let store = WithMedia::new(
        Arc::<MemoryStore>::clone(&conversations),
        Arc::<MemoryMedia>::clone(&media),
    );
    (store, conversations, media)
}

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

async fn add(store: &WithMedia, name: &str, bytes: usize) {
    let entries = vec![turn(vec![picture(bytes)])];
    store.append(&id(name), Revision::ZERO, entries).await.unwrap();
}

#[tokio::test]
async fn a_log_names_large_media_and_whoever_reads_it_gets_their_bytes() {
    let (store, conversations, media) = store();
    add(&store, "talk", LARGE).await;
    let log = conversations.read(&id("talk")).await.unwrap().unwrap();
    assert_eq!(named(&log[0]).collect::<Vec<_>>(), [&name_of(&[7; LARGE])]);
    assert_eq!(store.read(&id("talk")).await.unwrap().unwrap(), [turn(vec![picture(LARGE)])]);
    add(&store, "small", LARGE - 1).await;
    assert_eq!(media.count(), 1);
}

#[tokio::test]
async fn a_conversation_of_which_media_were_lost_can_be_read_still() {
    let (store, conversations, media) = store();
    add(&store, "talk", LARGE).await;
    media.delete(&name_of(&[7; LARGE])).await.unwrap();
    let log = conversations.read(&id("talk")).await;
    assert_eq!(store.read(&id("talk")).await, log);
}

#[tokio::test(start_paused = true)]
async fn media_go_with_the_last_conversation_that_names_them() {
    let (store, _, media) = store();
    for (name, size) in [("a", LARGE), ("b", LARGE), ("b2", LARGE + 1)] {
        add(&store, name, size).await;
    }
    let count = || media.count();
    // They may be named by an entry that is under way.
    store.delete(&id("b2")).await.unwrap();
    assert_eq!(count(), 2);
    advance(Duration::from_secs(301)).await;
    store.delete(&id("a")).await.unwrap();
    assert_eq!(count(), 1);
    assert!(store.read(&id("b")).await.unwrap().is_some());
    let all = crate::state::Retention { older_than: None, at_most: Some(0) };
    assert_eq!(store.prune(all).await.unwrap(), [id("b")]);
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn by_their_names_stores_keep_media_beside_the_conversations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let sqlite =
        cfg!(feature = "sqlite").then(|| (format!("sqlite:{path}/talks.db"), "talks.db.media"));
    for (name, place) in [(format!("files:{path}"), "media")].into_iter().chain(sqlite) {
        let store = crate::state::by_name(&name).unwrap();
        let whole = turn(vec![picture(LARGE)]);
        store.append(&id("talk"), Revision::ZERO, vec![whole.clone()]).await.unwrap();
        assert!(folder.path().join(place).join(name_of(&[7; LARGE]).sha256).exists(), "{name}");
        assert_eq!(store.read(&id("talk")).await.unwrap().unwrap(), [whole]);
        assert_eq!(store.list().await.unwrap().len(), 1);
    }
}
