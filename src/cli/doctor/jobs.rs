//! A small real job for each engine in use.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::trouble::{Role, Trouble};
use crate::audio::{AudioChunk, ResampleError, Resampler, SampleRate};
use crate::config::{EngineError, Factory, Settings};
use crate::net::HttpClient;
use crate::providers::{ProviderEvent, ProviderRequest};
use crate::stt::{SttError, SttEvent, SttInput};
use crate::time::{SessionClock, Work};
use crate::tts::{SpeakRequest, SpeechEvent, Synthesizer, TtsError};
use crate::types::Message;

/// The engines that settings name, at work.
pub(super) struct Jobs<'a> {
    settings: &'a Settings,
    factory: Factory<'a>,
    clock: SessionClock,
}

/// What a synthesizer has made of a word.
#[derive(Debug, PartialEq)]
pub(super) struct Speech {
    rate: SampleRate,
    samples: Vec<i16>,
    /// Milliseconds to the first sound.
    first: f64,
}

impl Speech {
    /// How long it took.
    pub(super) fn told(&self) -> String {
        format!("speaks after {:.0} ms", self.first)
    }
}

/// Has `engine` say a word.
pub(super) async fn speech(engine: &dyn Synthesizer, speed: f32) -> Result<Speech, TtsError> {
    let clock = SessionClock::live();
    let mut made = Speech { rate: engine.rate(), samples: Vec::new(), first: 0.0 };
    let mut stream = engine.speak(SpeakRequest { speed, ..SpeakRequest::new(WORD) });
    while let Some(event) = stream.next().await {
        if let SpeechEvent::Audio(audio) = event? {
            if made.samples.is_empty() {
                made.first = clock.now().as_millis();
            }
            made.samples.extend_from_slice(audio.samples());
        }
    }
    Ok(made)
}

impl<'a> Jobs<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let factory = Factory::new(settings, || Ok(Arc::new(HttpClient::new()?)));
        Self { settings, factory, clock: SessionClock::live() }
    }

    /// What a user of the engines should know.
    pub(super) fn notes(&self) -> Vec<String> {
        self.factory.notes(&["stt", "llm", "tts"])
    }

    /// Has the voice detector look at silence.
    pub(super) fn detect(&self) -> Result<(String, ()), Trouble> {
        let trouble = |error: EngineError| Trouble::of_engine(&error, Role::Vad);
        let mut engine = self.factory.vad().map_err(trouble)?;
        let silence = vec![0; engine.frame_len()];
        match engine.process(&silence) {
            probability if probability < engine.threshold() => Ok((engine.name().to_owned(), ())),
            _ => Err(Trouble::new(
                format_args!("{} takes silence for speech", engine.name()),
                "set vad.engine to earshot",
            )),
        }
    }

    /// Whether a model is to hear the ends of turns.
    pub(super) fn judges_ends(&self) -> bool {
        self.settings.text("turn.model") != Some("off")
    }

    /// Has the model that hears the ends of turns judge silence.
    pub(super) fn judge_end(&self) -> Result<(String, ()), Trouble> {
        let off = "set turn.model to off";
        let model = self.factory.end_model().map_err(|error| Trouble::told(&error, off))?;
        let began = self.clock.now();
        match model.map(|model| (model.name(), model.likely_end(&[]))) {
            Some((name, Some(_))) => {
                let took = self.clock.now().since(began).as_millis();
                Ok((format!("{name} answers after {took} ms"), ()))
            }
            Some((name, None)) => Err(Trouble::new(format_args!("{name} answers nothing"), off)),
            None => Err(Trouble::new("there is no such model", off)),
        }
    }

    /// Has the synthesizer say a word.
    pub(super) async fn speak(&self) -> Result<(String, Speech), Trouble> {
        let engine = self.factory.synthesizer();
        let engine = engine.map_err(|error| Trouble::of_engine(&error, Role::Tts))?;
        let speed = self.settings.number("tts.speed").map_or(1.0, |speed| speed as f32);
        let made = speech(engine.as_ref(), speed).await;
        let made = made.map_err(|error| Trouble::of_tts(&error, self.settings))?;
        match made.samples.iter().any(|&sample| sample != 0) {
            true => Ok((format!("{} {}", engine.name(), made.told()), made)),
            false => Err(Trouble::silent(engine.name(), Role::Tts)),
        }
    }

    /// Has the recogniser write down what the synthesizer said, or silence if it said nothing.
    pub(super) async fn hear(&self, speech: Option<&Speech>) -> Result<(String, ()), Trouble> {
        let engine = self.factory.transcriber();
        let engine = engine.map_err(|error| Trouble::of_engine(&error, Role::Stt))?;
        let trouble = |error: SttError| Trouble::of_stt(&error, self.settings);
        let samples = heard(speech, engine.rate())
            .map_err(|error| Trouble::new(error, "set tts.engine to another engine"))?;
        let mut utterance = engine.open().map_err(trouble)?;
        let began = self.clock.now();
        let chunk = engine.rate().samples(CHUNK).max(1) as usize;
        let feed = samples.chunks(chunk).map(|chunk| AudioChunk::new(chunk, engine.rate()));
        for input in feed.map(SttInput::Audio).chain([SttInput::End]) {
            utterance.send(input, Work::default()).await;
        }
        let mut words = String::new();
        while let Some(event) = utterance.next().await {
            if let SttEvent::Final(text) = event.map_err(trouble)? {
                words = text;
            }
        }
        let (name, took) = (engine.name(), self.clock.now().since(began).as_millis());
        match (speech, words.trim()) {
            (Some(_), "") => Err(Trouble::silent(name, Role::Stt)),
            (Some(_), words) => {
                Ok((format!("{name} answers after {took} ms: {}", short(words)), ()))
            }
            (None, _) => {
                Ok((format!("{name} answers after {took} ms; nothing could be said to it"), ()))
            }
        }
    }

    /// Has the model answer a word.
    pub(super) async fn answer(&self) -> Result<(String, ()), Trouble> {
        let engine = self.factory.provider();
        let engine = engine.map_err(|error| Trouble::of_engine(&error, Role::Llm))?;
        let request = ProviderRequest {
            system: self.settings.text("llm.system").unwrap_or_default().to_owned(),
            messages: vec![Message::user(WORD)],
            parameters: self.settings.parameters(),
            ..ProviderRequest::default()
        };
        let began = self.clock.now();
        let (mut answer, mut first) = (String::new(), None);
        let mut stream = engine.stream(request);
        while let Some(event) = stream.next().await {
            let event = event.map_err(|error| Trouble::of_provider(&error, self.settings))?;
            if let ProviderEvent::TextDelta(text) = event {
                first.get_or_insert_with(|| self.clock.now().since(began));
                answer.push_str(&text);
            }
        }
        let Some(first) = first.filter(|_| !answer.trim().is_empty()) else {
            return Err(Trouble::silent(engine.name(), Role::Llm));
        };
        let (name, answer) = (engine.name(), short(&answer));
        Ok((format!("{name} answers after {} ms: {answer}", first.as_millis()), ()))
    }
}

/// The speech at another rate, between two silences, which recognisers like.
fn heard(speech: Option<&Speech>, rate: SampleRate) -> Result<Vec<i16>, ResampleError> {
    let silence = vec![0; rate.samples(SILENCE) as usize];
    let mut samples = silence.clone();
    if let Some(speech) = speech {
        let mut resampler = Resampler::new(speech.rate, rate)?;
        resampler.process(&speech.samples, &mut samples);
        resampler.flush(&mut samples);
    }
    samples.extend(silence);
    Ok(samples)
}

/// The beginning of a text, on a line, in quotes, without what a terminal would obey.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}

/// Every engine in English knows it, and it costs next to nothing.
const WORD: &str = "Hello.";

/// Before and after the word.
const SILENCE: Duration = Duration::from_millis(400);

/// Sound is handed over in pieces of this length.
const CHUNK: Duration = Duration::from_millis(100);

/// Characters of an answer.
const SHOWN: usize = 48;
