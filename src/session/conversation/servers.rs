//! The MCP servers of a conversation: started when it opens, ended when it is closed.

use std::sync::Arc;

use crate::tools::ToolRegistry;
use crate::tools::mcp::{McpClient, McpError, McpServer};

/// Servers that run. Forks share them; they end with the last of the conversations.
#[derive(Clone, Debug, Default)]
pub(super) struct Servers(Option<Arc<McpClient>>);

impl Servers {
    /// Starts `servers`, whose tools join `tools`.
    pub(super) async fn start(
        servers: Vec<McpServer>,
        mut tools: Arc<ToolRegistry>,
    ) -> Result<(Arc<ToolRegistry>, Self), McpError> {
        if servers.is_empty() {
            return Ok((tools, Self::default()));
        }
        let client = Arc::new(McpClient::connect(servers).await?);
        Arc::make_mut(&mut tools).add_source(Arc::new(McpClient::clone(&client)));
        Ok((tools, Self(Some(client))))
    }

    /// Ends them, unless a fork has them as well.
    pub(super) async fn close(&self) {
        if let Some(client) = self.0.as_ref().filter(|it| Arc::strong_count(it) == 1) {
            client.close().await;
        }
    }
}
