mod server;

use std::sync::Arc;
use std::time::Instant;

use server::RedisServer;
use tokio::net::TcpListener;

use super::*;
use crate::state::{Mode, TurnRecord};
use crate::types::Message;

mod contract {
    use super::*;

    crate::state::tests::contract::contract!(make());
    crate::state::tests::contract::contract! { make(); ten_thousand_turns_are_what_they_were }

    async fn make() -> Option<(Arc<dyn StateStore>, RedisServer)> {
        let server = RedisServer::start(&[]).await?;
        Some((Arc::new(RedisStore::new(&server.url()).unwrap()), server))
    }
}

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

fn turn(words: &str) -> Entry {
    let at = "2026-11-21T10:30:00.250Z".parse().unwrap();
    Entry::Turn(TurnRecord::new(at, Mode::Text, vec![Message::user(words)]))
}

async fn add(store: &RedisStore, after: u64, words: &str) -> Result<Revision, StateError> {
    store.append(&id("talk"), Revision::new(after), vec![turn(words)]).await
}

/// What the server says to a command.
async fn ask<T: ::redis::FromRedisValue>(store: &RedisStore, words: &[&str]) -> T {
    let mut ask = cmd(words[0]);
    ask.arg(&words[1..]);
    store.server.ask(ask).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_programs_one_wins_each_revision() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let store = || Arc::new(RedisStore::new(&server.url()).unwrap()) as Arc<dyn StateStore>;
    crate::state::tests::contract::race((0..8).map(|_| store()).collect()).await;
}

#[tokio::test]
async fn a_conversation_goes_a_day_after_its_last_entry() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let store = RedisStore::new(&server.url()).unwrap();
    add(&store, 0, "a").await.unwrap();
    let day = 24 * 3_600 * 1_000;
    for key in ["banter:conversation:talk", "banter:listing:talk"] {
        let left: i64 = ask(&store, &["PTTL", key]).await;
        assert!((day - 60_000..=day).contains(&left), "{key}: {left}");
        // The next entry renews it.
        let _: i64 = ask(&store, &["PEXPIRE", key, "5000"]).await;
    }
    add(&store, 1, "b").await.unwrap();
    let left: i64 = ask(&store, &["PTTL", "banter:conversation:talk"]).await;
    assert!(left > 5_000, "{left}");
}

#[tokio::test]
async fn what_has_gone_is_in_no_list_and_leaves_nothing() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let store = RedisStore::new(&server.url()).unwrap().with_idle(Duration::from_millis(1));
    add(&store, 0, "a").await.unwrap();
    while ask::<i64>(&store, &["EXISTS", "banter:conversation:talk", "banter:listing:talk"]).await
        > 0
    {}
    assert_eq!(store.read(&id("talk")).await, Ok(None));
    assert_eq!(store.list().await, Ok(vec![]));
    // The next entry of any conversation takes it out of the index.
    let store = RedisStore::new(&server.url()).unwrap();
    store.append(&id("other"), Revision::ZERO, vec![turn("b")]).await.unwrap();
    let index: Vec<String> = ask(&store, &["ZRANGE", "banter:conversations", "0", "-1"]).await;
    assert_eq!(index, ["other"]);
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let store = RedisStore::new(&server.url()).unwrap();
    add(&store, 0, "a").await.unwrap();
    server.stop();
    let told = add(&store, 1, "b").await.unwrap_err();
    assert!(matches!(&told, StateError::Unreachable { .. }), "{told}");
    server.restart().await;
    // It keeps nothing on its disk here.
    assert_eq!(store.read(&id("talk")).await, Ok(None));
    add(&store, 0, "a").await.unwrap();
    server.restart().await;
    // A connection that broke while nobody used it costs no try.
    assert_eq!(add(&store, 0, "new").await, Ok(Revision::new(1)));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_after_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let store = RedisStore::new(&format!("redis://:hush@{address}/3")).unwrap();
    assert_eq!(store.name(), format!("redis://{address}/3"));
    #[expect(clippy::disallowed_methods, reason = "a real server is waited for on the wall")]
    let began = Instant::now();
    let told = store.read(&id("talk")).await.unwrap_err();
    assert_eq!(
        told,
        StateError::Late { place: store.name().to_owned(), limit: Duration::from_secs(2) }
    );
    assert!((1.5..10.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_password_is_needed_and_never_told() {
    let Some(server) = RedisServer::start(&["--requirepass", "hush-hush"]).await else { return };
    let with = |password: &str| {
        let url = format!("{}?pass={password}", server.url());
        RedisStore::new(&url).unwrap()
    };
    add(&with("hush-hush"), 0, "a").await.unwrap();
    for wrong in ["wrong-hush", "x"] {
        let store = with(wrong);
        let told = add(&store, 0, "a").await.unwrap_err();
        assert!(matches!(&told, StateError::Failed { .. }), "{told}");
        let told = format!("{told} {told:?} {store:?} {}", store.name());
        assert!(!told.contains("hush") && !told.contains("=x"), "{told}");
    }
    for address in
        ["redis://me:hush@", "redis://me:hush@host:port", "rediss:hush", "redis://host/hush"]
    {
        if let Err(error) = RedisStore::new(address) {
            let told = error.to_string();
            assert!(
                told.contains("the store's address cannot be used") && !told.contains("hush"),
                "{told}"
            );
        } else {
            assert!(address.ends_with('@'), "{address} is taken");
        }
    }
}

#[tokio::test]
async fn a_server_without_room_says_so_and_what_was_acknowledged_stays() {
    let Some(server) = RedisServer::start(&["--maxmemory", "8mb"]).await else { return };
    let store = RedisStore::new(&server.url()).unwrap();
    let (words, mut count) = ("x".repeat(200_000), 0);
    let told = loop {
        match add(&store, count, &words).await {
            Ok(after) => count = after.get(),
            Err(error) => break error,
        }
    };
    assert!(matches!(&told, StateError::Full { .. }), "{told}");
    let there = store.read(&id("talk")).await.unwrap().unwrap();
    assert!(count > 5 && there == vec![turn(&words); usize::try_from(count).unwrap()]);
}

#[tokio::test]
async fn what_others_keep_under_such_a_name_is_left_alone() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let store = RedisStore::new(&server.url()).unwrap();
    let _: String = ask(&store, &["SET", "banter:conversation:talk", "a text"]).await;
    let told = add(&store, 0, "a").await.unwrap_err();
    assert!(matches!(&told, StateError::Failed { .. }), "{told}");
    assert!(store.read(&id("talk")).await.is_err());
}

/// There is a way to speak TLS in this program.
#[tokio::test]
async fn a_server_that_breaks_off_over_tls_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = RedisStore::new(&format!("rediss://{}", listener.local_addr().unwrap())).unwrap();
    let breaks_off = async { drop(listener.accept().await.unwrap()) };
    let (told, ()) = tokio::join!(store.read(&id("talk")), breaks_off);
    assert!(matches!(&told, Err(StateError::Unreachable { .. })), "{told:?}");
}
