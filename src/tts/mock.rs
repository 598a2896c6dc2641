//! A synthesizer for tests: a tone as long as the text, made at once.

use std::f64::consts::TAU;
use std::ops::Range;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer, TtsError, failed, process};
use crate::audio::{AudioChunk, SampleRate};

/// Speaks a tone of 220 Hz at -20 dBFS, 60 ms for each character, at 16,000 Hz, in chunks of
/// 100 ms. White space around the text is not spoken.
///
/// ```
/// use banter::tts::{MockFault, MockSynthesizer};
///
/// let engine = MockSynthesizer::default().with_words().with_fault(MockFault::Middle);
/// ```
#[derive(Clone, Debug, Default)]
pub struct MockSynthesizer {
    words: bool,
    fault: Option<MockFault>,
}

/// What goes wrong with a [`MockSynthesizer`], at every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFault {
    /// It does not start.
    Start,
    /// It fails after half of the sound.
    Middle,
    /// It gives half of the sound, then nothing, and does not end.
    Hang,
}

impl MockSynthesizer {
    /// Gives the time of each word.
    #[must_use]
    pub fn with_words(self) -> Self {
        Self { words: true, ..self }
    }

    /// Goes wrong.
    #[must_use]
    pub fn with_fault(self, fault: MockFault) -> Self {
        Self { fault: Some(fault), ..self }
    }
}

impl Synthesizer for MockSynthesizer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn speak(&self, request: SpeakRequest) -> SpeechStream {
        let reason = || "it was told to fail".to_owned();
        let events = events(&request, self.words);
        let half = events.len() / 2;
        match self.fault {
            None => Box::pin(stream::iter(events).map(Ok)),
            Some(MockFault::Start) => failed(TtsError::Start { engine: NAME, reason: reason() }),
            Some(MockFault::Middle) => {
                let error = failed(TtsError::Failed { engine: NAME, reason: reason() });
                Box::pin(stream::iter(events).take(half).map(Ok).chain(error))
            }
            Some(MockFault::Hang) => {
                Box::pin(stream::iter(events).take(half).map(Ok).chain(stream::pending()))
            }
        }
    }
}

fn events(request: &SpeakRequest, with_words: bool) -> Vec<SpeechEvent> {
    let text = request.text.trim();
    let indent = request.text.len() - request.text.trim_start().len();
    let per_char = (CHAR / process::speed(request)).round() as u64;
    let sample_at = |byte: usize| per_char * text[..byte].chars().count() as u64;
    let total = sample_at(text.len());
    let mut words = words(text).into_iter().filter(|_| with_words).peekable();
    let mut events = Vec::new();
    let mut from = 0;
    while from < total {
        let to = (from + SampleRate::SPEECH.samples(CHUNK)).min(total);
        while let Some(word) = words.next_if(|word| sample_at(word.start) < to) {
            events.push(SpeechEvent::Word {
                end: SampleRate::SPEECH.duration(sample_at(word.end)),
                text: indent + word.start..indent + word.end,
            });
        }
        events.push(SpeechEvent::Audio(tone(from..to)));
        from = to;
    }
    events
}

fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            words.push(at..at + word.len());
        }
        at += piece.len();
    }
    words
}

fn tone(samples: Range<u64>) -> AudioChunk {
    let radians = TAU * 220.0 / f64::from(SampleRate::SPEECH.hz());
    let samples: Vec<i16> =
        samples.map(|at| ((at as f64 * radians).sin() * PEAK).round() as i16).collect();
    AudioChunk::new(samples, SampleRate::SPEECH)
}

const NAME: &str = "mock";

/// Samples for a character: 60 ms.
const CHAR: f32 = 960.0;

const CHUNK: Duration = Duration::from_millis(100);

/// The peak of a sine whose mean power is 20 dB below that of a full-scale sine.
const PEAK: f64 = 3276.7;

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(engine: &MockSynthesizer, text: &str) -> Vec<String> {
        let stream = engine.speak(SpeakRequest::new(text));
        stream
            .map(|event| match event {
                Ok(SpeechEvent::Audio(chunk)) => format!("{} ms", chunk.duration().as_millis()),
                Ok(SpeechEvent::Word { text, end }) => format!("{text:?} {} ms", end.as_millis()),
                Err(_) => "failed".to_owned(),
            })
            .collect()
            .await
    }

    #[tokio::test]
    async fn a_character_lasts_60_ms() {
        let engine = MockSynthesizer::default();
        assert_eq!(said(&engine, "Hi né").await, ["100 ms", "100 ms", "100 ms"]);
        assert_eq!(said(&engine, "  a \n").await, ["60 ms"]);
        assert_eq!(said(&engine, " ").await, [""; 0]);
        let mut fast = SpeakRequest::new("Hi né");
        fast.speed = 2.0;
        assert_eq!(engine.speak(fast).count().await, 2);
    }

    #[tokio::test]
    async fn words_come_before_their_sound() {
        let engine = MockSynthesizer::default().with_words();
        assert_eq!(
            said(&engine, " a éé").await,
            ["1..2 60 ms", "100 ms", "3..7 240 ms", "100 ms", "40 ms"]
        );
    }

    #[tokio::test]
    async fn it_fails_as_told() {
        let with = |fault| MockSynthesizer::default().with_fault(fault);
        assert_eq!(said(&with(MockFault::Start), "abcde").await, ["failed"]);
        assert_eq!(said(&with(MockFault::Middle), "abcde").await, ["100 ms", "failed"]);
        let mut hung = with(MockFault::Hang).speak(SpeakRequest::new("abcde"));
        assert!(hung.next().await.is_some());
        assert!(futures_util::FutureExt::now_or_never(hung.next()).is_none());
    }
}
