//! Messages of a conversation, as contents.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::wire::{Blob, Content, FileData, FunctionCall, FunctionResponse, Part};
use crate::types::{Media, MediaKind, MediaSource, Message, Role, ToolResult};

/// The content that a message of the past is: none if nothing was said.
pub(super) fn of_message(message: &Message) -> Option<Content<'_>> {
    let text = (!message.text.is_empty()).then(|| match message.interrupted {
        true => Part::Text(Cow::Owned(format!("{}{CUT}", message.text))),
        false => Part::Text(Cow::Borrowed(&message.text)),
    });
    let (role, parts): (_, Vec<_>) = match message.role {
        Role::System => (USER, text.into_iter().collect()),
        Role::User => (USER, text.into_iter().chain(message.media.iter().map(shown)).collect()),
        Role::Assistant => {
            let calls = message.tool_calls.iter().map(|call| {
                let args = match call.arguments.is_object() {
                    true => Cow::Borrowed(&call.arguments),
                    // What is no object was refused when it was called.
                    false => Cow::Owned(Value::Object(Map::new())),
                };
                Part::FunctionCall(FunctionCall { id: &call.id, name: &call.name, args })
            });
            (MODEL, text.into_iter().chain(calls).collect())
        }
        Role::Tool => {
            (USER, message.tool_result.iter().map(of_result).map(Part::FunctionResponse).collect())
        }
    };
    (!parts.is_empty()).then_some(Content { role: Some(role), parts })
}

/// What the user writes.
pub(super) fn of_text(text: &str) -> Content<'_> {
    Content { role: Some(USER), parts: vec![Part::Text(Cow::Borrowed(text))] }
}

/// What the user shows.
pub(super) fn of_media(media: &Media) -> Content<'_> {
    Content { role: Some(USER), parts: vec![shown(media)] }
}

/// A picture whose bytes are here.
pub(super) fn picture(media: &Media) -> Option<Blob<'_>> {
    match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Bytes(bytes)) => {
            Some(Blob { mime_type: Cow::Borrowed(&media.mime), data: STANDARD.encode(bytes) })
        }
        _ => None,
    }
}

/// What came of a call: an object, since the other side takes nothing else.
pub(super) fn of_result(result: &ToolResult) -> FunctionResponse<'_> {
    let key = if result.is_error { "error" } else { "output" };
    let structured = serde_json::from_str(&result.content).ok();
    let structured = structured.filter(|value: &Value| value.is_object() || value.is_array());
    let content = structured.unwrap_or_else(|| Value::String(result.content.clone()));
    FunctionResponse { id: &result.id, name: &result.name, response: json!({ key: content }) }
}

/// A picture; of anything else, a note that it cannot be shown.
fn shown(media: &Media) -> Part<'_> {
    if let Some(picture) = picture(media) {
        return Part::InlineData(picture);
    }
    if let (MediaKind::Image, MediaSource::Url(url)) = (media.kind, &media.source) {
        return Part::FileData(FileData { mime_type: &media.mime, file_uri: url });
    }
    let name = media.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    Part::Text(Cow::Owned(format!("[{}{name}, which was not shown to you]", media.kind)))
}

/// Who speaks.
const USER: &str = "user";
const MODEL: &str = "model";
/// Tells the model, as print does, that the words broke off here.
const CUT: &str = "—";
