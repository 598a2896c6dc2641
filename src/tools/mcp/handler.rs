//! What a server may ask and tell: its tools have changed, and what it notes. It may not ask the
//! user or the model anything.

#![expect(deprecated, reason = "servers of the revisions in use note what they do")]

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ErrorData, Implementation, InitializeRequestParams, LoggingMessageNotificationParam,
    ProtocolVersion,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use tokio::sync::Notify;

/// Answers one server.
#[derive(Debug)]
pub(super) struct Handler {
    server: String,
    news: Arc<Notify>,
}

impl Handler {
    pub(super) fn new(server: &str, news: Arc<Notify>) -> Self {
        Self { server: server.to_owned(), news }
    }
}

// Requests for the model's words are refused, and lists of folders are empty: so the library has it.
impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let banter = Implementation::new("banter", env!("CARGO_PKG_VERSION"));
        InitializeRequestParams::new(ClientCapabilities::default(), banter)
            .with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    async fn create_elicitation(
        &self,
        _request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        tracing::debug!(server = self.server, "the server wanted to ask the user: declined");
        Ok(ElicitResult::new(ElicitationAction::Decline))
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        // Many of them are one.
        self.news.notify_one();
    }

    async fn on_logging_message(
        &self,
        note: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let (server, level) = (&self.server, note.level);
        tracing::debug!(server, ?level, "the server notes: {:.500}", note.data.to_string());
    }
}
