//! What is said of refusals.

use crate::types::Secret;

/// What the other side says, for people: on one line, short, and without the keys.
pub(super) fn presentable(text: &str, keys: &[Secret]) -> String {
    // The keys go first: cut in half they would not be found.
    let text = keys.iter().fold(text.to_owned(), |text, key| key.removed_from(&text));
    text.replace(char::is_control, " ").chars().take(LONGEST).collect()
}

/// In characters.
const LONGEST: usize = 300;
