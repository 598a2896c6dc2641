//! What a model is asked, in the words of the Responses interface.

use std::borrow::Cow;

use serde_json::Value;

use super::client::{Options, Reasoning};
use super::wire::{Choice, Content, File, Format, Item, Part, Request, Text, Tool, WireReasoning};
use crate::providers::asides::Asides;
use crate::providers::shown::{self, Showing};
use crate::providers::turns::{self, Piece, Side, Turn};
use crate::providers::{ProviderRequest, told};
use crate::types::{
    Detail, Media, MediaKind, MediaSource, ResponseFormat, ToolChoice, ToolDescriptor,
};

/// The kinds of media that a message may carry.
pub(super) const KINDS: &[MediaKind] = &[MediaKind::Image, MediaKind::Document];

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
    let mut input = Vec::new();
    for turn in turns::turns(&asked.messages)? {
        items(turn, options.reasoning.is_some().then_some(asides), &mut input)?;
    }
    let instructions: Vec<_> = turns::instructions(asked).collect();
    let parameters = &asked.parameters;
    // Who thinks takes none of them.
    let thinks = options.reasoning.is_some_and(|reasoning| reasoning != Reasoning::None);
    let request = Request {
        model,
        instructions: (!instructions.is_empty()).then(|| instructions.join("\n\n")),
        input,
        stream: !options.whole,
        store: false,
        include: match thinks {
            true => vec!["reasoning.encrypted_content"],
            false => Vec::new(),
        },
        max_output_tokens: parameters.max_tokens.map(|most| most.max(LEAST)),
        temperature: parameters.temperature.filter(|_| !thinks),
        top_p: parameters.top_p.filter(|_| !thinks),
        reasoning: options.reasoning.map(|reasoning| WireReasoning { effort: reasoning.name() }),
        text: parameters.format.as_ref().map(|wanted| Text { format: format(wanted) }),
        tools: asked.tools.iter().map(tool).collect(),
        tool_choice: (!asked.tools.is_empty()).then(|| choice(&asked.tool_choice)),
    };
    serde_json::to_vec(&request).map_err(|error| error.to_string())
}

fn items<'a>(
    turn: Turn<'a>,
    known: Option<&Asides>,
    items: &mut Vec<Item<'a>>,
) -> Result<(), String> {
    let side = turn.side;
    for piece in turn.pieces {
        let part = match piece {
            Piece::Called(call) => {
                if let Some(Value::Array(thoughts)) = known.and_then(|asides| asides.get(call)) {
                    items.extend(thoughts.into_iter().map(Item::Thought));
                }
                let arguments = told::arguments(call).to_string();
                items.push(Item::FunctionCall { call_id: &call.id, name: &call.name, arguments });
                continue;
            }
            Piece::Resulted { id, content, .. } => {
                items.push(Item::FunctionCallOutput { call_id: id, output: content });
                continue;
            }
            Piece::Said(text) if side == Side::Agent => {
                items.push(Item::Message { role: role(side), content: Content::Said(text) });
                continue;
            }
            Piece::Said(text) => Part::Text { text },
            Piece::Shown { media, earlier } => {
                shown::part_or_note(media, earlier, |text| Part::Text { text }, shows)?
            }
        };
        match items.last_mut() {
            Some(Item::Message { role, content: Content::Parts(parts) })
                if *role == self::role(side) =>
            {
                parts.push(part)
            }
            _ => {
                let content = Content::Parts(vec![part]);
                items.push(Item::Message { role: role(side), content });
            }
        }
    }
    Ok(())
}

fn role(side: Side) -> &'static str {
    match side {
        Side::User => "user",
        Side::Agent => "assistant",
    }
}

fn shows(media: &Media) -> Result<Part<'_>, String> {
    match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Url(url)) => Ok(Part::Image {
            image_url: Cow::Borrowed(url),
            detail: media.detail.unwrap_or(Detail::Auto),
        }),
        (MediaKind::Image, _) => {
            let image_url = Cow::Owned(shown::data_uri(&media.mime, SHOWING.bytes(media)?));
            Ok(Part::Image { image_url, detail: media.detail.unwrap_or(Detail::Auto) })
        }
        (MediaKind::Document, MediaSource::Url(file_url)) => {
            Ok(Part::File { file: File::There { file_url } })
        }
        (MediaKind::Document, _) => document(media),
        (MediaKind::Audio | MediaKind::Video, _) => {
            let what = "is something of which OpenAI's Responses know nothing";
            Err(shown::cannot(media, what, "send what is said, or pictures"))
        }
    }
}

fn document(media: &Media) -> Result<Part<'_>, String> {
    let bytes = SHOWING.bytes(media)?;
    match shown::format(media, bytes) {
        Some(format) if format.name == "pdf" => {
            let filename = media.name.as_deref().unwrap_or("document.pdf");
            let file_data = shown::data_uri(format.mime, bytes);
            Ok(Part::File { file: File::Here { filename, file_data } })
        }
        Some(format) if format.is_text() => {
            let text = shown::text(media, bytes)?;
            let text = match &media.name {
                Some(name) => Cow::Owned(format!("{name}:\n\n{text}")),
                None => Cow::Borrowed(text),
            };
            Ok(Part::Text { text })
        }
        other => Err(SHOWING.refused(media, other, "PDF and plain text")),
    }
}

fn format(format: &ResponseFormat) -> Format<'_> {
    match format {
        ResponseFormat::JsonObject => Format::JsonObject,
        ResponseFormat::JsonSchema { name, schema, strict } => {
            Format::JsonSchema { name, schema, strict: *strict }
        }
    }
}

fn tool(tool: &ToolDescriptor) -> Tool<'_> {
    let ToolDescriptor { name, description, parameters, output: _ } = tool;
    // By default the interface wants schemas of a stricter kind than tools have.
    Tool { kind: "function", name, description, parameters, strict: false }
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Mode("auto"),
        ToolChoice::Required => Choice::Mode("required"),
        ToolChoice::None => Choice::Mode("none"),
        ToolChoice::Named(name) => Choice::Function { kind: "function", name },
    }
}

const SHOWING: Showing =
    Showing { protocol: "OpenAI's Responses", fetches: "of images and documents only" };
/// The interface takes no smaller limit. In tokens.
const LEAST: u32 = 16;
