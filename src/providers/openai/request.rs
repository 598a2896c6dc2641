//! What a model is asked, in the words of the chat completions interface.

use super::wire::{
    Call, CalledFunction, Function, JsonSchema, Message as WireMessage, Request,
    ResponseFormat as WireFormat, StreamOptions, Tool,
};
use crate::providers::ProviderRequest;
use crate::types::{Message, ResponseFormat, Role, ToolCall, ToolDescriptor};

/// By which name a server knows the longest answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenLimit {
    /// OpenAI's own models refuse the older name.
    MaxCompletionTokens,
    /// Servers that are compatible with OpenAI often know the older name only.
    MaxTokens,
}

impl TokenLimit {
    pub(super) fn of(host: &str) -> Self {
        match host.split(':').next() {
            Some("api.openai.com") => Self::MaxCompletionTokens,
            _ => Self::MaxTokens,
        }
    }
}

/// The body of a request.
pub(super) fn body(model: &str, asked: &ProviderRequest, limit: TokenLimit) -> Vec<u8> {
    let system = (!asked.system.is_empty())
        .then(|| WireMessage { role: "system", ..said(asked.system.clone()) });
    let messages = system.into_iter().chain(asked.messages.iter().filter_map(message)).collect();
    let parameters = &asked.parameters;
    let most = |name| parameters.max_tokens.filter(|_| limit == name);
    let request = Request {
        model,
        messages,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        frequency_penalty: parameters.frequency_penalty,
        presence_penalty: parameters.presence_penalty,
        max_completion_tokens: most(TokenLimit::MaxCompletionTokens),
        max_tokens: most(TokenLimit::MaxTokens),
        seed: parameters.seed,
        response_format: parameters.format.as_ref().map(format),
        tools: asked.tools.iter().map(tool).collect(),
        tool_choice: (!asked.tools.is_empty()).then_some(asked.tool_choice),
    };
    serde_json::to_vec(&request).unwrap_or_default()
}

fn format(format: &ResponseFormat) -> WireFormat<'_> {
    match format {
        ResponseFormat::JsonObject => WireFormat::JsonObject,
        ResponseFormat::JsonSchema { name, schema, strict } => {
            WireFormat::JsonSchema { json_schema: JsonSchema { name, schema, strict: *strict } }
        }
    }
}

fn message(message: &Message) -> Option<WireMessage<'_>> {
    match message.role {
        Role::System => Some(WireMessage { role: "system", ..said(message.text.clone()) }),
        Role::User => Some(WireMessage { role: "user", ..said(message.text.clone()) }),
        Role::Assistant => assistant(message),
        Role::Tool => message.tool_result.as_ref().map(|result| WireMessage {
            role: "tool",
            tool_call_id: Some(&result.id),
            ..said(result.content.clone())
        }),
    }
}

/// An answer of which nothing was heard was not given.
fn assistant(message: &Message) -> Option<WireMessage<'_>> {
    let mut content = (!message.text.is_empty()).then(|| message.text.clone());
    if message.interrupted
        && let Some(heard) = &mut content
    {
        heard.push_str(CUT);
    }
    if content.is_none() && message.tool_calls.is_empty() {
        return None;
    }
    let tool_calls = message.tool_calls.iter().map(call).collect();
    Some(WireMessage { role: "assistant", content, tool_calls, tool_call_id: None })
}

fn said(text: String) -> WireMessage<'static> {
    WireMessage { content: Some(text), ..WireMessage::default() }
}

/// Arguments that are no object are sent as an empty one: some servers refuse the request, and
/// with it every later one. The result of the call says what was wrong with them.
fn call(call: &ToolCall) -> Call<'_> {
    let arguments =
        if call.arguments.is_object() { call.arguments.to_string() } else { "{}".to_owned() };
    let function = CalledFunction { name: &call.name, arguments };
    Call { id: &call.id, kind: "function", function }
}

fn tool(tool: &ToolDescriptor) -> Tool<'_> {
    let ToolDescriptor { name, description, parameters } = tool;
    Tool { kind: "function", function: Function { name, description, parameters } }
}

/// Tells the model, as print does, that the words broke off here.
const CUT: &str = "—";
