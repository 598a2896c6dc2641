//! Runs the tools that a model calls: every call has a result, whatever the tool does.

use futures_util::{StreamExt, stream};
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
/// The call is no [`work`](SessionClock::work): a tool may wait on `clock` itself, which must be
/// able to move meanwhile. A tool that waits for something else (a socket, a process) and runs
/// under a stepped clock must hold it with [`during`](SessionClock::during), or it times out.
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

/// Runs the calls of one answer, eight at a time; the results are in the order of the calls.
pub async fn run_all(
    tools: &ToolRegistry,
    calls: &[ToolCall],
    clock: &SessionClock,
) -> Vec<ToolResult> {
    // A plain loop, since a closure that borrows the calls would make the future not `Send`.
    let mut running = Vec::with_capacity(calls.len());
    for call in calls {
        running.push(run(tools, call, clock));
    }
    stream::iter(running).buffered(AT_ONCE).collect().await
}

async fn result(
    tools: &ToolRegistry,
    call: &ToolCall,
    clock: &SessionClock,
) -> Result<Value, ToolError> {
    let name = || call.name.clone();
    let tool = tools.get(&call.name).ok_or_else(|| ToolError::Unknown { name: name() })?;
    let limit = tool.time_limit();
    let outcome = clock.timeout(limit, tool.call(call.arguments.clone())).await;
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

const AT_ONCE: usize = 8;

const MAX_CONTENT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::time::{SessionTime, Stepper};
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

    /// `echo` gives its arguments back, `fail` fails, `wait` takes as many seconds as its
    /// arguments say and has five.
    fn tools(clock: &SessionClock) -> ToolRegistry {
        let mut tools = ToolRegistry::new();
        tools.register(FunctionTool::sync(descriptor("echo"), Ok)).unwrap();
        let fail = |_| Err(failure("no tea left"));
        tools.register(FunctionTool::sync(descriptor("fail"), fail)).unwrap();
        let clock = clock.clone();
        let wait = FunctionTool::new(descriptor("wait"), move |seconds| {
            let clock = clock.clone();
            async move {
                let wait = seconds.as_u64().ok_or_else(|| failure("no number"))?;
                clock.sleep(Duration::from_secs(wait)).await;
                Ok(seconds)
            }
        });
        tools.register(wait.time_limit(Duration::from_secs(5))).unwrap();
        tools
    }

    /// Runs the calls under a stepped clock: the results, and the second at which they were there.
    async fn run_stepped(calls: Vec<ToolCall>) -> (Vec<ToolResult>, f64) {
        let (clock, mut stepper): (_, Stepper) = SessionClock::stepped();
        let tools = tools(&clock);
        let task = tokio::spawn({
            let own = clock.clone();
            clock.track(async move {
                let results = run_all(&tools, &calls, &own).await;
                (results, own.now().as_millis() / 1000.0)
            })
        });
        stepper.advance_to(SessionTime::from_millis(100_000)).await;
        task.await.unwrap()
    }

    async fn run_one(name: &str, arguments: Value) -> ToolResult {
        run_stepped(vec![call(name, arguments)]).await.0.remove(0)
    }

    #[tokio::test]
    async fn a_result_is_json_or_plain_text_and_carries_the_call_id() {
        let result = run_one("echo", json!({ "a": 1 })).await;
        assert_eq!((result.content.as_str(), result.is_error), (r#"{"a":1}"#, false));
        assert_eq!((result.id.as_str(), result.name.as_str()), (r#"id of {"a":1}"#, "echo"));
        assert_eq!(run_one("echo", json!("tea")).await.content, "tea");
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_told_to_the_model() {
        for (name, arguments, expected) in [
            ("fail", json!({}), "`wait` failed: no tea left"),
            ("sing", json!({}), "there is no tool named `sing`"),
            ("wait", json!(60), "`wait` gave no answer within 5s"),
        ] {
            let result = run_one(name, arguments).await;
            assert_eq!((result.content.as_str(), result.is_error), (expected, true));
        }
    }

    #[tokio::test]
    async fn calls_run_together_eight_at_a_time_and_keep_their_order() {
        let together = [3, 1, 2].map(|seconds| call("wait", json!(seconds)));
        let (results, took) = run_stepped(together.to_vec()).await;
        let contents: Vec<_> = results.iter().map(|result| result.content.as_str()).collect();
        assert_eq!((contents, took), (vec!["3", "1", "2"], 3.0));

        let (results, took) = run_stepped(vec![call("wait", json!(4)); 9]).await;
        assert_eq!(results.iter().filter(|result| result.is_error).count(), 0);
        assert_eq!(took, 8.0);
    }

    #[tokio::test]
    async fn a_long_result_is_cut_between_characters() {
        let content = run_one("echo", json!("é".repeat(10_000))).await.content;
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
