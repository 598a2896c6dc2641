//! Servers of a conversation: its model calls their tools, and they end with it.

use std::fs;
use std::sync::Arc;

use banter::providers::mock::MockProvider;
use banter::session::Conversation;
use serde_json::json;
use tempfile::TempDir;

use crate::hostile::{hostile, is_running};
use crate::{eventually, in_time};

/// A model that calls `echo`, and says that it did.
fn model() -> Arc<MockProvider> {
    let model = MockProvider::new();
    model.add_tool_call("mcp__bad__echo", json!({ "text": "tea" }));
    model.add_response("It came back.");
    Arc::new(model)
}

#[tokio::test]
async fn a_conversation_starts_its_servers_and_ends_them() {
    for closed in [true, false] {
        let Some(server) = hostile("stubborn") else { return };
        let folder = TempDir::new().unwrap();
        let notes = folder.path().join("notes");
        let model = model();
        let opening = Conversation::plain("Be brief.").provider(model.clone());
        let opening = opening.mcp([server.env("NOTES", notes.to_str().unwrap())]);
        let conversation = in_time(opening.start()).await.unwrap();

        let response = in_time(conversation.send("Echo tea.")).await.unwrap();

        assert_eq!(response.text(), "It came back.");
        assert_eq!(response.tool_results[0].content, "tea");
        let told = fs::read_to_string(&notes).unwrap();
        assert!(told.split_whitespace().all(is_running));
        if closed {
            in_time(conversation.close()).await.unwrap();
        }
        drop(conversation);
        eventually("they are gone", || !told.split_whitespace().any(is_running)).await;
    }
}

#[tokio::test]
async fn a_fork_keeps_the_servers_of_the_conversation_that_ends() {
    let Some(server) = hostile("good") else { return };
    let model = model();
    model.add_tool_call("mcp__bad__echo", json!({ "text": "milk" }));
    model.add_response("Once more.");
    let opening = Conversation::plain("Be brief.").provider(model.clone()).mcp([server]);
    let conversation = in_time(opening.start()).await.unwrap();
    let fork = conversation.fork().await.unwrap();
    in_time(conversation.send("Echo tea.")).await.unwrap();
    in_time(conversation.close()).await.unwrap();
    drop(conversation);

    let response = in_time(fork.send("Echo milk.")).await.unwrap();

    assert_eq!(response.tool_results[0].content, "milk");
    in_time(fork.close()).await.unwrap();
}

#[tokio::test]
async fn a_conversation_does_not_begin_without_a_server_that_it_needs() {
    let Some(server) = hostile("crash") else { return };
    let opening = Conversation::plain("Be brief.").provider(model());
    let error = in_time(opening.clone().mcp([server.clone()]).start()).await.unwrap_err();
    assert!(error.to_string().contains("`bad` (python3) did not start"), "{error}");
    let opening = opening.mcp([server.required(false)]);
    let conversation = in_time(opening.start()).await.unwrap();
    in_time(conversation.close()).await.unwrap();
}
