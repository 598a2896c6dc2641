//! What a word was likely meant to be.

/// The word that `text` was likely meant to be.
pub(crate) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let words = words.map(|word| (strsim::jaro_winkler(text, word), word));
    let best = words.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= LIKELY).then_some(best.1)
}

/// A slip of the finger stays above this; another word does not.
const LIKELY: f64 = 0.75;
