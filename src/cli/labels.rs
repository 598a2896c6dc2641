//! What is known of a fixture: a JSON file beside the WAV file.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::time::SessionTime;

/// The labels of a WAV file.
#[derive(Debug, Deserialize)]
pub(super) struct Labels {
    turns: Vec<Turn>,
}

#[derive(Debug, Deserialize)]
struct Turn {
    /// When the speech of the turn truly ends.
    end_ms: f64,
}

impl Labels {
    /// The labels of `NAME.wav` in `NAME.json`, if there is such a file.
    pub(super) fn beside(wav: &Path) -> anyhow::Result<Option<Self>> {
        let path = wav.with_extension("json");
        if path == wav || !path.is_file() {
            return Ok(None);
        }
        let name = path.display();
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let labels = serde_json::from_str(&text).with_context(|| {
            format!("{name} does not label {}: expected {{\"turns\": [{{\"end_ms\": …}}]}}; mend or move it", wav.display())
        })?;
        Ok(Some(labels))
    }

    /// When speech truly ends, turn by turn.
    pub(super) fn speech_ends(&self) -> Vec<SessionTime> {
        let nanos = |turn: &Turn| SessionTime::from_nanos((turn.end_ms.max(0.0) * 1e6) as u64);
        self.turns.iter().map(nanos).collect()
    }
}
