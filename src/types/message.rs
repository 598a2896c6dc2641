//! A message of a conversation.

use serde::{Deserialize, Serialize};

use super::{Media, ToolCall, ToolResult};

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The agent.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said. Of an answer that was interrupted: what was heard.
    #[serde(default)]
    pub text: String,
    /// What is shown or played with it, after the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
    /// The tools that the agent calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The result that a [`Role::Tool`] message carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_result: Option<ToolResult>,
    /// The user spoke over this answer; `text` ends where it was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

impl Message {
    /// What the user says.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// The same with `media` beside its text.
    #[must_use]
    pub fn with(mut self, media: Media) -> Self {
        self.media.push(media);
        self
    }

    /// What the agent says.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// What a tool answered.
    #[must_use]
    pub fn tool(result: ToolResult) -> Self {
        Self { tool_result: Some(result), ..Self::new(Role::Tool, "") }
    }

    fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
            media: Vec::new(),
            tool_calls: Vec::new(),
            tool_result: None,
            interrupted: false,
        }
    }
}

/// What the user says.
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::user(text)
    }
}

/// What the user says.
impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::user(text)
    }
}
