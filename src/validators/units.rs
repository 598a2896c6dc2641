//! Where a text may be cut, however it arrives: behind words, and behind clauses.

use std::sync::Arc;

use crate::text::{ClauseCutter, Language};

/// The end of the first whole word of `text` from `from` on, with the white space behind it;
/// `None` while it may go on.
pub(super) fn word_end(text: &str, from: usize) -> Option<usize> {
    for (count, (at, c)) in text[from..].char_indices().enumerate() {
        if c.is_whitespace() || is_word_by_itself(c) || count + 1 == LONGEST_WORD {
            return Some(from + at + c.len_utf8());
        }
    }
    None
}

/// Where clauses end in a text that comes word by word, as the voice will cut it.
#[derive(Debug)]
pub(super) struct Clauses {
    cutter: ClauseCutter,
    end: usize,
    fed: usize,
}

impl Clauses {
    pub(super) fn new(language: Arc<dyn Language>) -> Self {
        Self { cutter: ClauseCutter::new(language), end: 0, fed: 0 }
    }

    /// The text is there up to `end`, the end of a word. Whether it may be cut there as well.
    pub(super) fn push(&mut self, text: &str, end: usize) -> bool {
        self.cutter.push(&text[self.fed..end]);
        self.fed = end;
        let before = self.end;
        while let Some(clause) = self.cutter.next() {
            self.end = clause.range.end;
        }
        // The clause may end before this word, which showed that it does: the voice needs it as
        // well, to cut at the same place.
        self.end > before
    }
}

/// Chinese and Japanese need no white space between words.
fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}')
}

/// In characters: what is longer is cut anywhere.
const LONGEST_WORD: usize = 64;
