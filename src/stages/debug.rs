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
        Payload::Rendered(audio) => json!({ "rendered": sound(audio) }),
        Payload::LikelyEnd => json!("likely_end"),
        Payload::GoesOn => json!("goes_on"),
        Payload::Transcript(Transcript::Partial(text)) => json!({ "partial": **text }),
        Payload::Transcript(Transcript::Final(text)) => json!({ "final": **text }),
        Payload::Message(message) => json!({ "message": **message }),
        Payload::TextDelta(text) => json!({ "text": **text }),
        Payload::Spoken { audio, mark } => {
            let text = mark.map(|mark| json!([mark.start, mark.end]));
            json!({ "spoken": sound(audio), "text_bytes": text })
        }
        Payload::Media(media) => json!({ "media": media.mime }),
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::audio::{AudioChunk, SampleRate};
    use crate::ids::{ResponseId, TurnId};
    use crate::pipeline::TurnContext;
    use crate::time::SessionTime;
    use crate::turn::SpeechMark;
    use crate::types::{Message, ToolCall};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written about a payload of turn 2, response 1.
    fn written(payload: Payload) -> serde_json::Value {
        let log = Log::default();
        let mut debug = Debug::new("probe", Box::new(log.clone()));
        let element = Element::new(TurnId::new(2), SessionTime::from_millis(1_500), payload);
        let mut emitted = Vec::new();
        debug.apply(element.of(ResponseId::FIRST), &mut emitted).unwrap();
        assert_eq!(emitted.len(), 1, "it is passed on");
        let bytes = log.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_element_is_a_line_of_json_and_goes_on() {
        let line = written(Payload::TextDelta("Hel\nlo ".into()));
        let expected = json!({
            "stage": "probe", "t_ms": 1500.0, "turn": 2, "response": 1,
            "element": { "text": "Hel\nlo " },
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn every_kind_is_described_and_sound_in_short() {
        let audio = || AudioChunk::new([0; 320], SampleRate::SPEECH);
        let sound = json!({ "samples": 320, "rate_hz": 16_000 });
        let mark = Some(SpeechMark { start: 3, end: 9, at: 0, ends_sentence: false });
        let begin = TurnContext::new(TurnId::new(2), ResponseId::FIRST, [Message::user("hi")]);
        let call = ToolCall { id: "1".into(), name: "clock".into(), arguments: json!({}) };
        let cases = [
            (Payload::Begin(begin.into()), json!({ "begin": { "messages": 1 } })),
            (Payload::Heard(audio()), json!({ "heard": sound.clone() })),
            (Payload::Rendered(audio()), json!({ "rendered": sound.clone() })),
            (Payload::LikelyEnd, json!("likely_end")),
            (Payload::Transcript(Transcript::Partial("he".into())), json!({ "partial": "he" })),
            (Payload::Transcript(Transcript::Final("hey".into())), json!({ "final": "hey" })),
            (
                Payload::Spoken { audio: audio(), mark },
                json!({ "spoken": sound, "text_bytes": [3, 9] }),
            ),
            (
                Payload::ToolCall(call.into()),
                json!({ "tool_call": { "id": "1", "name": "clock", "arguments": {} } }),
            ),
            (
                Payload::TurnEnd(Outcome::Failed { reason: "no line".into() }),
                json!({ "end": { "failed": "no line" } }),
            ),
            (Payload::Custom(Arc::new(1)), json!("custom")),
        ];
        for (payload, expected) in cases {
            assert_eq!(written(payload)["element"], expected);
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_an_error() {
        let mut debug = Debug::new("probe", Box::new(Full));
        let element = Element::new(TurnId::new(1), SessionTime::ZERO, Payload::LikelyEnd);
        let error = debug.apply(element, &mut Vec::new()).unwrap_err();
        assert_eq!(error.stage, "probe");
    }
}
