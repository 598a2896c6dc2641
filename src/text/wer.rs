//! Word error rate: how far a transcript is from what was said.
//!
//! Words are compared in lower case and without punctuation. "7" and "seven" differ.

/// The errors of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Words to insert, to delete or to replace.
    pub errors: usize,
    /// The words of the reference.
    pub words: usize,
}

impl WordErrors {
    /// The fewest errors that turn `reference` into `hypothesis`.
    #[must_use]
    pub fn between(reference: &str, hypothesis: &str) -> Self {
        let (reference, hypothesis) = (words(reference), words(hypothesis));
        // Levenshtein's distance, one row at a time: `row[j]` is that of the reference's words
        // so far to the first j words of the hypothesis.
        let mut row: Vec<usize> = (0..=hypothesis.len()).collect();
        for said in &reference {
            let mut diagonal = row[0];
            row[0] += 1;
            for (j, heard) in hypothesis.iter().enumerate() {
                let replaced = diagonal + usize::from(said != heard);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
            }
        }
        Self { errors: row[hypothesis.len()], words: reference.len() }
    }

    /// Errors per word of the reference; more than 1 when much was made up. An empty reference
    /// counts as one word.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.errors as f64 / self.words.max(1) as f64
    }
}

/// Adds up over many transcripts.
impl std::iter::Sum for WordErrors {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            errors: sum.errors + one.errors,
            words: sum.words + one.words,
        })
    }
}

/// Letters and digits; an apostrophe only within a word.
fn words(text: &str) -> Vec<String> {
    text.replace('\u{2019}', "'")
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::WordErrors;

    fn errors(reference: &str, hypothesis: &str) -> (usize, usize) {
        let found = WordErrors::between(reference, hypothesis);
        (found.errors, found.words)
    }

    #[test]
    fn each_wrong_missing_or_added_word_is_an_error() {
        assert_eq!(errors("what time is it", "what time is it"), (0, 4));
        assert_eq!(errors("what time is it", "what dime is it"), (1, 4));
        assert_eq!(errors("what time is it", "time is"), (2, 4));
        assert_eq!(errors("what time is it", "say what time it is it"), (2, 4));
        assert_eq!(errors("stop", ""), (1, 1));
        assert_eq!(errors("", "oh no"), (2, 0));
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        assert_eq!(errors("What\u{2019}s that, John?", "what's that john"), (0, 3));
        assert_eq!(errors("'Stop!' he said - twice", "stop he said twice"), (0, 4));
    }

    #[test]
    fn rates_add_up_by_words() {
        let all = [("one two three", "one two"), ("stop", "stop")];
        let all: WordErrors = all.iter().map(|(r, h)| WordErrors::between(r, h)).sum();
        assert!((all.rate() - 0.25).abs() < 1e-9);
        assert!((WordErrors::between("", "oh").rate() - 1.0).abs() < 1e-9);
    }
}
