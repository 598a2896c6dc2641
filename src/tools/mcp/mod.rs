//! Tools of others: servers of the Model Context Protocol (MCP), programs on this machine and
//! services.
//!
//! ```text
//! McpServer ─▶ McpClient::connect ─▶ McpClient ─▶ ToolRegistry::add_source
//!                                        │
//!              one task for each server: starts it, lists its tools, starts it again
//! ```
//!
//! A tool `read` of the server `files` is called `mcp__files__read`. Servers run until the client
//! is closed, or the last of its clones is dropped.
//!
//! A server can do no harm but to itself: what it sends is bounded and taken at its pace, what it is
//! asked has a time limit, and when it dies the calls under way fail at once. It may ask neither
//! the user nor the model anything.
//!
//! Not here: signing in at a service (OAuth). A service that wants a key gets it by a header.

mod content;
mod error;
mod guard;
mod handler;
mod link;
mod listing;
mod name;
mod pace;
mod process;
mod restarts;
mod schema;
mod server;
mod service;
mod supervisor;
mod tool;

pub use error::McpError;
pub use listing::{
    Prompt as McpPrompt, PromptArgument as McpPromptArgument, Resource as McpResource,
};
pub use server::McpServer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::supervisor::{State, Supervisor, Watched};
use super::{Registered, ToolSource};
use crate::types::Message;

/// Servers that run, and their tools. A clone shares them.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use banter::tools::ToolRegistry;
/// use banter::tools::mcp::{McpClient, McpServer};
///
/// # async fn example() -> Result<(), banter::tools::mcp::McpError> {
/// let files = McpServer::stdio("files", "mcp-server-filesystem").args(["."]);
/// let client = McpClient::connect([files]).await?;
/// let mut tools = ToolRegistry::new();
/// tools.add_source(Arc::new(client.clone()));
/// client.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct McpClient {
    servers: Arc<[Watched]>,
    _closing: Arc<DropGuard>,
    closed: CancellationToken,
}

/// How a server of a [`McpClient`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum McpStatus {
    /// It starts, for the first time or again.
    Starting,
    /// It runs.
    Running {
        /// What it calls itself, and the protocol's revision.
        introduction: String,
    },
    /// It has ended, and is not started again.
    Ended {
        /// Why.
        reason: String,
    },
}

impl McpClient {
    /// Starts `servers`, all at once, and waits until they have told their tools. Needs a runtime
    /// of Tokio's.
    ///
    /// # Errors
    ///
    /// When a server that is required does not start: the others are ended. When two have the same
    /// name.
    pub async fn connect(servers: impl IntoIterator<Item = McpServer>) -> Result<Self, McpError> {
        let servers: Vec<McpServer> = servers.into_iter().collect();
        check_names(&servers)?;
        let closed = CancellationToken::new();
        let (mut watched, mut starting) = (Vec::new(), Vec::new());
        for server in servers {
            let (supervisor, seen) = Supervisor::new(server, closed.clone());
            let (tell, told) = oneshot::channel();
            tokio::spawn(supervisor.run(tell));
            watched.push(seen);
            starting.push(told);
        }
        let _closing = Arc::new(closed.clone().drop_guard());
        let client = Self { servers: watched.into(), _closing, closed };
        let started = join_all(starting).await;
        for (server, started) in client.servers.iter().zip(started) {
            match started {
                Ok(Err(error)) if server.line.server.required => {
                    client.close().await;
                    return Err(error);
                }
                Ok(Err(error)) => tracing::warn!("{error}"),
                _ => {}
            }
        }
        Ok(client)
    }

    /// Ends all servers, and waits until they have ended, at most 5 s. Their tools are gone then.
    pub async fn close(&self) {
        self.closed.cancel();
        let ended = self.servers.iter().map(|server| {
            let mut state = server.line.state.clone();
            // Its task has the other end.
            async move { while state.changed().await.is_ok() {} }
        });
        let _ended = timeout(CLOSING, join_all(ended)).await;
    }

    /// The servers by name, and how they are, in the order in which they were given.
    #[must_use]
    pub fn status(&self) -> Vec<(String, McpStatus)> {
        let status = |server: &Watched| match &*server.line.state.borrow() {
            State::Starting(_) => McpStatus::Starting,
            State::Up(wire) => McpStatus::Running { introduction: wire.introduction() },
            State::Down(reason) => McpStatus::Ended { reason: reason.to_string() },
        };
        self.servers.iter().map(|it| (it.line.server.name.clone(), status(it))).collect()
    }

    /// The tools of `server`.
    ///
    /// # Errors
    ///
    /// When there is no server of that name.
    pub fn tools_of(&self, server: &str) -> Result<Arc<[Registered]>, McpError> {
        Ok(self.server(server)?.tools.borrow().all.clone())
    }

    /// The tool of `server` that it, or a model, calls `name`.
    ///
    /// # Errors
    ///
    /// When there is no such server or tool.
    pub fn tool(&self, server: &str, name: &str) -> Result<Registered, McpError> {
        let tools = self.server(server)?.tools.borrow();
        tools.find(name).cloned().ok_or_else(|| McpError::UnknownTool {
            server: server.to_owned(),
            tool: name.to_owned(),
            known: tools.own_names().to_vec(),
        })
    }

    /// The resources of `server`, at most 1,000; none if it has no such thing.
    ///
    /// # Errors
    ///
    /// When there is no server of that name, or it gives no answer.
    pub async fn resources(&self, server: &str) -> Result<Vec<McpResource>, McpError> {
        self.server(server)?.line.request_in_time(async |wire| wire.resources().await).await
    }

    /// The text of a resource of `server`, at most 256 KiB of it; what is no text is named.
    ///
    /// # Errors
    ///
    /// When there is no server of that name, or it does not give the resource.
    pub async fn read_resource(&self, server: &str, uri: &str) -> Result<String, McpError> {
        self.server(server)?.line.request_in_time(async |wire| wire.read_resource(uri).await).await
    }

    /// The prompts of `server`, at most 1,000; none if it has no such thing.
    ///
    /// # Errors
    ///
    /// When there is no server of that name, or it gives no answer.
    pub async fn prompts(&self, server: &str) -> Result<Vec<McpPrompt>, McpError> {
        self.server(server)?.line.request_in_time(async |wire| wire.prompts().await).await
    }

    /// What the prompt `name` of `server` says, at most 100 messages.
    ///
    /// # Errors
    ///
    /// When there is no server of that name, or it does not give the prompt.
    pub async fn get_prompt(
        &self,
        server: &str,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Vec<Message>, McpError> {
        let line = &self.server(server)?.line;
        line.request_in_time(async |wire| wire.prompt(name, arguments).await).await
    }

    fn server(&self, name: &str) -> Result<&Watched, McpError> {
        self.servers.iter().find(|it| it.line.server.name == name).ok_or_else(|| {
            McpError::Unknown {
                server: name.to_owned(),
                known: self.servers.iter().map(|it| it.line.server.name.clone()).collect(),
            }
        })
    }
}

impl ToolSource for McpClient {
    fn tools(&self) -> Arc<[Registered]> {
        match &*self.servers {
            [one] => Arc::clone(&one.tools.borrow().all),
            all => all.iter().flat_map(|it| it.tools.borrow().all.to_vec()).collect(),
        }
    }
}

/// Names must stay apart in the names of tools as well.
fn check_names(servers: &[McpServer]) -> Result<(), McpError> {
    for (at, server) in servers.iter().enumerate() {
        let plain = name::plain_server(&server.name);
        if plain.is_empty() {
            let wrong = format!("`{}` is no name for an MCP server: use letters", server.name);
            return Err(McpError::Name(wrong));
        }
        let same = |other: &&McpServer| name::plain_server(&other.name) == plain;
        if let Some(other) = servers[..at].iter().find(same) {
            let (one, two) = (&other.name, &server.name);
            let wrong = format!("two MCP servers are called `{one}` and `{two}`: rename one");
            return Err(McpError::Name(wrong));
        }
    }
    Ok(())
}

const CLOSING: Duration = Duration::from_secs(5);

#[cfg(doctest)]
#[doc = include_str!("../../../docs/mcp.md")]
struct Docs;
