//! Runs the tools that a model calls: every call has a result, whatever the tool does.

use std::io;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde_json::Value;

use super::{Registered, ToolContext, ToolError, ToolRegistry};
use crate::types::{ToolCall, ToolResult};

/// Calls a tool and waits for its result, as long as the tool's time limit. An error becomes the
/// result's content, so that the model learns of it.
///
/// The content is at most 16 KiB; a longer one is cut, with a note. Dropping the future cancels
/// the tool. A panic in it is an error like any other.
///
/// The call is [`work`](crate::time::SessionClock::work): on a stepped clock it takes as long as
/// on the wall.
pub async fn run(tools: &ToolRegistry, call: &ToolCall, context: ToolContext) -> ToolResult {
    let outcome = match tools.find(&call.name) {
        Some(tool) => run_tool(&tool, &call.arguments, context).await,
        None => Err(ToolError::Unknown { name: call.name.clone() }),
    };
    told(call, outcome)
}

/// The result of a call as the model gets it.
fn told(call: &ToolCall, outcome: Result<Value, ToolError>) -> ToolResult {
    let is_error = outcome.is_err();
    let content = match outcome {
        Ok(Value::String(text)) => bounded(text),
        Ok(value) => written(&value),
        Err(error) => bounded(error.to_string()),
    };
    ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error }
}

async fn run_tool(
    registered: &Registered,
    arguments: &Value,
    context: ToolContext,
) -> Result<Value, ToolError> {
    let arguments = registered.arguments(arguments)?;
    let (tool, name) = (registered.tool(), || registered.name().to_owned());
    let _cancelled_with_this = context.guard();
    let (clock, limit) = (context.clock.clone(), tool.time_limit());
    let called = std::panic::catch_unwind(AssertUnwindSafe(|| tool.call(arguments, context)));
    let panicked = |_| ToolError::failed(name(), "it panicked");
    let running = AssertUnwindSafe(called.map_err(panicked)?).catch_unwind();
    let result = match clock.timeout(limit, clock.during(running)).await {
        Some(outcome) => outcome.map_err(panicked)??,
        None => return Err(ToolError::TimedOut { name: name(), limit }),
    };
    registered.check_result(&result)?;
    Ok(result)
}

fn bounded(mut content: String) -> String {
    if content.len() > MAX_CONTENT {
        let all = content.len();
        cut(&mut content, &format!(" [cut; {all} bytes in all]"));
    }
    content
}

/// The value's JSON, of which no more is made than is told, and counted.
fn written(value: &Value) -> String {
    let mut front = Front::default();
    let whole = serde_json::to_writer(&mut front, value).is_ok();
    let mut content = front.text();
    match (whole, front.all) {
        (true, ..=MAX_CONTENT) => {}
        (true, all) => cut(&mut content, &format!(" [cut; {all} bytes in all]")),
        (false, _) => cut(&mut content, &format!(" [cut; more than {MOST_COUNTED} bytes in all]")),
    }
    content
}

fn cut(content: &mut String, note: &str) {
    content.truncate(content.floor_char_boundary(MAX_CONTENT - note.len()));
    content.push_str(note);
    // It stays in the history: what was cut off does not.
    content.shrink_to_fit();
}

/// Keeps the front of what is written, and counts the rest for a while.
#[derive(Default)]
struct Front {
    kept: Vec<u8>,
    all: usize,
}

impl Front {
    /// A last character that is not whole is left out.
    fn text(&mut self) -> String {
        let kept = std::mem::take(&mut self.kept);
        String::from_utf8(kept).unwrap_or_else(|error| {
            let whole = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&error.as_bytes()[..whole]).into_owned()
        })
    }
}

impl io::Write for Front {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_CONTENT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.all += bytes.len();
        match self.all > MOST_COUNTED {
            true => Err(io::Error::other("nobody reads on")),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MAX_CONTENT: usize = 16 * 1024;
const MOST_COUNTED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::ids::{ResponseId, TurnId};
    use crate::time::SessionClock;
    use crate::tools::FunctionTool;
    use crate::types::ToolDescriptor;

    fn descriptor(name: &str) -> ToolDescriptor {
        ToolDescriptor::new(name, "", json!({ "type": "object" }))
    }

    fn call(name: &str, arguments: Value) -> ToolCall {
        ToolCall { id: format!("id of {arguments}"), name: name.to_owned(), arguments }
    }

    fn context(clock: &SessionClock) -> ToolContext {
        let turn = TurnId::default();
        ToolContext::new("c", turn, ResponseId::FIRST, Arc::default(), clock.clone())
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
        run(&tools(&clock), &call(name, arguments), context(&clock)).await
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
    async fn of_a_gibibyte_only_what_is_told_stays() {
        let mut tools = ToolRegistry::new();
        let huge = |_| Ok(Value::String("x".repeat(1 << 30)));
        tools.register(FunctionTool::sync(descriptor("huge"), huge)).unwrap();
        let content = run(&tools, &call("huge", json!({})), ToolContext::detached()).await.content;
        assert!(content.ends_with("x [cut; 1073741824 bytes in all]"));
        assert!(content.capacity() <= MAX_CONTENT, "{} bytes", content.capacity());
    }

    #[tokio::test]
    async fn of_a_huge_value_only_the_front_is_made() {
        let content = run_one("echo", json!({ "echo": vec!["é"; 10_000] })).await.content;
        assert!(content.len() <= MAX_CONTENT && content.len() > MAX_CONTENT - 4);
        assert!(content.ends_with(" [cut; 50001 bytes in all]"), "{content}");
        let value = json!(vec!["x".repeat(1000); 10_000]);
        let made = allocation_counter::measure(|| drop(written(&value)));
        assert!(made.bytes_total < 128 * 1024, "{made:?}");
        assert!(written(&value).ends_with(" [cut; more than 1048576 bytes in all]"));
        assert_eq!(written(&json!([1, "a"])), "[1,\"a\"]");
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
            let running = run(&tools, &call, context(&clock));
            tokio::pin!(running);
            assert!(futures_util::poll!(running.as_mut()).is_pending());
            assert_eq!(cancelled.load(Ordering::Relaxed), 0);
        }
        assert_eq!(cancelled.load(Ordering::Relaxed), 1);
    }
}
