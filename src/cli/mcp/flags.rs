//! The flags by which a conversation has MCP servers.

use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::config::{self, Settings};
use crate::session::Opening;
use crate::tools::mcp::McpServer;

/// Servers whose tools the agent may call.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "MCP")]
pub(in crate::cli) struct McpFlags {
    /// Start the MCP servers of this JSON file as well, as other programs have it:
    /// {"mcpServers": {"NAME": {"command": …, "args": […]}}}; may be given again. Those of the
    /// settings file, [mcp.NAME], are started without it.
    #[arg(long, value_name = "FILE")]
    mcp_config: Vec<PathBuf>,
    /// Start no MCP server.
    #[arg(long, conflicts_with = "mcp_config")]
    no_mcp: bool,
}

impl McpFlags {
    /// Those that the files name.
    pub(in crate::cli) fn of(files: Vec<PathBuf>) -> Self {
        Self { mcp_config: files, no_mcp: false }
    }

    /// The servers that settings and files name.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or an environment variable that a server wants is not set.
    pub(in crate::cli) fn servers(&self, settings: &Settings) -> anyhow::Result<Vec<McpServer>> {
        if self.no_mcp {
            return Ok(Vec::new());
        }
        let of_settings = settings.mcp().iter().map(|named| named.server.clone());
        let mut servers = of_settings.collect::<Result<Vec<_>, _>>()?;
        for file in &self.mcp_config {
            servers.extend(read(file)?);
        }
        Ok(servers)
    }

    /// A conversation with these servers, which it starts when it begins. Tells that it takes
    /// time.
    ///
    /// # Errors
    ///
    /// As for [`servers`](Self::servers).
    pub(in crate::cli) fn add(
        &self,
        opening: Opening,
        settings: &Settings,
    ) -> anyhow::Result<Opening> {
        let servers = self.servers(settings)?;
        if !servers.is_empty() {
            let plural = if servers.len() == 1 { "" } else { "s" };
            writeln!(stderr(), "starting {} MCP server{plural}…", servers.len())?;
        }
        Ok(opening.mcp(servers))
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<McpServer>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let variable = |name: &str| config::variables().find(|(it, _)| it == name).map(|(_, it)| it);
    Ok(config::mcp_servers(&name, &text, &variable)?)
}
