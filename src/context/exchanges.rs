//! Where a conversation may be cut.

use crate::types::{Message, Role};

/// Where its exchanges begin: at the first message, and at each of the user's, unless a tool's
/// result stands behind it whose call stands before it.
pub(super) fn starts(messages: &[Message]) -> Vec<usize> {
    let mut starts = Vec::new();
    // Calls without a result so far. One that never gets one holds nothing together.
    let mut open: Vec<(&str, usize)> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if at == 0 || message.role == Role::User {
            starts.push(at);
        }
        if let Some(result) = &message.tool_result
            && let Some(pair) = open.iter().rposition(|(id, _)| *id == result.id)
        {
            let (_, called) = open.remove(pair);
            while starts.last().is_some_and(|start| *start > called) {
                starts.pop();
            }
        }
        open.extend(message.tool_calls.iter().map(|call| (call.id.as_str(), at)));
    }
    starts
}
