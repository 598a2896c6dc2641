//! What a model is asked, in the words of the chat completions interface.

use serde_json::{Map, Value};

use super::content::content;
use super::wire::{
    Call, CalledFunction, ChosenFunction, Content, Function, JsonSchema, Message as WireMessage,
    Request, ResponseFormat as WireFormat, StreamOptions, Tool, WireToolChoice,
};
use crate::providers::{ProviderRequest, shown, told};
use crate::types::{Message, ResponseFormat, Role, ToolCall, ToolChoice, ToolDescriptor};

/// Where a server departs from the protocol, or knows more than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI's own: its models refuse the older name of the longest answer, and what they do not
    /// know.
    Official,
    /// Servers that are compatible with it often know the older name only; vLLM and llama-server
    /// know `top_k` as well, and Ollama passes over it.
    Compatible,
}

impl Dialect {
    pub(super) fn of(host: &str) -> Self {
        match host.split(':').next() {
            Some("api.openai.com") => Self::Official,
            _ => Self::Compatible,
        }
    }
}

/// The body of a request. What is `extra` is for servers that know more; it takes the place of
/// nothing that the request says.
///
/// # Errors
///
/// When a message shows what the protocol has no words for: what to do instead.
pub(super) fn body(
    model: &str,
    asked: &ProviderRequest,
    dialect: Dialect,
    extra: &Map<String, Value>,
) -> Result<Vec<u8>, String> {
    let system = (!asked.system.is_empty())
        .then(|| Ok(WireMessage { role: "system", ..said(&asked.system) }));
    let answered = shown::answered(&asked.messages);
    let messages = asked.messages.iter().enumerate();
    let messages = messages.filter_map(|(at, said)| message(said, at < answered).transpose());
    let messages = system.into_iter().chain(messages).collect::<Result<Vec<_>, String>>()?;
    let parameters = &asked.parameters;
    let most = |name| parameters.max_tokens.filter(|_| dialect == name);
    let request = Request {
        model,
        messages,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        top_k: parameters.top_k.filter(|_| dialect == Dialect::Compatible),
        frequency_penalty: parameters.frequency_penalty,
        presence_penalty: parameters.presence_penalty,
        max_completion_tokens: most(Dialect::Official),
        max_tokens: most(Dialect::Compatible),
        seed: parameters.seed,
        response_format: parameters.format.as_ref().map(format),
        tools: asked.tools.iter().map(tool).collect(),
        tool_choice: (!asked.tools.is_empty()).then(|| tool_choice(&asked.tool_choice)),
    };
    let written = match extra.is_empty() {
        true => serde_json::to_vec(&request),
        false => {
            serde_json::to_value(&request).and_then(|body| serde_json::to_vec(&with(body, extra)))
        }
    };
    written.map_err(|error| error.to_string())
}

fn with(mut body: Value, extra: &Map<String, Value>) -> Value {
    if let Value::Object(fields) = &mut body {
        for (name, value) in extra {
            fields.entry(name).or_insert_with(|| value.clone());
        }
    }
    body
}

/// What a request says by itself, and nobody else.
pub(in crate::providers) const OWN: &[&str] =
    &["model", "messages", "stream", "stream_options", "tools", "tool_choice", "response_format"];

fn format(format: &ResponseFormat) -> WireFormat<'_> {
    match format {
        ResponseFormat::JsonObject => WireFormat::JsonObject,
        ResponseFormat::JsonSchema { name, schema, strict } => {
            WireFormat::JsonSchema { json_schema: JsonSchema { name, schema, strict: *strict } }
        }
    }
}

/// The message, unless there is nothing to say of it.
fn message(message: &Message, earlier: bool) -> Result<Option<WireMessage<'_>>, String> {
    shown::check(message)?;
    Ok(match message.role {
        Role::System => Some(WireMessage { role: "system", ..said(&message.text) }),
        Role::User => {
            let content = Some(content(message, earlier)?);
            Some(WireMessage { role: "user", content, ..WireMessage::default() })
        }
        Role::Assistant => assistant(message),
        Role::Tool => message.tool_result.as_ref().map(|result| WireMessage {
            role: "tool",
            tool_call_id: Some(&result.id),
            ..said(&result.content)
        }),
    })
}

/// An answer of which nothing was heard was not given.
fn assistant(message: &Message) -> Option<WireMessage<'_>> {
    let content = told::said(message).map(Content::Text);
    if content.is_none() && message.tool_calls.is_empty() {
        return None;
    }
    let tool_calls = message.tool_calls.iter().map(call).collect();
    Some(WireMessage { role: "assistant", content, tool_calls, tool_call_id: None })
}

fn said(text: &str) -> WireMessage<'_> {
    WireMessage { content: Some(Content::Text(text.into())), ..WireMessage::default() }
}

fn call(call: &ToolCall) -> Call<'_> {
    let arguments = told::arguments(call).to_string();
    let function = CalledFunction { name: &call.name, arguments };
    Call { id: &call.id, kind: "function", function }
}

fn tool(tool: &ToolDescriptor) -> Tool<'_> {
    let ToolDescriptor { name, description, parameters, output: _ } = tool;
    Tool { kind: "function", function: Function { name, description, parameters } }
}

fn tool_choice(choice: &ToolChoice) -> WireToolChoice<'_> {
    match choice {
        ToolChoice::Auto => WireToolChoice::Mode("auto"),
        ToolChoice::Required => WireToolChoice::Mode("required"),
        ToolChoice::None => WireToolChoice::Mode("none"),
        ToolChoice::Named(name) => {
            WireToolChoice::Function { kind: "function", function: ChosenFunction { name } }
        }
    }
}
