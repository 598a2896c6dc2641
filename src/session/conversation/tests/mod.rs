//! Conversations on mock engines: what the model is asked, what stays, what goes wrong.

mod copies;
mod duplex;
mod guards;
mod kept;
mod tools;
mod turns;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::pack::{Pack, SchemaCheck};
use crate::providers::mock::MockProvider;
use crate::session::tests::world::line;
use crate::tools::FunctionTool;
use crate::types::ToolDescriptor;

/// A pack with something of each kind that a request is made of.
fn pack() -> Pack {
    let tool = |name: &str| {
        json!({ "name": name, "description": "Looks it up.",
            "parameters": { "type": "object", "properties": {} } })
    };
    let pack = json!({
        "$schema": "https://promptpack.org/schema/v1.4.0/promptpack.schema.json",
        "id": "museum", "name": "Museum", "version": "1.0.0",
        "template_engine": { "version": "v1", "syntax": "{{variable}}" },
        "fragments": { "manners": "Be kind to {{visitor}}." },
        "tools": { "find_room": tool("find_room"), "open_door": tool("open_door") },
        "prompts": {
            "guide": {
                "id": "guide", "name": "Guide", "version": "1.0.0",
                "system_template": "You guide {{visitor}} in {{language}}. {{manners}}",
                "variables": [
                    { "name": "visitor", "type": "string", "required": true },
                    { "name": "language", "type": "string", "required": false, "default": "English" },
                ],
                "tools": ["find_room", "open_door"],
                "tool_policy": { "max_rounds": 3, "blocklist": ["open_door"] },
                "parameters": { "temperature": 0.25, "max_tokens": 300, "top_p": 0.5 },
            },
            "other": {
                "id": "other", "name": "Other", "version": "1.0.0",
                "system_template": "You are another one.",
            },
        },
    });
    Pack::load(pack.to_string().as_bytes(), SchemaCheck::Full).unwrap().pack
}

fn model(answers: &[&str]) -> Arc<MockProvider> {
    let model = MockProvider::new();
    answers.iter().for_each(|answer| model.add_response(*answer));
    Arc::new(model)
}

fn opening(model: &Arc<MockProvider>) -> Opening {
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(model);
    let opening = Conversation::open(pack(), "guide").provider(provider).var("visitor", "Ann");
    opening.await_missing_tools()
}

/// A tool that finds every room on the second floor.
fn rooms() -> ToolRegistry {
    let descriptor = ToolDescriptor::new("find_room", "Finds a room.", json!({}));
    let mut tools = ToolRegistry::new();
    tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("second floor")))).unwrap();
    tools
}

fn said(conversation: &Conversation) -> Vec<String> {
    conversation.messages().iter().map(line).collect()
}

fn id(name: &str) -> ConversationId {
    name.parse().unwrap()
}

const ANN: &str = "You guide Ann in English. Be kind to Ann.";
