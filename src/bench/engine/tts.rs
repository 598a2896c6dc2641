//! A synthesizer: how soon it is heard, and how fast it speaks.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;

use super::{Cost, or_dash, ratio, spread, spreads, values};
use crate::audio::{AUDIBLE, first_audible};
use crate::bench::figures::Spread;
use crate::providers::Price;
use crate::time::{SessionClock, SessionTime};
use crate::tts::{SpeakRequest, SpeechEvent, Synthesizer, TtsError};

/// What a synthesizer is asked to say by default: pieces as an answer is cut into.
pub const TEXTS: [&str; 6] = [
    "Well, ",
    "That is a good question.",
    "The train to Bern leaves at half past nine, from platform four.",
    "I have found three places near you that are open now.",
    "Please tell me the name that the table is booked under, and I will look it up.",
    "It will rain in the afternoon, so it might be better to go for a walk before lunch, and to \
     take an umbrella along all the same.",
];

/// What a synthesizer made of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// How long the text is.
    pub characters: u64,
    /// From the request to its first sound.
    pub first_byte: Duration,
    /// From the request until its first audible sample has come.
    pub first_audible: Duration,
    /// From the request until all has come.
    pub took: Duration,
    /// How long the sound is.
    pub speech: Duration,
}

/// Has `engine` speak. Must be called within a Tokio runtime.
///
/// # Errors
///
/// As [`TtsError`] says, and when nothing is heard.
pub async fn speak(engine: &dyn Synthesizer, request: SpeakRequest) -> Result<Spoken, TtsError> {
    let characters = request.text.chars().count() as u64;
    let clock = SessionClock::live();
    let now = || clock.now().since(SessionTime::ZERO);
    let (mut first_byte, mut audible, mut speech) = (None, None, Duration::ZERO);
    let mut events = engine.speak(request);
    while let Some(event) = events.next().await {
        let SpeechEvent::Audio(audio) = event? else { continue };
        if audio.samples().is_empty() {
            continue;
        }
        first_byte.get_or_insert_with(now);
        if audible.is_none() && first_audible(audio.samples(), AUDIBLE).is_some() {
            audible = Some(now());
        }
        speech += audio.rate().duration(audio.samples().len() as u64);
    }
    let took = now();
    let (Some(first_byte), Some(first_audible)) = (first_byte, audible) else {
        let reason = "nothing is heard of what it was to say".to_owned();
        return Err(TtsError::Failed { engine: engine.name(), reason });
    };
    Ok(Spoken { characters, first_byte, first_audible, took, speech })
}

/// What was measured of a synthesizer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many texts it has spoken.
    pub texts: usize,
    /// From the request to its first sound.
    pub first_byte_ms: Option<Spread>,
    /// From the request until its first audible sample has come.
    pub first_audible_ms: Option<Spread>,
    /// Until all has come, over the length of the speech: above 1 it cannot be listened to.
    pub real_time_factor: Option<f64>,
    /// Of all texts.
    pub characters: u64,
    /// How long it spoke.
    pub speech_minutes: f64,
    /// Processor time, of this program and of those that it started, for a minute of speech.
    pub cpu_s_per_minute: Option<f64>,
    /// If a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Figures {
    /// The figures of what was `spoken`, which cost so much processor time. A price is for
    /// characters or for the sound.
    #[must_use]
    pub fn of(spoken: &[Spoken], cpu: Duration, price: Option<Price>) -> Self {
        let speech: Duration = spoken.iter().map(|one| one.speech).sum();
        let took: Duration = spoken.iter().map(|one| one.took).sum();
        let characters = spoken.iter().map(|one| one.characters).sum();
        let total =
            price.and_then(|price| price.of_items(characters).or_else(|| price.of_sound(speech)));
        Self {
            texts: spoken.len(),
            first_byte_ms: spread(spoken.iter().map(|one| one.first_byte)),
            first_audible_ms: spread(spoken.iter().map(|one| one.first_audible)),
            real_time_factor: ratio(took.as_secs_f64(), speech.as_secs_f64()),
            characters,
            speech_minutes: speech.as_secs_f64() / 60.0,
            cpu_s_per_minute: ratio(cpu.as_secs_f64() * 60.0, speech.as_secs_f64()),
            cost: total.and_then(|total| Cost::of(total, spoken.len(), Some(speech))),
        }
    }

    /// For people, in columns.
    #[must_use]
    pub fn table(&self) -> String {
        let rows = [
            ("real-time factor", or_dash(self.real_time_factor, 3)),
            ("CPU, s per minute of speech", or_dash(self.cpu_s_per_minute, 3)),
            ("characters", self.characters.to_string()),
            ("minutes of speech", format!("{:.2}", self.speech_minutes)),
        ];
        let times =
            [("first byte", self.first_byte_ms), ("first audible sample", self.first_audible_ms)];
        spreads(&times) + "\n" + &values(&rows, "speech", self.cost.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tts::MockSynthesizer;

    #[tokio::test]
    async fn a_text_is_spoken_and_its_sound_measured() {
        let engine = MockSynthesizer::default();
        let spoken = speak(&engine, SpeakRequest::new("ten chars!")).await.unwrap();
        assert_eq!(spoken.characters, 10);
        assert_eq!(spoken.speech, Duration::from_millis(600));
        assert!(spoken.first_byte <= spoken.first_audible && spoken.first_audible <= spoken.took);
    }

    #[tokio::test]
    async fn a_synthesizer_that_says_nothing_has_failed() {
        let error = speak(&MockSynthesizer::default(), SpeakRequest::new("")).await.unwrap_err();
        assert!(error.to_string().contains("nothing is heard"), "{error}");
    }

    #[test]
    fn characters_or_speech_are_paid() {
        let one = |ms: u64| Spoken {
            characters: 50_000,
            first_byte: Duration::from_millis(ms),
            first_audible: Duration::from_millis(ms + 5),
            took: Duration::from_secs(60),
            speech: Duration::from_secs(120),
        };
        let all = [one(80), one(90), one(200)];
        let figures =
            |price: &str| Figures::of(&all, Duration::from_secs(12), Some(price.parse().unwrap()));
        let by_text = figures("15/1M");
        assert_eq!((by_text.characters, by_text.speech_minutes), (150_000, 6.0));
        assert_eq!((by_text.real_time_factor, by_text.cpu_s_per_minute), (Some(0.5), Some(2.0)));
        assert_eq!(by_text.first_byte_ms.map(|ms| (ms.p50, ms.p95)), Some((90.0, 200.0)));
        assert_eq!(by_text.first_audible_ms.map(|ms| ms.p50), Some(95.0));
        let cost = by_text.cost.unwrap();
        assert!((cost.total - 2.25).abs() < 1e-9, "{cost:?}");
        assert!((cost.per_hour.unwrap() - 22.5).abs() < 1e-9, "{cost:?}");
        assert!((cost.per_thousand_requests - 750.0).abs() < 1e-9, "{cost:?}");
        let by_sound = figures("0.015/min").cost.unwrap();
        assert!((by_sound.total - 0.09).abs() < 1e-9, "{by_sound:?}");
    }
}
