//! Tools that the program has, and those whose results only its user has.

use super::*;
use crate::providers::mock::MockAnswer;

#[tokio::test]
async fn tools_that_are_there_are_called() {
    let model = model(&[]);
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    model.add_response("On the second floor.");
    let conversation = opening(&model).tools(rooms()).start().await.unwrap();

    let response = conversation.send("Where are the whales?").await.unwrap();

    assert_eq!(response.text(), "On the second floor.");
    assert_eq!(response.tool_calls[0].name, "find_room");
    assert_eq!(response.tool_results[0].content, "second floor");
    assert!(response.pending_tools().is_empty());
    let error = conversation.continue_().await.unwrap_err();
    assert!(matches!(error, ConversationError::NothingPending));
}

/// A conversation whose model waits for a room, after a word.
async fn waiting(model: &Arc<MockProvider>) -> (Conversation, String) {
    model.add(MockAnswer::text("Moment.").calling("find_room", json!({ "name": "whales" })));
    let conversation = opening(model).start().await.unwrap();
    let response = conversation.send("Where are the whales?").await.unwrap();
    assert_eq!(response.text(), "Moment.");
    let call = response.pending_tools()[0].id.clone();
    (conversation, call)
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_waited_for() {
    let model = model(&[]);
    let (conversation, call) = waiting(&model).await;
    model.add_response("On the second floor.");

    let early = conversation.continue_().await.unwrap_err();
    assert!(matches!(&early, ConversationError::PendingTools(names) if names.len() == 1));
    let wrong = conversation.resolve("c9", Ok(json!("x"))).unwrap_err();
    assert_eq!(wrong.to_string(), "no call c9 waits for a result");
    conversation.resolve(&call, Ok(json!({ "floor": 2 }))).unwrap();
    let response = conversation.continue_().await.unwrap();

    assert_eq!(response.text(), "On the second floor.");
    let asked: Vec<_> = model.requests()[1].messages.iter().map(line).collect();
    let expected = [
        "user: Where are the whales?",
        "assistant: Moment.",
        "assistant: find_room({\"name\":\"whales\"})",
        "tool: {\"floor\":2}",
    ];
    assert_eq!(asked, expected);
    let all = said(&conversation);
    assert_eq!(all.last().map(String::as_str), Some("assistant: On the second floor."));
    assert!(matches!(
        conversation.resolve(&call, Ok(json!(1))),
        Err(ConversationError::NoSuchCall(_))
    ));
}

#[tokio::test]
async fn who_asks_something_else_leaves_it() {
    let model = model(&[]);
    let (conversation, _) = waiting(&model).await;
    model.add_response("Goodbye.");
    conversation.send("Never mind.").await.unwrap();
    let asked: Vec<_> = model.requests()[1].messages.iter().map(line).collect();
    let expected = ["user: Where are the whales?", "assistant: Moment.", "user: Never mind."];
    assert_eq!(asked, expected, "a model takes no call without its result");
}
