//! The hooks of a conversation, one after the other.

use std::sync::Arc;
use std::time::Duration;

use super::{Hook, HookFuture, ModelAnswer, SessionStep, Verdict};
use crate::providers::ProviderRequest;
use crate::time::SessionClock;
use crate::types::{ToolCall, ToolResult};

/// The hooks of a conversation, in the order of their registration. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Hooks(Vec<Arc<dyn Hook>>);

/// A hook has said no, or nothing in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hook `{hook}` said no: {reason}")]
pub struct Denied {
    /// The hook.
    pub hook: String,
    /// Why.
    pub reason: String,
}

impl Hooks {
    /// How long a hook may take, 5 s. One before a step that takes longer has said no; one after
    /// a step is left behind.
    pub const LIMIT: Duration = Duration::from_secs(5);

    /// No hooks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hook behind those that there are.
    pub fn add(&mut self, hook: Arc<dyn Hook>) {
        self.0.push(hook);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks all before a request is sent. What they changed stays changed.
    ///
    /// # Errors
    ///
    /// When one says no; those after it are not asked.
    pub async fn before_provider(
        &self,
        clock: &SessionClock,
        request: &mut ProviderRequest,
    ) -> Result<(), Denied> {
        for hook in &self.0 {
            decided(clock, &**hook, hook.before_provider(request)).await?;
        }
        Ok(())
    }

    /// Tells all what the model answered.
    pub async fn after_provider(&self, clock: &SessionClock, answer: ModelAnswer<'_>) {
        for hook in &self.0 {
            told(clock, &**hook, hook.after_provider(answer)).await;
        }
    }

    /// Asks all before a tool is run. What they changed stays changed.
    ///
    /// # Errors
    ///
    /// When one says no; those after it are not asked.
    pub async fn before_tool(
        &self,
        clock: &SessionClock,
        call: &mut ToolCall,
    ) -> Result<(), Denied> {
        for hook in &self.0 {
            decided(clock, &**hook, hook.before_tool(call)).await?;
        }
        Ok(())
    }

    /// Shows all a tool's result.
    pub async fn after_tool(&self, clock: &SessionClock, call: &ToolCall, result: &mut ToolResult) {
        for hook in &self.0 {
            told(clock, &**hook, hook.after_tool(call, result)).await;
        }
    }

    /// Tells all of a step of the conversation.
    pub async fn session(&self, clock: &SessionClock, step: SessionStep<'_>) {
        for hook in &self.0 {
            told(clock, &**hook, hook.session(step)).await;
        }
    }
}

async fn decided(
    clock: &SessionClock,
    hook: &dyn Hook,
    asked: HookFuture<'_, Verdict>,
) -> Result<(), Denied> {
    let denied = |reason: String| Denied { hook: hook.name().to_owned(), reason };
    match clock.timeout(Hooks::LIMIT, clock.during(asked)).await {
        Some(Verdict::Allow) => Ok(()),
        Some(Verdict::Deny { reason }) => Err(denied(reason)),
        None => Err(denied(format!("it gave no answer within {:?}", Hooks::LIMIT))),
    }
}

async fn told(clock: &SessionClock, hook: &dyn Hook, told: HookFuture<'_, ()>) {
    if clock.timeout(Hooks::LIMIT, clock.during(told)).await.is_none() {
        tracing::warn!(hook = hook.name(), "a hook took longer than {:?}", Hooks::LIMIT);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use serde_json::json;

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl Hook for Named {
        fn name(&self) -> &str {
            self.0
        }

        fn before_tool<'a>(&'a self, call: &'a mut ToolCall) -> HookFuture<'a, Verdict> {
            match self.0 {
                "hang" => Box::pin(pending()),
                "deny" => Box::pin(ready(Verdict::Deny { reason: "not on Sundays".to_owned() })),
                name => {
                    call.arguments[name] = json!(true);
                    Box::pin(ready(Verdict::Allow))
                }
            }
        }
    }

    async fn asked(names: &[&'static str]) -> (ToolCall, Result<(), Denied>) {
        let mut hooks = Hooks::new();
        names.iter().for_each(|name| hooks.add(Arc::new(Named(name))));
        let mut call =
            ToolCall { id: "c".to_owned(), name: "light".to_owned(), arguments: json!({}) };
        let verdict = hooks.before_tool(&SessionClock::live(), &mut call).await;
        (call, verdict)
    }

    #[tokio::test(start_paused = true)]
    async fn hooks_are_asked_in_order_until_one_says_no() {
        let (call, verdict) = asked(&["a", "b"]).await;
        assert_eq!((call.arguments, verdict), (json!({ "a": true, "b": true }), Ok(())));

        let (call, verdict) = asked(&["a", "deny", "b"]).await;
        assert_eq!(call.arguments, json!({ "a": true }));
        let told = "the hook `deny` said no: not on Sundays";
        assert_eq!(verdict.unwrap_err().to_string(), told);

        let (_, verdict) = asked(&["hang"]).await;
        assert!(verdict.unwrap_err().reason.contains("within 5s"));
    }
}
