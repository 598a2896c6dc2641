//! `banter mcp list`.

use std::fmt::Write as _;
use std::io::{Write, stderr, stdout};

use anyhow::bail;
use clap::Args;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Which;
use crate::cli::Ending;
use crate::cli::harmless::{harmless, harmless_json};
use crate::tools::Registered;
use crate::tools::mcp::{McpClient, McpPrompt, McpResource, McpStatus};

/// List the tools of servers: their names for a model, what they take, what they are for.
///
/// A `?` stands behind what need not be given; a `*` before a tool that only reads. Ends with 1 if
/// a server does not start.
///
///   banter mcp list
///   banter mcp list --stdio "npx -y @modelcontextprotocol/server-memory"
///   banter mcp list --url http://127.0.0.1:3001/mcp --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// The server; all that the files name by default.
    #[arg(value_name = "SERVER", conflicts_with_all = ["stdio", "url"])]
    server: Option<String>,
    /// List resources as well.
    #[arg(long)]
    resources: bool,
    /// List prompts as well.
    #[arg(long)]
    prompts: bool,
    /// Write each server as a JSON object on a line, with all that it tells.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// What is told of a server.
struct Told {
    name: String,
    introduction: String,
    tools: Vec<Registered>,
    resources: Option<Vec<McpResource>>,
    prompts: Option<Vec<McpPrompt>>,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let Self { server, resources, prompts, json, which } = self;
        let mut servers = which.servers()?;
        if let Some(name) = &server {
            let all: Vec<String> = servers.iter().map(|it| it.name().to_owned()).collect();
            servers.retain(|it| it.name() == name);
            if servers.is_empty() {
                bail!("no MCP server is named `{name}`; there is: {}", all.join(", "));
            }
        }
        // One that does not start does not hide the others.
        let started = servers.into_iter().map(|server| {
            let name = server.name().to_owned();
            async { (name, McpClient::connect([server]).await) }
        });
        let mut ending = Ending::Done;
        for (name, client) in join_all(started).await {
            let client = match client {
                Ok(client) => client,
                Err(error) => {
                    ending = Ending::Failed;
                    writeln!(stderr(), "banter: {}", harmless(&error.to_string()))?;
                    continue;
                }
            };
            let introduction = match &client.status()[..] {
                [(_, McpStatus::Running { introduction })] => introduction.clone(),
                _ => "has ended".to_owned(),
            };
            let told = Told {
                tools: client.tools_of(&name)?.to_vec(),
                resources: if resources { Some(client.resources(&name).await?) } else { None },
                prompts: if prompts { Some(client.prompts(&name).await?) } else { None },
                name,
                introduction,
            };
            let text = match json {
                true => harmless_json(&told.json().to_string()) + "\n",
                false => harmless(&told.text()),
            };
            client.close().await;
            stdout().write_all(text.as_bytes())?;
        }
        Ok(ending)
    }
}

impl Told {
    fn text(&self) -> String {
        let mut text = format!("{}  {}\n", self.name, self.introduction);
        for tool in &self.tools {
            let mark = if tool.tool().has_side_effects() { ' ' } else { '*' };
            let descriptor = tool.descriptor();
            let takes = parameters(&descriptor.parameters);
            let _infallible = writeln!(text, "  {mark} {}({takes})", descriptor.name);
            text += &about(&descriptor.description);
        }
        for resource in self.resources.iter().flatten() {
            let kind = resource.mime_type.as_deref().unwrap_or("-");
            let _infallible = writeln!(text, "  resource {}  {kind}", resource.uri);
            text += &about(&resource.description);
        }
        for prompt in self.prompts.iter().flatten() {
            let optional = |required| if required { "" } else { "?" };
            let takes: Vec<_> = prompt
                .arguments
                .iter()
                .map(|argument| format!("{}{}", argument.name, optional(argument.required)))
                .collect();
            let _infallible = writeln!(text, "  prompt {}({})", prompt.name, takes.join(", "));
            text += &about(&prompt.description);
        }
        text
    }

    fn json(&self) -> Value {
        let tool = |tool: &Registered| {
            let mut told = json!(tool.descriptor());
            told["has_side_effects"] = json!(tool.tool().has_side_effects());
            told
        };
        let mut told = json!({
            "server": self.name,
            "introduction": self.introduction,
            "tools": self.tools.iter().map(tool).collect::<Vec<_>>(),
        });
        if let Some(resources) = &self.resources {
            let resource = |it: &McpResource| {
                json!({ "uri": it.uri, "name": it.name, "description": it.description,
                    "mime_type": it.mime_type })
            };
            told["resources"] = resources.iter().map(resource).collect();
        }
        if let Some(prompts) = &self.prompts {
            let prompt = |it: &McpPrompt| {
                let argument = |it: &crate::tools::mcp::McpPromptArgument| {
                    json!({ "name": it.name, "description": it.description,
                        "required": it.required })
                };
                json!({ "name": it.name, "description": it.description,
                    "arguments": it.arguments.iter().map(argument).collect::<Vec<_>>() })
            };
            told["prompts"] = prompts.iter().map(prompt).collect();
        }
        told
    }
}

/// The parameters of a schema in a few words: `path: string, head?: number`.
fn parameters(schema: &Value) -> String {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name))
    };
    let Some(all) = schema["properties"].as_object() else { return String::new() };
    let told = all.iter().map(|(name, schema)| {
        let optional = if required(name) { "" } else { "?" };
        let kind = schema["type"].as_str().unwrap_or("any");
        format!("{name}{optional}: {kind}")
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The first line of a description, not too long.
fn about(description: &str) -> String {
    let line = description.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    match line.char_indices().nth(WIDTH) {
        _ if line.is_empty() => String::new(),
        Some((end, _)) => format!("      {}…\n", &line[..end]),
        None => format!("      {line}\n"),
    }
}

const WIDTH: usize = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_told_in_a_few_words() {
        let schema = json!({
            "properties": { "path": { "type": "string" }, "what": { "anyOf": [] } },
            "required": ["path"],
        });
        assert_eq!(parameters(&schema), "path: string, what?: any");
        assert_eq!(parameters(&json!({})), "");
    }

    #[test]
    fn a_description_is_a_line() {
        assert_eq!(about("\n  Reads a file.\nAnd more."), "      Reads a file.\n");
        assert_eq!(about(""), "");
        assert_eq!(about(&"é".repeat(100)), format!("      {}…\n", "é".repeat(90)));
    }
}
