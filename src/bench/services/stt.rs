//! Transcriptions.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::multipart::parts;
use super::plan::{EVENTS, JSON, Reply};
use super::{Delays, words};

/// Answers with what is heard.
pub(super) fn answer(body: &[u8], delays: &Delays, heard: &str) -> Reply {
    match Asked::of(body) {
        Ok(asked) => asked.reply(delays.stt, heard),
        Err(message) => Reply::refusal(400, message),
    }
}

/// The sound of a request, without the head of its file.
pub(super) fn sound(body: &[u8]) -> Option<&[u8]> {
    let parts = parts(body)?;
    let file = parts.into_iter().find(|part| part.name == "file" && part.is_file)?;
    file.value.get(HEAD..)
}

/// What nobody can read.
pub(super) const NONSENSE: &[u8] = b"{\"text\": \"wh\xff\xfe";

struct Asked {
    format: Format,
    /// How long the file's sound lasts, if it is a WAV file as telephones and agents send it.
    seconds: f64,
}

enum Format {
    Json,
    Verbose,
    Text,
    Events,
}

impl Asked {
    fn of(body: &[u8]) -> Result<Self, &'static str> {
        let parts = parts(body).ok_or("the request is no whole multipart/form-data")?;
        let field = |name: &str| {
            let part = parts.iter().find(|part| part.name == name)?;
            std::str::from_utf8(part.value).ok().map(str::trim)
        };
        if field("model").is_none_or(str::is_empty) {
            return Err("you must provide a model parameter");
        }
        let file = parts.iter().find(|part| part.name == "file" && part.is_file);
        let file = file.ok_or("you must provide a file parameter")?.value;
        let streams = field("stream").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let format = match field("response_format").unwrap_or("json") {
            _ if streams => Format::Events,
            "json" => Format::Json,
            "verbose_json" => Format::Verbose,
            "text" => Format::Text,
            _ => return Err("response_format must be json, text or verbose_json here"),
        };
        Ok(Self { format, seconds: seconds(file) })
    }

    fn reply(&self, delay: Duration, heard: &str) -> Reply {
        let seconds = self.seconds;
        let usage = json!({"type": "duration", "seconds": seconds.ceil()});
        match self.format {
            Format::Text => {
                Reply::new("text/plain; charset=utf-8").then(delay, format!("{heard}\n"))
            }
            Format::Json => {
                let body = json!({"text": heard, "usage": usage});
                Reply::new(JSON).then(delay, body.to_string())
            }
            Format::Verbose => {
                let body = json!({
                    "task": "transcribe", "language": "english", "duration": seconds,
                    "text": heard, "segments": [], "usage": usage,
                });
                Reply::new(JSON).then(delay, body.to_string())
            }
            Format::Events => {
                let event = |value: serde_json::Value| Bytes::from(format!("data: {value}\n\n"));
                let mut reply = Reply::new(EVENTS);
                let mut after = delay;
                for token in words::tokens(heard) {
                    let delta = json!({"type": "transcript.text.delta", "delta": token});
                    reply = reply.then(std::mem::take(&mut after), event(delta));
                }
                let done = json!({"type": "transcript.text.done", "text": heard, "usage": usage});
                reply.then(after, event(done))
            }
        }
    }
}

/// How long the sound of a WAV file lasts: its head may not say, as its length was not known yet.
fn seconds(file: &[u8]) -> f64 {
    let rate = file.get(28..32).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match rate.filter(|_| file.starts_with(b"RIFF")) {
        Some(rate @ 1..) => (file.len().saturating_sub(HEAD)) as f64 / f64::from(rate),
        _ => 0.0,
    }
}

/// The head of a WAV file.
const HEAD: usize = 44;
