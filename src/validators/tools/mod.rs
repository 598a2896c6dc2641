//! Rules for the tools that an answer calls. They look at the calls of the whole answer.

mod conditions;
mod no_tool_errors;
mod tool_anti_pattern;
mod tool_args;
mod tool_call_chain;
mod tool_call_count;
mod tool_call_sequence;
mod tool_calls_with_args;
mod tool_efficiency;
mod tool_no_repeat;
mod tool_result_includes;
mod tool_result_matches;
mod tools_called;
mod tools_not_called;

pub(super) use no_tool_errors::NoToolErrors;
pub(super) use tool_anti_pattern::ToolAntiPattern;
pub(super) use tool_args::ToolArgs;
pub(super) use tool_call_chain::ToolCallChain;
pub(super) use tool_call_count::ToolCallCount;
pub(super) use tool_call_sequence::ToolCallSequence;
pub(super) use tool_calls_with_args::ToolCallsWithArgs;
pub(super) use tool_efficiency::ToolEfficiency;
pub(super) use tool_no_repeat::ToolNoRepeat;
pub(super) use tool_result_includes::ToolResultIncludes;
pub(super) use tool_result_matches::ToolResultMatches;
pub(super) use tools_called::ToolsCalled;
pub(super) use tools_not_called::ToolsNotCalled;

use serde_json::{Map, Value};

use crate::types::{ToolCall, ToolResult};
use crate::validators::Said;

/// A call with what came of it.
#[derive(Clone, Copy, Debug)]
struct Made<'a> {
    call: &'a ToolCall,
    result: Option<&'a ToolResult>,
}

impl Made<'_> {
    fn is_of(&self, tool: &str) -> bool {
        self.call.name == tool
    }

    fn is_error(&self) -> bool {
        self.result.is_some_and(|result| result.is_error)
    }

    /// What it answered; nothing if it has not.
    fn content(&self) -> &str {
        self.result.map_or("", |result| &result.content)
    }
}

/// The calls of an answer, in order.
fn made<'a>(said: &Said<'a>) -> Vec<Made<'a>> {
    let result = |call: &ToolCall| said.tool_results.iter().find(|result| result.id == call.id);
    said.tool_calls.iter().map(|call| Made { call, result: result(call) }).collect()
}

/// How many of `steps` the calls take, in order; others may be made in between.
fn steps_taken(said: &Said<'_>, steps: &[String]) -> usize {
    let mut taken = 0;
    for call in said.tool_calls {
        taken += usize::from(steps.get(taken).is_some_and(|step| *step == call.name));
    }
    taken
}

/// Whether a call has these arguments; `null` stands for any value. A number is as good as its
/// text: models write both.
fn has_arguments(call: &ToolCall, expected: &Map<String, Value>) -> bool {
    expected.iter().all(|(name, value)| {
        let there = call.arguments.get(name);
        there.is_some_and(|there| value.is_null() || text(there) == text(value))
    })
}

/// A value as text is compared.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
