//! Runs the tools that a model calls: every call has a result, whatever the tool does.

use serde_json::Value;

use super::{ToolError, ToolRegistry};
use crate::time::SessionClock;
use crate::types::{ToolCall, ToolResult};

/// Calls a tool and waits for its result, as long as the tool's time limit. An error becomes the
/// result's content, so that the model learns of it.
///
/// The content is at most 16 KiB; a longer one is cut, with a note. Dropping the future cancels
/// the tool. A panic in a tool is not caught.
///
/// The call is [`work`](SessionClock::work): on a stepped clock it takes as long as on the wall.
pub async fn run(tools: &ToolRegistry, call: &ToolCall, clock: &SessionClock) -> ToolResult {
    let outcome = result(tools, call, clock).await;
    let is_error = outcome.is_err();
    let content = match outcome {
        Ok(Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    ToolResult { id: call.id.clone(), name: call.name.clone(), content: bounded(content), is_error }
}

async fn result(
    tools: &ToolRegistry,
    call: &ToolCall,
    clock: &SessionClock,
) -> Result<Value, ToolError> {
    let name = || call.name.clone();
    let tool = tools.get(&call.name).ok_or_else(|| ToolError::Unknown { name: name() })?;
    if !call.arguments.is_object() {
        let reason = format!("expected an object, got {}", call.arguments);
        return Err(ToolError::Arguments { name: name(), reason });
    }
    let limit = tool.time_limit();
    let outcome = clock.timeout(limit, clock.during(tool.call(call.arguments.clone()))).await;
    outcome.unwrap_or_else(|| Err(ToolError::TimedOut { name: name(), limit }))
}

fn bounded(mut content: String) -> String {
    if content.len() > MAX_CONTENT {
        let note = format!(" [cut; {} bytes in all]", content.len());
        content.truncate(content.floor_char_boundary(MAX_CONTENT - note.len()));
        content.push_str(&note);
    }
    content
}

const MAX_CONTENT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::tools::FunctionTool;
    use crate::types::ToolDescriptor;

    fn descriptor(name: &str) -> ToolDescriptor {
        ToolDescriptor {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({ "type": "object" }),
        }
    }

    fn call(name: &str, arguments: Value) -> ToolCall {
        ToolCall { id: format!("id of {arguments}"), name: name.to_owned(), arguments }
    }

    fn failure(reason: &str) -> ToolError {
        ToolError::Failed { name: "wait".to_owned(), reason: reason.to_owned() }
    }

    /// `echo` gives back its argument of that name, else all of them, `fail` fails, `wait` takes
    /// as many `seconds` as it is told and has five.
    fn tools(clock: &SessionClock) -> ToolRegistry {
        let mut tools = ToolRegistry::new();
        let echo = |all: Value| Ok(all.get("echo").cloned().unwrap_or(all));
        tools.register(FunctionTool::sync(descriptor("echo"), echo)).unwrap();
        let fail = |_| Err(failure("no tea left"));
        tools.register(FunctionTool::sync(descriptor("fail"), fail)).unwrap();
        let clock = clock.clone();
        let wait = FunctionTool::new(descriptor("wait"), move |arguments| {
            let clock = clock.clone();
            async move {
                let wait = arguments["seconds"].as_u64().ok_or_else(|| failure("no number"))?;
                clock.sleep(Duration::from_secs(wait)).await;
                Ok(arguments)
            }
        });
        tools.register(wait.time_limit(Duration::from_secs(5))).unwrap();
        tools
    }

    async fn run_one(name: &str, arguments: Value) -> ToolResult {
        let clock = SessionClock::live();
        run(&tools(&clock), &call(name, arguments), &clock).await
    }

    #[tokio::test]
    async fn a_result_is_json_or_plain_text_and_carries_the_call_id() {
        let result = run_one("echo", json!({ "a": 1 })).await;
        assert_eq!((result.content.as_str(), result.is_error), (r#"{"a":1}"#, false));
        assert_eq!((result.id.as_str(), result.name.as_str()), (r#"id of {"a":1}"#, "echo"));
        assert_eq!(run_one("echo", json!({ "echo": "tea" })).await.content, "tea");
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_goes_wrong_is_told_to_the_model() {
        for (name, arguments, expected) in [
            ("fail", json!({}), "`wait` failed: no tea left"),
            ("sing", json!({}), "there is no tool named `sing`"),
            ("wait", json!({ "seconds": 60 }), "`wait` gave no answer within 5s"),
            (
                "echo",
                json!("{"),
                "the arguments of `echo` do not fit: expected an object, got \"{\"",
            ),
        ] {
            let result = run_one(name, arguments).await;
            assert_eq!((result.content.as_str(), result.is_error), (expected, true));
        }
    }

    #[tokio::test]
    async fn a_long_result_is_cut_between_characters() {
        let content = run_one("echo", json!({ "echo": "é".repeat(10_000) })).await.content;
        assert!(content.len() <= MAX_CONTENT && content.len() > MAX_CONTENT - 4);
        assert!(content.ends_with("é [cut; 20000 bytes in all]"));
    }

    #[tokio::test]
    async fn dropping_the_future_cancels_the_tool() {
        struct Running(Arc<AtomicUsize>);
        impl Drop for Running {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let cancelled = Arc::new(AtomicUsize::new(0));
        let mut tools = ToolRegistry::new();
        let seen = Arc::clone(&cancelled);
        let endless = FunctionTool::new(descriptor("endless"), move |_| {
            let running = Running(Arc::clone(&seen));
            async move {
                let _running = running;
                std::future::pending().await
            }
        });
        tools.register(endless).unwrap();
        let (clock, _stepper) = SessionClock::stepped();
        let call = call("endless", json!({}));
        {
            let running = run(&tools, &call, &clock);
            tokio::pin!(running);
            assert!(futures_util::poll!(running.as_mut()).is_pending());
            assert_eq!(cancelled.load(Ordering::Relaxed), 0);
        }
        assert_eq!(cancelled.load(Ordering::Relaxed), 1);
    }
}
