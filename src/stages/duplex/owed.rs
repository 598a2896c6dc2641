//! The calls of tools whose results the other side waits for. A core.

use crate::duplex::ReplyId;
use crate::providers::ProviderRequest;
use crate::types::{Role, ToolCall, ToolResult};

/// The calls that nobody has answered, and the answers that made them.
#[derive(Debug, Default)]
pub(super) struct Owed(Vec<Call>);

#[derive(Debug)]
struct Call {
    id: String,
    reply: ReplyId,
}

impl Owed {
    /// An answer calls a tool.
    pub(super) fn push(&mut self, call: &ToolCall, reply: ReplyId) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(Call { id: call.id.clone(), reply });
    }

    /// The results in a request that the other side waits for. It waits for them no longer.
    pub(super) fn results(&mut self, request: &ProviderRequest) -> Vec<ToolResult> {
        let tools = request.messages.iter().filter(|message| message.role == Role::Tool);
        let results = tools.filter_map(|message| message.tool_result.clone());
        results
            .filter(|result| {
                let at = self.0.iter().position(|call| call.id == result.id);
                at.map(|at| self.0.swap_remove(at)).is_some()
            })
            .collect()
    }

    /// Nobody waits for the results of these calls: the answers that made them, each once.
    pub(super) fn cancelled(&mut self, ids: &[String]) -> Vec<ReplyId> {
        let calls = self.0.extract_if(.., |call| ids.contains(&call.id));
        let mut replies: Vec<_> = calls.map(|call| call.reply).collect();
        replies.sort_unstable();
        replies.dedup();
        replies
    }
}

/// Those that somebody must allow may wait for long.
const MOST: usize = 256;
