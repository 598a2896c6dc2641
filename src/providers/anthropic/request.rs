//! What a model is asked, in the words of Anthropic's interface.

use std::borrow::Cow;

use serde_json::Value;

use super::client::Options;
use super::content;
use super::thinking::{Effort, LEAST, Thinking};
use super::wire::{
    Block, CacheControl, Choice, Format, Marked, Message as WireMessage, OutputConfig, Request,
    Tool, WireThinking,
};
use crate::providers::asides::Asides;
use crate::providers::turns::{self, Piece, Side, Turn};
use crate::providers::{ProviderRequest, shown, told};
use crate::types::{ResponseFormat, Role, ToolChoice, ToolDescriptor};

/// The body of a request.
///
/// # Errors
///
/// When a message shows what the protocol has no words for: what to do instead.
pub(super) fn body(
    model: &str,
    asked: &ProviderRequest,
    options: Options,
    asides: &Asides,
) -> Result<Vec<u8>, String> {
    let thinking = thinking(asked, options.thinking, asides);
    let mut system: Vec<_> =
        turns::instructions(asked).map(|told| marked(text(told.into()))).collect();
    let turns = turns::turns(&asked.messages)?;
    let open = turns.iter().rposition(is_said).unwrap_or_default();
    let known = retold(options.thinking, thinking).then_some(asides);
    let messages = turns.into_iter().enumerate();
    let messages = messages.map(|(at, turn)| message(turn, known.filter(|_| at > open)));
    let mut messages: Vec<_> = messages.collect::<Result<_, _>>()?;
    if options.caches {
        keep(system.last_mut());
        keep(messages.last_mut().and_then(|message| message.content.last_mut()));
    }
    let parameters = &asked.parameters;
    let (thinks, room) = match thinking {
        Some(WireThinking::Enabled { budget_tokens }) => (true, budget_tokens),
        Some(WireThinking::Adaptive) => (true, ROOM),
        Some(WireThinking::BetweenTools) => (true, 0),
        Some(WireThinking::Disabled) | None => (false, 0),
    };
    let temperature = parameters.temperature.map(|warmth| warmth.min(1.0)).filter(|_| !thinks);
    let request = Request {
        model,
        max_tokens: parameters.max_tokens.unwrap_or(LONGEST).saturating_add(room),
        system,
        messages,
        stream: !options.whole,
        temperature,
        // Newer models refuse both.
        top_p: parameters.top_p.filter(|_| temperature.is_none() && !thinks),
        top_k: parameters.top_k.filter(|_| !thinks),
        tools: asked.tools.iter().map(tool).collect(),
        tool_choice: (!asked.tools.is_empty()).then(|| choice(&asked.tool_choice)),
        thinking,
        output_config: output(parameters.format.as_ref(), options.thinking),
    };
    serde_json::to_vec(&request).map_err(|error| error.to_string())
}

/// How it is to think, if anything is said of that. With a number of tokens it may not where it must
/// call a tool, nor where it has called one and nobody knows what it thought before that: the service
/// refuses both.
fn thinking(asked: &ProviderRequest, thinking: Thinking, asides: &Asides) -> Option<WireThinking> {
    let forced = matches!(asked.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    let since = asked.messages.iter().rev().take_while(|message| message.role != Role::User);
    let mut calls = since.filter_map(|message| message.tool_calls.first());
    match thinking {
        Thinking::Usual => None,
        Thinking::Off => Some(WireThinking::Disabled),
        Thinking::BetweenTools => Some(WireThinking::BetweenTools),
        Thinking::Adaptive(_) => Some(WireThinking::Adaptive),
        Thinking::Tokens(_) if forced && !asked.tools.is_empty() => None,
        Thinking::Tokens(_) if calls.any(|call| asides.get(call).is_none()) => None,
        Thinking::Tokens(most) => Some(WireThinking::Enabled { budget_tokens: most.max(LEAST) }),
    }
}

/// Whether it is told again what it thought: not who does not think now. Who is told nothing may think.
fn retold(thinking: Thinking, told: Option<WireThinking>) -> bool {
    match told {
        Some(WireThinking::Disabled) => false,
        Some(_) => true,
        None => thinking == Thinking::Usual,
    }
}

/// Whether it is the user's, without results of tools. What was thought before that is not told again:
/// the service takes it only while nothing that stood before it has changed, and of long
/// conversations the beginning goes.
fn is_said(turn: &Turn<'_>) -> bool {
    let is_result = |piece: &Piece<'_>| matches!(piece, Piece::Resulted { .. });
    turn.side == Side::User && !turn.pieces.iter().any(is_result)
}

fn message<'a>(turn: Turn<'a>, known: Option<&Asides>) -> Result<WireMessage<'a>, String> {
    let calls = turn.pieces.iter().find_map(|piece| match piece {
        Piece::Called(call) => Some(*call),
        _ => None,
    });
    // What was thought stands before all that is said and called.
    let thoughts = match calls.and_then(|call| known?.get(call)) {
        Some(Value::Array(thoughts)) => thoughts,
        _ => Vec::new(),
    };
    let role = match turn.side {
        Side::User => "user",
        Side::Agent => "assistant",
    };
    let thoughts = thoughts.into_iter().map(|thought| Ok(Block::Thought(thought)));
    let blocks = thoughts.chain(turn.pieces.into_iter().map(block));
    let content = blocks.map(|block| block.map(marked)).collect::<Result<_, _>>()?;
    Ok(WireMessage { role, content })
}

fn block(piece: Piece<'_>) -> Result<Block<'_>, String> {
    Ok(match piece {
        Piece::Said(said) => text(said),
        Piece::Shown { media, earlier } => {
            shown::part_or_note(media, earlier, text, content::block)?
        }
        Piece::Called(call) => {
            Block::ToolUse { id: id(&call.id), name: &call.name, input: told::arguments(call) }
        }
        Piece::Resulted { id: of, content, is_error, .. } => {
            Block::ToolResult { tool_use_id: id(of), content, is_error }
        }
    })
}

/// The service takes letters, digits, `_` and `-` alone; other services' ids may have more.
fn id(id: &str) -> Cow<'_, str> {
    let taken = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match id.chars().all(taken) && !id.is_empty() {
        true => Cow::Borrowed(id),
        false => id.chars().map(|c| if taken(c) { c } else { '_' }).chain(['_']).collect(),
    }
}

fn tool(tool: &ToolDescriptor) -> Tool<'_> {
    Tool { name: &tool.name, description: &tool.description, input_schema: &tool.parameters }
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Auto,
        ToolChoice::Required => Choice::Any,
        ToolChoice::None => Choice::None,
        ToolChoice::Named(name) => Choice::Tool { name },
    }
}

/// There are no words for "any JSON": the instructions ask for it.
fn output(format: Option<&ResponseFormat>, thinking: Thinking) -> Option<OutputConfig<'_>> {
    let format = match format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => Some(Format::JsonSchema { schema }),
        Some(ResponseFormat::JsonObject) | None => None,
    };
    let effort = match thinking {
        Thinking::Adaptive(effort) => effort.map(Effort::name),
        _ => None,
    };
    (format.is_some() || effort.is_some()).then_some(OutputConfig { effort, format })
}

fn text(text: Cow<'_, str>) -> Block<'_> {
    Block::Text { text }
}

fn marked(block: Block<'_>) -> Marked<'_> {
    Marked { block, cache_control: None }
}

/// The service keeps at hand what stands up to here, for the next request.
fn keep(marked: Option<&mut Marked<'_>>) {
    if let Some(marked) = marked {
        marked.cache_control = Some(CacheControl::Ephemeral);
    }
}

/// The service wants a limit. In tokens.
const LONGEST: u32 = 4_096;
/// What thoughts may take beside the longest answer, where no number is given. In tokens; every model
/// that thinks as it sees fit may answer with four times as much.
const ROOM: u32 = 16_384;
