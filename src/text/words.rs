//! How many words were said, and whether they are those of somebody who only listens.

/// What is known of the words of a turn so far.
///
/// ```
/// use banter::text::Words;
///
/// assert_eq!(Words::of("Wait, please.", "en").count, 2);
/// assert!(Words::of("Mm-hm, yeah.", "en").of_listener);
/// assert!(!Words::of("Yeah, but wait.", "en").of_listener);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// How many there are. Of scripts without spaces between words, such as Chinese and Thai, two
    /// letters count as one.
    pub count: u32,
    /// They say no more than "go on, I am listening".
    pub of_listener: bool,
}

impl Words {
    /// Those of `text`, in the language of this tag, as in `en` or `de-AT`. A listener's words are
    /// known of English and German; of another language none are.
    #[must_use]
    pub fn of(text: &str, language: &str) -> Self {
        let words = split(text);
        let count = words.iter().map(|word| counts(word)).sum();
        let of_listener = match listeners(language) {
            // Who asks wants to hear something: "okay?", "right?".
            _ if text.contains(['?', '？']) => false,
            phrases => !words.is_empty() && only(&words, phrases),
        };
        Self { count, of_listener }
    }
}

/// What listeners of a language say, in words that `split` makes.
fn listeners(language: &str) -> &'static [&'static str] {
    let tag = language.split(['-', '_']).next().unwrap_or_default();
    match tag.to_ascii_lowercase().as_str() {
        "en" => ENGLISH,
        "de" => GERMAN,
        _ => &[],
    }
}

/// Words in lower case. Hyphens and apostrophes are within words, and left out: "mm-hm" is "mmhm".
fn split(text: &str) -> Vec<String> {
    let within = |c: char| matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\'' | '\u{2019}');
    text.split(|c: char| !c.is_alphanumeric() && !is_unspaced(c) && !within(c))
        .map(|word| word.chars().filter(|c| !within(*c)).flat_map(char::to_lowercase).collect())
        .filter(|word: &String| !word.is_empty())
        .collect()
}

/// Whether nothing but `phrases` is said.
fn only(mut words: &[String], phrases: &[&str]) -> bool {
    while !words.is_empty() {
        let here = phrases.iter().filter_map(|phrase| length_at(phrase, words)).max();
        let Some(length) = here else { return false };
        words = &words[length..];
    }
    true
}

/// How many words a phrase has, if `words` begin with it.
fn length_at(phrase: &str, words: &[String]) -> Option<usize> {
    let length = phrase.split(' ').count();
    let same = phrase.split(' ').zip(words).all(|(one, other)| one == other);
    (length <= words.len() && same).then_some(length)
}

/// How many words there are in what stands between two spaces.
fn counts(word: &str) -> u32 {
    let unspaced = word.chars().filter(|c| is_unspaced(*c)).count();
    let rest = unspaced < word.chars().count();
    u32::try_from(unspaced.div_ceil(2) + usize::from(rest)).unwrap_or(u32::MAX)
}

/// A letter of a script that has no spaces between words: ideographs, kana, and those of Thai,
/// Lao, Burmese and Khmer.
const fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
            | '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
    )
}

/// "Yes" and "no" are answers, "huh" is a question.
const ENGLISH: &[&str] = &[
    "mm", "mmm", "hm", "hmm", "mhm", "mhmm", "mmhm", "mmhmm", "uhhuh", "uh huh", "ah", "aha", "oh",
    "yeah", "yep", "yup", "ok", "okay", "right", "sure", "i see", "got it",
];

const GERMAN: &[&str] = &[
    "mm", "hm", "hmm", "mhm", "mmhm", "ah", "aha", "oh", "ja", "ok", "okay", "genau", "klar",
    "stimmt", "ach so", "achso", "verstehe",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> u32 {
        Words::of(text, "en").count
    }

    fn listens(text: &str, language: &str) -> bool {
        Words::of(text, language).of_listener
    }

    #[test]
    fn words_are_counted_by_spaces_and_marks() {
        assert_eq!(count(""), 0);
        assert_eq!(count(" ... "), 0);
        assert_eq!(count("stop"), 1);
        assert_eq!(count("No, don't! Wait."), 3);
        assert_eq!(count("twenty-one"), 1);
        assert_eq!(count("그만 해"), 2);
    }

    #[test]
    fn without_spaces_two_letters_are_a_word() {
        assert_eq!(count("停"), 1);
        assert_eq!(count("等一下"), 2);
        assert_eq!(count("ちょっと待って"), 4);
        assert_eq!(count("หยุดก่อน"), 4);
        assert_eq!(count("打开 WiFi"), 2);
        assert_eq!(count("打开WiFi"), 2);
    }

    #[test]
    fn a_listener_says_nothing_that_wants_an_answer() {
        for text in ["Mm-hm.", "mm hm", "uh-huh", "Uh huh", "Yeah, yeah.", "Okay. Right.", "I see"]
        {
            assert!(listens(text, "en"), "{text}");
        }
        for text in
            ["", "...", "yeah but", "okay stop", "stop", "huh", "right?", "I", "see", "no", "yes"]
        {
            assert!(!listens(text, "en"), "{text}");
        }
        assert!(listens("Ach so, ja.", "de-AT") && !listens("ja aber", "de"));
    }

    #[test]
    fn a_language_without_rules_has_no_listeners() {
        assert!(!listens("yeah", "fr") && !listens("mm-hm", ""));
    }
}
