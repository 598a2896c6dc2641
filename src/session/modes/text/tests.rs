//! Conversations in writing, with a model that follows a script.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::providers::ProviderError;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::tools::FunctionTool;
use crate::types::{Media, MediaKind, Role, ToolDescriptor};

fn session(provider: &Arc<MockProvider>) -> TextSession {
    let provider: Arc<dyn Provider> = Arc::clone(provider) as _;
    TextSession::new(provider, Arc::default(), TextConfig::default())
}

fn with_tool(provider: &Arc<MockProvider>, tool: FunctionTool) -> TextSession {
    let mut tools = ToolRegistry::new();
    tools.register(tool).unwrap();
    let provider: Arc<dyn Provider> = Arc::clone(provider) as _;
    TextSession::new(provider, Arc::new(tools), TextConfig::default())
}

fn light() -> ToolDescriptor {
    ToolDescriptor::new("light", "Turns on the light.", json!({ "type": "object" }))
}

/// The events of a turn, in short.
async fn turn(session: &mut TextSession, text: &str) -> Vec<String> {
    let mut reply = session.send(text);
    let mut events = Vec::new();
    while let Some(event) = reply.next().await {
        events.push(match event {
            TextEvent::Delta(text) => text,
            TextEvent::Media(media) => format!("shows {}", media.mime),
            TextEvent::ToolCalled(call) => format!("call {}", call.name),
            TextEvent::ToolFinished(result) => format!("result {}", result.content),
            TextEvent::Failed { error } => format!("failed: {error}"),
            TextEvent::Done => "done".to_owned(),
        });
    }
    events
}

fn delta(event: Option<TextEvent>) -> Option<String> {
    match event {
        Some(TextEvent::Delta(text)) => Some(text),
        _ => None,
    }
}

/// The conversation as `who: text`, with `…` where an answer was cut.
fn said(session: &TextSession) -> Vec<String> {
    let line = |message: &Message| {
        let cut = if message.interrupted { "…" } else { "" };
        match (message.role, &message.tool_result) {
            (Role::User, _) => format!("user: {}", message.text),
            (Role::Tool, Some(result)) => format!("tool: {}", result.content),
            _ if !message.tool_calls.is_empty() => "call".to_owned(),
            _ => format!("agent: {}{cut}", message.text),
        }
    };
    session.messages().iter().map(line).collect()
}

#[tokio::test]
async fn what_is_shown_beside_a_text_reaches_the_model_and_stays_in_the_conversation() {
    let provider = Arc::new(MockProvider::new());
    provider.add_response("A dot.");
    provider.add_response("Still a dot.");
    let mut session = session(&provider);
    let dot = Media::bytes(MediaKind::Image, "image/png", vec![1, 2, 3]);
    let shown = Message::user("What is this?").with(dot);

    for message in [shown.clone(), Message::from("And now?")] {
        let mut reply = session.send(message);
        while reply.next().await.is_some() {}
    }

    assert_eq!(provider.requests()[0].messages, std::slice::from_ref(&shown));
    assert_eq!(provider.requests()[1].messages[0], shown);
    assert_eq!(session.messages()[0], shown);
}

fn broken() -> ProviderError {
    ProviderError::failed("mock", "out of words")
}

#[tokio::test]
async fn an_answer_comes_word_by_word_and_is_remembered() {
    let provider = Arc::new(MockProvider::new());
    provider.add_response("Hello there.");
    provider.add_response("Fine.");
    let mut session = session(&provider);
    assert_eq!(turn(&mut session, "hello").await, ["Hello ", "there.", "done"]);
    assert_eq!(turn(&mut session, "how are you").await, ["Fine.", "done"]);

    assert_eq!(said(&session)[..3], ["user: hello", "agent: Hello there.", "user: how are you"]);
    assert_eq!(provider.requests()[1].messages.len(), 3);
    session.clear();
    assert!(session.messages().is_empty());
}

#[tokio::test]
async fn a_model_gets_instructions_and_metadata_with_every_request() {
    let provider = Arc::new(MockProvider::new());
    provider.add_response("Aye.");
    let config = TextConfig {
        system: "You are a pirate.".to_owned(),
        metadata: [("tenant".to_owned(), "7".to_owned())].into(),
        ..TextConfig::default()
    };
    let shared: Arc<dyn Provider> = Arc::clone(&provider) as _;
    let mut session = TextSession::new(shared, Arc::default(), config);
    turn(&mut session, "hello").await;
    let [request] = &provider.requests()[..] else { panic!("one request") };
    assert_eq!(request.system, "You are a pirate.");
    assert_eq!(request.metadata["tenant"], "7");
}

#[tokio::test]
async fn tools_are_called_and_their_results_kept() {
    let provider = Arc::new(MockProvider::new());
    provider.add_tool_call("light", json!({}));
    provider.add_response("It is on.");
    let mut session = with_tool(&provider, FunctionTool::sync(light(), |_| Ok(json!("on"))));
    let events = turn(&mut session, "light please").await;
    assert_eq!(events, ["call light", "result on", "It ", "is ", "on.", "done"]);
    assert_eq!(said(&session), ["user: light please", "call", "tool: on", "agent: It is on."]);
}

#[tokio::test]
async fn a_failed_turn_does_not_end_the_conversation() {
    let provider = Arc::new(MockProvider::new());
    provider.add(MockAnswer::text("Well, I think so.").failing_after(2, broken()));
    provider.add_response("Two.");
    let mut session = session(&provider);
    let events = turn(&mut session, "one").await;
    assert_eq!(events, ["Well, ", "I ", "failed: mock failed: out of words"]);
    assert_eq!(turn(&mut session, "two").await, ["Two.", "done"]);
    assert_eq!(said(&session), ["user: one", "agent: Well, I", "user: two", "agent: Two."]);
}

#[tokio::test]
async fn of_a_tool_that_panics_the_model_is_told() {
    let provider = Arc::new(MockProvider::new());
    provider.add_tool_call("light", json!({}));
    provider.add_response("It is broken.");
    let mut session = with_tool(&provider, FunctionTool::sync(light(), |_| panic!("no bulb")));
    let events = turn(&mut session, "one").await;
    assert_eq!(
        events[1..],
        ["result `light` failed: it panicked", "It ", "is ", "broken.", "done"]
    );
}

#[tokio::test]
async fn what_was_shown_of_a_cancelled_answer_counts_as_said() {
    let provider = Arc::new(MockProvider::new());
    provider.add_response("Once upon a time there was a lighthouse.");
    provider.add_response("Two.");
    let mut session = session(&provider);
    let mut reply = session.send("a story please");
    assert_eq!(delta(reply.next().await), Some("Once ".to_owned()));
    assert_eq!(delta(reply.next().await), Some("upon ".to_owned()));
    reply.cancel();
    assert_eq!(said(&session), ["user: a story please", "agent: Once upon…"]);
    // Nothing of it leaks into the next answer.
    assert_eq!(turn(&mut session, "two").await, ["Two.", "done"]);
}

#[tokio::test]
async fn a_tool_that_has_run_is_remembered_though_nobody_read_of_it() {
    let provider = Arc::new(MockProvider::new());
    provider.add_tool_call("light", json!({}));
    provider.add(MockAnswer::text("x").hanging_after(0));
    let mut session = with_tool(&provider, FunctionTool::sync(light(), |_| Ok(json!("on"))));
    let mut reply = session.send("light please");
    assert!(matches!(reply.next().await, Some(TextEvent::ToolCalled(_))));
    while provider.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(reply);
    assert_eq!(said(&session), ["user: light please", "call", "tool: on"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_is_given_up_after_30_s() {
    let provider = Arc::new(MockProvider::new());
    provider.add(MockAnswer::text("Well, I").hanging_after(1));
    provider.add_response("Two.");
    let mut session = session(&provider);
    let clock = SessionClock::live();
    let events = turn(&mut session, "one").await;
    assert_eq!(events, ["Well, ", "failed: there was no progress for 30s; ask again"]);
    assert_eq!(clock.now().as_millis().round(), 30_000.0);
    assert_eq!(turn(&mut session, "two").await, ["Two.", "done"]);
}

/// The watch is on the model, not on who reads.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_no_failure() {
    let provider = Arc::new(MockProvider::new());
    provider.add_response("one two three");
    let mut session = session(&provider);
    let mut reply = session.send("count");
    let clock = SessionClock::live();
    for word in ["one ", "two ", "three"] {
        assert_eq!(delta(reply.next().await), Some(word.to_owned()));
        clock.sleep(Duration::from_secs(60)).await;
    }
    assert!(matches!(reply.next().await, Some(TextEvent::Done)));
    assert!(reply.next().await.is_none());
}
