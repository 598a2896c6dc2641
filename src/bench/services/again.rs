//! What a caller asks once more: who asks ahead of the end of what is said, and then hears more.
//!
//! Its script must not go on for that: the same utterance has the same line, and the question in
//! place of one whose answer was left has the same answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// A recording, by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    length: usize,
    hash: u64,
}

impl Recording {
    pub(super) fn of(sound: &[u8]) -> Self {
        Self { length: sound.len(), hash: hash(sound) }
    }

    /// Whether `sound` is the same utterance, of which more is known.
    pub(super) fn goes_on_in(self, sound: &[u8]) -> bool {
        sound.len() > self.length && hash(&sound[..self.length]) == self.hash
    }
}

/// A question to the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// All that was said before it.
    before: u64,
    /// Which answer it got.
    pub(super) answer: usize,
    /// The record of the exchange.
    pub(super) record: u64,
}

impl Question {
    pub(super) fn new(messages: &[Value], answer: usize, record: u64) -> Self {
        Self { before: before(messages), answer, record }
    }

    /// Whether these messages ask in its place: before the last one, the same was said.
    pub(super) fn is_asked_by(&self, messages: &[Value]) -> bool {
        before(messages) == self.before
    }
}

fn before(messages: &[Value]) -> u64 {
    let before = messages.split_last().map_or(messages, |(_, before)| before);
    hash(&before.iter().map(Value::to_string).collect::<Vec<_>>())
}

fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_longer_recording_with_the_same_beginning_is_the_same_utterance() {
        let first = Recording::of(&[1, 2, 3]);
        assert!(first.goes_on_in(&[1, 2, 3, 4]));
        assert!(!first.goes_on_in(&[1, 2, 3]), "somebody says the same again");
        assert!(!first.goes_on_in(&[1, 2, 4, 4]));
    }

    #[test]
    fn a_question_takes_the_place_of_another_with_the_same_history() {
        let said = |text: &str| json!({"role": "user", "content": text});
        let first = Question::new(&[said("hello"), said("my name")], 0, 0);
        assert!(first.is_asked_by(&[said("hello"), said("my name is john")]));
        assert!(!first.is_asked_by(&[said("hello"), said("my name"), said("is john")]));
    }
}
