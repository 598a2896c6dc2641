//! The tool by which the model ends the call.

use std::sync::Arc;

use serde_json::json;

use super::{SessionHandle, WishError};
use crate::tools::{FunctionTool, ToolError, ToolRegistry};
use crate::types::ToolDescriptor;

/// The tools, and `end_call` with them. A tool of that name that is there already stays.
pub(super) fn with_end_call(tools: &ToolRegistry, handle: SessionHandle) -> Arc<ToolRegistry> {
    let descriptor = ToolDescriptor::new(
        "end_call",
        "Ends the call, once you have said goodbye. Call it when the user takes leave or asks to \
         hang up.",
        json!({ "type": "object", "properties": {}, "additionalProperties": false }),
    );
    let hang_up = FunctionTool::sync(descriptor, move |_arguments| {
        let failed = |error: WishError| ToolError::Failed {
            name: "end_call".to_owned(),
            reason: error.to_string(),
        };
        handle.take_leave().map_err(failed)?;
        Ok(json!({ "ends": "after your next words, unless the user speaks over them" }))
    });
    let mut tools = tools.clone();
    let _theirs_stays = tools.register(hang_up);
    Arc::new(tools)
}
