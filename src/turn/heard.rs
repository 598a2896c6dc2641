//! How much of an answer was heard, told by how much of its sound was played.
//!
//! ```text
//! text   Well, |I would say so. |Others do not.        pieces, each with a SpeechMark
//! sound  ██████|████████████████|██████░░░░░░░░        █ queued   ░ not yet made
//!                      ▲ played: "Well, I would" was heard
//! ```
//!
//! A piece is a clause, or a word where the engine knows the times of words. Within a piece the
//! sound is taken to be spread evenly over the characters, and a word counts as heard when it
//! has been played to its end. The length of the last piece is known only when its sound is
//! [complete](Heard::complete); until then it is what was queued, but at least what its text
//! takes at 15 characters a second. A mark without text behind a piece tells where that ends, before
//! the next one is there.

use crate::audio::SampleRate;

/// Says which text begins where in the sound of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechMark {
    /// Where the piece begins, in bytes of the answer.
    pub start: u32,
    /// Where it ends, in bytes of the answer; [`OPEN`](Self::OPEN) if that is not known yet.
    pub end: u32,
    /// Where it begins in the sound of the answer, in samples.
    pub at: u64,
    /// Whether a sentence ends with it.
    pub ends_sentence: bool,
}

impl SpeechMark {
    /// It goes on to the end of the text, or to where the next piece begins.
    pub const OPEN: u32 = u32::MAX;
}

/// What was heard of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardText {
    /// Bytes of the answer from its start. Always ends between two characters.
    pub bytes: usize,
}

/// Follows the text and the sound of one answer.
#[derive(Clone, Debug)]
pub struct Heard {
    rate: SampleRate,
    text: String,
    /// In order, and neither text nor sound overlaps.
    marks: Vec<SpeechMark>,
    queued: u64,
    complete: bool,
}

impl Heard {
    /// An answer without text yet, whose sound has `rate`.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        Self { rate, text: String::new(), marks: Vec::new(), queued: 0, complete: false }
    }

    /// More text of the answer.
    pub fn text(&mut self, delta: &str) {
        self.text.push_str(delta);
    }

    /// A piece begins. Marks come in the order of the sound; one that reaches back is cut.
    pub fn mark(&mut self, mark: SpeechMark) {
        if let Some(last) = self.marks.last_mut().filter(|last| last.end == SpeechMark::OPEN) {
            last.end = mark.start.max(last.start);
        }
        let (end, at) = self.marks.last().map_or((0, 0), |last| (last.end, last.at));
        let start = mark.start.max(end);
        let (end, at) = (mark.end.max(start), mark.at.max(at));
        self.marks.push(SpeechMark { start, end, at, ..mark });
        self.complete = false;
    }

    /// Sound up to the sample `end` of the answer has been queued.
    pub fn sound(&mut self, end: u64) {
        self.queued = self.queued.max(end);
    }

    /// The sound of all pieces so far is queued. The next mark makes it incomplete again.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// What was heard when `played` samples have left the speaker.
    #[must_use]
    pub fn heard(&self, played: u64) -> HeardText {
        let begun = self.begun(played);
        let Some(piece) = begun.checked_sub(1).map(|last| self.marks[last]) else {
            return HeardText { bytes: 0 };
        };
        let before = begun.checked_sub(2).map_or(0, |last| self.byte(self.marks[last].end));
        let (into, len) = (played - piece.at, self.samples(begun - 1));
        let is_last = begun == self.marks.len();
        // Sound that is not made yet has not been heard.
        let bytes = if into >= len && (self.complete || !is_last) {
            self.byte(piece.end)
        } else {
            let words = &self.text[self.byte(piece.start)..self.byte(piece.end)];
            match whole_words(words, into.min(len), len) {
                0 => before,
                words => self.byte(piece.start) + words,
            }
        };
        let all = is_last && self.complete && into >= len;
        let rest_is_silent = || !self.text[bytes..].contains(char::is_alphanumeric);
        HeardText { bytes: if all && rest_is_silent() { self.text.len() } else { bytes } }
    }

    /// Where the sentence that is spoken at `played` ends, in samples: never before `played`.
    ///
    /// It is the end of all queued sound while that of the sentence is not complete, so it may
    /// grow when more sound comes.
    #[must_use]
    pub fn sentence_end(&self, played: u64) -> u64 {
        let spoken = self.begun(played).saturating_sub(1);
        let rest = self.marks.iter().enumerate().skip(spoken);
        let last = rest.into_iter().find(|(_, mark)| mark.ends_sentence).map(|(index, _)| index);
        let next = last.and_then(|last| self.marks.get(last + 1));
        next.map_or(self.queued, |mark| mark.at).max(played)
    }

    /// The answer as far as it was written.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// How many pieces have begun when `played` samples have left the speaker.
    fn begun(&self, played: u64) -> usize {
        self.marks.partition_point(|mark| mark.at <= played)
    }

    /// How long the piece at `index` is, known or guessed.
    fn samples(&self, index: usize) -> u64 {
        let mark = self.marks[index];
        if let Some(next) = self.marks.get(index + 1) {
            return next.at - mark.at;
        }
        let queued = self.queued.saturating_sub(mark.at);
        if self.complete {
            return queued;
        }
        let text = &self.text[self.byte(mark.start)..self.byte(mark.end)];
        let guess = text.chars().count() as u64 * u64::from(self.rate.hz()) / CHARS_PER_SECOND;
        queued.max(guess)
    }

    /// `at`, moved back into the text and between two characters.
    fn byte(&self, at: u32) -> usize {
        self.text.floor_char_boundary(at as usize)
    }
}

/// The bytes of the whole words in the first `part` of `len` of `text`.
fn whole_words(text: &str, part: u64, len: u64) -> usize {
    let text = text.trim_end();
    let chars = text.chars().count() as u128;
    let heard = if len == 0 { chars } else { chars * u128::from(part) / u128::from(len) };
    let mut words = 0;
    let mut chars = text.char_indices().peekable();
    for _ in 0..heard {
        let Some((at, c)) = chars.next() else { break };
        let next = chars.peek().map(|(_, next)| *next);
        let is_end = next.is_none_or(|next| next.is_whitespace() || is_word(next) || is_word(c));
        if is_end && !c.is_whitespace() {
            words = at + c.len_utf8();
        }
    }
    words
}

/// Chinese and Japanese characters, which no spaces part.
fn is_word(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x9FFF | 0x2_0000..=0x3_FFFF)
}

/// How fast a voice is taken to speak that is not known better: flite's and eSpeak's voices speak
/// 14 to 17 characters a second at normal speed.
pub const CHARS_PER_SECOND: u64 = 15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// "Well, " in samples 0 to 600, "I would say so. " to 2200, "Others do not." from there.
    fn answer() -> Heard {
        let mut heard = Heard::new(SampleRate::SPEECH);
        heard.text("Well, I would say so. Others do not.");
        heard.mark(SpeechMark { start: 0, end: 6, at: 0, ends_sentence: false });
        heard.mark(SpeechMark { start: 6, end: 22, at: 600, ends_sentence: true });
        heard.mark(SpeechMark { start: 22, end: 36, at: 2200, ends_sentence: true });
        heard
    }

    fn heard_at(heard: &Heard, played: u64) -> &str {
        &heard.text[..heard.heard(played).bytes]
    }

    #[test]
    fn a_word_is_heard_when_it_was_played_to_its_end() {
        let heard = answer();
        assert_eq!(heard_at(&heard, 0), "");
        assert_eq!(heard_at(&heard, 599), "");
        assert_eq!(heard_at(&heard, 600), "Well, ");
        assert_eq!(heard_at(&heard, 1200), "Well, I");
        assert_eq!(heard_at(&heard, 1500), "Well, I would");
        assert_eq!(heard_at(&heard, 2200), "Well, I would say so. ");
    }

    #[test]
    fn the_last_piece_is_guessed_until_its_sound_is_complete() {
        let mut heard = answer();
        heard.sound(3600);
        // 14 characters take about 15,000 samples.
        assert_eq!(heard_at(&heard, 3600), "Well, I would say so. ");
        heard.complete();
        assert_eq!(heard_at(&heard, 3599), "Well, I would say so. Others do");
        assert_eq!(heard_at(&heard, 3600), "Well, I would say so. Others do not.");
    }

    #[test]
    fn a_mark_without_text_ends_a_piece_before_the_next_is_there() {
        let mut heard = Heard::new(SampleRate::SPEECH);
        heard.text("Well. Others do not.");
        heard.mark(SpeechMark { start: 0, end: 6, at: 0, ends_sentence: true });
        heard.sound(4000);
        assert_eq!(heard_at(&heard, 4000), "", "six characters take 6,400 samples");
        heard.mark(SpeechMark { start: 6, end: 6, at: 4000, ends_sentence: true });
        assert_eq!(heard_at(&heard, 3999), "");
        assert_eq!(heard_at(&heard, 4000), "Well. ");
        assert_eq!((heard.sentence_end(100), heard.sentence_end(4000)), (4000, 4000));
        heard.mark(SpeechMark { start: 6, end: 20, at: 4000, ends_sentence: true });
        assert_eq!(heard_at(&heard, 4000), "Well. ");
    }

    #[test]
    fn a_piece_without_an_end_grows_with_its_text_until_the_next_begins() {
        let mut heard = Heard::new(SampleRate::SPEECH);
        heard.mark(SpeechMark { start: 0, end: SpeechMark::OPEN, at: 0, ends_sentence: true });
        heard.text("One two.");
        heard.sound(8000);
        heard.text(" Three four.");
        heard.sound(20_000);
        assert_eq!(heard_at(&heard, 10_700), "One two.", "20 characters take 21,333 samples");
        heard.mark(SpeechMark {
            start: 20,
            end: SpeechMark::OPEN,
            at: 20_000,
            ends_sentence: true,
        });
        heard.text(" Five.");
        heard.sound(30_000);
        heard.complete();
        assert_eq!(heard_at(&heard, 19_999), "One two. Three");
        assert_eq!(heard_at(&heard, 20_000), "One two. Three four.");
        assert_eq!(heard_at(&heard, 30_000), "One two. Three four. Five.");
    }

    #[test]
    fn marks_of_words_are_exact_and_the_last_one_takes_what_is_not_spoken() {
        let mut heard = Heard::new(SampleRate::SPEECH);
        heard.text("**One** two.\n");
        heard.mark(SpeechMark { start: 2, end: 5, at: 100, ends_sentence: false });
        heard.mark(SpeechMark { start: 8, end: 11, at: 5000, ends_sentence: false });
        heard.sound(6000);
        heard.complete();
        assert_eq!(heard_at(&heard, 5100), "**One");
        assert_eq!(heard_at(&heard, 6000), "**One** two.\n");
    }

    #[test]
    fn a_sentence_ends_where_the_next_begins() {
        let mut heard = answer();
        heard.sound(3600);
        assert_eq!(heard.sentence_end(0), 2200);
        assert_eq!(heard.sentence_end(700), 2200);
        assert_eq!(heard.sentence_end(2200), 3600);
        assert_eq!(heard.sentence_end(9000), 9000);
        assert_eq!(Heard::new(SampleRate::SPEECH).sentence_end(5), 5);
    }

    proptest! {
        #[test]
        fn heard_grows_with_what_was_played_within_the_text(
            text in "([a-zé你🎉]{0,6}|[ .,\n]){0,30}",
            pieces in prop::collection::vec((0u32..60, 0u32..60, 0u64..30_000), 0..8),
            extra in 0u64..30_000,
            complete in any::<bool>(),
        ) {
            let mut heard = Heard::new(SampleRate::SPEECH);
            heard.text(&text);
            let mut end = 0;
            for (start, len, at) in pieces {
                heard.mark(SpeechMark { start, end: start + len, at, ends_sentence: false });
                end = end.max(at);
            }
            heard.mark(SpeechMark { start: 0, end: text.len() as u32, at: end, ends_sentence: false });
            end += extra;
            heard.sound(end);
            if complete {
                heard.complete();
            }
            let mut last = 0;
            for played in (0..end + 2000).step_by(500) {
                let bytes = heard.heard(played).bytes;
                prop_assert!(bytes >= last && text.is_char_boundary(bytes));
                prop_assert!(heard.sentence_end(played) >= played);
                last = bytes;
            }
            heard.complete();
            prop_assert_eq!(heard.heard(end).bytes, text.len());
        }
    }
}
