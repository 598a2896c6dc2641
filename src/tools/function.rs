//! A tool made of a descriptor and a closure.

use std::fmt;
use std::future::{Future, ready};
use std::time::Duration;

use serde_json::Value;

use super::{Tool, ToolContext, ToolError, ToolFuture};
use crate::types::ToolDescriptor;

/// A [`Tool`] that calls a closure.
///
/// ```
/// use banter::tools::FunctionTool;
/// use banter::types::ToolDescriptor;
/// use serde_json::json;
///
/// let descriptor = ToolDescriptor::new("dice", "Rolls a die.", json!({ "type": "object" }));
/// let dice = FunctionTool::new(descriptor, |_| async { Ok(json!(4)) }).without_side_effects();
/// # drop(dice);
/// ```
pub struct FunctionTool {
    descriptor: ToolDescriptor,
    function: Box<Function>,
    side_effects: bool,
    time_limit: Duration,
}

type Function = dyn Fn(Value, ToolContext) -> ToolFuture<'static> + Send + Sync;

impl FunctionTool {
    /// A tool that awaits what `function` returns. It has side effects and 10 s of time unless
    /// told otherwise.
    pub fn new<F, R>(descriptor: ToolDescriptor, function: F) -> Self
    where
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        let function =
            Box::new(move |arguments, _| -> ToolFuture<'static> { Box::pin(function(arguments)) });
        Self { descriptor, function, side_effects: true, time_limit: Duration::from_secs(10) }
    }

    /// A tool that answers without waiting. `function` runs on the runtime's thread: it must
    /// neither block nor panic.
    pub fn sync<F>(descriptor: ToolDescriptor, function: F) -> Self
    where
        F: Fn(Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    {
        Self::new(descriptor, move |arguments| ready(function(arguments)))
    }

    /// Calling it changes nothing, so it may be called for an answer that is not given yet.
    #[must_use]
    pub fn without_side_effects(mut self) -> Self {
        self.side_effects = false;
        self
    }

    /// How long it may take; 10 s by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

impl Tool for FunctionTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.side_effects
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn call(&self, arguments: Value, context: ToolContext) -> ToolFuture<'_> {
        (self.function)(arguments, context)
    }
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTool")
            .field("name", &self.descriptor.name)
            .field("side_effects", &self.side_effects)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}
