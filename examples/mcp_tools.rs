//! A conversation whose model calls the tools of an MCP server.
//!
//! `cargo run --example mcp_tools -- npx -y @modelcontextprotocol/server-everything stdio` starts
//! that server. A script stands in for the model, so that it needs no key; with `OPENAI_API_KEY` or
//! `OPENAI_BASE_URL` in the environment a real one decides what to call.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::providers::Provider;
use banter::providers::mock::MockProvider;
use banter::session::{Conversation, Opening};
use banter::tools::mcp::McpServer;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let Some(program) = words.next() else {
        return Err("give the command of an MCP server: npx -y PACKAGE stdio".into());
    };
    // A package that is to be fetched first takes its time.
    let server = McpServer::stdio("all", program)
        .args(words)
        .allow(["echo", "get-sum"])
        .init_timeout(Duration::from_secs(60));
    let opening = Conversation::plain("Be brief. Use the tools for sums.");
    add_up(opening.default_provider(script()).mcp([server]), &mut stdout()).await
}

async fn add_up(opening: Opening, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let conversation = opening.start().await?;
    let question = "How much is 2 and 3?";
    let response = conversation.send(question).await?;
    writeln!(output, "you:   {question}")?;
    for (call, result) in response.tool_calls.iter().zip(&response.tool_results) {
        writeln!(output, "       {} {} gives: {}", call.name, call.arguments, result.content)?;
    }
    writeln!(output, "agent: {response}")?;
    // The server ends here.
    Ok(conversation.close().await?)
}

/// A model that calls one tool.
fn script() -> Arc<dyn Provider> {
    let script = MockProvider::new();
    script.add_tool_call("mcp__all__get-sum", json!({ "a": 2, "b": 3 }));
    script.add_response("It is five.");
    Arc::new(script)
}

#[cfg(test)]
#[path = "../tests/support/lacking.rs"]
mod lacking;

#[tokio::test]
async fn the_model_calls_a_tool_of_the_server() {
    let modules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/node_modules");
    let package = modules.join("@modelcontextprotocol/server-everything/dist/index.js");
    if !package.exists() {
        return lacking::lacking("npm", "tests/mcp is not installed; run scripts/setup.sh --tests");
    }
    // Beside it may lie a newer Node than the machine's.
    let packages = modules.read_dir().unwrap();
    let newer = packages.map(|it| it.unwrap().path().join("bin/node")).find(|it| it.exists());
    let node = newer.unwrap_or_else(|| "node".into());
    let server = McpServer::stdio("all", node.to_str().unwrap());
    let server = server.args([package.to_str().unwrap(), "stdio"]);
    let opening = Conversation::plain("Be brief.").provider(script()).mcp([server]);
    let mut output = Vec::new();
    add_up(opening, &mut output).await.unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "you:   How much is 2 and 3?\n       \
         mcp__all__get-sum {\"a\":2,\"b\":3} gives: The sum of 2 and 3 is 5.\n\
         agent: It is five.\n"
    );
}
