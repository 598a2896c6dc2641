//! Messages of a conversation, as items.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::wire::{Content, Item};
use crate::types::{Media, MediaKind, MediaSource, Message, Role, ToolResult};

/// The items that a message of the past consists of: none if nothing was said.
pub(super) fn of_message(message: &Message) -> Vec<Item<'_>> {
    match message.role {
        Role::System if message.text.is_empty() => Vec::new(),
        Role::System => vec![said("system", &message.text)],
        Role::User => of_user(message).into_iter().collect(),
        Role::Assistant => of_assistant(message),
        Role::Tool => message.tool_result.iter().map(of_result).collect(),
    }
}

/// What the user writes.
pub(super) fn of_text(text: &str) -> Item<'_> {
    said("user", text)
}

/// What the user shows.
pub(super) fn of_media(media: &Media) -> Item<'_> {
    Item::Message { role: "user", content: vec![shown(media)] }
}

/// What was heard of an answer.
pub(super) fn of_answer(text: &str, interrupted: bool) -> Item<'_> {
    let cut = || Cow::Owned(format!("{text}{CUT}"));
    let text = if interrupted { cut() } else { Cow::Borrowed(text) };
    Item::Message { role: "assistant", content: vec![Content::OutputText { text }] }
}

/// What came of a call.
pub(super) fn of_result(result: &ToolResult) -> Item<'_> {
    Item::FunctionCallOutput { call_id: &result.id, output: &result.content }
}

/// A call that is not known any more, so that its result can be told.
pub(super) fn of_forgotten(result: &ToolResult) -> Item<'_> {
    Item::FunctionCall { call_id: &result.id, name: &result.name, arguments: "{}".to_owned() }
}

fn said<'a>(role: &'static str, text: &'a str) -> Item<'a> {
    Item::Message { role, content: vec![Content::InputText { text: Cow::Borrowed(text) }] }
}

fn of_user(message: &Message) -> Option<Item<'_>> {
    let text = (!message.text.is_empty())
        .then(|| Content::InputText { text: Cow::Borrowed(&message.text) });
    let content: Vec<_> = text.into_iter().chain(message.media.iter().map(shown)).collect();
    (!content.is_empty()).then_some(Item::Message { role: "user", content })
}

fn of_assistant(message: &Message) -> Vec<Item<'_>> {
    let text = (!message.text.is_empty()).then(|| of_answer(&message.text, message.interrupted));
    let calls = message.tool_calls.iter().map(|call| Item::FunctionCall {
        call_id: &call.id,
        name: &call.name,
        // What is no object was refused when it was called.
        arguments: match call.arguments.is_object() {
            true => call.arguments.to_string(),
            false => "{}".to_owned(),
        },
    });
    text.into_iter().chain(calls).collect()
}

/// A picture; of anything else, a note that it cannot be shown.
fn shown(media: &Media) -> Content<'_> {
    let image_url = match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Bytes(bytes)) => {
            let mut uri = format!("data:{};base64,", media.mime);
            STANDARD.encode_string(bytes, &mut uri);
            Cow::Owned(uri)
        }
        (MediaKind::Image, MediaSource::Url(url)) => Cow::Borrowed(&**url),
        _ => {
            let name = media.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            let text = format!("[{}{name}, which was not shown to you]", media.kind);
            return Content::InputText { text: Cow::Owned(text) };
        }
    };
    Content::InputImage { image_url, detail: media.detail }
}

/// Tells the model, as print does, that the words broke off here.
const CUT: &str = "—";
