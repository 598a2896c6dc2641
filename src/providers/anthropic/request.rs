//! What a model is asked, in the words of Anthropic's interface.

use std::borrow::Cow;

use serde_json::Value;

use super::client::Options;
use super::content;
use super::thinking::{Effort, LEAST, MOST, Thinking};
use super::thoughts::{Before, Thoughts};
use super::wire::{
    Block, CacheControl, Choice, Format, Marked, Message as WireMessage, OutputConfig, Request,
    Tool, WireThinking,
};
use crate::providers::turns::{self, Piece, Side, Turn};
use crate::providers::{ProviderRequest, shown, told};
use crate::types::{ResponseFormat, ToolChoice, ToolDescriptor};

/// The body of a request, and what stands in it, before whatever is answered.
///
/// # Errors
///
/// When a message shows what the protocol has no words for: what to do instead.
pub(super) fn body(
    model: &str,
    asked: &ProviderRequest,
    options: Options,
    thoughts: &Thoughts,
) -> Result<(Vec<u8>, Before), String> {
    let mut system: Vec<_> =
        turns::instructions(asked).map(|told| marked(text(told.into()))).collect();
    let tools: Vec<_> = asked.tools.iter().map(tool).collect();
    let start = Before::default().and(&(&system, &tools))?;
    let (thinking, told) = conversation(asked, options.thinking, start, thoughts)?;
    let Conversation { mut messages, before, .. } = told;
    if options.caches {
        keep(system.last_mut());
        keep(messages.last_mut().and_then(|message| message.content.last_mut()));
    }
    let parameters = &asked.parameters;
    let longest = parameters.max_tokens.unwrap_or(LONGEST);
    let (thinks, longest) = match thinking {
        Some(WireThinking::Enabled { budget_tokens }) => {
            (true, longest.saturating_add(budget_tokens))
        }
        Some(WireThinking::Adaptive) => {
            (true, longest.max(longest.saturating_add(ROOM).min(MOST_OF_ALL)))
        }
        Some(WireThinking::BetweenTools) => (true, longest),
        Some(WireThinking::Disabled) | None => (false, longest),
    };
    // It may think all the same, where it must call a tool.
    let thinks = thinks || matches!(options.thinking, Thinking::Adaptive(_));
    let temperature = parameters.temperature.map(|warmth| warmth.min(1.0)).filter(|_| !thinks);
    let request = Request {
        model,
        max_tokens: longest,
        system,
        messages,
        stream: !options.whole,
        temperature,
        // Newer models refuse both.
        top_p: parameters.top_p.filter(|_| temperature.is_none() && !thinks),
        top_k: parameters.top_k.filter(|_| !thinks),
        tools,
        tool_choice: (!asked.tools.is_empty()).then(|| choice(&asked.tool_choice)),
        thinking,
        output_config: output(parameters.format.as_ref(), options.thinking),
    };
    let body = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
    Ok((body, before))
}

/// The messages of a request.
struct Conversation<'a> {
    messages: Vec<WireMessage<'a>>,
    before: Before,
    /// What it thought is told before each call since the user has said something.
    is_whole: bool,
}

/// How it is to think, if anything is said of that, and the conversation with what it thought.
///
/// Where it must call a tool it may not be told to, at least not each model. With a number of tokens it may
/// not think either where it has called one and nobody can tell what it thought before that.
fn conversation<'a>(
    asked: &'a ProviderRequest,
    thinking: Thinking,
    start: Before,
    thoughts: &Thoughts,
) -> Result<(Option<WireThinking>, Conversation<'a>), String> {
    let is_forced = !asked.tools.is_empty()
        && matches!(asked.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    let told = |thoughts| messages(asked, start, thoughts);
    Ok(match thinking {
        Thinking::Off => (Some(WireThinking::Disabled), told(None)?),
        // Newer models think if they are told nothing.
        Thinking::Usual => (None, told(Some(thoughts))?),
        Thinking::BetweenTools => (Some(WireThinking::BetweenTools), told(Some(thoughts))?),
        Thinking::Adaptive(_) => {
            let adaptive = (!is_forced).then_some(WireThinking::Adaptive);
            (adaptive, told(Some(thoughts))?)
        }
        Thinking::Tokens(most) => match told(Some(thoughts))? {
            told if told.is_whole && !is_forced => {
                let longest = asked.parameters.max_tokens.unwrap_or(LONGEST);
                let budget_tokens = most.min(MOST.saturating_sub(longest)).max(LEAST);
                (Some(WireThinking::Enabled { budget_tokens }), told)
            }
            _ => (None, told(None)?),
        },
    })
}

fn messages<'a>(
    asked: &'a ProviderRequest,
    start: Before,
    thoughts: Option<&Thoughts>,
) -> Result<Conversation<'a>, String> {
    let turns = turns::turns(&asked.messages)?;
    let open = turns.iter().rposition(is_said).unwrap_or_default();
    let mut told = Conversation { messages: Vec::new(), before: start, is_whole: true };
    for (at, turn) in turns.into_iter().enumerate() {
        let call = turn.pieces.iter().find_map(|piece| match piece {
            Piece::Called(call) => Some(*call),
            _ => None,
        });
        let thought = call.and_then(|call| thoughts?.get(told.before, call));
        told.is_whole &= call.is_none() || thought.is_some() || at < open;
        let message = message(turn, thought.unwrap_or_default())?;
        told.before = told.before.and(&message)?;
        told.messages.push(message);
    }
    Ok(told)
}

/// Whether it is the user's, without results of tools.
fn is_said(turn: &Turn<'_>) -> bool {
    let is_result = |piece: &Piece<'_>| matches!(piece, Piece::Resulted { .. });
    turn.side == Side::User && !turn.pieces.iter().any(is_result)
}

/// What was thought stands before all that is said and called.
fn message(turn: Turn<'_>, thoughts: Vec<Value>) -> Result<WireMessage<'_>, String> {
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
/// What thoughts may take beside the longest answer, where no number is given. In tokens.
const ROOM: u32 = 16_384;
/// In tokens, of both: every model that thinks as it sees fit may answer with so many.
const MOST_OF_ALL: u32 = 64_000;
