//! What a conversation is made of: messages, tool calls, usage.

mod message;
mod tool;

pub use message::{Message, Role};
pub use tool::{FinishReason, ToolCall, ToolDescriptor, ToolResult, Usage};
