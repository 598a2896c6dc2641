//! What a conversation is made of: messages, tool calls, usage, secrets.

mod message;
mod secret;
mod tool;

pub use message::{Message, Role};
pub use secret::Secret;
pub use tool::{FinishReason, ToolCall, ToolDescriptor, ToolResult, Usage};
