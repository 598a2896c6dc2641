//! One object that runs several tools.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{RegisterError, Registered, Tool, ToolContext, ToolFuture, ToolRegistry};
use crate::types::ToolDescriptor;

/// Runs tools by name: for a program that has a way of its own to call whatever there is. See
/// [`ToolRegistry::register_executor`].
pub trait Executor: Debug + Send + Sync {
    /// Whether calling the tool changes something outside the conversation; every tool does by
    /// default.
    fn has_side_effects(&self, name: &str) -> bool {
        let _any = name;
        true
    }

    /// How long the tool may take; 10 s by default.
    fn time_limit(&self, name: &str) -> Duration {
        let _any = name;
        Duration::from_secs(10)
    }

    /// Runs the tool called `name`. Dropping the future cancels it.
    fn call<'a>(&'a self, name: &'a str, arguments: Value, context: ToolContext) -> ToolFuture<'a>;
}

impl ToolRegistry {
    /// Adds the tools that `descriptors` describe, all of which `executor` runs.
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register), of the first that is refused. Then none is added.
    pub fn register_executor(
        &mut self,
        descriptors: impl IntoIterator<Item = ToolDescriptor>,
        executor: &Arc<dyn Executor>,
    ) -> Result<(), RegisterError> {
        let mut all = self.clone();
        for descriptor in descriptors {
            let executor = Arc::clone(executor);
            all.add(Registered::new(Executed { descriptor, executor })?)?;
        }
        *self = all;
        Ok(())
    }
}

#[derive(Debug)]
struct Executed {
    descriptor: ToolDescriptor,
    executor: Arc<dyn Executor>,
}

impl Tool for Executed {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.executor.has_side_effects(&self.descriptor.name)
    }

    fn time_limit(&self) -> Duration {
        self.executor.time_limit(&self.descriptor.name)
    }

    fn call(&self, arguments: Value, context: ToolContext) -> ToolFuture<'_> {
        self.executor.call(&self.descriptor.name, arguments, context)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::run;
    use crate::types::ToolCall;

    #[derive(Debug)]
    struct Loud;

    impl Executor for Loud {
        fn call<'a>(
            &'a self,
            name: &'a str,
            _arguments: Value,
            _context: ToolContext,
        ) -> ToolFuture<'a> {
            Box::pin(async move { Ok(name.to_uppercase().into()) })
        }
    }

    fn described(name: &str) -> ToolDescriptor {
        ToolDescriptor::new(name, "", json!({ "type": "object" }))
    }

    #[tokio::test]
    async fn one_object_runs_them_all() {
        let (mut tools, loud) = (ToolRegistry::new(), Arc::new(Loud) as Arc<dyn Executor>);
        tools.register_executor(["one", "two"].map(described), &loud).unwrap();
        let id = "1".to_owned();
        let call = ToolCall { id, name: "two".to_owned(), arguments: json!({}) };
        assert_eq!(run(&tools, &call, ToolContext::detached()).await.content, "TWO");
    }

    #[test]
    fn all_are_added_or_none() {
        let (mut tools, loud) = (ToolRegistry::new(), Arc::new(Loud) as Arc<dyn Executor>);
        let refused = tools.register_executor(["one", "two words"].map(described), &loud);
        assert!(matches!(refused, Err(RegisterError::Name { .. })));
        assert!(tools.descriptors().is_empty());
    }
}
