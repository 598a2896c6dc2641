//! Some tools must not be called.

use serde::Deserialize;
use serde_json::Value;

use crate::validators::params::{read, texts};
use crate::validators::{Said, Validator, Violation};

/// Some tools must not be called.
#[derive(Debug)]
pub(in crate::validators) struct ToolsNotCalled(Params);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(alias = "tools", alias = "tool_name", deserialize_with = "texts")]
    tool_names: Vec<String>,
}

impl ToolsNotCalled {
    pub(in crate::validators) fn new(params: &Value) -> Result<Self, String> {
        read(params).map(Self)
    }
}

impl Validator for ToolsNotCalled {
    fn kind(&self) -> &'static str {
        "tools_not_called"
    }

    fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
        match said.tool_calls.iter().find(|call| self.0.tool_names.contains(&call.name)) {
            Some(call) => Err(Violation::of_all(format!("`{}` was called", call.name))),
            None => Ok(()),
        }
    }
}
