//! What a call of a tool costs beside the tool: with 20 tools, to find it, to check its arguments
//! and its result, and to write the result. And what it costs to tell a model of 20 tools.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::hint::black_box;

use banter::tools::{FunctionTool, ToolContext, ToolRegistry, run};
use banter::types::{ToolCall, ToolDescriptor};
use futures_util::FutureExt;
use serde_json::{Value, json};

fn main() {
    let mut criterion = support::criterion();
    let tools = tools();
    let call = call(json!({
        "city": "Ulm", "days": 3, "units": "metric", "near": { "lat": 48.4, "lon": 10.0 },
        "tags": ["rain", "wind"],
    }));
    let coerced = call_with(&call, "days", json!("3"));
    let wrong = call_with(&call, "days", json!("three"));
    let mut group = criterion.benchmark_group("tools");
    for (name, call, fails) in
        [("a call", &call, false), ("put right", &coerced, false), ("refused", &wrong, true)]
    {
        let result = run(&tools, call, ToolContext::detached()).now_or_never().unwrap();
        assert_eq!(result.is_error, fails, "{result:?}");
        group.bench_function(name, |bencher| {
            let context = ToolContext::detached();
            bencher.iter(|| run(&tools, call, context.clone()).now_or_never().unwrap());
        });
    }
    group.bench_function("found", |bencher| {
        bencher.iter(|| tools.find(black_box("tool_19")).unwrap());
    });
    group.bench_function("told of", |bencher| bencher.iter(|| tools.descriptors()));
    group.bench_function("registered", |bencher| {
        bencher.iter(|| {
            let mut tools = ToolRegistry::new();
            tools.register(tool("one")).unwrap();
            tools
        });
    });
    group.finish();
    criterion.final_summary();
}

fn tools() -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    for number in 0..20 {
        tools.register(tool(&format!("tool_{number}"))).unwrap();
    }
    tools
}

fn tool(name: &str) -> FunctionTool {
    let place = json!({
        "type": "object",
        "properties": { "lat": { "type": "number" }, "lon": { "type": "number" } },
        "required": ["lat", "lon"],
    });
    let parameters = json!({
        "type": "object",
        "properties": {
            "city": { "type": "string", "description": "The city." },
            "days": { "type": "integer", "minimum": 1, "maximum": 14 },
            "units": { "type": "string", "enum": ["metric", "imperial"] },
            "near": place,
            "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 10 },
        },
        "required": ["city"],
        "additionalProperties": false,
    });
    let output = json!({ "type": "object", "required": ["sky", "degrees"] });
    let descriptor = ToolDescriptor::new(name, "Tells the weather of a city.", parameters);
    let answer = |_: Value| Ok(json!({ "sky": "clear", "degrees": 21.5 }));
    FunctionTool::sync(descriptor.with_output(output), answer)
}

fn call(arguments: Value) -> ToolCall {
    ToolCall { id: "call-1".to_owned(), name: "tool_19".to_owned(), arguments }
}

fn call_with(call: &ToolCall, name: &str, value: Value) -> ToolCall {
    let mut call = call.clone();
    call.arguments[name] = value;
    call
}
