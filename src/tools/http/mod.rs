//! Tools that are requests to a service.
//!
//! ```text
//! arguments ─▶ HttpCall (templates) ─▶ a request ─▶ hosts? ─▶ Http ─▶ an answer ─▶ JSON or text
//!                                          ▲                   │
//!                                          └──── redirected ◀──┘
//! ```
//!
//! What the model writes gets into a path, a query, a header or a body as a value, never as
//! syntax. Where requests go is bounded twice: by the hosts of the tool, and by the addresses that
//! [`GuardedClient`] connects to. No try is made a second time.

mod answer;
mod call;
mod plan;
mod request;
mod template;
#[cfg(test)]
mod tests;
mod way;

pub use call::{HttpCall, HttpToolError};

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Tool, ToolContext, ToolError, ToolFuture};
use crate::net::{GuardedClient, Http};
use crate::types::ToolDescriptor;
use plan::Plan;

/// A [`Tool`] that sends a request to a service, and gives its answer.
///
/// ```
/// use banter::tools::{HttpCall, HttpTool};
/// use banter::types::{Secret, ToolDescriptor};
/// use serde_json::json;
///
/// let parameters = json!({
///     "type": "object",
///     "properties": { "city": { "type": "string" }, "days": { "type": "integer" } },
///     "required": ["city"],
/// });
/// let weather = ToolDescriptor::new("weather", "Tells the weather of a city.", parameters);
/// let call = HttpCall::get("https://api.example.com/v1/{city}")
///     .secret_header("authorization", Secret::new("Bearer sk-1234"))
///     .pick("/forecast");
/// // {"city": "Ulm", "days": 3}  →  GET https://api.example.com/v1/Ulm?days=3
/// let tool = HttpTool::new(weather, call)?;
/// # drop(tool);
/// # Ok::<(), banter::tools::HttpToolError>(())
/// ```
#[derive(Debug)]
pub struct HttpTool {
    descriptor: ToolDescriptor,
    plan: Plan,
    side_effects: bool,
    time_limit: Duration,
    http: Arc<dyn Http>,
}

impl HttpTool {
    /// A tool that makes this call, over connections that all such tools share.
    ///
    /// # Errors
    ///
    /// When the call can be made with no arguments: an address, a header or a placeholder is none.
    pub fn new(descriptor: ToolDescriptor, call: HttpCall) -> Result<Self, HttpToolError> {
        let http = Arc::new(GuardedClient::shared(call.reach())?);
        Self::through(descriptor, call, http)
    }

    /// The same, by a way of its own. The way must see to it that no address is reached which
    /// should not be; this sees to the hosts alone.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn through(
        descriptor: ToolDescriptor,
        call: HttpCall,
        http: Arc<dyn Http>,
    ) -> Result<Self, HttpToolError> {
        let (side_effects, time_limit) = (call.has_side_effects(), call.time_limit);
        let plan = Plan::new(call, &descriptor.parameters)?;
        Ok(Self { descriptor, plan, side_effects, time_limit, http })
    }
}

impl Tool for HttpTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.side_effects
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn call(&self, arguments: Value, _context: ToolContext) -> ToolFuture<'_> {
        Box::pin(async move {
            let running = async {
                let request = self.plan.request(&arguments)?;
                let (answer, host) = way::follow(&*self.http, &self.plan, request).await?;
                answer::read(answer, &host, &self.plan).await
            };
            running.await.map_err(|problem| problem.of(&self.descriptor.name))
        })
    }
}

/// Why a call came to nothing, before it is known whose.
#[derive(Debug)]
enum Problem {
    Arguments(String),
    Refused(String),
    Failed(String),
}

impl Problem {
    fn of(self, name: &str) -> ToolError {
        let name = name.to_owned();
        match self {
            Self::Arguments(reason) => ToolError::Arguments { name, reason },
            Self::Refused(reason) => ToolError::Refused { name, reason },
            Self::Failed(reason) => ToolError::Failed { name, reason },
        }
    }
}
