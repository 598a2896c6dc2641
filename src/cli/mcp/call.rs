//! `banter mcp call`.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::{GIVEN, Which};
use crate::cli::Ending;
use crate::cli::harmless::harmless;
use crate::tools::mcp::McpClient;
use crate::tools::{ToolContext, ToolRegistry, run};
use crate::types::ToolCall;

/// Call a tool of a server, and print what a model would get.
///
/// Ends with 1 if the tool fails.
///
///   banter mcp call files read_text_file '{"path": "README.md"}'
///   banter mcp call --url http://127.0.0.1:3001/mcp get-sum '{"a": 2, "b": 3}'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, override_usage = USAGE)]
pub(super) struct Call {
    /// The server, unless it is given by --stdio or --url; the tool, as the server or a model
    /// calls it; its arguments, a JSON object, unless it needs none.
    #[arg(value_name = "WORDS", required = true, num_args = 1..=3)]
    words: Vec<String>,
    #[command(flatten)]
    which: Which,
}

const USAGE: &str = "banter mcp call [OPTIONS] SERVER TOOL [JSON]
       banter mcp call [OPTIONS] <--stdio COMMAND|--url ADDRESS> TOOL [JSON]";

impl Call {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let Self { words, which } = self;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (server, tool, arguments) = match (which.is_given(), &words[..]) {
            (true, [tool]) => (GIVEN, *tool, "{}"),
            (true, [tool, arguments]) => (GIVEN, *tool, *arguments),
            (false, [server, tool]) => (*server, *tool, "{}"),
            (false, [server, tool, arguments]) => (*server, *tool, *arguments),
            _ => bail!("give SERVER TOOL and JSON; `banter mcp list` shows what there is"),
        };
        let arguments: Value = serde_json::from_str(arguments)
            .context("the arguments are no JSON; write them as '{\"name\": \"value\"}'")?;
        let mut servers = which.servers()?;
        let all: Vec<String> = servers.iter().map(|it| it.name().to_owned()).collect();
        servers.retain(|it| it.name() == server);
        if servers.is_empty() {
            bail!("no MCP server is named `{server}`; there is: {}", all.join(", "));
        }
        let client = McpClient::connect(servers).await?;
        let ending = called(&client, server, tool, arguments).await;
        client.close().await;
        ending
    }
}

async fn called(
    client: &McpClient,
    server: &str,
    tool: &str,
    arguments: Value,
) -> anyhow::Result<Ending> {
    let name = client.tool(server, tool)?.name().to_owned();
    let mut tools = ToolRegistry::new();
    tools.add_source(Arc::new(client.clone()));
    let call = ToolCall { id: "call".to_owned(), name, arguments };
    let result = run(&tools, &call, ToolContext::detached()).await;
    let text = harmless(&result.content);
    if result.is_error {
        writeln!(stderr(), "banter: {text}")?;
        return Ok(Ending::Failed);
    }
    writeln!(stdout(), "{text}")?;
    Ok(Ending::Done)
}
