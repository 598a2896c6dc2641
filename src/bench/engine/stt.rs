//! A recogniser: how much it gets wrong, and how long it takes.

use std::time::Duration;

use futures_util::FutureExt;
use serde::Serialize;

use super::{Cost, or_dash, ratio, spread, spreads, values};
use crate::audio::{AudioChunk, Resampler};
use crate::bench::figures::Spread;
use crate::bench::person::MICROPHONE;
use crate::providers::Price;
use crate::stt::{SttError, SttEvent, SttInput, Transcriber};
use crate::text::wer::WordErrors;
use crate::time::{SessionClock, SessionTime, Work};

/// What a recogniser made of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The words.
    pub text: String,
    /// The words that were said, if they are known, against these.
    pub errors: Option<WordErrors>,
    /// How long the sound is.
    pub sound: Duration,
    /// What the engine took for all of it, as fast as it takes it.
    pub took: Duration,
    /// Of it, from the last sample to the final transcript, once all before was dealt with.
    pub to_final: Duration,
}

/// Has `engine` hear `samples`, at the rate of [`MICROPHONE`], of which the words are `said`.
///
/// The sound is given piece by piece, each as soon as the engine has dealt with the one before;
/// an engine that is slower than speech gets it at the pace of speech. So the end finds it as in a
/// call. Must be called within a Tokio runtime in which time passes.
///
/// # Errors
///
/// As [`SttError`] says.
pub async fn hear(
    engine: &dyn Transcriber,
    samples: &[i16],
    said: Option<&str>,
) -> Result<Heard, SttError> {
    let failed = |reason: &dyn ToString| SttError::Failed {
        engine: engine.name(),
        reason: reason.to_string(),
    };
    let rate = engine.rate();
    let mut heard = Vec::with_capacity(samples.len());
    let mut resampler = Resampler::new(MICROPHONE, rate).map_err(|error| failed(&error))?;
    resampler.process(samples, &mut heard);
    resampler.flush(&mut heard);

    let wall = SessionClock::live();
    let (clock, mut stepper) = SessionClock::stepped();
    let mut utterance = engine.open()?;
    let mut given = SessionTime::ZERO;
    for piece in heard.chunks(rate.samples(PIECE).max(1) as usize) {
        // What it says so far, so that it never waits for a reader.
        while let Some(Some(event)) = utterance.next().now_or_never() {
            event?;
        }
        given = given + rate.duration(piece.len() as u64);
        utterance.send(SttInput::Audio(AudioChunk::new(piece, rate)), clock.work()).await;
        stepper.advance_to(given).await;
    }
    let last = wall.now();
    utterance.send(SttInput::End, Work::default()).await;
    while let Some(event) = utterance.next().await {
        if let SttEvent::Final(text) = event? {
            let end = wall.now();
            return Ok(Heard {
                errors: said.map(|said| WordErrors::between(said, &text)),
                text,
                sound: rate.duration(heard.len() as u64),
                took: end.since(SessionTime::ZERO),
                to_final: end.since(last),
            });
        }
    }
    Err(failed(&"it ended without a result"))
}

/// What was measured of a recogniser.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many sentences it has understood or misunderstood.
    pub sentences: usize,
    /// How many of them have no text to compare with.
    pub without_text: usize,
    /// Wrong, missing and added words.
    pub word_errors: usize,
    /// The words that were said.
    pub words: usize,
    /// The one of the other; `None` if no text is known.
    pub word_error_rate: Option<f64>,
    /// From the last sample to the final transcript.
    pub final_ms: Option<Spread>,
    /// What it took, over the length of the sound.
    pub real_time_factor: Option<f64>,
    /// All the sound.
    pub sound_minutes: f64,
    /// Processor time of this program for a minute of sound.
    pub cpu_s_per_minute: Option<f64>,
    /// If a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Figures {
    /// The figures of `heard`, which cost so much processor time.
    #[must_use]
    pub fn of(heard: &[Heard], cpu: Duration, price: Option<Price>) -> Self {
        let sound: Duration = heard.iter().map(|one| one.sound).sum();
        let took: Duration = heard.iter().map(|one| one.took).sum();
        let known = || heard.iter().filter_map(|one| one.errors);
        let all: WordErrors = known().sum();
        let total = price.and_then(|price| price.of_sound(sound));
        Self {
            sentences: heard.len(),
            without_text: heard.len() - known().count(),
            word_errors: all.errors,
            words: all.words,
            word_error_rate: (known().count() > 0).then(|| all.rate()),
            final_ms: spread(heard.iter().map(|one| one.to_final)),
            real_time_factor: ratio(took.as_secs_f64(), sound.as_secs_f64()),
            sound_minutes: sound.as_secs_f64() / 60.0,
            cpu_s_per_minute: ratio(cpu.as_secs_f64() * 60.0, sound.as_secs_f64()),
            cost: total.and_then(|total| Cost::of(total, heard.len(), Some(sound))),
        }
    }

    /// For people, in columns.
    #[must_use]
    pub fn table(&self) -> String {
        let rate = match self.word_error_rate {
            Some(rate) => {
                format!("{:.1} % ({} of {} words)", rate * 100.0, self.word_errors, self.words)
            }
            None => "-".to_owned(),
        };
        let rows = [
            ("word error rate", rate),
            ("real-time factor", or_dash(self.real_time_factor, 3)),
            ("CPU, s per minute of sound", or_dash(self.cpu_s_per_minute, 3)),
            ("minutes of sound", format!("{:.2}", self.sound_minutes)),
        ];
        let mut text = spreads(&[("last sample to final transcript", self.final_ms)]) + "\n";
        text += &values(&rows, "sound", self.cost.as_ref());
        if self.without_text > 0 {
            let Self { sentences, without_text, .. } = self;
            text += &format!(
                "{without_text} of {sentences} have no text in a label file: their words are not \
                 counted\n"
            );
        }
        text
    }
}

/// As a session gives it.
const PIECE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stt::mock::MockTranscriber;

    #[tokio::test]
    async fn a_sentence_is_heard_whole_and_compared_with_what_was_said() {
        let engine = MockTranscriber::new(["what dime is it"]);
        let sound = vec![1_000; 160_000];
        let heard = hear(&engine, &sound, Some("What time is it?")).await.unwrap();
        assert_eq!(heard.text, "what dime is it");
        assert_eq!(heard.errors, Some(WordErrors { errors: 1, words: 4 }));
        assert_eq!(heard.sound, Duration::from_secs(10));
        assert!(heard.to_final <= heard.took);
        // It is not given at the pace of speech, if the engine is faster.
        assert!(heard.took < heard.sound, "{heard:?}");
    }

    fn heard(errors: Option<(usize, usize)>, took: u64) -> Heard {
        Heard {
            text: String::new(),
            errors: errors.map(|(errors, words)| WordErrors { errors, words }),
            sound: Duration::from_secs(30),
            took: Duration::from_secs(took),
            to_final: Duration::from_millis(took * 10),
        }
    }

    #[test]
    fn figures_are_those_of_all_sentences() {
        let all = [heard(Some((1, 3)), 3), heard(Some((0, 1)), 6), heard(None, 9)];
        let price = "0.006/min".parse().unwrap();
        let figures = Figures::of(&all, Duration::from_secs(3), Some(price));
        assert_eq!((figures.word_errors, figures.words, figures.without_text), (1, 4, 1));
        assert_eq!(figures.word_error_rate, Some(0.25));
        assert_eq!(figures.final_ms.map(|ms| (ms.p50, ms.p99)), Some((60.0, 90.0)));
        assert_eq!((figures.real_time_factor, figures.sound_minutes), (Some(0.2), 1.5));
        assert_eq!(figures.cpu_s_per_minute, Some(2.0));
        let cost = figures.cost.unwrap();
        assert!((cost.total - 0.009).abs() < 1e-9, "{cost:?}");
        assert!((cost.per_hour.unwrap() - 0.36).abs() < 1e-9, "{cost:?}");
        assert!((cost.per_thousand_requests - 3.0).abs() < 1e-9, "{cost:?}");

        let table = figures.table();
        assert!(table.contains("25.0 % (1 of 4 words)") && table.contains("0.3600"), "{table}");
        assert!(table.contains("1 of 3 have no text"), "{table}");
    }

    #[test]
    fn nothing_measured_is_told_as_nothing() {
        let figures = Figures::of(&[], Duration::ZERO, None);
        assert_eq!((figures.word_error_rate, figures.final_ms, figures.cost), (None, None, None));
        assert!(figures.table().contains("word error rate"));
    }
}
