use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::*;

mod contract {
    use super::*;

    super::super::contract::contract!(make());

    #[expect(clippy::unused_async, reason = "other stores wait for their server")]
    async fn make() -> Option<(Arc<dyn StateStore>, ())> {
        Some((Arc::new(MemoryStore::default()), ()))
    }
}

const MINUTE: Duration = Duration::from_secs(60);

async fn add(store: &MemoryStore, name: &str) {
    store.append(&id(name), Revision::ZERO, vec![turn(name)]).await.unwrap();
}

async fn names(store: &MemoryStore) -> Vec<String> {
    store.list().await.unwrap().into_iter().map(|listing| listing.id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_touches_for_an_hour_goes() {
    let store = MemoryStore::default();
    add(&store, "read").await;
    add(&store, "written").await;
    add(&store, "neither").await;
    advance(59 * MINUTE).await;
    store.read(&id("read")).await.unwrap();
    store.append(&id("written"), Revision::new(1), vec![turn("more")]).await.unwrap();
    // To list is no touch.
    assert_eq!(names(&store).await, ["neither", "read", "written"]);
    advance(MINUTE).await;
    assert_eq!(names(&store).await, ["read", "written"]);
    assert_eq!(store.read(&id("neither")).await.unwrap(), None);
    let late = store.append(&id("neither"), Revision::new(1), vec![turn("late")]).await;
    assert!(matches!(late, Err(StateError::Conflict { .. })), "{late:?}");
    advance(59 * MINUTE).await;
    assert_eq!(names(&store).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_the_one_longest_untouched_goes() {
    let limits = MemoryLimits { conversations: 3, ..MemoryLimits::default() };
    let store = MemoryStore::new(limits);
    for name in ["a", "b", "c"] {
        add(&store, name).await;
    }
    store.read(&id("a")).await.unwrap();
    add(&store, "d").await;
    assert_eq!(names(&store).await, ["a", "c", "d"]);
    store.append(&id("c"), Revision::new(1), vec![turn("more")]).await.unwrap();
    add(&store, "e").await;
    assert_eq!(names(&store).await, ["c", "d", "e"]);
}
