//! What a language's punctuation means.

use std::fmt::Debug;

/// The rules of a language by which text is cut. The defaults fit any language: Latin marks
/// need a space after them, Chinese and Japanese ones do not.
pub trait Language: Debug + Send + Sync {
    /// What `mark` means after the text `before`.
    fn mark(&self, before: &str, mark: char) -> Mark {
        Universal::mark_of(before, mark)
    }

    /// Whether the dot after `before` belongs to its last word, as in "Dr." or "1.".
    fn is_abbreviation(&self, before: &str) -> bool {
        is_list_number(before)
    }
}

/// What a character means for the cutting of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// May end a sentence.
    Stop {
        /// Only if white space follows.
        spaced: bool,
    },
    /// A pause within a sentence.
    Pause {
        /// Only if white space follows.
        spaced: bool,
    },
}

/// Any language: the defaults of [`Language`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Universal;

impl Language for Universal {}

impl Universal {
    fn mark_of(before: &str, mark: char) -> Mark {
        match mark {
            '.' if before.ends_with('.') => Mark::Pause { spaced: true },
            '.' | '!' | '?' => Mark::Stop { spaced: true },
            '。' | '！' | '？' | '｡' => Mark::Stop { spaced: false },
            '-' if !before.ends_with(' ') => Mark::None,
            ',' | ';' | ':' | '-' | '…' => Mark::Pause { spaced: true },
            '，' | '、' | '；' | '：' | '—' => Mark::Pause { spaced: false },
            '–' if before.ends_with(' ') => Mark::Pause { spaced: true },
            _ => Mark::None,
        }
    }
}

/// English: knows abbreviations ("Dr.", "e.g.", "U.S.") and initials ("J. Smith").
#[derive(Clone, Copy, Debug, Default)]
pub struct English;

impl Language for English {
    fn is_abbreviation(&self, before: &str) -> bool {
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '.' && c != '\'');
        let word = start.map_or(before, |at| before[at..].trim_start_matches(edge));
        is_list_number(before)
            || (word != "I" && !word.is_empty() && word.split('.').all(is_letter))
            || ABBREVIATIONS.iter().any(|known| known.eq_ignore_ascii_case(word))
    }
}

fn edge(c: char) -> bool {
    !c.is_alphanumeric()
}

fn is_letter(part: &str) -> bool {
    let mut chars = part.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// The number of a list's item: nothing but digits in its line.
fn is_list_number(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before).trim();
    !line.is_empty() && line.len() <= 3 && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// Those that are seldom the last word of a sentence.
const ABBREVIATIONS: [&str; 18] = [
    "Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Mt", "Jr", "Sr", "Gen", "Capt", "Rev", "Hon", "vs",
    "approx", "Fig", "cf", "Ph.D",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_knows_where_a_dot_ends_no_sentence() {
        for before in ["Ask Dr", "e.g", "in the U.S", "(i.e", "J", "Mr", "at 5 p.m", "1", "x\n 12"]
        {
            assert!(English.is_abbreviation(before), "{before}");
        }
        for before in ["It works", "So do I", "It costs 15", "", "你好", "3.14 is pi", "2024"] {
            assert!(!English.is_abbreviation(before), "{before}");
        }
    }

    #[test]
    fn the_second_dot_of_an_ellipsis_is_a_pause() {
        assert_eq!(Universal.mark("Well.", '.'), Mark::Pause { spaced: true });
    }
}
