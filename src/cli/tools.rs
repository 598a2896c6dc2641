//! `banter tools`, and the tools of all commands that hold conversations.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Ending;
use super::harmless::{harmless, harmless_json};
use super::settings::{SettingFlags, hidden};
use crate::config::Settings;
use crate::time::SessionClock;
use crate::tools::{ClockTool, ToolContext, ToolRegistry, run};
use crate::types::{Secret, ToolCall, ToolResult};

/// List the tools that a model may call, and try one.
///
/// They are the clock, and those of the settings file: [[tools.http]] and [[tools.exec]], see
/// docs/tools.md.
#[derive(Debug, Args)]
pub(super) struct Tools {
    #[command(subcommand)]
    action: Action,
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE", global = true, help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(
        short, long, value_name = "KEY=VALUE", value_parser = hidden, global = true,
        help_heading = "Settings"
    )]
    set: Vec<Secret>,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    Call(Call),
}

/// List the tools, in the order in which models are told of them.
#[derive(Debug, Args)]
struct List {
    /// Write each as a JSON object on a line, with its schemas.
    #[arg(long)]
    json: bool,
}

/// Call a tool as a model would, and show what the model would be told.
///
/// Nobody is asked to allow the call. Ends with 1 if it fails.
#[derive(Debug, Args)]
struct Call {
    /// The tool.
    #[arg(value_name = "NAME")]
    name: String,
    /// The arguments: a JSON object. They are checked as a model's are.
    #[arg(value_name = "JSON", default_value = "{}", value_parser = json_value)]
    arguments: Value,
    /// Write a JSON object on a line.
    #[arg(long)]
    json: bool,
}

/// The tools of the settings, and the clock.
///
/// # Errors
///
/// When one of the settings' tools can be none.
pub(super) fn tools(settings: &Settings) -> anyhow::Result<ToolRegistry> {
    let mut tools = settings.tools()?;
    tools.register(ClockTool::new())?;
    Ok(tools)
}

impl Tools {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let settings = SettingFlags::bare(self.config, self.set).load(&[])?;
        let tools = tools(&settings)?;
        match self.action {
            Action::List(list) => list.run(&settings, &tools),
            Action::Call(call) => call.run(&tools),
        }
    }
}

impl List {
    fn run(&self, settings: &Settings, tools: &ToolRegistry) -> anyhow::Result<Ending> {
        let all = tools.descriptors();
        let widest = all.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
        for tool in &all {
            let setting = settings.tool_settings().iter().find(|it| it.name() == tool.name);
            let from = setting.map_or("built in".to_owned(), |it| it.origin().to_string());
            if self.json {
                let line = json!({ "from": from, "tool": tool }).to_string();
                writeln!(stdout(), "{}", harmless_json(&line))?;
                continue;
            }
            let description = tool.description.lines().next().unwrap_or_default();
            let line = format!("{:widest$}  {description}  ({from})", tool.name);
            writeln!(stdout(), "{}", harmless(&line))?;
        }
        Ok(Ending::Done)
    }
}

impl Call {
    fn run(self, tools: &ToolRegistry) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let clock = SessionClock::live();
        let call = ToolCall { id: "call-1".to_owned(), name: self.name, arguments: self.arguments };
        let began = clock.now();
        let result = runtime.block_on(run(tools, &call, ToolContext::detached()));
        let took = clock.now().since(began);
        // A hung tool must not keep the program from ending.
        runtime.shutdown_background();
        show(&result, took.as_secs_f64() * 1000.0, self.json)?;
        Ok(if result.is_error { Ending::Failed } else { Ending::Done })
    }
}

fn show(result: &ToolResult, took_ms: f64, as_json: bool) -> std::io::Result<()> {
    let ToolResult { name, content, is_error, .. } = result;
    if as_json {
        let took_ms = (took_ms * 10.0).round() / 10.0;
        let line = json!({
            "name": name, "content": content, "is_error": is_error, "took_ms": took_ms,
        });
        return writeln!(stdout(), "{}", harmless_json(&line.to_string()));
    }
    writeln!(stdout(), "{}", harmless(content))?;
    let verdict = if *is_error { "failed" } else { "answered" };
    writeln!(std::io::stderr(), "{} {verdict} after {took_ms:.1} ms", harmless(name))
}

fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}
