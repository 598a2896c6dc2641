//! An entry as a line of JSON.

use super::{Entry, StateError};

/// The entry on one line, without its end.
pub(super) fn write(entry: &Entry, place: &str) -> Result<String, StateError> {
    serde_json::to_string(entry).map_err(|error| StateError::Failed {
        place: place.to_owned(),
        reason: format!("an entry cannot be written as JSON: {error}"),
    })
}

/// Reads an entry; `place` says for errors where it stands.
pub(super) fn read(line: &[u8], place: impl FnOnce() -> String) -> Result<Entry, StateError> {
    serde_json::from_slice(line).map_err(|error| {
        let (place, reason) = (place(), error.to_string());
        // What is whole JSON, but not known, was not written by chance.
        let is_unknown = UNKNOWN.iter().any(|unknown| reason.starts_with(unknown));
        if is_unknown {
            StateError::Newer { place, reason }
        } else {
            StateError::Damaged { place, reason }
        }
    })
}

const UNKNOWN: [&str; 2] = ["unknown variant", "unknown field"];
