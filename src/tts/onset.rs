//! Takes off the silence before the first sound of a stream.
//!
//! Some engines begin every request with 0.2 s of silence. Before the first clause of an answer
//! it is nothing but a later answer; between two sentences it is a pause, and stays.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{SpeechEvent, SpeechStream, TtsError};
use crate::audio::{AudioChunk, SampleRate};

/// `stream` from 20 ms before its first sound louder than about -41 dBFS. Word times are moved
/// to match.
///
/// Up to 0.5 s of silence is taken off. Sound is held back until the onset is found; silence
/// alone comes out whole at the end.
#[must_use]
pub fn from_onset(stream: SpeechStream) -> SpeechStream {
    let state = (stream, Onset::default());
    Box::pin(stream::unfold(state, |(mut stream, mut onset)| async {
        loop {
            if let Some(event) = onset.ready.pop_front() {
                return Some((event, (stream, onset)));
            }
            match stream.next().await {
                Some(event) => onset.push(event),
                None if onset.silent.is_empty() && onset.words.is_empty() => return None,
                None => onset.release(0),
            }
        }
    }))
}

#[derive(Default)]
struct Onset {
    found: bool,
    /// What was taken off.
    skipped: Duration,
    rate: Option<SampleRate>,
    silent: Vec<i16>,
    words: Vec<SpeechEvent>,
    ready: VecDeque<Result<SpeechEvent, TtsError>>,
}

impl Onset {
    fn push(&mut self, event: Result<SpeechEvent, TtsError>) {
        match event {
            Ok(SpeechEvent::Audio(chunk)) if !self.found => self.listen(&chunk),
            Ok(word @ SpeechEvent::Word { .. }) if !self.found => self.words.push(word),
            Ok(event) => self.ready.push_back(Ok(moved(event, self.skipped))),
            Err(error) => {
                self.release(0);
                self.ready.push_back(Err(error));
            }
        }
    }

    fn listen(&mut self, chunk: &AudioChunk) {
        let rate = chunk.rate();
        let before = self.silent.len();
        self.rate = Some(rate);
        self.silent.extend(chunk.samples());
        let most = rate.samples(MOST) as usize;
        let loud = self.silent[before..].iter().position(|s| s.unsigned_abs() > LOUD);
        match loud.map(|at| before + at) {
            None if self.silent.len() < most => {}
            onset => {
                let onset = onset.unwrap_or(most).min(most);
                self.release(onset.saturating_sub(rate.samples(BEFORE) as usize));
            }
        }
    }

    /// Lets go of what was held, without its first `skip` samples.
    fn release(&mut self, skip: usize) {
        self.found = true;
        let sound = std::mem::take(&mut self.silent);
        self.skipped = self.rate.map_or(Duration::ZERO, |rate| rate.duration(skip as u64));
        for word in self.words.drain(..) {
            self.ready.push_back(Ok(moved(word, self.skipped)));
        }
        if let Some(rate) = self.rate.filter(|_| sound.len() > skip) {
            let chunk = AudioChunk::new(&sound[skip..], rate);
            self.ready.push_back(Ok(SpeechEvent::Audio(chunk)));
        }
    }
}

fn moved(event: SpeechEvent, by: Duration) -> SpeechEvent {
    match event {
        SpeechEvent::Word { text, end } => SpeechEvent::Word { text, end: end.saturating_sub(by) },
        audio @ SpeechEvent::Audio(_) => audio,
    }
}

/// Above the breath noise of recorded voices (below 100), below their softest consonants.
const LOUD: u16 = 300;
const BEFORE: Duration = Duration::from_millis(20);
const MOST: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    async fn trimmed(events: Vec<Result<SpeechEvent, TtsError>>) -> Vec<String> {
        let stream = from_onset(Box::pin(stream::iter(events)));
        stream
            .map(|event| match event {
                Ok(SpeechEvent::Audio(chunk)) => format!("{} ms", chunk.duration().as_millis()),
                Ok(SpeechEvent::Word { end, .. }) => format!("word {}", end.as_millis()),
                Err(error) => error.to_string(),
            })
            .collect()
            .await
    }

    fn sound(ms: usize, level: i16) -> Result<SpeechEvent, TtsError> {
        Ok(SpeechEvent::Audio(AudioChunk::new(vec![level; ms * 16], SampleRate::SPEECH)))
    }

    fn word(ms: u64) -> Result<SpeechEvent, TtsError> {
        Ok(SpeechEvent::Word { text: 0..1, end: Duration::from_millis(ms) })
    }

    #[tokio::test]
    async fn silence_goes_but_for_20_ms_and_words_move() {
        let events =
            vec![word(300), sound(100, 3), sound(120, -9), sound(80, 900), word(400), sound(50, 0)];
        assert_eq!(trimmed(events).await, ["word 100", "100 ms", "word 200", "50 ms"]);
    }

    #[tokio::test]
    async fn sound_from_the_start_passes_unchanged() {
        assert_eq!(trimmed(vec![sound(80, 900), sound(50, 0)]).await, ["80 ms", "50 ms"]);
    }

    #[tokio::test]
    async fn half_a_second_is_the_most_that_goes() {
        assert_eq!(trimmed(vec![sound(900, 0), sound(50, 900)]).await, ["420 ms", "50 ms"]);
    }

    #[tokio::test]
    async fn silence_alone_and_a_failure_come_through() {
        assert_eq!(trimmed(vec![sound(90, 0)]).await, ["90 ms"]);
        assert_eq!(trimmed(vec![]).await, [""; 0]);
        let broken = TtsError::Failed { engine: "x", reason: "broke".to_owned() };
        let events = vec![sound(90, 0), Err(broken)];
        assert_eq!(trimmed(events).await, ["90 ms", "the speech synthesizer x failed: broke"]);
    }
}
