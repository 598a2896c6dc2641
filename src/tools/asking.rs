//! A tool that a person must allow.

use std::time::Duration;

use serde_json::Value;

use super::{Filler, Lifetime, Tool, ToolContext, ToolFuture};
use crate::types::{Approval, ToolDescriptor};

/// A [`Tool`] of which a person must allow every call, whatever the tool itself says.
///
/// ```
/// use banter::tools::{AskingTool, ClockTool};
/// use banter::types::Approval;
///
/// let reason = "it tells the time".to_owned();
/// let tool = AskingTool::new(ClockTool::new(), Approval { reason, ..Approval::default() });
/// # drop(tool);
/// ```
#[derive(Debug)]
pub struct AskingTool<T> {
    tool: T,
    approval: Approval,
}

impl<T: Tool> AskingTool<T> {
    /// Makes `tool` ask, with what the person has to know. A reason of the tool's own stands
    /// before that.
    pub fn new(tool: T, approval: Approval) -> Self {
        Self { tool, approval }
    }
}

impl<T: Tool> Tool for AskingTool<T> {
    fn descriptor(&self) -> &ToolDescriptor {
        self.tool.descriptor()
    }

    fn has_side_effects(&self) -> bool {
        self.tool.has_side_effects()
    }

    fn time_limit(&self) -> Duration {
        self.tool.time_limit()
    }

    fn lifetime(&self) -> Lifetime {
        self.tool.lifetime()
    }

    fn filler(&self) -> Option<Filler> {
        self.tool.filler()
    }

    fn approval(&self, arguments: &Value) -> Option<Approval> {
        Some(self.tool.approval(arguments).unwrap_or_else(|| self.approval.clone()))
    }

    fn call(&self, arguments: Value, context: ToolContext) -> ToolFuture<'_> {
        self.tool.call(arguments, context)
    }
}
