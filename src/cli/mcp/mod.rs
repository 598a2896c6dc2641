//! `banter mcp`.

mod call;
mod flags;
mod list;

pub(super) use flags::McpFlags;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::Ending;
use super::end::until_interrupted;
use super::settings::{SettingFlags, hidden};
use crate::tools::mcp::McpServer;
use crate::types::Secret;

/// Look at MCP servers, and try their tools.
///
/// Servers of the Model Context Protocol are programs and services whose tools an agent may call.
/// The settings file names them:
///
///   [mcp.files]
///   command = "npx"
///   args = ["-y", "@modelcontextprotocol/server-filesystem", "."]
///
///   [mcp.tickets]
///   url = "https://mcp.example.com/mcp"
///   headers = { authorization = "Bearer ${TICKETS_KEY}" }
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Mcp {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::List),
    Call(call::Call),
}

impl Mcp {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.action {
            Action::List(list) => until_interrupted(list.run()),
            Action::Call(call) => until_interrupted(call.run()),
        }
    }
}

/// Which servers are meant.
#[derive(Debug, Args)]
#[command(next_help_heading = "Servers")]
struct Which {
    /// One that no file names: a program with its arguments, as a shell would read it.
    #[arg(long, value_name = "COMMAND", conflicts_with = "url")]
    stdio: Option<String>,
    /// One that no file names: a service.
    #[arg(long, value_name = "ADDRESS")]
    url: Option<String>,
    /// A header for the service, as `authorization: Bearer …`; may be given again.
    #[arg(long, value_name = "NAME: VALUE", requires = "url", value_parser = hidden)]
    header: Vec<Secret>,
    /// A variable for the program; may be given again.
    #[arg(long, value_name = "NAME=VALUE", requires = "stdio", value_parser = hidden)]
    env: Vec<Secret>,
    /// A JSON file with servers, as other programs have it; may be given again.
    #[arg(long, value_name = "FILE")]
    mcp_config: Vec<PathBuf>,
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long a server may take to start, in seconds; what the file says, else 10, by default.
    /// What `npx` has to fetch first takes longer.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    start_within: Option<Duration>,
}

impl Which {
    /// Whether the server is given on the command line.
    fn is_given(&self) -> bool {
        self.stdio.is_some() || self.url.is_some()
    }

    /// The one that is given on the command line, else those of the files.
    fn servers(self) -> anyhow::Result<Vec<McpServer>> {
        let limit = self.start_within;
        let servers = match (&self.stdio, &self.url) {
            (Some(command), _) => vec![program(command, &self.env)?],
            (_, Some(url)) => vec![service(url, &self.header)?],
            _ => {
                let settings = SettingFlags::bare(self.config, Vec::new()).load(&[])?;
                McpFlags::of(self.mcp_config).servers(&settings)?
            }
        };
        if servers.is_empty() {
            bail!(
                "no MCP server is named: give one by --stdio COMMAND or --url ADDRESS, or add a \
                 table [mcp.NAME] to the settings file (banter mcp --help shows one)"
            );
        }
        let within = |server: McpServer| match limit {
            Some(limit) => server.init_timeout(limit),
            None => server,
        };
        Ok(servers.into_iter().map(within).collect())
    }
}

fn program(command: &str, env: &[Secret]) -> anyhow::Result<McpServer> {
    let words = shlex::split(command).context("--stdio: a quote has no end")?;
    let [program, args @ ..] = &words[..] else { bail!("--stdio names no program") };
    let mut server = McpServer::stdio(GIVEN, program).args(args);
    for pair in env {
        // What stands there is not told: it may be a key.
        let pair = pair.expose().split_once('=').context("--env is written as NAME=VALUE")?;
        server = server.env(pair.0, pair.1);
    }
    Ok(server)
}

fn service(url: &str, headers: &[Secret]) -> anyhow::Result<McpServer> {
    let mut server = McpServer::http(GIVEN, url);
    for pair in headers {
        let pair = pair.expose().split_once(':').context("--header is written as NAME: VALUE")?;
        server = server.header(pair.0.trim(), pair.1.trim());
    }
    Ok(server)
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a number from 1 to 600".to_owned()),
    }
}

/// What a server is called that has no name.
const GIVEN: &str = "server";
