//! One connection to a server, from its start to its end, and the requests that go over it.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, GetPromptRequestParams, JsonObject, ProtocolVersion,
    ReadResourceRequestParams,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, RunningService, serve_client_with_lifecycle_and_ct,
};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleClient, ServiceError};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::guard::Guarded;
use super::handler::Handler;
use super::listing::{self, Prompt, Resource};
use super::pace::Pace;
use super::process::{MAX_LINE, Process};
use super::server::{McpServer, Way};
use super::{content, service};
use crate::time::SessionClock;
use crate::types::Message;

/// A connection, with the program at its other end, if it is one.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) wire: Wire,
    process: Option<Process>,
    /// Cancelled when the connection is at its end.
    gone: CancellationToken,
    closing: CancellationToken,
}

/// What requests go over.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<RunningService<RoleClient, Handler>>);

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server says no, or nonsense, or is not reached by this request.
    #[error("{0}")]
    Refused(String),
    /// The connection ended.
    #[error("the connection ended")]
    Lost,
}

impl Link {
    /// Starts or reaches `server`, and asks what it is. `news` is told whenever its tools change.
    pub(super) async fn open(server: &McpServer, news: &Arc<Notify>) -> Result<Self, String> {
        let initialize = ClientLifecycleMode::Initialize;
        match Self::attempt(server, news, initialize).await {
            // One that knows nothing but the revision in which nobody introduces himself.
            Err(NotOpened::Refused(why)) => {
                let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
                let discover = ClientLifecycleMode::Discover { preferred_versions };
                Self::attempt(server, news, discover).await.map_err(|_| why)
            }
            other => other.map_err(NotOpened::why),
        }
    }

    async fn attempt(
        server: &McpServer,
        news: &Arc<Notify>,
        mode: ClientLifecycleMode,
    ) -> Result<Self, NotOpened> {
        let handler = Handler::new(&server.name, Arc::clone(news));
        let limit = server.init_timeout;
        match &server.way {
            Way::Stdio(program) => {
                let started = Process::start(program).map_err(NotOpened::Failed)?;
                let (mut process, (told, stdin)) = started;
                let transport = AsyncRwTransport::new(told, stdin).with_max_line_length(MAX_LINE);
                match serve(transport, handler, mode, limit).await {
                    Ok(link) => Ok(Self { process: Some(process), ..link }),
                    Err(NotOpened::Lost) => Err(NotOpened::Failed(process.fate().await)),
                    Err(NotOpened::Failed(why)) => Err(NotOpened::Failed(process.said_after(why))),
                    Err(refused @ NotOpened::Refused(_)) => Err(refused),
                }
            }
            Way::Http(address) => {
                let transport = service::transport(address, news).map_err(NotOpened::Failed)?;
                serve(transport, handler, mode, limit).await
            }
        }
    }

    /// Waits until the connection is at its end.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Why the connection is at its end; ends the program behind it.
    pub(super) async fn fate(mut self) -> String {
        match &mut self.process {
            Some(process) => process.fate().await,
            None => "the connection ended".to_owned(),
        }
    }

    /// Ends the connection and the program.
    pub(super) async fn close(self) {
        self.closing.cancel();
        let _gone = timeout(FAREWELL, self.gone.cancelled()).await;
        if let Some(process) = self.process {
            process.end().await;
        }
    }
}

async fn serve<T: Transport<RoleClient> + 'static>(
    transport: T,
    handler: Handler,
    mode: ClientLifecycleMode,
    limit: Duration,
) -> Result<Link, NotOpened> {
    let (gone, closing) = (CancellationToken::new(), CancellationToken::new());
    let guarded = Guarded::new(transport, Pace::new(SessionClock::live()), gone.clone());
    let serving = serve_client_with_lifecycle_and_ct(handler, guarded, mode, closing.clone());
    let Ok(served) = timeout(limit, serving).await else {
        let why = format!("it gave no answer within {limit:?}; `init_timeout` gives it longer");
        return Err(NotOpened::Failed(why));
    };
    let wire = Wire(Arc::new(served.map_err(NotOpened::from)?));
    match wire.revision() {
        Some(unknown) if !ProtocolVersion::KNOWN_VERSIONS.contains(&unknown) => {
            Err(NotOpened::Failed(format!("it speaks revision `{unknown}`, which is not known")))
        }
        _ => Ok(Link { wire, process: None, gone, closing }),
    }
}

impl Wire {
    /// The revision of the protocol that both sides speak.
    fn revision(&self) -> Option<ProtocolVersion> {
        self.0.peer_info().map(|info| info.protocol_version.clone())
    }

    /// What the server calls itself, and the revision that is spoken.
    pub(super) fn introduction(&self) -> String {
        let Some(info) = self.0.peer_info() else { return String::new() };
        let name = info.server_info.as_ref().map(|it| format!("{} {}, ", it.name, it.version));
        format!("{}MCP {}", name.unwrap_or_default(), info.protocol_version)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls a tool by the server's own name. Dropping the future tells the server so.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
        schema: bool,
    ) -> Result<Value, Fault> {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.0.call_tool(params).await.map_err(Fault::from)?;
        content::outcome(result, schema).map_err(Fault::Refused)
    }

    /// The server's tools, at most 1,000.
    pub(super) async fn tools(&self) -> Result<Vec<rmcp::model::Tool>, Fault> {
        let has = self.0.peer_info().is_none_or(|info| info.capabilities.tools.is_some());
        if has { listing::tools(self.0.peer()).await } else { Ok(Vec::new()) }
    }

    pub(super) async fn resources(&self) -> Result<Vec<Resource>, Fault> {
        let has = self.0.peer_info().is_none_or(|info| info.capabilities.resources.is_some());
        if has { listing::resources(self.0.peer()).await } else { Ok(Vec::new()) }
    }

    pub(super) async fn prompts(&self) -> Result<Vec<Prompt>, Fault> {
        let has = self.0.peer_info().is_none_or(|info| info.capabilities.prompts.is_some());
        if has { listing::prompts(self.0.peer()).await } else { Ok(Vec::new()) }
    }

    pub(super) async fn read_resource(&self, uri: &str) -> Result<String, Fault> {
        let params = ReadResourceRequestParams::new(uri);
        let read = self.0.read_resource(params).await.map_err(Fault::from)?;
        let texts: Vec<_> = read.contents.iter().map(content::resource).collect();
        Ok(listing::bounded(texts.join("\n")))
    }

    pub(super) async fn prompt(
        &self,
        name: &str,
        arguments: JsonObject,
    ) -> Result<Vec<Message>, Fault> {
        let params = GetPromptRequestParams::new(name).with_arguments(arguments);
        let result = self.0.get_prompt(params).await.map_err(Fault::from)?;
        Ok(listing::messages(&result.messages))
    }
}

enum NotOpened {
    /// The server refused the first request, in order.
    Refused(String),
    Failed(String),
    /// The connection ended.
    Lost,
}

impl NotOpened {
    fn why(self) -> String {
        match self {
            Self::Refused(why) | Self::Failed(why) => why,
            Self::Lost => "it ended the connection".to_owned(),
        }
    }
}

impl From<ClientInitializeError> for NotOpened {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            ClientInitializeError::JsonRpcError(error) => {
                Self::Refused(format!("it refused: {}", error.message))
            }
            ClientInitializeError::ConnectionClosed(_) => Self::Lost,
            ClientInitializeError::TransportError { error, .. } => {
                let why = service::why(&*error.error);
                if service::is_pipe(&*error.error) { Self::Lost } else { Self::Failed(why) }
            }
            ClientInitializeError::ExpectedInitResponse(_)
            | ClientInitializeError::ExpectedInitResult(_)
            | ClientInitializeError::ConflictInitResponseId(..)
            | ClientInitializeError::UncorrelatedErrorResponse { .. } => {
                Self::Failed("it answered with something else than was asked for".to_owned())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(error) => Self::Refused(error.message.into_owned()),
            ServiceError::TransportClosed | ServiceError::Cancelled { .. } => Self::Lost,
            ServiceError::TransportSend(error) if service::is_pipe(&*error.error) => Self::Lost,
            ServiceError::TransportSend(error) => {
                Self::Refused(format!("it was not reached: {}", service::why(&*error.error)))
            }
            ServiceError::UnexpectedResponse => {
                Self::Refused("it answered with something else than was asked for".to_owned())
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

/// For a connection that is to end: a service is told that its session is over.
const FAREWELL: Duration = Duration::from_secs(1);
