//! A set of scenarios, with its sound.

use std::io;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use crate::audio::{ResampleError, Resampler, SampleRate, WavError, WavReader};

/// Scenarios, and the files that their sound is in.
#[derive(Clone, Debug)]
pub struct Set {
    /// What is to happen.
    pub manifest: Manifest,
    sounds: Sounds,
}

#[derive(Clone, Debug)]
enum Sounds {
    Folder(PathBuf),
    BuiltIn,
}

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// No manifest.
    #[error("cannot read the scenarios `{}`: {source}", path.display())]
    File {
        /// The manifest.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is none.
    #[error(
        "`{}` describes no scenarios: {source}; `banter bench turns --make FOLDER` makes some",
        path.display()
    )]
    Form {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Why a scenario cannot be heard.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SoundError {
    /// A file cannot be read.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// It has a rate that nobody can use.
    #[error("{}: {source}", path.display())]
    Rate {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ResampleError,
    },
}

impl Set {
    /// A set by the path of its manifest. Its sound lies beside it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no manifest.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SetError> {
        let path = path.as_ref();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) => return Err(SetError::File { path: path.to_owned(), source }),
        };
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Self::of(&text, path, Sounds::Folder(folder))
    }

    /// The small set of this program: synthesized voices, in `assets/turns`.
    ///
    /// # Errors
    ///
    /// Never, unless the program was built wrong.
    pub fn built_in() -> Result<Self, SetError> {
        Self::of(MANIFEST, Path::new("assets/turns/manifest.json"), Sounds::BuiltIn)
    }

    fn of(text: &str, path: &Path, sounds: Sounds) -> Result<Self, SetError> {
        match serde_json::from_str(text) {
            Ok(manifest) => Ok(Self { manifest, sounds }),
            Err(source) => Err(SetError::Form { path: path.to_owned(), source }),
        }
    }

    /// What it is, as in `129 scenarios, office at 15 dB`.
    #[must_use]
    pub fn describe(&self) -> String {
        let count = self.manifest.scenarios.len();
        let what = match self.sounds {
            Sounds::Folder(_) => "scenarios",
            Sounds::BuiltIn => "scenarios that are built in",
        };
        match (&self.manifest.noise, self.manifest.snr) {
            (Some(noise), Some(snr)) => format!("{count} {what}, {noise} at {snr} dB"),
            (Some(noise), None) => format!("{count} {what}, {noise}"),
            (None, _) => format!("{count} {what}, clean"),
        }
    }

    /// The sound of one of its files, at 16 kHz.
    ///
    /// # Errors
    ///
    /// When it is not there or cannot be used.
    pub fn sound(&self, name: &str) -> Result<Vec<i16>, SoundError> {
        let (path, audio) = match &self.sounds {
            Sounds::Folder(folder) => {
                let path = folder.join(name);
                let audio = WavReader::open(&path)?.read_all()?;
                (path, audio)
            }
            Sounds::BuiltIn => {
                let bytes = SOUNDS.iter().find(|(known, _)| *known == name);
                let bytes = bytes.map_or(&[][..], |(_, bytes)| bytes);
                (PathBuf::from(name), WavReader::in_memory(name, bytes)?.read_all()?)
            }
        };
        let mut resampler = match Resampler::new(audio.rate(), SampleRate::SPEECH) {
            Ok(resampler) => resampler,
            Err(source) => return Err(SoundError::Rate { path, source }),
        };
        let mut samples = Vec::with_capacity(audio.samples().len());
        resampler.process(audio.samples(), &mut samples);
        resampler.flush(&mut samples);
        Ok(samples)
    }
}

const MANIFEST: &str = include_str!("../../../assets/turns/manifest.json");

macro_rules! sounds {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../assets/turns/", $name)))),*]
    };
}

const SOUNDS: &[(&str, &[u8])] = sounds![
    "000-simple.wav",
    "001-hesitate600.wav",
    "002-short.wav",
    "003-idle-probe.wav",
    "004-echo-20.agent.wav",
    "004-echo-20.wav",
    "005-barge-20.agent.wav",
    "005-barge-20.wav",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sound_of_the_built_in_set_is_there() {
        let set = Set::built_in().unwrap();
        assert!(set.manifest.scenarios.len() >= 6);
        let mut names = 0;
        for scenario in &set.manifest.scenarios {
            for name in [&scenario.mic].into_iter().chain(&scenario.agent) {
                let samples = set.sound(name).unwrap().len() as u64;
                assert_eq!(samples, scenario.duration_ms * 16, "{name}");
                names += 1;
            }
        }
        assert_eq!(names, SOUNDS.len());
        let bytes: usize = SOUNDS.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 3_000_000, "{bytes}");
        assert!(set.describe().ends_with("built in, clean"), "{}", set.describe());
        assert!(set.sound("nothing.wav").is_err());
    }

    #[test]
    fn what_is_no_manifest_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        assert!(matches!(Set::open(&path), Err(SetError::File { .. })));
        std::fs::write(&path, "[]").unwrap();
        let error = Set::open(&path).unwrap_err().to_string();
        assert!(error.contains("--make"), "{error}");
        std::fs::write(&path, r#"{"noise": "office", "snr": 15, "scenarios": []}"#).unwrap();
        assert_eq!(Set::open(&path).unwrap().describe(), "0 scenarios, office at 15 dB");
    }
}
