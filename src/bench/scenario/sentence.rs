//! Something that was said, by itself: what a recogniser is tried with.

use std::path::Path;
use std::sync::Arc;

use super::sound::{Cut, recording, said_in};
use super::{ScenarioError, built_in};
use crate::vad::Vad;

/// A stretch of speech, with 0.2 s of what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The file that it is from.
    pub name: String,
    /// Its sound, at the rate of [`MICROPHONE`](crate::bench::person::MICROPHONE).
    pub samples: Arc<[i16]>,
    /// Its words, if a label tells them.
    pub text: Option<String>,
}

impl Sentence {
    /// The sentences that are built in; all have a text.
    ///
    /// # Errors
    ///
    /// None: a test reads them all.
    pub fn built_in() -> Result<Vec<Self>, ScenarioError> {
        let read = |name: &str| {
            let found = recording(None, name, &Cut::default());
            let (sound, text) = found.map_err(|problem| ScenarioError::new(name, problem))?;
            Ok(Self { name: name.to_owned(), samples: sound.samples, text })
        };
        built_in::sentences().map(read).collect()
    }

    /// All that is said in a WAV file. The labels beside it (`NAME.json`, or `FOLDER.json` for all
    /// files of a folder) tell where and what; without labels the detector `vad` finds it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or there is no speech in it.
    pub fn of_wav(path: impl AsRef<Path>, vad: Box<dyn Vad>) -> Result<Vec<Self>, ScenarioError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let said = said_in(path, vad).map_err(|problem| ScenarioError::new(&*name, problem))?;
        let sentence = |(sound, text): (super::sound::Recorded, _)| Self {
            name: name.clone(),
            samples: sound.samples,
            text,
        };
        Ok(said.into_iter().map(sentence).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_sentences_have_texts() {
        let all = Sentence::built_in().unwrap();
        assert_eq!(all.len(), 12);
        assert!(all.iter().all(|one| one.text.is_some() && one.samples.len() > 8_000));
        assert_eq!(all[3].text.as_deref(), Some("what time is it"));
    }

    #[test]
    fn a_file_has_as_many_sentences_as_labels() {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let conversation =
            Sentence::of_wav(assets.join("conversation.wav"), Box::new(crate::vad::Energy::new()))
                .unwrap();
        assert!(conversation.len() > 3);
        let one =
            Sentence::of_wav(assets.join("sentences/01.wav"), Box::new(crate::vad::Energy::new()))
                .unwrap();
        assert_eq!((one.len(), one[0].text.as_deref()), (1, Some("hello")));
    }

    #[test]
    fn without_labels_nobody_knows_the_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.wav");
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        std::fs::copy(assets.join("sentences/06.wav"), &path).unwrap();
        let found = Sentence::of_wav(&path, Box::new(crate::vad::Energy::new())).unwrap();
        assert!(!found.is_empty() && found.iter().all(|one| one.text.is_none()));
        assert!(
            Sentence::of_wav(folder.path().join("no.wav"), Box::new(crate::vad::Energy::new()))
                .is_err()
        );
    }
}
