//! The tools of an agent, by name.

use std::fmt::Debug;
use std::sync::Arc;

use super::{Registered, Tool, matches};
use crate::types::{Approval, ToolCall, ToolDescriptor};

/// Tools in the order in which they were registered, and after them those of sources. Cloning
/// shares them.
#[derive(Clone, Debug, Default)]
pub struct ToolRegistry {
    tools: Vec<Registered>,
    sources: Vec<Arc<dyn ToolSource>>,
    /// Patterns.
    approve: Vec<String>,
}

/// Tools that come and go, as those of a server.
pub trait ToolSource: Debug + Send + Sync {
    /// Those that there are now. Asked for each call: make them [`Registered`] when they come,
    /// and leave out, with a warning, those that are refused.
    fn tools(&self) -> Arc<[Registered]>;
}

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
    /// When there is a tool of that name, the name is none that models accept, or a schema of it
    /// is none.
    pub fn register(&mut self, tool: impl Tool + 'static) -> Result<(), RegisterError> {
        self.register_shared(Arc::new(tool))
    }

    /// Adds a tool that others have as well.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register).
    pub fn register_shared(&mut self, tool: Arc<dyn Tool>) -> Result<(), RegisterError> {
        self.add(Registered::shared(tool)?)
    }

    /// Adds a tool whose schemas have been read.
    ///
    /// # Errors
    ///
    /// When there is a tool of that name.
    pub fn add(&mut self, tool: Registered) -> Result<(), RegisterError> {
        if self.find(tool.name()).is_some() {
            return Err(RegisterError::Duplicate { name: tool.name().to_owned() });
        }
        self.tools.push(tool);
        Ok(())
    }

    /// Adds whatever tools `source` has at a time. A tool that was registered by itself, or by an
    /// earlier source, stands before one of the same name.
    pub fn add_source(&mut self, source: Arc<dyn ToolSource>) {
        self.sources.push(source);
    }

    /// Has a person allow every call of the tools with these names, in which `*` stands for
    /// anything, whatever the tools themselves say. They need not be there yet.
    pub fn require_approval<N: Into<String>>(&mut self, names: impl IntoIterator<Item = N>) {
        self.approve.extend(names.into_iter().map(Into::into));
    }

    /// Whether a person must allow a call first. The tool is asked of the arguments that it will
    /// get; none must allow what the tool will not run for, as arguments that do not fit.
    #[must_use]
    pub fn approval(&self, call: &ToolCall) -> Option<Approval> {
        let tool = self.find(&call.name)?;
        let arguments = tool.arguments(&call.arguments).ok()?;
        let required = || {
            let reason = format!("every call of {} must be allowed", call.name);
            let is_it = self.approve.iter().any(|pattern| matches(pattern, &call.name));
            is_it.then_some(Approval { reason, message: String::new() })
        };
        tool.tool().approval(&arguments).or_else(required)
    }

    /// The tool called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.find(name).map(|found| Arc::clone(found.tool()))
    }

    /// The tool called `name`, with what its arguments and results are checked by.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Registered> {
        let is_it = |tool: &&Registered| tool.name() == name;
        let own = self.tools.iter().find(is_it).cloned();
        own.or_else(|| self.sources.iter().find_map(|of| of.tools().iter().find(is_it).cloned()))
    }

    /// What a model is told about the tools.
    #[must_use]
    pub fn descriptors(&self) -> Vec<ToolDescriptor> {
        let mut all: Vec<ToolDescriptor> =
            self.tools.iter().map(|tool| tool.descriptor().clone()).collect();
        for source in &self.sources {
            for tool in source.tools().iter() {
                if !all.iter().any(|known| known.name == tool.name()) {
                    all.push(tool.descriptor().clone());
                }
            }
        }
        all
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
    /// A schema of it is none, or would take too long to check by.
    #[error("the {which} of `{name}` are no schema to check by: {problem}; correct the schema")]
    Schema {
        /// The tool.
        name: String,
        /// `parameters` or `results`.
        which: &'static str,
        /// What is wrong, and where.
        problem: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::{ClockTool, FunctionTool};

    fn tool(name: &str) -> FunctionTool {
        let descriptor = ToolDescriptor::new(name, "", json!({ "type": "object" }));
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
    fn whom_a_person_must_allow_is_told_by_the_tool_or_by_its_name() {
        let descriptor = |name: &str| {
            let amount = json!({ "type": "integer" });
            ToolDescriptor::new(name, "", json!({ "properties": { "amount": amount } }))
        };
        let large = |arguments: &serde_json::Value| {
            let amount = arguments["amount"].as_u64().unwrap_or_default();
            let reason = "over 100 EUR".to_owned();
            (amount > 100).then(|| Approval { reason, message: String::new() })
        };
        let mut tools = ToolRegistry::new();
        tools.require_approval(["pay*"]);
        tools.register(FunctionTool::sync(descriptor("refund"), Ok).approval(large)).unwrap();
        tools.register(FunctionTool::sync(descriptor("pay_all"), Ok)).unwrap();
        let asked = |name: &str, amount| {
            let (id, name) = ("1".to_owned(), name.to_owned());
            let call = ToolCall { id, name, arguments: json!({ "amount": amount }) };
            tools.approval(&call).map(|approval| approval.reason)
        };
        assert_eq!(asked("refund", json!(100)), None);
        assert_eq!(asked("refund", json!(101)).as_deref(), Some("over 100 EUR"));
        // The tool would get the number.
        assert_eq!(asked("refund", json!("101")).as_deref(), Some("over 100 EUR"));
        assert_eq!(asked("refund", json!("many")), None);
        assert_eq!(asked("pay_all", json!(1)).unwrap(), "every call of pay_all must be allowed");
        assert_eq!(asked("other", json!(1)), None);
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
