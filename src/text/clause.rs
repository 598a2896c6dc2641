//! Cuts text that arrives in pieces into clauses to be spoken: early for the first, so that the
//! voice begins soon, then at the ends of sentences, so that it sounds natural.
//!
//! ```
//! use banter::text::ClauseCutter;
//!
//! let mut cutter = ClauseCutter::default();
//! cutter.push("Well, it dep");
//! assert_eq!(cutter.next().unwrap().text, "Well, ");
//! assert_eq!(cutter.next(), None);
//! cutter.push("ends.");
//! cutter.finish();
//! assert_eq!(cutter.next().unwrap().text, "it depends.");
//! ```
//!
//! How the text is split into pieces makes no difference to the clauses. A cut waits for the
//! white space after the mark, or the next character after a mark that needs none. It does not
//! read markup: [`spoken`](super::spoken) does.

use std::ops::Range;
use std::sync::Arc;

use super::language::{English, Language, Mark};

/// Cuts the text of one answer.
#[derive(Debug)]
pub struct ClauseCutter {
    language: Arc<dyn Language>,
    text: String,
    /// How much of the text is cut: where the next clause begins.
    cut: usize,
    finished: bool,
}

/// A piece of an answer to be spoken at one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The text as it was written, with its white space and markup. May be white space only, at
    /// the end of the answer.
    pub text: String,
    /// Its bytes in the whole answer. The clauses of an answer follow one another without a gap;
    /// the first white-space character after a clause belongs to it.
    pub range: Range<usize>,
    /// Whether a sentence ends with it.
    pub ends_sentence: bool,
}

impl ClauseCutter {
    /// A cutter for text in `language`.
    #[must_use]
    pub fn new(language: Arc<dyn Language>) -> Self {
        Self { language, text: String::new(), cut: 0, finished: false }
    }

    /// More text arrived.
    pub fn push(&mut self, delta: &str) {
        self.text.push_str(delta);
    }

    /// No more text will come: the rest is a clause.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// More text may be long in coming: the next clause, where all that there is counts as whole.
    pub fn pause(&mut self) -> Option<Clause> {
        let finished = std::mem::replace(&mut self.finished, true);
        let next = self.next();
        self.finished = finished;
        next
    }

    /// The next clause; `None` until more text has come, or at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would be over at the first None"
    )]
    pub fn next(&mut self) -> Option<Clause> {
        let rest = &self.text[self.cut..];
        let end = match self.scan(rest) {
            Found::Cut(end) => end,
            Found::More if self.finished && !rest.is_empty() => {
                End { len: rest.len(), ends_sentence: true }
            }
            Found::More => return None,
        };
        let text = rest[..end.len].to_owned();
        let range = self.cut..self.cut + end.len;
        self.cut = range.end;
        Some(Clause { text, range, ends_sentence: end.ends_sentence })
    }

    /// Looks for the end of the clause at the start of `rest`.
    fn scan(&self, rest: &str) -> Found {
        let early = self.cut < EARLY;
        let max = if early { MAX_EARLY } else { MAX };
        let mut pause = None;
        let mut space = None;
        for (count, (at, c)) in rest.char_indices().enumerate() {
            if count == max {
                // Too long: the best place so far, but no crumbs.
                let len = pause.filter(|len| len * 4 > at).or(space).unwrap_or(at);
                return Found::Cut(End { len, ends_sentence: false });
            }
            if c.is_whitespace() {
                space = Some(at + c.len_utf8());
            }
            match self.boundary(rest, at, c) {
                Boundary::None => {}
                Boundary::Unknown => return Found::More,
                Boundary::Sentence(len) => return Found::Cut(End { len, ends_sentence: true }),
                Boundary::Pause(len) if early && worth_a_start(&rest[..at]) => {
                    return Found::Cut(End { len, ends_sentence: false });
                }
                Boundary::Pause(len) => pause = Some(len),
            }
        }
        Found::More
    }

    /// What the character `c` at `at` is.
    fn boundary(&self, rest: &str, at: usize, c: char) -> Boundary {
        let before = &rest[..at];
        let mark = self.language.mark(before, c);
        let has_words = || before.contains(char::is_alphanumeric);
        if c == '\n' && has_words() {
            return Boundary::Sentence(at + 1);
        }
        let (Mark::Stop { spaced } | Mark::Pause { spaced }) = mark else { return Boundary::None };
        if !has_words() {
            return Boundary::None;
        }
        let stop = matches!(mark, Mark::Stop { .. });
        if stop && c == '.' && self.language.is_abbreviation(before) {
            return Boundary::None;
        }
        let after = at + c.len_utf8();
        let closers = rest[after..].chars().take(MAX_CLOSERS).take_while(|c| closes(*c));
        let closed = after + closers.map(char::len_utf8).sum::<usize>();
        let len = match rest[closed..].chars().next() {
            None if self.finished => closed,
            None => return Boundary::Unknown,
            Some(next) if next.is_whitespace() => closed + next.len_utf8(),
            // Another mark decides for both, as in "?!" and "...".
            Some(next) if self.language.mark(&rest[..closed], next) != Mark::None => {
                return Boundary::None;
            }
            Some(_) if spaced => return Boundary::None,
            Some(_) => closed,
        };
        if stop { Boundary::Sentence(len) } else { Boundary::Pause(len) }
    }
}

impl Default for ClauseCutter {
    fn default() -> Self {
        Self::new(Arc::new(English))
    }
}

enum Found {
    Cut(End),
    /// More text is needed.
    More,
}

struct End {
    len: usize,
    ends_sentence: bool,
}

/// What a character is; the lengths reach to the end of its clause.
enum Boundary {
    None,
    /// The next character tells.
    Unknown,
    Pause(usize),
    Sentence(usize),
}

/// Whether a voice may begin with `text`: "Well" is enough, "No" and "1" would sound cut off.
fn worth_a_start(text: &str) -> bool {
    let weight = |c: char| if c.is_ascii() { 1 } else { 2 };
    text.chars().filter(|c| c.is_alphabetic()).map(weight).sum::<usize>() >= 3
}

/// Quotes, brackets and markup that may stand between a mark and the white space.
fn closes(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | ')' | ']' | '}' | '*' | '_' | '`' | '”' | '’' | '»' | '」' | '』' | '）'
    )
}

/// Until this many bytes are cut, clauses end at pauses too: a single "Well, " would be spoken
/// before a long sentence after it is written.
const EARLY: usize = 40;

/// The longest early clause, in characters: it begins to be spoken although no mark came.
const MAX_EARLY: usize = 80;

/// The longest clause, in characters.
const MAX: usize = 250;

const MAX_CLOSERS: usize = 8;

#[cfg(test)]
mod tests;
