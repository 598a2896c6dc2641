//! Whether words so far are a whole, by the rules of a language.

/// Whether more must follow what was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    /// Nobody knows: there are no words, or no rules for the language.
    #[default]
    Unknown,
    /// The last word wants another: a conjunction, a preposition, an article, a filler.
    Open,
    /// Nothing is missing at the end.
    Whole,
}

impl Completeness {
    /// That of `text`, in the language of this tag, as in `en` or `de-AT`. There are rules for
    /// English and German.
    #[must_use]
    pub fn of(text: &str, language: &str) -> Self {
        let tag = language.split(['-', '_']).next().unwrap_or_default();
        let open = match tag.to_ascii_lowercase().as_str() {
            "en" => ENGLISH,
            "de" => GERMAN,
            _ => return Self::Unknown,
        };
        let is_letter = |c: char| c.is_alphanumeric() || c == '\'';
        let text = text.trim_end();
        // A recogniser that writes marks heard an end; but it may be one of thought.
        if text.ends_with(['?', '!']) {
            return Self::Whole;
        }
        if text.ends_with(',') {
            return Self::Open;
        }
        let mut words = text.split(|c| !is_letter(c)).filter(|word| !word.is_empty());
        let Some(last) = words.next_back() else { return Self::Unknown };
        let last = last.to_lowercase().replace('\u{2019}', "'");
        let is_open = open.contains(&last.as_str());
        if is_open { Self::Open } else { Self::Whole }
    }
}

/// Words that hardly ever end a turn, by spelling. Prepositions that often do ("turn it on", "what
/// is it for") are left out.
const ENGLISH: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "because", "although", "if", "unless", "whether",
    "while", "of", "into", "with", "without", "between", "during", "toward", "towards", "my",
    "your", "our", "their", "its", "every", "um", "uh", "er", "erm", "hmm", "i'm", "we're",
    "they're", "you're", "i'll", "i'd", "to", "than", "very", "which", "whose", "let's",
];

const GERMAN: &[&str] = &[
    "der", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "und", "oder",
    "aber", "weil", "dass", "ob", "wenn", "obwohl", "während", "sondern", "denn", "ohne", "für",
    "von", "vom", "zum", "zur", "bei", "beim", "nach", "seit", "gegen", "zwischen", "im", "am",
    "in", "mein", "meine", "meinen", "dein", "deine", "sein", "seine", "unser", "unsere", "sehr",
    "äh", "ähm", "öh", "hm", "also", "welche", "welcher", "welches",
];

#[cfg(test)]
mod tests {
    use super::Completeness::{Open, Unknown, Whole};
    use super::*;

    #[test]
    fn a_trailing_conjunction_preposition_article_or_filler_wants_more() {
        for text in [
            "I would like a",
            "book a table with",
            "it is late, but",
            "well um",
            "I want to go because",
            "the name of the",
            "We've got, uh...",
            "Tea and",
            "I live in London,",
        ] {
            assert_eq!(Completeness::of(text, "en"), Open, "{text}");
        }
        for text in [
            "ich hätte gern einen",
            "das ist gut, aber",
            "Ähm",
            "ein Tisch für",
            "weil es regnet und",
        ] {
            assert_eq!(Completeness::of(text, "de-AT"), Open, "{text}");
        }
    }

    #[test]
    fn what_may_be_a_whole_is_not_held_up() {
        for text in [
            "yes",
            "turn it on",
            "what is that for",
            "where are you from",
            "yes I am",
            "two nine three",
            "I have no idea.",
            "come in",
            "what's the weather like",
            "who are you with?",
        ] {
            assert_eq!(Completeness::of(text, "en_GB"), Whole, "{text}");
        }
        for text in ["ja", "mach das Licht an", "wie spät ist es?", "komm mit"] {
            assert_eq!(Completeness::of(text, "de"), Whole, "{text}");
        }
    }

    #[test]
    fn without_words_or_rules_nothing_is_known() {
        assert_eq!(Completeness::of("", "en"), Unknown);
        assert_eq!(Completeness::of(" ... ", "en"), Unknown);
        assert_eq!(Completeness::of("et le", "fr"), Unknown);
        assert_eq!(Completeness::of("and", ""), Unknown);
    }
}
