//! A tool whose schemas have been read.

use std::sync::Arc;

use serde_json::Value;

use super::schema::Schema;
use super::{RegisterError, Tool, ToolError};
use crate::types::ToolDescriptor;

/// A tool that is ready to be called: its name is one that models accept, and its schemas have
/// been read, once, so that a call costs no more than the check. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Registered(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tool: Arc<dyn Tool>,
    input: Schema,
    output: Option<Schema>,
}

impl Registered {
    /// Reads the schemas of `tool`.
    ///
    /// # Errors
    ///
    /// When its name is none that models accept, or a schema is none.
    pub fn new(tool: impl Tool + 'static) -> Result<Self, RegisterError> {
        Self::shared(Arc::new(tool))
    }

    /// The same of a tool that others have as well.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn shared(tool: Arc<dyn Tool>) -> Result<Self, RegisterError> {
        let ToolDescriptor { name, parameters, output, .. } = tool.descriptor();
        if !is_name(name) {
            return Err(RegisterError::Name { name: name.clone() });
        }
        let read = |schema, which| {
            Schema::compile(schema).map_err(|problem| RegisterError::Schema {
                name: name.clone(),
                which,
                problem,
            })
        };
        let input = read(parameters, "parameters")?;
        let takes = &parameters["type"];
        if !(takes.is_null() || *takes == "object") {
            let problem = format!("`/type`: arguments have names, so it is `object`, not {takes}");
            return Err(RegisterError::Schema { name: name.clone(), which: "parameters", problem });
        }
        let output = output.as_ref().map(|schema| read(schema, "results")).transpose()?;
        Ok(Self(Arc::new(Inner { tool, input, output })))
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> &Arc<dyn Tool> {
        &self.0.tool
    }

    /// What the model is told about it.
    #[must_use]
    pub fn descriptor(&self) -> &ToolDescriptor {
        self.0.tool.descriptor()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.descriptor().name
    }

    /// The arguments as the tool gets them: checked, and with what models often mistake put right.
    /// A text becomes the number or truth value that is expected if it reads as one; a `null`
    /// where something else is expected counts as not given.
    ///
    /// # Errors
    ///
    /// [`ToolError::Arguments`], with at most five places and what is expected there.
    pub fn arguments(&self, arguments: &Value) -> Result<Value, ToolError> {
        let refused = |reason| ToolError::Arguments { name: self.name().to_owned(), reason };
        if !arguments.is_object() {
            return Err(refused(format!("expected an object, got {arguments}")));
        }
        let settled = self.0.input.settle(&self.descriptor().parameters, arguments);
        settled.map(std::borrow::Cow::into_owned).map_err(refused)
    }

    /// Checks a result of the tool against what it promises.
    ///
    /// # Errors
    ///
    /// [`ToolError::Failed`], which says what is wrong.
    pub fn check_result(&self, result: &Value) -> Result<(), ToolError> {
        let Some((output, schema)) = self.0.output.as_ref().zip(self.descriptor().output.as_ref())
        else {
            return Ok(());
        };
        output.check(schema, result).map_err(|problem| {
            tracing::warn!(tool = self.name(), problem, "a result is not what the tool promises");
            ToolError::failed(self.name(), format!("its result is not as promised: {problem}"))
        })
    }
}

fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    plain && (1..=64).contains(&name.len())
}
