//! The sound of a turn: taken from a file, spoken by a synthesizer, or a noise.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::estimate::estimate;
use super::file::PAUSE;
use super::labels::{Label, Labels};
use super::{Agent, Expect, Scenario, ScenarioError, Services, Turn, built_in, texts};
use crate::audio::{AUDIBLE, Resampler, SampleRate, WavError, WavReader, first_audible};
use crate::bench::person::{MICROPHONE, When};
use crate::bench::services::Script;
use crate::tts::{self, SpeakRequest, SpeechEvent};
use crate::vad::{Earshot, Vad};

/// Where the sound of a turn comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Recorded(Recorded),
    /// Texts to be spoken, with pauses.
    Spoken(Vec<Piece>),
}

/// Sound, and where in it there is speech.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recorded {
    pub(super) samples: Arc<[i16]>,
    pub(super) speech: Range<Duration>,
    pub(super) labelled: bool,
    pub(super) is_noise: bool,
}

/// A part of something to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Pause(Duration),
}

/// What of a file is taken.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The turn of its labels, from 1.
    pub(super) label: Option<usize>,
    pub(super) start_ms: Option<f64>,
    pub(super) end_ms: Option<f64>,
}

impl Piece {
    pub(super) fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Self::Pause(_) => None,
        }
    }
}

impl Source {
    /// Its sound; texts are spoken now.
    pub(super) async fn record(
        &self,
        place: impl Fn() -> String,
    ) -> Result<Recorded, ScenarioError> {
        match self {
            Self::Recorded(recorded) => Ok(recorded.clone()),
            Self::Spoken(pieces) => {
                speak(pieces).await.map_err(|problem| ScenarioError::new(place(), problem))
            }
        }
    }
}

/// What `cut` takes of the file `name`, and its text if that is known.
pub(super) fn recording(
    folder: Option<&Path>,
    name: &str,
    cut: &Cut,
) -> Result<(Recorded, Option<String>), String> {
    let beside = folder.map(|folder| folder.join(name)).filter(|path| path.is_file());
    let (samples, labels) = match (&beside, built_in::asset(name)) {
        (Some(path), _) => (file_samples(path)?, Labels::beside(path)?),
        (None, Some(bytes)) => (memory_samples(name, bytes)?, Labels::built_in(name)?),
        (None, None) => {
            let path = folder.map_or_else(|| name.into(), |folder| folder.join(name));
            return Err(format!("there is no file {}", path.display()));
        }
    };
    let label = match (cut.label, &labels) {
        (None, _) if cut.end_ms.is_some() => None,
        (None, None) => None,
        (Some(_), None) => return Err(format!("{name} has no labels beside it")),
        (number, Some(labels)) => {
            Some(labels.get(number).map_err(|what| format!("{name} {what}"))?)
        }
    };
    let bounds = match (label, cut.end_ms) {
        (Some(label), _) => Some((label.start_ms.unwrap_or(0.0), label.end_ms)),
        (None, Some(end)) => Some((cut.start_ms.unwrap_or(0.0), end)),
        (None, None) => None,
    };
    let text = label.and_then(|label| label.text.clone());
    let recorded = match bounds {
        Some(bounds) => {
            cut_out(&samples, bounds, true).map_err(|what| format!("{name}: {what}"))?
        }
        None => {
            let found = estimate(&samples, Box::new(Earshot::new()));
            let (Some(first), Some(last)) = (found.first(), found.last()) else {
                return Err(format!("no speech is found in {name}"));
            };
            let bounds = (first.start.as_millis(), last.end.as_millis());
            cut_out(&samples, bounds, false).map_err(|what| format!("{name}: {what}"))?
        }
    };
    Ok((recorded, text))
}

/// A scenario of a whole file.
pub(super) fn scenario_of(path: &Path, vad: Box<dyn Vad>) -> Result<Scenario, ScenarioError> {
    let place = path.display().to_string();
    let said = said_in(path, vad).map_err(|problem| ScenarioError::new(&*place, problem))?;
    let turn = |(index, (sound, text)): (usize, (Recorded, Option<String>))| Turn {
        sound: Source::Recorded(sound),
        text: text.unwrap_or_else(|| format!("turn {}", index + 1)),
        when: When::AfterReply(PAUSE),
        expect: Expect::default(),
    };
    let turns: Vec<_> = said.into_iter().enumerate().map(turn).collect();
    let script = Script { heard: texts(&turns), ..Script::default() };
    Ok(Scenario {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        about: format!("what is said in {place}"),
        agent: Agent::default(),
        services: Services { script, ..Services::default() },
        vad: None,
        turns,
    })
}

/// All that is said in a file, one turn after the other, with its text where that is known.
/// Without labels the detector `vad` finds it. There is at least one.
pub(super) fn said_in(
    path: &Path,
    vad: Box<dyn Vad>,
) -> Result<Vec<(Recorded, Option<String>)>, String> {
    let samples = file_samples(path)?;
    let labels = Labels::beside(path)?;
    let labelled = labels.is_some();
    let found = match labels {
        Some(labels) => labels.all(),
        None => {
            let found = estimate(&samples, vad);
            let label = |(start_ms, end_ms)| Label { start_ms: Some(start_ms), end_ms, text: None };
            let bounds = found.iter().map(|it| (it.start.as_millis(), it.end.as_millis()));
            bounds.map(label).collect()
        }
    };
    let mut said = Vec::with_capacity(found.len());
    let mut before = 0.0;
    for label in found {
        let bounds = (label.start_ms.unwrap_or(before), label.end_ms);
        said.push((cut_out(&samples, bounds, labelled)?, label.text));
        before = label.end_ms;
    }
    if said.is_empty() {
        return Err("there is no speech in it".to_owned());
    }
    Ok(said)
}

/// Short, loud and without a voice, as a cough: it dies away.
pub(super) fn noise(ms: u32) -> Recorded {
    let length = Duration::from_millis(ms.into());
    let count = MICROPHONE.samples(length) as usize;
    let mut chance = fastrand::Rng::with_seed(1);
    let sample = |at: usize| {
        let white = 2.0 * chance.f32() - 1.0;
        let fade = 1.0 - at as f32 / count as f32;
        (white * fade * NOISE) as i16
    };
    let samples: Vec<i16> = (0..count).map(sample).collect();
    Recorded {
        samples: samples.into(),
        speech: Duration::ZERO..length,
        labelled: true,
        is_noise: true,
    }
}

/// The stretch `start..end`, in milliseconds, with some of what is around it.
fn cut_out(samples: &[i16], (start, end): (f64, f64), labelled: bool) -> Result<Recorded, String> {
    let at = |ms: f64| (ms * f64::from(MICROPHONE.hz()) / 1e3).round().max(0.0) as usize;
    let (from, to) = (at(start), at(end));
    if from >= to || to > samples.len() {
        let length = MICROPHONE.duration(samples.len() as u64).as_secs_f64() * 1e3;
        return Err(format!("speech from {start} to {end} ms does not lie in its {length} ms"));
    }
    let margin = MICROPHONE.samples(MARGIN) as usize;
    let begin = from.saturating_sub(margin);
    let cut = &samples[begin..samples.len().min(to + margin)];
    let time = |sample: usize| MICROPHONE.duration((sample - begin) as u64);
    Ok(Recorded { samples: cut.into(), speech: time(from)..time(to), labelled, is_noise: false })
}

fn file_samples(path: &Path) -> Result<Vec<i16>, String> {
    let all = |mut reader: WavReader| Ok((reader.rate(), reader.read_all()?));
    let read: Result<_, WavError> = WavReader::open(path).and_then(all);
    let (rate, audio) = read.map_err(|error| error.to_string())?;
    resampled(audio.samples(), rate)
}

fn memory_samples(name: &str, bytes: &[u8]) -> Result<Vec<i16>, String> {
    let mut reader = WavReader::in_memory(name, bytes).map_err(|error| error.to_string())?;
    let audio = reader.read_all().map_err(|error| error.to_string())?;
    resampled(audio.samples(), reader.rate())
}

fn resampled(samples: &[i16], rate: SampleRate) -> Result<Vec<i16>, String> {
    let mut resampler = Resampler::new(rate, MICROPHONE).map_err(|error| error.to_string())?;
    let mut out = Vec::with_capacity(samples.len());
    resampler.process(samples, &mut out);
    resampler.flush(&mut out);
    Ok(out)
}

/// Has the embedded synthesizer speak. The truth about its speech is where it is audible.
async fn speak(pieces: &[Piece]) -> Result<Recorded, String> {
    let mut samples = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => samples.extend(audible(&synthesized(text).await?)),
            Piece::Pause(pause) => {
                samples.resize(samples.len() + MICROPHONE.samples(*pause) as usize, 0);
            }
        }
    }
    let (Some(first), Some(last)) = bounds(&samples) else {
        return Err("nothing is heard of what is to be said".to_owned());
    };
    let speech = MICROPHONE.duration(first)..MICROPHONE.duration(last);
    Ok(Recorded { samples: samples.into(), speech, labelled: true, is_noise: false })
}

async fn synthesized(text: &str) -> Result<Vec<i16>, String> {
    let engine = tts::by_name(VOICE).map_err(|error| error.to_string())?;
    let mut stream = engine.speak(SpeakRequest::new(text));
    let mut samples = Vec::new();
    while let Some(event) = stream.next().await {
        if let SpeechEvent::Audio(audio) = event.map_err(|error| error.to_string())? {
            samples.extend_from_slice(audio.samples());
        }
    }
    resampled(&samples, engine.rate())
}

/// Without the silence before and after, so that pauses are as long as they are written.
fn audible(samples: &[i16]) -> Vec<i16> {
    match bounds(samples) {
        (Some(first), Some(last)) => samples[first as usize..last as usize].to_vec(),
        _ => Vec::new(),
    }
}

/// The first audible sample, and the one after the last.
fn bounds(samples: &[i16]) -> (Option<u64>, Option<u64>) {
    let first = first_audible(samples, AUDIBLE);
    let last = samples.iter().rposition(|sample| sample.unsigned_abs() >= AUDIBLE);
    (first.map(|at| at as u64), last.map(|at| at as u64 + 1))
}

/// What is kept around speech: consonants begin below what counts as audible.
const MARGIN: Duration = Duration::from_millis(200);

/// The user's voice, as in the project's own sound.
const VOICE: &str = "flite:rms";

/// The greatest magnitude of a noise: -10 dBFS.
const NOISE: f32 = 10_362.0;
