//! Looks for phrases in a text that arrives in pieces, and knows what may still become one.
//!
//! Letters are compared without their case, any white space between words is one space, curly
//! apostrophes are straight, and characters that nobody sees are not there. Accents count: `e` and
//! `é` are two letters.
//!
//! A search for several phrases at once is what a library has; what it does not tell is which tail
//! of the text may still become a phrase, and that alone must not be said yet.

/// The phrases that are looked for.
#[derive(Debug)]
pub(super) struct Phrases {
    /// In order, so that all that begin alike stand side by side.
    sorted: Vec<Phrase>,
    whole_words: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Phrase {
    letters: Vec<char>,
    /// Its place in the list that was given.
    number: usize,
}

/// How far a text was looked at.
#[derive(Debug)]
pub(super) struct Search {
    looked: usize,
    last: Option<char>,
    /// Where phrases may have begun, the first one first.
    open: Vec<Open>,
    /// Whole words that were found, if no letter follows.
    ended: Vec<Found>,
}

/// The phrases `low..high` have all the letters since `start`, `depth` of them.
#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    low: usize,
    high: usize,
    depth: usize,
}

/// A phrase is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it begins.
    pub(super) at: usize,
    /// Which one it is, in the list that was given.
    pub(super) number: usize,
}

impl Phrases {
    /// # Errors
    ///
    /// When a phrase is too long, or has no letter, or there are too many.
    pub(super) fn new(list: &[String], whole_words: bool) -> Result<Self, String> {
        if list.len() > MOST {
            return Err(format!("has more than {MOST} phrases"));
        }
        let mut sorted = Vec::with_capacity(list.len());
        for (number, phrase) in list.iter().enumerate() {
            let letters: Vec<_> = folded(phrase.trim()).chars().collect();
            if letters.is_empty() || letters.len() > LONGEST {
                return Err(format!("phrase {} must have 1 to {LONGEST} characters", number + 1));
            }
            sorted.push(Phrase { letters, number });
        }
        sorted.sort();
        Ok(Self { sorted, whole_words })
    }

    /// Looks at what of `text` was not looked at yet. The first phrase that is complete is found.
    pub(super) fn look(&self, search: &mut Search, text: &str, is_whole: bool) -> Option<Found> {
        for c in text[search.looked..].chars() {
            let at = search.looked;
            search.looked += c.len_utf8();
            if is_unseen(c) {
                continue;
            }
            if c.is_whitespace() && search.last == Some(' ') {
                continue;
            }
            for letter in fold(c) {
                if let Some(found) = self.step(search, letter, at) {
                    return Some(found);
                }
            }
        }
        search.ended.first().copied().filter(|_| is_whole)
    }

    /// Where the text begins that may still become a phrase.
    pub(super) fn safe_until(&self, search: &Search) -> usize {
        let open = search.open.first().map(|open| open.start);
        let ended = search.ended.first().map(|found| found.at);
        open.into_iter().chain(ended).min().unwrap_or(search.looked)
    }

    fn step(&self, search: &mut Search, letter: char, at: usize) -> Option<Found> {
        let after_word = search.last.is_some_and(is_word);
        search.last = Some(letter);
        if let Some(found) = search.ended.first().filter(|_| !is_word(letter)) {
            return Some(*found);
        }
        search.ended.clear();
        let all = Open { start: at, low: 0, high: self.sorted.len(), depth: 0 };
        // A word begins where no word goes on; what begins with a sign may begin anywhere.
        if !(self.whole_words && after_word && is_word(letter)) {
            search.open.push(all);
        }
        let mut found = None;
        search.open.retain_mut(|open| {
            self.narrow(open, letter);
            let Some(first) = self.sorted.get(open.low).filter(|_| open.low < open.high) else {
                return false;
            };
            if first.letters.len() == open.depth {
                let this = Found { at: open.start, number: first.number };
                if self.whole_words && is_word(letter) {
                    search.ended.push(this);
                } else {
                    found = found.or(Some(this));
                }
                // Others may go on from here.
                open.low += 1;
            }
            open.low < open.high
        });
        found
    }

    /// Those of `open` that have `letter` next.
    fn narrow(&self, open: &mut Open, letter: char) {
        let depth = open.depth;
        let among = &self.sorted[open.low..open.high];
        let next = |phrase: &Phrase| phrase.letters.get(depth).copied();
        let low = among.partition_point(|phrase| next(phrase) < Some(letter));
        let high = among.partition_point(|phrase| next(phrase) <= Some(letter));
        (open.low, open.high, open.depth) = (open.low + low, open.low + high, depth + 1);
    }
}

impl Search {
    pub(super) fn new() -> Self {
        Self { looked: 0, last: None, open: Vec::new(), ended: Vec::new() }
    }
}

/// A text as it is compared.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_unseen(*c)) {
        if !(c.is_whitespace() && folded.ends_with(' ')) {
            folded.extend(fold(c));
        }
    }
    folded
}

fn fold(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '’' | '‘' | 'ʼ' => '\'',
        'ς' => 'σ',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    c.to_lowercase()
}

/// What takes no room in a text: a banned word is no other word for it.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// More would rather be a list for another tool.
const MOST: usize = 10_000;

/// In characters. So much of an answer may be held back.
const LONGEST: usize = 200;
