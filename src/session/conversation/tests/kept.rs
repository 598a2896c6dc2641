//! Conversations in a store.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::session::PendingError;
use crate::state::{Entry, MemoryStore, Mode, StateStore, StoreFuture};
use crate::types::WaitsFor;

fn stored() -> Arc<dyn StateStore> {
    Arc::new(MemoryStore::default())
}

fn with(store: &Arc<dyn StateStore>, model: &Arc<MockProvider>) -> Opening {
    opening(model).store(Arc::clone(store))
}

#[tokio::test]
async fn each_turn_is_kept_when_it_ends_and_the_model_gets_it_back() {
    let (store, model) = (stored(), model(&["One.", "Two."]));
    let first = with(&store, &model).id(id("c1")).start().await.unwrap();
    first.set_var("language", "Welsh");
    first.send("a").await.unwrap();
    // As after a crash: nobody closes it.
    std::mem::forget(first);

    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(&model);
    let opening = Conversation::open(pack(), "guide").provider(provider).store(Arc::clone(&store));
    let again = opening.await_missing_tools().resume(id("c1")).await.unwrap();
    assert_eq!(again.vars().len(), 2, "variables are kept as well");
    again.send("b").await.unwrap();

    let asked = &model.requests()[1];
    assert_eq!(asked.system, "You guide Ann in Welsh. Be kind to Ann.");
    let lines: Vec<_> = asked.messages.iter().map(line).collect();
    assert_eq!(lines, ["user: a", "assistant: One.", "user: b"]);
    let saved = Saved::of(store.read(&id("c1")).await.unwrap().unwrap());
    assert_eq!((saved.turns.len(), saved.turns[1].mode), (2, Mode::Text));
    assert_eq!(saved.turns[0].model.as_deref(), Some("mock"));
    assert!(saved.turns[0].latency.is_some_and(|latency| latency.first_text_ms.is_some()));
    let opened = saved.opened.unwrap();
    assert_eq!((opened.pack.as_deref(), opened.prompt.as_deref()), (Some("museum"), Some("guide")));
}

#[tokio::test]
async fn what_cannot_be_taken_up_says_why() {
    let (store, model) = (stored(), model(&["One."]));
    let error = opening(&model).resume(id("c1")).await.unwrap_err();
    assert!(matches!(error, ConversationError::NoStore));
    let error = with(&store, &model).resume(id("c1")).await.unwrap_err();
    assert!(matches!(error, ConversationError::NotFound(_)));

    let first = with(&store, &model).id(id("c1")).start().await.unwrap();
    first.send("a").await.unwrap();
    let error = with(&store, &model).id(id("c1")).start().await.unwrap_err();
    assert!(matches!(error, ConversationError::Exists(_)));
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(&model);
    let other = Conversation::open(pack(), "other").provider(provider).store(Arc::clone(&store));
    let error = other.resume(id("c1")).await.unwrap_err().to_string();
    assert!(
        error.contains("prompt guide of the pack museum, not with the prompt other"),
        "{error}"
    );
}

#[tokio::test]
async fn of_two_writers_the_second_is_told_and_may_go_on_as_a_fork() {
    let (store, model) = (stored(), model(&["One.", "Two.", "Three.", "Four."]));
    let first = with(&store, &model).id(id("c1")).start().await.unwrap();
    first.send("a").await.unwrap();
    let second = with(&store, &model).resume(id("c1")).await.unwrap();
    first.send("b").await.unwrap();

    let error = second.send("c").await.unwrap_err();

    let ConversationError::NotKept { response, source } = error else { panic!("{error:?}") };
    assert_eq!(response.text(), "Three.", "the answer is not lost");
    assert!(matches!(source, StateError::Conflict { .. }));
    let fork = second.fork().await.unwrap();
    fork.send("d").await.unwrap();
    let kept = Saved::of(store.read(fork.id()).await.unwrap().unwrap());
    let lines: Vec<_> = kept.messages().map(line).collect();
    let whole = [
        "user: a",
        "assistant: One.",
        "user: c",
        "assistant: Three.",
        "user: d",
        "assistant: Four.",
    ];
    assert_eq!(lines, whole);
    assert_eq!(kept.opened.unwrap().forked_from, Some(id("c1")));
    let of_first = Saved::of(store.read(&id("c1")).await.unwrap().unwrap());
    assert_eq!(of_first.turns.len(), 2, "the first writer's log is whole");
}

#[tokio::test]
async fn clearing_is_kept_too() {
    let (store, model) = (stored(), model(&["One."]));
    let conversation = with(&store, &model).id(id("c1")).start().await.unwrap();
    conversation.send("a").await.unwrap();
    conversation.clear().await.unwrap();
    let again = with(&store, &model).resume(id("c1")).await.unwrap();
    assert!(again.messages().is_empty());
    assert_eq!(again.get_var("visitor"), Some("Ann".into()));
}

/// A store that is full for the first few times.
#[derive(Debug)]
struct Full {
    inner: MemoryStore,
    times: std::sync::atomic::AtomicU32,
}

impl StateStore for Full {
    fn name(&self) -> &str {
        "full"
    }

    fn read(&self, id: &ConversationId) -> StoreFuture<'_, Option<Vec<Entry>>> {
        self.inner.read(id)
    }

    fn append(
        &self,
        id: &ConversationId,
        after: Revision,
        entries: Vec<Entry>,
    ) -> StoreFuture<'_, Revision> {
        let left =
            self.times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() {
            let (place, reason) = ("/disk".to_owned(), "no space left".to_owned());
            return Box::pin(async { Err(StateError::Full { place, reason }) });
        }
        self.inner.append(id, after, entries)
    }

    fn list(&self) -> StoreFuture<'_, Vec<crate::state::Listing>> {
        self.inner.list()
    }

    fn delete(&self, id: &ConversationId) -> StoreFuture<'_, bool> {
        self.inner.delete(id)
    }
}

#[tokio::test]
async fn a_full_store_is_told_and_gets_all_of_it_when_there_is_room() {
    let model = model(&["One.", "Two."]);
    let store = Arc::new(Full { inner: MemoryStore::default(), times: u32::MAX.into() });
    let state: Arc<dyn StateStore> = Arc::<Full>::clone(&store);
    let conversation = with(&state, &model).id(id("c1")).start().await.unwrap();
    let mut events = conversation.subscribe();

    let error = conversation.send("a").await.unwrap_err();

    assert!(error.to_string().contains("the answer is here, but was not kept: no room"), "{error}");
    store.times.store(0, Ordering::SeqCst);
    conversation.send("b").await.unwrap();
    let saved = Saved::of(store.read(&id("c1")).await.unwrap().unwrap());
    assert_eq!(saved.messages().count(), 4, "nothing is lost");
    let mut warned = 0;
    while let Some(Ok(event)) = futures_util::FutureExt::now_or_never(events.next()).flatten() {
        warned += u32::from(matches!(event.kind, EventKind::Warning { .. }));
    }
    assert_eq!(warned, 1, "the trouble is told once");
}

/// A store in which a model waits for approval to find a room, and how often one was looked for.
async fn waiting(
    store: &Arc<dyn StateStore>,
    model: &Arc<MockProvider>,
) -> (impl Fn() -> Opening, Arc<AtomicUsize>) {
    let found = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&found);
    let descriptor = ToolDescriptor::new("find_room", "Finds a room.", json!({}));
    let find = FunctionTool::sync(descriptor, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(json!("second floor"))
    });
    let mut tools = ToolRegistry::new();
    tools.register(find).unwrap();
    tools.require_approval(["*".to_owned()]);
    let (store, model, tools) = (Arc::clone(store), Arc::clone(model), Arc::new(tools));
    let opening = move || with(&store, &model).tools(Arc::clone(&tools));
    model_calls(&opening).await;
    (opening, found)
}

async fn model_calls(opening: &impl Fn() -> Opening) {
    let conversation = opening().id(id("c1")).start().await.unwrap();
    let response = conversation.send("Where are the whales?").await.unwrap();
    assert!(matches!(response.pending_tools()[0].waits_for, WaitsFor::Approval(_)));
    // As after a crash: nobody closes it.
    std::mem::forget(conversation);
}

#[tokio::test]
async fn what_waits_for_approval_is_kept_and_the_first_decision_counts() {
    let (store, model) = (stored(), model(&[]));
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    model.add_response("On the second floor.");
    let (opening, found) = waiting(&store, &model).await;
    let first = opening().resume(id("c1")).await.unwrap();
    let second = opening().resume(id("c1")).await.unwrap();
    let call = second.pending_tools()[0].call.id.clone();

    let result = first.approve(&call, None).await.unwrap();
    assert_eq!(result.content, "second floor");
    let again = first.approve(&call, None).await.unwrap_err();
    assert!(matches!(again, ConversationError::Pending(PendingError::NoSuchCall(_))), "{again}");
    let late = second.approve(&call, None).await.unwrap_err();
    let ConversationError::Pending(PendingError::NotKept { source, .. }) = &late else {
        panic!("{late}")
    };
    assert!(matches!(source, StateError::Conflict { .. }), "{late}");
    assert_eq!(found.load(Ordering::Relaxed), 1, "the tool ran once");
    assert_eq!(first.continue_().await.unwrap().text(), "On the second floor.");
}

#[tokio::test]
async fn two_at_once_decide_once() {
    let (store, model) = (stored(), model(&[]));
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    let (opening, found) = waiting(&store, &model).await;
    let conversation = opening().resume(id("c1")).await.unwrap();
    let call = conversation.pending_tools()[0].call.id.clone();
    let (one, other) =
        tokio::join!(conversation.approve(&call, None), conversation.reject(&call, "no"));
    assert_eq!((one.is_ok(), other.is_ok()), (true, false));
    assert_eq!(found.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn of_a_call_that_was_allowed_before_a_crash_it_is_said_that_nobody_knows() {
    let (store, model) = (stored(), model(&[]));
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    let conversation = with(&store, &model).id(id("c1")).start().await.unwrap();
    let response = conversation.send("Where are the whales?").await.unwrap();
    let call = response.pending_tools()[0].call.id.clone();
    assert!(conversation.shared.dialogue.claim(&call));
    conversation.shared.flush().await.unwrap();
    std::mem::forget(conversation);

    let again = with(&store, &model).resume(id("c1")).await.unwrap();
    assert!(again.pending_tools().is_empty());
    let told = "tool: its result never came; it is not known whether it was done";
    assert_eq!(said(&again).last().unwrap(), told);
    model.add_response("I do not know whether it was done.");
    let response = again.continue_().await.unwrap();
    assert_eq!(response.text(), "I do not know whether it was done.");
}

#[tokio::test]
async fn a_store_that_is_full_leaves_a_call_undecided() {
    let model = model(&[]);
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    let full = Arc::new(Full { inner: MemoryStore::default(), times: 0.into() });
    let store: Arc<dyn StateStore> = Arc::<Full>::clone(&full);
    let (opening, found) = waiting(&store, &model).await;
    let conversation = opening().resume(id("c1")).await.unwrap();
    let call = conversation.pending_tools()[0].call.id.clone();
    full.times.store(1, Ordering::Relaxed);
    let error = conversation.approve(&call, None).await.unwrap_err();
    assert!(matches!(error, ConversationError::Pending(PendingError::NotKept { .. })), "{error}");
    assert_eq!(found.load(Ordering::Relaxed), 0);
    conversation.approve(&call, None).await.unwrap();
    assert_eq!(found.load(Ordering::Relaxed), 1);
}
