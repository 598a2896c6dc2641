//! Tools that the program has, and those whose results only its user has.

use super::*;
use crate::providers::mock::MockAnswer;
use crate::session::PendingError;

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
    let call = response.pending_tools()[0].call.id.clone();
    (conversation, call)
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_waited_for() {
    let model = model(&[]);
    let (conversation, call) = waiting(&model).await;
    model.add_response("On the second floor.");

    let early = conversation.continue_().await.unwrap_err();
    assert!(matches!(&early, ConversationError::PendingTools(names) if names.len() == 1));
    let wrong = conversation.resolve("c9", Ok(json!("x"))).await.unwrap_err();
    assert!(wrong.to_string().starts_with("no call c9 waits for"), "{wrong}");
    conversation.resolve(&call, Ok(json!({ "floor": 2 }))).await.unwrap();
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
    let again = conversation.resolve(&call, Ok(json!(1))).await.unwrap_err();
    assert!(matches!(again, ConversationError::Pending(PendingError::NoSuchCall(_))));
}

#[tokio::test]
async fn a_result_that_comes_after_something_else_was_said_is_a_turn_of_its_own() {
    let model = model(&[]);
    let (conversation, call) = waiting(&model).await;
    model.add_response("It is ten.");
    model.add_response("The whales are on the second floor.");

    conversation.send("What is the time?").await.unwrap();
    assert_eq!(conversation.pending_tools().len(), 1, "it may still be decided");
    conversation.resolve(&call, Ok(json!("second floor"))).await.unwrap();
    let response = conversation.continue_().await.unwrap();

    assert_eq!(response.text(), "The whales are on the second floor.");
    let waits = "tool: no result yet: the call waits for its result. Do not repeat it; its result \
                 will come by itself.";
    let asked: Vec<_> = model.requests()[2].messages.iter().map(line).collect();
    let expected = [
        "user: Where are the whales?",
        "assistant: Moment.",
        "assistant: find_room({\"name\":\"whales\"})",
        waits,
        "user: What is the time?",
        "assistant: It is ten.",
        "assistant: find_room({\"name\":\"whales\"})",
        "tool: second floor",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn tools_that_nobody_has_registered_are_named_when_it_opens() {
    let model: Arc<dyn Provider> = model(&[]);
    let opening = Conversation::open(pack(), "guide").provider(model);
    let error = opening.start().await.unwrap_err();
    let told = "the prompt names tools that are not there: find_room; register them";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[tokio::test]
async fn a_prompt_may_name_many_tools_at_once() {
    let pack = json!({
        "id": "museum", "name": "Museum", "version": "1.0.0",
        "template_engine": { "version": "v1", "syntax": "{{variable}}" },
        "prompts": { "guide": {
            "id": "guide", "name": "Guide", "version": "1.0.0", "system_template": "Guide them.",
            "tools": ["mcp__rooms__*", "clock"],
            "tool_policy": { "blocklist": ["mcp__rooms__close"] },
        }},
    });
    let pack = Pack::load(pack.to_string().as_bytes(), SchemaCheck::Full).unwrap().pack;
    let mut tools = ToolRegistry::new();
    for name in ["clock", "mcp__rooms__find", "mcp__rooms__close", "mcp__doors__open"] {
        let descriptor = ToolDescriptor::new(name, "A tool.", json!({}));
        tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("done")))).unwrap();
    }
    let model = model(&["Welcome."]);
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(&model);
    let opening = Conversation::open(pack, "guide").provider(provider).tools(tools);

    opening.start().await.unwrap().send("Hello.").await.unwrap();

    let requests = model.requests();
    let offered: Vec<_> = requests[0].tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(offered, ["mcp__rooms__find", "clock"]);
}
