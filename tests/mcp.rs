//! Servers of the Model Context Protocol: those of others, and one that misbehaves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may panic, and so may its helpers"
)]

#[path = "mcp/conversation.rs"]
mod conversation;
#[path = "mcp/hostile.rs"]
mod hostile;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "mcp/others.rs"]
mod others;
#[path = "mcp/web.rs"]
mod web;

use std::sync::Arc;
use std::time::Duration;

use banter::tools::mcp::{McpClient, McpServer};
use banter::tools::{Tool, ToolContext, ToolError};
use serde_json::Value;

/// How long anything may take that the tests wait for.
const LIMIT: Duration = Duration::from_secs(20);

/// The tool `name` of `server`, by the server's own name for it.
fn tool(client: &McpClient, server: &str, name: &str) -> Arc<dyn Tool> {
    Arc::clone(client.tool(server, name).unwrap().tool())
}

fn names(client: &McpClient, server: &str) -> Vec<String> {
    let tools = client.tools_of(server).unwrap();
    tools.iter().map(|tool| tool.name().to_owned()).collect()
}

async fn call(
    client: &McpClient,
    server: &str,
    name: &str,
    arguments: Value,
) -> Result<Value, ToolError> {
    let tool = tool(client, server, name);
    in_time(tool.call(arguments, ToolContext::detached())).await
}

/// Waits for what must not take long.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it took too long")
}

/// Waits until `holds`.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !holds() {
            tick.tick().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "in vain: {what}");
}

async fn connect(server: McpServer) -> McpClient {
    in_time(McpClient::connect([server])).await.unwrap()
}
