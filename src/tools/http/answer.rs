//! What a service answers, for the model.

use bytes::BytesMut;
use futures_util::StreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Response};
use serde_json::{Value, json};

use super::Problem;
use super::plan::Plan;
use crate::net::Incoming;
use crate::types::Secret;

/// The answer as a value: JSON, or a text. A status that is no success is an error.
pub(super) async fn read(
    answer: Response<Incoming>,
    host: &str,
    plan: &Plan,
) -> Result<Value, Problem> {
    let (head, body) = answer.into_parts();
    if !head.status.is_success() {
        let said = beginning(body).await;
        let said = presentable(&said, &plan.secrets);
        return Err(Problem::Failed(format!("{host} answers with {}{said}", head.status)));
    }
    let failed = |what: String| Problem::Failed(format!("the answer of {host} {what}"));
    if let Some(packed) = named(&head.headers, &CONTENT_ENCODING).filter(|how| how != "identity") {
        return Err(failed(format!("is packed by {packed}, which nobody asked for")));
    }
    let told = named(&head.headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let limit = plan.call.size_limit;
    if told.is_some_and(|length: usize| length > limit) {
        return Err(failed(too_long(limit)));
    }
    let body = whole(body, limit).await.map_err(|problem| match problem {
        Some(error) => Problem::Failed(error),
        None => failed(too_long(limit)),
    })?;
    let kind = named(&head.headers, &CONTENT_TYPE).unwrap_or_default();
    let value = match body.is_empty() {
        true => json!({ "status": head.status.as_u16() }),
        false => value(&body, &kind, &plan.secrets).map_err(failed)?,
    };
    match &plan.call.pick {
        None => Ok(value),
        Some(place) => match value.pointer(place) {
            Some(found) => Ok(found.clone()),
            None => Err(failed(format!("has nothing at `{place}`"))),
        },
    }
}

fn value(body: &[u8], kind: &str, secrets: &[Secret]) -> Result<Value, String> {
    let says_json = kind.contains("json");
    let text = match std::str::from_utf8(body) {
        Ok(text) => without(secrets, text),
        Err(_) if kind.starts_with("text/") => without(secrets, &String::from_utf8_lossy(body)),
        Err(_) => {
            let kind = if kind.is_empty() { "neither JSON nor text" } else { kind };
            return Err(format!("cannot be told: it is {kind}"));
        }
    };
    if !(says_json || kind.is_empty()) {
        return Ok(Value::String(text));
    }
    match serde_json::from_str(&text) {
        Ok(value) => Ok(value),
        Err(error) if says_json => Err(format!("is no JSON: {error}")),
        Err(_) => Ok(Value::String(text)),
    }
}

fn too_long(limit: usize) -> String {
    format!("has more than {limit} bytes; ask for less")
}

/// All of it; an error is none if there is more than `limit`.
async fn whole(mut body: Incoming, limit: usize) -> Result<BytesMut, Option<String>> {
    let mut read = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| Some(error.to_string()))?;
        if read.len() + piece.len() > limit {
            return Err(None);
        }
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut read = Vec::new();
    // More than is told: a secret that is cut in half would not be found.
    while read.len() < 8 * MOST_OF_A_REFUSAL
        && let Some(Ok(piece)) = body.next().await
    {
        let room = 8 * MOST_OF_A_REFUSAL - read.len();
        read.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    read
}

fn presentable(said: &[u8], secrets: &[Secret]) -> String {
    let said = without(secrets, &String::from_utf8_lossy(said));
    let said = said.replace(char::is_control, " ");
    match said.trim() {
        "" => String::new(),
        said => format!(": {}", &said[..said.floor_char_boundary(MOST_OF_A_REFUSAL)]),
    }
}

fn without(secrets: &[Secret], said: &str) -> String {
    secrets.iter().fold(said.to_owned(), |said, secret| secret.removed_from(&said))
}

fn named(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_ascii_lowercase())
}

/// In bytes.
const MOST_OF_A_REFUSAL: usize = 500;
