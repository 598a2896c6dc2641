//! A recogniser that says what its script says, for tests.
//!
//! Every utterance with sound takes the next line of the script; after the last, and without
//! sound, there are no words. A line is told at once: its first word as a partial when the first
//! sound comes, all of it at a pause and at the end. What the sound is does not matter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{SttError, SttEvent, SttInput, Transcriber, Utterance, UtteranceEngine};

/// The scripted recogniser.
#[derive(Debug)]
pub struct MockTranscriber {
    script: Arc<Script>,
    fault: Option<MockFault>,
}

#[derive(Debug)]
struct Script {
    lines: Vec<String>,
    heard: AtomicUsize,
}

/// What goes wrong, in every utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFault {
    /// It cannot be opened.
    Open,
    /// It fails after the first partial.
    Middle,
    /// It fails instead of the final.
    End,
    /// It never says anything.
    Hang,
}

impl MockTranscriber {
    /// The name of the engine.
    pub const NAME: &str = "mock";

    /// Hears the lines of `script`, one per utterance.
    #[must_use]
    pub fn new<I>(script: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let lines = script.into_iter().map(Into::into).collect();
        Self { script: Arc::new(Script { lines, heard: AtomicUsize::new(0) }), fault: None }
    }

    /// The same with a fault.
    #[must_use]
    pub fn with_fault(self, fault: MockFault) -> Self {
        Self { fault: Some(fault), ..self }
    }
}

impl Transcriber for MockTranscriber {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn is_prompt(&self) -> bool {
        true
    }

    fn open(&self) -> Result<Utterance, SttError> {
        if self.fault == Some(MockFault::Open) {
            return Err(SttError::Start { engine: Self::NAME, reason: MADE_UP.to_owned() });
        }
        let (utterance, engine) = Utterance::channel();
        tokio::spawn(serve(Arc::clone(&self.script), self.fault, engine));
        Ok(utterance)
    }
}

async fn serve(script: Arc<Script>, fault: Option<MockFault>, mut engine: UtteranceEngine) {
    let failure = || SttError::Failed { engine: MockTranscriber::NAME, reason: MADE_UP.to_owned() };
    let mut line: Option<&str> = None;
    while let Some((input, _work)) = engine.inputs.recv().await {
        let over = matches!(input, SttInput::End);
        let said = || line.unwrap_or_default().to_owned();
        let event = match input {
            _ if fault == Some(MockFault::Hang) => continue,
            SttInput::Lull => Ok(SttEvent::Provisional(said())),
            SttInput::GoesOn => continue,
            SttInput::End if fault == Some(MockFault::End) => Err(failure()),
            SttInput::End => Ok(SttEvent::Final(said())),
            SttInput::Audio(_) if line.is_none() => {
                let next = script.next();
                line = Some(next);
                match next.split_whitespace().next() {
                    Some(word) => Ok(SttEvent::Partial(word.to_owned())),
                    None => continue,
                }
            }
            SttInput::Audio(_) if fault == Some(MockFault::Middle) => Err(failure()),
            SttInput::Audio(_) => continue,
        };
        let over = over || event.is_err();
        let gone = engine.events.send(event).await.is_err();
        if over || gone {
            break;
        }
    }
}

impl Script {
    fn next(&self) -> &str {
        let line = self.heard.fetch_add(1, Ordering::Relaxed);
        self.lines.get(line).map_or("", String::as_str)
    }
}

const MADE_UP: &str = "its script says so";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{AudioChunk, SampleRate};
    use crate::time::Work;

    fn sound() -> SttInput {
        SttInput::Audio(AudioChunk::new([0; 320], SampleRate::SPEECH))
    }

    async fn told(mock: &MockTranscriber, inputs: Vec<SttInput>) -> Vec<Result<SttEvent, String>> {
        let mut utterance = mock.open().unwrap();
        for input in inputs {
            utterance.send(input, Work::default()).await;
        }
        let mut told = Vec::new();
        while let Some(event) = utterance.next().await {
            told.push(event.map_err(|error| error.to_string()));
        }
        told
    }

    fn text(event: fn(String) -> SttEvent, text: &str) -> Result<SttEvent, String> {
        Ok(event(text.to_owned()))
    }

    #[tokio::test]
    async fn each_utterance_takes_a_line_and_then_there_are_no_words() {
        let mock = MockTranscriber::new(["hello there", "goodbye"]);
        let inputs = || vec![sound(), sound(), SttInput::Lull, sound(), SttInput::End];
        let expected = [
            text(SttEvent::Partial, "hello"),
            text(SttEvent::Provisional, "hello there"),
            text(SttEvent::Final, "hello there"),
        ];
        assert_eq!(told(&mock, inputs()).await, expected);
        assert_eq!(told(&mock, vec![SttInput::End]).await, [text(SttEvent::Final, "")]);
        let second = told(&mock, vec![sound(), SttInput::End]).await;
        assert_eq!(second, [text(SttEvent::Partial, "goodbye"), text(SttEvent::Final, "goodbye")]);
        let nothing = [text(SttEvent::Provisional, ""), text(SttEvent::Final, "")];
        assert_eq!(told(&mock, inputs()).await, nothing);
    }

    #[tokio::test]
    async fn it_fails_where_it_is_told_to() {
        let failing = |fault| MockTranscriber::new(["hello there"]).with_fault(fault);
        assert!(matches!(failing(MockFault::Open).open(), Err(SttError::Start { .. })));

        let middle = told(&failing(MockFault::Middle), vec![sound(), sound()]).await;
        assert!(matches!(middle[..], [Ok(SttEvent::Partial(_)), Err(_)]), "{middle:?}");

        let end = told(&failing(MockFault::End), vec![SttInput::Lull, SttInput::End]).await;
        assert!(matches!(end[..], [Ok(SttEvent::Provisional(_)), Err(_)]), "{end:?}");
    }

    #[tokio::test]
    async fn when_it_hangs_it_lets_time_go_on() {
        let (clock, mut stepper) = crate::time::SessionClock::stepped();
        let mut utterance = MockTranscriber::new(["x"]).with_fault(MockFault::Hang).open().unwrap();
        utterance.send(sound(), clock.work()).await;
        utterance.send(SttInput::End, clock.work()).await;
        stepper.advance_to(crate::time::SessionTime::from_millis(3_600_000)).await;
        let waited = clock.timeout(std::time::Duration::ZERO, utterance.next()).await;
        assert!(waited.is_none());
    }
}
