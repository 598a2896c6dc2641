//! What a conversation is made of: messages, media, parameters, tool calls, usage,
//! secrets, validations.

mod media;
mod message;
mod parameters;
mod secret;
mod tool;
mod validation;

pub use media::{Detail, Media, MediaKind, MediaRef, MediaSource};
pub use message::{Message, Role};
pub use parameters::{Parameters, ResponseFormat, ToolChoice, ToolPolicy};
pub use secret::Secret;
pub use tool::{
    Approval, FinishReason, PendingCall, ToolCall, ToolDescriptor, ToolResult, Usage, WaitsFor,
};
pub use validation::{Direction, Validation, ValidationAction};

use std::collections::BTreeMap;

/// Metadata of a session or a turn: session id, tenant, user. It reaches every provider request
/// and every tool.
pub type Metadata = BTreeMap<String, String>;
