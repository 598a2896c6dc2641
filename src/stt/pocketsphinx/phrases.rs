//! Phrases in the sound of one utterance: a second, cheaper search beside the one for words.
//!
//! ```text
//! sound ─▶ every second: the last 2.5 s ─▶ is a phrase there? ─▶ which, and the sound behind it
//! ```
//!
//! A transcript is a poor place to look for a phrase: a wrong word nearby makes it another one.
//! This search knows nothing but the phrase and what sounds are like, and weighs one against the
//! other. It listens to a stretch of sound at a time, so that it knows the voice and the room from
//! all of it, and each stretch has room for a phrase that lies across two looks.

use std::ffi::{CStr, CString};
use std::fs;

use super::failed;
use super::ffi::PhraseDecoder;
use super::{Decoders, start};
use crate::stt::SttError;
use crate::text::Phrases;

/// Finds phrases. It is made once, and serves one utterance after the other.
#[derive(Debug)]
pub(super) struct Ear {
    decoder: PhraseDecoder,
    pub(super) phrases: Phrases,
}

/// Listens for phrases in one utterance, until one is found.
#[derive(Debug)]
pub(super) struct Listener {
    ear: Ear,
    /// The sound that the next look is at.
    sound: Vec<i16>,
    /// How much of it no look was at yet.
    new: usize,
}

/// A phrase that was found.
#[derive(Debug)]
pub(super) struct Spotted {
    pub(super) phrase: String,
    /// The sound behind it.
    pub(super) rest: Vec<i16>,
}

impl Ear {
    /// Learns `phrases`.
    pub(super) fn new(decoders: &Decoders, phrases: &Phrases) -> Result<Self, SttError> {
        let [acoustic, _, dictionary] = &decoders.model;
        let lost = || start("it cannot read its model".to_owned());
        let learned = learn(dictionary, phrases)?;
        let mut decoder = PhraseDecoder::load(acoustic, dictionary).ok_or_else(lost)?;
        for (name, Learned { words, threshold }) in NAMES.iter().zip(learned) {
            if !decoder.learn(name, &words, threshold) {
                return Err(failed("the library refuses the phrase that wakes"));
            }
        }
        Ok(Self { decoder, phrases: phrases.clone() })
    }

    fn find(&mut self, sound: &[i16]) -> Option<Spotted> {
        let found = self.phrases.iter().zip(NAMES).filter_map(|(phrase, name)| {
            let end = self.decoder.find(name, sound)?;
            Some((end, phrase.to_owned()))
        });
        let (end, phrase) = found.min()?;
        let rest = sound[(end * FRAME).min(sound.len())..].to_vec();
        Some(Spotted { phrase, rest })
    }
}

impl Listener {
    pub(super) fn new(ear: Ear) -> Self {
        Self { ear, sound: Vec::new(), new: 0 }
    }

    /// More sound. It is looked at whenever there is a second of it.
    pub(super) fn hear(&mut self, samples: &[i16]) -> Option<Spotted> {
        self.sound.extend_from_slice(samples);
        self.new += samples.len();
        if self.new < STEP { None } else { self.look() }
    }

    /// Looks at what no look was at yet: the speaker pauses.
    pub(super) fn look(&mut self) -> Option<Spotted> {
        if std::mem::take(&mut self.new) == 0 {
            return None;
        }
        let found = self.ear.find(&self.sound);
        let old = self.sound.len().saturating_sub(WINDOW - STEP);
        self.sound.drain(..old);
        found
    }

    /// For the next utterance.
    pub(super) fn end(self) -> Ear {
        self.ear
    }
}

/// What the library is told of a phrase.
struct Learned {
    words: CString,
    threshold: f64,
}

/// Looks the words of phrases up.
///
/// # Errors
///
/// [`SttError::Start`] names a word that the dictionary does not have.
pub(super) fn check(dictionary: &CStr, phrases: &Phrases) -> Result<(), SttError> {
    learn(dictionary, phrases).map(drop)
}

fn learn(dictionary: &CStr, phrases: &Phrases) -> Result<Vec<Learned>, SttError> {
    let path = dictionary.to_string_lossy();
    let dictionary = fs::read_to_string(&*path)
        .map_err(|error| start(format!("it cannot read its dictionary {path}: {error}")))?;
    let learned = phrases.iter().map(|phrase| {
        let words = words(phrase);
        let sounds = words.iter().map(|word| {
            sounds(&dictionary, word).ok_or_else(|| {
                start(format!(
                    "its dictionary does not know the word \"{word}\" of \"{phrase}\"; choose \
                     another phrase to wake it with"
                ))
            })
        });
        let sounds: usize = sounds.sum::<Result<_, _>>()?;
        let words = CString::new(words.join(" ")).map_err(|_| failed("a phrase holds a NUL"))?;
        let exponent = (SOUND * sounds as f64).min(FAINTEST);
        Ok(Learned { words, threshold: 10_f64.powf(-exponent) })
    });
    learned.collect()
}

/// As the dictionary writes them.
fn words(phrase: &str) -> Vec<String> {
    let words = phrase.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// How many sounds a word has, if the dictionary knows it.
fn sounds(dictionary: &str, word: &str) -> Option<usize> {
    let line = dictionary
        .lines()
        .find(|line| line.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t'])))?;
    Some(line.split_whitespace().count() - 1)
}

/// The names of the phrases in the library, of which there are four at most.
const NAMES: [&CStr; 4] = [c"0", c"1", c"2", c"3"];

/// The threshold falls by so many powers of ten for each sound of a phrase, since the search weighs
/// the product of all of them. `docs/wake.md` has what was measured.
const SOUND: f64 = 2.75;

/// The library knows no lower threshold.
const FAINTEST: f64 = 50.0;

/// A frame of 10 ms at 16 kHz.
const FRAME: usize = 160;

/// A second at 16 kHz: the cost of a look is that of the window, whatever is new in it.
const STEP: usize = 16_000;

/// 2.5 s: a phrase of a second and a half, wherever it lies.
const WINDOW: usize = 40_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_as_many_sounds_as_its_first_line_in_the_dictionary() {
        let dictionary = "hey HH EY\njar JH AA R\njarvis JH AA R V AH S\njarvis(2) JH AA R V IH S";
        assert_eq!(sounds(dictionary, "jarvis"), Some(6));
        assert_eq!(sounds(dictionary, "jar"), Some(3));
        assert_eq!(sounds(dictionary, "ja"), None);
        assert_eq!(words("Hey, Jarvis -- what's up?"), ["hey", "jarvis", "what's", "up"]);
    }
}
