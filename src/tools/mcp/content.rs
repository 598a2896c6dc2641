//! What servers answer, as a model gets it: text, or JSON by a schema.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

/// What a tool gave, or why it failed. With `schema` it is the JSON that the tool promises, if it
/// kept the promise; else text.
pub(super) fn outcome(result: CallToolResult, schema: bool) -> Result<Value, String> {
    let text = text(&result.content);
    if result.is_error == Some(true) {
        return Err(if text.is_empty() { "it did not say why".to_owned() } else { text });
    }
    match result.structured_content {
        Some(value) if schema || text.is_empty() => Ok(value),
        _ => Ok(Value::String(text)),
    }
}

/// The texts of `content`, each on lines of its own; what is none is named.
pub(super) fn text(content: &[ContentBlock]) -> String {
    content.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// The text of one piece of content.
pub(super) fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => left_out("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => left_out("audio", &audio.mime_type, &audio.data),
        ContentBlock::Resource(embedded) => resource(&embedded.resource),
        ContentBlock::ResourceLink(link) => format!("[resource {}: {}]", link.uri, link.name),
        _ => "[something that is no text]".to_owned(),
    }
}

/// The text of a resource; what is none is named.
pub(super) fn resource(resource: &ResourceContents) -> String {
    match resource {
        ResourceContents::TextResourceContents { text, .. } => text.clone(),
        ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
            let kind = mime_type.as_deref().unwrap_or("application/octet-stream");
            left_out(&format!("resource {uri}"), kind, blob)
        }
        _ => "[a resource that is no text]".to_owned(),
    }
}

/// Names what is left out: `[image image/png, 12 kB]`.
fn left_out(what: &str, kind: &str, base64: &str) -> String {
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let size = if bytes < 1000 { format!("{bytes} B") } else { format!("{} kB", bytes / 1000) };
    format!("[{what} {kind}, {size}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(result: Value, schema: bool) -> Result<Value, String> {
        outcome(serde_json::from_value(result).unwrap(), schema)
    }

    #[test]
    fn texts_are_joined_and_what_is_none_is_named() {
        let content = json!({ "content": [
            { "type": "text", "text": "one" },
            { "type": "image", "data": "QUJD".repeat(4000), "mimeType": "image/png" },
            { "type": "audio", "data": "QQ==", "mimeType": "audio/wav" },
            { "type": "resource", "resource": { "uri": "a://b", "text": "two" } },
            { "type": "resource", "resource": { "uri": "a://c", "blob": "QUJD" } },
            { "type": "resource_link", "uri": "a://d", "name": "d.txt" },
        ]});
        let lines = [
            "one",
            "[image image/png, 12 kB]",
            "[audio audio/wav, 1 B]",
            "two",
            "[resource a://c application/octet-stream, 3 B]",
            "[resource a://d: d.txt]",
        ];
        assert_eq!(told(content, false), Ok(json!(lines.join("\n"))));
    }

    #[test]
    fn json_is_given_where_a_schema_promises_it() {
        let both = json!({
            "content": [{ "type": "text", "text": "sunny" }], "structuredContent": { "sky": 1 },
        });
        assert_eq!(told(both.clone(), true), Ok(json!({ "sky": 1 })));
        assert_eq!(told(both, false), Ok(json!("sunny")));
        let bare = json!({ "structuredContent": [1] });
        assert_eq!(told(bare, false), Ok(json!([1])));
        let broken = json!({ "content": [{ "type": "text", "text": "sunny" }] });
        assert_eq!(told(broken, true), Ok(json!("sunny")), "for the check of results to refuse");
    }

    #[test]
    fn a_failure_says_why() {
        let why = json!({ "content": [{ "type": "text", "text": "no file" }], "isError": true });
        assert_eq!(told(why, true), Err("no file".to_owned()));
        let silent = json!({ "content": [], "isError": true });
        assert_eq!(told(silent, false), Err("it did not say why".to_owned()));
    }
}
