//! The tools of an agent, by name.

use std::sync::Arc;

use super::Tool;
use crate::types::ToolDescriptor;

/// Tools in the order in which they were registered. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct ToolRegistry(Vec<Arc<dyn Tool>>);

impl ToolRegistry {
    /// A registry without tools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Errors
    ///
    /// When there is a tool of that name, or the name is none that models accept.
    pub fn register(&mut self, tool: impl Tool + 'static) -> Result<(), RegisterError> {
        let name = tool.descriptor().name.as_str();
        if !is_name(name) {
            return Err(RegisterError::Name { name: name.to_owned() });
        }
        if self.get(name).is_some() {
            return Err(RegisterError::Duplicate { name: name.to_owned() });
        }
        self.0.push(Arc::new(tool));
        Ok(())
    }

    /// The tool called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.iter().find(|tool| tool.descriptor().name == name)
    }

    /// What a model is told about the tools.
    #[must_use]
    pub fn descriptors(&self) -> Vec<ToolDescriptor> {
        self.0.iter().map(|tool| tool.descriptor().clone()).collect()
    }
}

/// Why a tool was not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is taken.
    #[error("there is a tool named `{name}` already; give this one another name")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Models accept no such name.
    #[error("`{name}` is no name for a tool: use 1 to 64 letters, digits, `_` and `-`")]
    Name {
        /// The name.
        name: String,
    },
}

fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    plain && (1..=64).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::{ClockTool, FunctionTool};

    fn tool(name: &str) -> FunctionTool {
        let descriptor = ToolDescriptor {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({ "type": "object" }),
        };
        FunctionTool::sync(descriptor, Ok)
    }

    #[test]
    fn tools_keep_their_order_and_are_found_by_name() {
        let mut tools = ToolRegistry::new();
        tools.register(tool("zebra")).unwrap();
        tools.register(ClockTool::new()).unwrap();
        let names: Vec<_> = tools.descriptors().into_iter().map(|tool| tool.name).collect();
        assert_eq!(names, ["zebra", "clock"]);
        assert!(tools.get("clock").is_some() && tools.get("Clock").is_none());
    }

    #[test]
    fn a_name_is_given_once_and_must_be_plain() {
        let mut tools = ToolRegistry::new();
        tools.register(tool("a-b_1")).unwrap();
        let again = tools.register(tool("a-b_1")).unwrap_err();
        assert_eq!(again, RegisterError::Duplicate { name: "a-b_1".to_owned() });
        for wrong in ["", "two words", "naïve", &"x".repeat(65)] {
            assert!(matches!(tools.register(tool(wrong)), Err(RegisterError::Name { .. })));
        }
    }
}
