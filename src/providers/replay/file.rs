//! Reads the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Came;
use crate::providers::exchanges::line::{End, Line, VERSION, What};
use crate::types::{Media, MediaSource};

/// A file that cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error("cannot read the exchanges in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "{}:{line}: this is no exchange: {problem}; --record-exchanges writes a file of them",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// It holds nothing.
    #[error("{} has no exchange in it; --record-exchanges writes them", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// An exchange that can be replayed.
#[derive(Debug)]
pub(super) struct Recorded {
    /// Where it stands, from 1.
    pub(super) line: usize,
    pub(super) key: Key,
    /// Of its last message.
    pub(super) question: Key,
    pub(super) metered: bool,
    pub(super) events: Arc<[(Duration, Came)]>,
    /// Nobody wanted the rest of it.
    pub(super) left: bool,
    pub(super) ended: Duration,
    /// What of its answer is not in the file, if something is.
    pub(super) lacking: Option<String>,
}

/// What requests are known by.
pub(super) type Key = [u8; 32];

/// All exchanges of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Recorded>, ReplayError> {
    let unreadable = |source| ReplayError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let size = file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if size as u64 > LARGEST {
        let large = format!("it has more than {} MiB; replay a part of it", LARGEST >> 20);
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, large)));
    }
    let mut exchanges = Vec::new();
    let mut lines = text.split_inclusive('\n').enumerate();
    for (at, line) in lines.by_ref().filter(|(_, line)| !line.trim().is_empty()) {
        match parse(line, at + 1) {
            Ok(exchange) => exchanges.push(exchange),
            Err(_) if !line.ends_with('\n') => {
                tracing::warn!(file = %path.display(), "the last exchange is cut off, and left out");
            }
            Err(problem) => {
                return Err(ReplayError::Line { path: path.to_owned(), line: at + 1, problem });
            }
        }
    }
    if exchanges.is_empty() {
        return Err(ReplayError::Empty { path: path.to_owned() });
    }
    Ok(exchanges)
}

/// What a request is known by: all of it but its metadata.
pub(super) fn key(asked: &Value) -> Key {
    let counts = ["system", "messages", "tools", "tool_choice", "parameters"];
    let counting: Vec<_> = counts.iter().map(|name| &asked[*name]).collect();
    hash(&json!(counting))
}

/// What its last message is known by. A result is what it is at the time: its call counts.
pub(super) fn question(asked: &Value) -> Key {
    let messages = asked["messages"].as_array();
    let Some(last) = messages.and_then(|messages| messages.last()) else {
        return hash(&Value::Null);
    };
    match last.get("tool_result") {
        Some(result) => hash(&json!([result["name"], result["id"]])),
        None => hash(&json!([last["role"], last["text"], last["media"]])),
    }
}

fn hash(value: &Value) -> Key {
    Sha256::digest(value.to_string()).into()
}

fn parse(text: &str, number: usize) -> Result<Recorded, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if line.v != VERSION {
        return Err(format!("it is of version {}, and not {VERSION}", line.v));
    }
    let (key, question) = (key(&line.request), question(&line.request));
    let mut lacking = None;
    let mut events = Vec::with_capacity(line.events.len());
    for event in line.events {
        let after = time(event.ms)?;
        let what = match event.what {
            What::Media(media) => with_bytes(media, &line.media).map(What::Media),
            what => Ok(what),
        };
        match what.and_then(What::told) {
            Ok(came) => events.push((after, came)),
            Err(what) => lacking = lacking.or(Some(what)),
        }
    }
    let (left, ended) = (line.end == End::Left, time(line.end_ms)?);
    let (metered, events) = (line.metered, events.into());
    Ok(Recorded { line: number, key, question, metered, events, left, ended, lacking })
}

fn time(ms: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(ms / 1e3).map_err(|_| format!("{ms} is no time in milliseconds"))
}

/// The media with their bytes, if those are in the line.
fn with_bytes(
    mut media: Media,
    kept: &std::collections::BTreeMap<String, String>,
) -> Result<Media, String> {
    if let MediaSource::Stored(name) = &media.source {
        let bytes = kept.get(&name.sha256).and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.ok_or_else(|| format!("the bytes of its {}", media.kind))?;
        media.source = MediaSource::Bytes(Bytes::from(bytes));
    }
    Ok(media)
}

/// In bytes: many days of talk.
const LARGEST: u64 = 256 << 20;
