//! Phrases that wake: whether a transcript holds one, and what follows it.
//!
//! ```
//! use banter::text::Phrases;
//!
//! let phrases = Phrases::new(["hey jarvis"])?;
//! let found = phrases.find("Well. Hey, Jarvis! What time is it?").unwrap();
//! assert_eq!((found.phrase, found.rest), ("hey jarvis", "What time is it?"));
//! # Ok::<(), banter::text::PhraseError>(())
//! ```
//!
//! Case, punctuation and the gaps between words do not count, since recognisers differ in them:
//! "hey jarvis", "Hey, Jarvis!" and "heyjarvis" are the same. One letter in five may be wrong, so
//! "hey jervis" is the same too, and "hi marvin" is not. A phrase that sounds alike but is spelled
//! quite differently is for the recogniser to hear, if it
//! [listens for phrases](crate::stt::Transcriber::open_for).

use std::sync::Arc;

/// Some phrases, any of which wakes. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrases(Arc<[Phrase]>);

#[derive(Debug, PartialEq, Eq)]
struct Phrase {
    /// As it was given, without spaces around it.
    text: String,
    /// Its letters and digits.
    letters: Vec<char>,
    words: usize,
}

/// Where a transcript holds a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The phrase, as it was given.
    pub phrase: &'a str,
    /// Whether the transcript begins with it.
    pub first: bool,
    /// What follows it. Empty if nothing does.
    pub rest: &'a str,
}

/// Phrases that cannot wake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// There is none.
    #[error("no phrase wakes the agent; give one, such as \"hey jarvis\"")]
    None,
    /// There are more than anybody says.
    #[error("{0} phrases are too many to listen for; give at most {MOST}")]
    TooMany(usize),
    /// It would be heard everywhere.
    #[error(
        "\"{0}\" is too short to wake the agent; give at least {SHORTEST} letters, better two words"
    )]
    TooShort(String),
    /// Nobody says so much.
    #[error("a phrase of {0} letters is too long to wake the agent; give at most {LONGEST}")]
    TooLong(usize),
}

impl Phrases {
    /// These phrases: 1 to 4, of 4 to 60 letters.
    ///
    /// # Errors
    ///
    /// [`PhraseError`] says which of these limits is not kept.
    pub fn new<T: AsRef<str>>(phrases: impl IntoIterator<Item = T>) -> Result<Self, PhraseError> {
        let phrases = phrases.into_iter().map(|text| Phrase::new(text.as_ref()));
        let phrases = phrases.collect::<Result<Vec<_>, _>>()?;
        match phrases.len() {
            0 => Err(PhraseError::None),
            1..=MOST => Ok(Self(phrases.into())),
            many => Err(PhraseError::TooMany(many)),
        }
    }

    /// The phrases, as they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|phrase| phrase.text.as_str())
    }

    /// Where `text` first holds a phrase.
    #[must_use]
    pub fn find<'a>(&'a self, text: &'a str) -> Option<Found<'a>> {
        let words = words(text);
        (0..words.len()).find_map(|from| {
            let here = self.0.iter().filter_map(|phrase| phrase.at(&words[from..]));
            let (phrase, len, _) = here.min_by_key(|(.., errors)| *errors)?;
            let rest = words.get(from + len).map_or(text.len(), |word| word.at);
            Some(Found { phrase: &phrase.text, first: from == 0, rest: &text[rest..] })
        })
    }
}

impl Phrase {
    fn new(text: &str) -> Result<Self, PhraseError> {
        let text = text.trim().to_owned();
        let words = words(&text);
        let letters: Vec<_> = words.iter().flat_map(|word| word.letters.iter().copied()).collect();
        match letters.len() {
            0..SHORTEST => Err(PhraseError::TooShort(text)),
            SHORTEST..=LONGEST => Ok(Self { text, letters, words: words.len() }),
            long => Err(PhraseError::TooLong(long)),
        }
    }

    /// How many of `words` it is, if they begin with it, and how many of their letters are wrong.
    /// A recogniser may have heard a word more or less.
    fn at(&self, words: &[Word]) -> Option<(&Self, usize, usize)> {
        let lengths = self.words.saturating_sub(1).max(1)..=self.words + 1;
        let fits = lengths.filter(|len| *len <= words.len()).map(|len| {
            let heard = words[..len].iter().flat_map(|word| word.letters.iter().copied());
            (len, errors(&self.letters, heard))
        });
        let (len, errors) = fits.min_by_key(|(_, errors)| *errors)?;
        (errors <= self.letters.len() / TOLERANCE).then_some((self, len, errors))
    }
}

/// A word of a text, and where it begins.
struct Word {
    at: usize,
    letters: Vec<char>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() {
            if !std::mem::replace(&mut inside, true) {
                words.push(Word { at, letters: Vec::new() });
            }
            if let Some(word) = words.last_mut() {
                word.letters.extend(c.to_lowercase());
            }
        } else if !matches!(c, '\'' | '\u{2019}') {
            inside = false;
        }
    }
    for word in &mut words {
        if word.letters == ['o', 'k'] {
            word.letters = "okay".chars().collect();
        }
    }
    words
}

/// Levenshtein's distance, one row at a time: `row[i]` is that of the first i letters of `said` to
/// those that were heard so far.
fn errors(said: &[char], heard: impl Iterator<Item = char>) -> usize {
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for letter in heard {
        let mut diagonal = row[0];
        row[0] += 1;
        for (i, expected) in said.iter().enumerate() {
            let replaced = diagonal + usize::from(*expected != letter);
            diagonal = row[i + 1];
            row[i + 1] = replaced.min(diagonal + 1).min(row[i] + 1);
        }
    }
    row[said.len()]
}

/// One letter in so many may be wrong. `docs/wake.md` has what was measured.
const TOLERANCE: usize = 5;

/// An engine that listens for phrases looks for each in turn.
const MOST: usize = 4;
const SHORTEST: usize = 4;
const LONGEST: usize = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rest<'a>(phrases: &'a Phrases, text: &'a str) -> Option<&'a str> {
        phrases.find(text).map(|found| found.rest)
    }

    #[test]
    fn what_follows_the_phrase_is_the_question() {
        let phrases = Phrases::new(["hey jarvis", "OK computer"]).unwrap();
        assert_eq!(rest(&phrases, "hey jarvis what time is it"), Some("what time is it"));
        assert_eq!(rest(&phrases, "Hey, Jarvis: what's up?"), Some("what's up?"));
        assert_eq!(rest(&phrases, "Hey Jarvis."), Some(""));
        assert_eq!(rest(&phrases, "okay, computer, go on"), Some("go on"));
        let found = phrases.find("so I said hey jarvis stop").unwrap();
        assert_eq!((found.phrase, found.first, found.rest), ("hey jarvis", false, "stop"));
        assert_eq!(rest(&phrases, "what time is it"), None);
        assert_eq!(rest(&phrases, ""), None);
    }

    #[test]
    fn one_letter_in_five_may_be_wrong_and_gaps_do_not_count() {
        let phrases = Phrases::new(["hey jarvis", "hello computer"]).unwrap();
        for heard in ["heyjarvis go", "hey jar vis go", "hey jervis go", "hey jarvi's go"] {
            assert_eq!(rest(&phrases, heard), Some("go"), "{heard}");
        }
        assert_eq!(rest(&phrases, "hello computers go"), Some("go"));
        for heard in ["hi marvin go", "a jarvis go", "the computer is slow", "hey travis", "hey"] {
            assert_eq!(rest(&phrases, heard), None, "{heard}");
        }
    }

    #[test]
    fn phrases_that_cannot_work_are_refused_with_what_to_do() {
        let refused = |phrases: &[&str]| Phrases::new(phrases).unwrap_err().to_string();
        assert!(refused(&[]).contains("give one"));
        assert!(refused(&["hey"]).contains("\"hey\" is too short"));
        assert!(refused(&["…"]).contains("too short"));
        assert!(refused(&[&"la".repeat(31)]).contains("62 letters"));
        assert!(refused(&["one two"; 5]).contains("at most 4"));
    }

    proptest! {
        #[test]
        fn any_text_is_searched_and_the_rest_is_its_end(text in any::<String>()) {
            let phrases = Phrases::new(["hey jarvis"]).unwrap();
            if let Some(found) = phrases.find(&text) {
                prop_assert!(text.ends_with(found.rest));
            }
            let asked = format!("{text} hey jarvis what time");
            let found = phrases.find(&asked);
            prop_assert!(found.is_some_and(|found| found.rest.ends_with("what time")));
        }
    }
}
