//! A folder of speech: `manifest.json`, and the WAV files that it lists.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::MakeError;
use super::levels::RATE;
use crate::audio::{Resampler, SampleRate, WavReader, convert};

/// A file of the folder, and what is known of it. Other fields do not matter here.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entry {
    /// Below the folder.
    pub(super) path: String,
    /// What it belongs to, as in `command`, `digits`, `nonspeech`.
    #[serde(default)]
    pub(super) set: String,
    /// What is said; without it, nobody knows whether all of it is speech.
    #[serde(default)]
    pub(super) transcript: Option<String>,
    /// Who speaks.
    #[serde(default)]
    pub(super) speaker: Option<String>,
    #[serde(default)]
    pub(super) labels: Option<Labels>,
}

/// Who says what when. Times are in seconds.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Labels {
    /// Start, end, word. What stands in brackets is no word.
    #[serde(default)]
    pub(super) words: Vec<(f64, f64, String)>,
    /// Who of several people speaks.
    #[serde(default)]
    pub(super) speaker_segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) struct Segment {
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Entry {
    /// The words, without silences and noises.
    pub(super) fn words(&self) -> Vec<&(f64, f64, String)> {
        let words = self.labels.iter().flat_map(|labels| &labels.words);
        words.filter(|(_, _, word)| !word.starts_with(['<', '[', '('])).collect()
    }

    pub(super) fn segments(&self) -> &[Segment] {
        self.labels.as_ref().map_or(&[], |labels| &labels.speaker_segments)
    }

    /// The file's name without its ending.
    pub(super) fn name(&self) -> &str {
        let name = Path::new(&self.path).file_stem().and_then(|name| name.to_str());
        name.unwrap_or(&self.path)
    }
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl Folder {
    /// Reads what the folder lists; no sound yet.
    pub(super) fn open(path: &Path) -> Result<Self, MakeError> {
        let file = path.join("manifest.json");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(source) => return Err(MakeError::NoSpeech { path: file, source }),
        };
        match serde_json::from_str(&text) {
            Ok(entries) => Ok(Self { path: path.to_owned(), entries }),
            Err(source) => Err(MakeError::List { path: file, source }),
        }
    }

    /// The sound of one of its files.
    pub(super) fn sound(&self, entry: &Entry) -> Result<Vec<f64>, MakeError> {
        sound(&self.path.join(&entry.path))
    }
}

/// The sound of a WAV file at 16 kHz.
pub(super) fn sound(path: &Path) -> Result<Vec<f64>, MakeError> {
    let audio = WavReader::open(path)?.read_all()?;
    let mut resampler = match Resampler::new(audio.rate(), SampleRate::SPEECH) {
        Ok(resampler) => resampler,
        Err(source) => return Err(MakeError::Rate { path: path.to_owned(), source }),
    };
    let mut samples = Vec::with_capacity(audio.samples().len());
    resampler.process(audio.samples(), &mut samples);
    resampler.flush(&mut samples);
    Ok(samples.into_iter().map(|sample| f64::from(convert::sample_to_f32(sample))).collect())
}

/// A place in the sound.
pub(super) fn at(seconds: f64) -> usize {
    (seconds.max(0.0) * RATE as f64) as usize
}
