//! A server's tools, as tools of the agent.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::error::McpError;
use super::supervisor::Line;
use super::{listing, name, schema};
use crate::tools::{Registered, Tool, ToolContext, ToolError, ToolFuture};
use crate::types::ToolDescriptor;

/// The tools of one server.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) all: Arc<[Registered]>,
    /// What the server calls them, in the same order.
    own_names: Arc<[String]>,
}

impl Tools {
    /// The tool that the server, or a model, calls so.
    pub(super) fn find(&self, name: &str) -> Option<&Registered> {
        let mut named = self.own_names.iter().zip(&*self.all);
        named.find(|(own, tool)| *own == name || tool.name() == name).map(|(_, tool)| tool)
    }

    /// What the server calls them.
    pub(super) fn own_names(&self) -> &[String] {
        &self.own_names
    }
}

impl Default for Tools {
    fn default() -> Self {
        Self { all: Arc::new([]), own_names: Arc::new([]) }
    }
}

/// A tool of a server.
#[derive(Debug)]
struct McpTool {
    descriptor: ToolDescriptor,
    /// What the server calls it.
    own_name: String,
    changes_something: bool,
    of: Line,
}

/// Those of `listed` that are allowed, not too large and of good schemas. Of two with one name the first is meant.
pub(super) fn tools(of: &Line, listed: Vec<rmcp::model::Tool>) -> Tools {
    let mut seen = HashSet::new();
    let allowed: Vec<_> = listed
        .into_iter()
        .filter(|tool| of.server.allows(&tool.name) && seen.insert(tool.name.clone()))
        .collect();
    let own: Vec<&str> = allowed.iter().map(|tool| &*tool.name).collect();
    let names = name::tool_names(&of.server.name, &own);
    let mut room = MAX_SCHEMAS;
    let tools = allowed.iter().zip(names).filter_map(|(tool, name)| {
        let made = made(of, tool, name, &mut room);
        if let Err(why) = &made {
            let (server, tool) = (&of.server.name, &tool.name);
            tracing::warn!(server, %tool, why, "a tool of an MCP server is left out");
        }
        made.ok().map(|made| (made, tool.name.clone().into_owned()))
    });
    let (tools, own_names): (Vec<_>, Vec<_>) = tools.unzip();
    Tools { all: tools.into(), own_names: own_names.into() }
}

fn made(
    of: &Line,
    tool: &rmcp::model::Tool,
    name: String,
    room: &mut usize,
) -> Result<Registered, String> {
    let descriptor = descriptor(tool, name, room).ok_or("it is too large")?;
    let hints = tool.annotations.as_ref();
    let reads = hints.and_then(|hints| hints.read_only_hint).unwrap_or_default();
    let tool = McpTool {
        descriptor,
        own_name: tool.name.clone().into_owned(),
        changes_something: !reads,
        of: of.clone(),
    };
    Registered::shared(Arc::new(tool)).map_err(|error| error.to_string())
}

fn descriptor(tool: &rmcp::model::Tool, name: String, room: &mut usize) -> Option<ToolDescriptor> {
    let parameters = schema::input(&tool.input_schema)?;
    let output = tool.output_schema.as_deref().map(schema::output);
    let told = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
    let description = listing::cut(told, MAX_DESCRIPTION).to_owned();
    let descriptor = ToolDescriptor::new(name, description, parameters);
    let descriptor = match output {
        Some(output) => descriptor.with_output(output?),
        None => descriptor,
    };
    let size = schema::size(&descriptor.parameters)
        + descriptor.output.as_ref().map_or(0, schema::size)
        + descriptor.description.len();
    *room = room.checked_sub(size)?;
    Some(descriptor)
}

impl Tool for McpTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.changes_something
    }

    fn time_limit(&self) -> Duration {
        self.of.server.request_timeout
    }

    fn call(&self, arguments: Value, _context: ToolContext) -> ToolFuture<'_> {
        let name = || self.descriptor.name.clone();
        Box::pin(async move {
            let Value::Object(arguments) = arguments else {
                let reason = "expected an object".to_owned();
                return Err(ToolError::Arguments { name: name(), reason });
            };
            let schema = self.descriptor.output.is_some();
            let called =
                self.of.request(async |wire| wire.call(&self.own_name, arguments, schema).await);
            called.await.map_err(|error| {
                let reason = match error {
                    McpError::Refused { reason, .. } => reason,
                    other => other.to_string(),
                };
                ToolError::Failed { name: name(), reason }
            })
        })
    }
}

const MAX_DESCRIPTION: usize = 8 * 1024;
/// Of all tools of a server together.
const MAX_SCHEMAS: usize = 4 * 1024 * 1024;
