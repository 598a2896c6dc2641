//! What a model is asked, in the words of Gemini's interface.

use serde_json::{Value, json};

use super::client::{Options, Safety};
use super::content;
use super::thinking::{GeminiThinking, ThinkingLevel};
use super::wire::{
    Call, CallingConfig, Content, Function, GenerationConfig, Part, Request, Response,
    SafetySetting, ThinkingConfig, ToolConfig, Tools, What,
};
use crate::providers::asides::Asides;
use crate::providers::turns::{self, Piece, Side, Turn};
use crate::providers::{ProviderRequest, shown, told};
use crate::types::{Parameters, ResponseFormat, ToolCall, ToolChoice, ToolDescriptor};

/// The body of a request.
///
/// # Errors
///
/// When a message shows what the protocol has no words for: what to do instead.
pub(super) fn body(
    asked: &ProviderRequest,
    options: &Options,
    asides: &Asides,
) -> Result<Vec<u8>, String> {
    let turns = turns::turns(&asked.messages)?;
    let contents = turns.into_iter().map(|turn| content(turn, asides)).collect::<Result<_, _>>()?;
    let parts: Vec<_> =
        turns::instructions(asked).map(|text| plain(What::Text(text.into()))).collect();
    // What is kept there has them, and the service takes them once.
    let cached_content = options.cached_content.as_deref();
    let has_tools = !asked.tools.is_empty() && cached_content.is_none();
    let request = Request {
        contents,
        system_instruction: (!parts.is_empty() && cached_content.is_none())
            .then_some(Content { role: None, parts }),
        generation_config: generation(&asked.parameters, options),
        safety_settings: safety(options.safety),
        tools: match has_tools {
            true => {
                vec![Tools { function_declarations: asked.tools.iter().map(function).collect() }]
            }
            false => Vec::new(),
        },
        tool_config: has_tools
            .then(|| ToolConfig { function_calling_config: calling(&asked.tool_choice) }),
        cached_content,
    };
    serde_json::to_vec(&request).map_err(|error| error.to_string())
}

fn content<'a>(turn: Turn<'a>, asides: &Asides) -> Result<Content<'a>, String> {
    let role = match turn.side {
        Side::User => "user",
        Side::Agent => "model",
    };
    let parts = turn.pieces.into_iter().map(|piece| part(piece, asides));
    Ok(Content { role: Some(role), parts: parts.collect::<Result<_, _>>()? })
}

fn part<'a>(piece: Piece<'a>, asides: &Asides) -> Result<Part<'a>, String> {
    Ok(match piece {
        Piece::Said(text) => plain(What::Text(text)),
        Piece::Shown { media, earlier } => {
            plain(shown::part_or_note(media, earlier, What::Text, content::part)?)
        }
        Piece::Called(call) => called(call, asides),
        Piece::Resulted { id, name, content, is_error } => {
            let key = if is_error { "error" } else { "result" };
            let response = match serde_json::from_str::<Value>(&content) {
                Ok(object @ Value::Object(_)) if !is_error => object,
                _ => json!({ key: content }),
            };
            plain(What::FunctionResponse(Response { id: own(id), name, response }))
        }
    })
}

fn called<'a>(call: &'a ToolCall, asides: &Asides) -> Part<'a> {
    let (id, args) = (own(&call.id), told::arguments(call));
    let what = What::FunctionCall(Call { id, name: &call.name, args });
    Part { what, thought_signature: asides.get(call) }
}

/// The service's own id of a call. It gives none as a rule, and what we made up is nothing to it.
fn own(id: &str) -> Option<&str> {
    (!id.starts_with(crate::providers::draft::UNNAMED)).then_some(id)
}

fn generation<'a>(parameters: &'a Parameters, options: &Options) -> GenerationConfig<'a> {
    let schema = match &parameters.format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => Some(schema),
        Some(ResponseFormat::JsonObject) | None => None,
    };
    GenerationConfig {
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        top_k: parameters.top_k,
        max_output_tokens: parameters.max_tokens,
        presence_penalty: parameters.presence_penalty,
        frequency_penalty: parameters.frequency_penalty,
        // It has 31 bits there.
        seed: parameters.seed.map(|seed| seed & 0x7fff_ffff),
        response_mime_type: parameters.format.as_ref().map(|_| "application/json"),
        response_json_schema: schema,
        thinking_config: options.thinking.map(thinking),
    }
}

fn thinking(thinking: GeminiThinking) -> ThinkingConfig {
    let budget = |tokens| ThinkingConfig { thinking_budget: Some(tokens), thinking_level: None };
    let level = |name| ThinkingConfig { thinking_budget: None, thinking_level: Some(name) };
    match thinking {
        GeminiThinking::Tokens(most) => budget(most.into()),
        GeminiThinking::Adaptive => budget(-1),
        GeminiThinking::Level(ThinkingLevel::Minimal) => level("MINIMAL"),
        GeminiThinking::Level(ThinkingLevel::Low) => level("LOW"),
        GeminiThinking::Level(ThinkingLevel::Medium) => level("MEDIUM"),
        GeminiThinking::Level(ThinkingLevel::High) => level("HIGH"),
        GeminiThinking::Level(ThinkingLevel::Xhigh) => level("XHIGH"),
    }
}

fn safety(safety: Option<Safety>) -> Vec<SafetySetting> {
    let Some(safety) = safety else { return Vec::new() };
    let threshold = match safety {
        Safety::Off => "OFF",
        Safety::High => "BLOCK_ONLY_HIGH",
        Safety::Medium => "BLOCK_MEDIUM_AND_ABOVE",
        Safety::Low => "BLOCK_LOW_AND_ABOVE",
    };
    CATEGORIES.iter().map(|category| SafetySetting { category, threshold }).collect()
}

fn function(tool: &ToolDescriptor) -> Function<'_> {
    Function {
        name: &tool.name,
        description: &tool.description,
        parameters_json_schema: &tool.parameters,
    }
}

fn calling(choice: &ToolChoice) -> CallingConfig<'_> {
    let (mode, allowed_function_names) = match choice {
        ToolChoice::Auto => ("AUTO", Vec::new()),
        ToolChoice::Required => ("ANY", Vec::new()),
        ToolChoice::None => ("NONE", Vec::new()),
        ToolChoice::Named(name) => ("ANY", vec![&**name]),
    };
    CallingConfig { mode, allowed_function_names }
}

fn plain(what: What<'_>) -> Part<'_> {
    Part { what, thought_signature: None }
}

const CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
];
