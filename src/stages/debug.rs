//! Prints elements as JSON, one a line.

use std::fmt;
use std::io::Write;

use serde_json::json;

use crate::pipeline::{Element, Outcome, Payload, StageError, Transcript, Transform};

/// A transform that passes everything on and writes a line about it.
///
/// Sound is described, not written. A line that cannot be written ends the run: a debug log
/// with holes misleads.
pub struct Debug {
    name: String,
    output: Box<dyn Write + Send>,
}

impl Debug {
    /// A debug stage called `name` that writes to `output`.
    #[must_use]
    pub fn new(name: &str, output: Box<dyn Write + Send>) -> Self {
        Self { name: name.to_owned(), output }
    }
}

impl fmt::Debug for Debug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debug").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Transform for Debug {
    fn name(&self) -> &str {
        &self.name
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        let line = json!({
            "stage": self.name,
            "t_ms": element.at.as_millis(),
            "turn": element.turn,
            "response": element.response,
            "element": describe(&element.payload),
        });
        writeln!(self.output, "{line}").map_err(|error| StageError::new(&self.name, &error))?;
        emit.push(element);
        Ok(())
    }
}

fn describe(payload: &Payload) -> serde_json::Value {
    let sound = |audio: &crate::audio::AudioChunk| json!({ "samples": audio.samples().len(), "rate_hz": audio.rate().hz() });
    match payload {
        Payload::Begin(turn) => json!({ "begin": { "messages": turn.history.len() } }),
        Payload::Heard(audio) => json!({ "heard": sound(audio) }),
        Payload::LikelyEnd => json!("likely_end"),
        Payload::Transcript(Transcript::Partial(text)) => json!({ "partial": **text }),
        Payload::Transcript(Transcript::Final(text)) => json!({ "final": **text }),
        Payload::Message(message) => json!({ "message": **message }),
        Payload::TextDelta(text) => json!({ "text": **text }),
        Payload::Spoken { audio, mark } => {
            let text = mark.map(|mark| json!([mark.start, mark.end]));
            json!({ "spoken": sound(audio), "text_bytes": text })
        }
        Payload::ToolCall(call) => json!({ "tool_call": **call }),
        Payload::ToolResult(result) => json!({ "tool_result": **result }),
        Payload::TurnEnd(outcome) => json!({ "end": describe_outcome(outcome) }),
        Payload::Custom(_) => json!("custom"),
    }
}

fn describe_outcome(outcome: &Outcome) -> serde_json::Value {
    match outcome {
        Outcome::Completed => json!("completed"),
        Outcome::Interrupted { heard } => json!({ "interrupted_ms": heard.as_secs_f64() * 1e3 }),
        Outcome::Failed { reason } => json!({ "failed": **reason }),
        Outcome::AwaitingTools => json!("awaiting_tools"),
        Outcome::Discarded => json!("discarded"),
    }
}
