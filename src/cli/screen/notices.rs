//! What goes wrong, in plain words.

use std::collections::VecDeque;

use super::wrap::plain;
use crate::events::StageName;
use crate::types::{Direction, ValidationAction};

/// The last notices, the newest last.
#[derive(Debug, Default)]
pub(super) struct Notices(VecDeque<Notice>);

/// Something that the user should know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) topic: Topic,
    pub(super) text: String,
}

/// What a notice is about. Of some topics the last notice alone counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Nothing is wrong.
    Information,
    Trouble,
    UnderRuns,
    LostSound,
    LostEvents,
}

impl Notices {
    pub(super) fn add(&mut self, topic: Topic, text: &str) {
        let notice = Notice { topic, text: plain(text) };
        let counts = matches!(topic, Topic::UnderRuns | Topic::LostSound | Topic::LostEvents);
        self.0.retain(|other| *other != notice && !(counts && other.topic == topic));
        if self.0.len() == MAX_NOTICES {
            self.0.pop_front();
        }
        self.0.push_back(notice);
    }

    pub(super) fn failed(&mut self, stage: StageName, error: &str) {
        let what = match stage {
            StageName::Stt => "You were not understood",
            StageName::Provider => "There is no answer",
            StageName::Tts => "The voice failed",
            StageName::Context => "The conversation is too long",
            StageName::Validate => "The answer was withheld",
        };
        self.add(Topic::Trouble, &format!("{what}: {error}. Say it again, or go on."));
    }

    pub(super) fn retried(&mut self, stage: StageName, error: &str) {
        let what = match stage {
            StageName::Stt => "The recogniser",
            StageName::Provider => "The model",
            StageName::Tts => "The voice",
            StageName::Context => "What is sent to the model",
            StageName::Validate => "The rules for what is said",
        };
        self.add(Topic::Information, &format!("{what} failed and tries again: {error}"));
    }

    /// A rule for what is said was broken.
    pub(super) fn broken(
        &mut self,
        rule: &str,
        direction: Direction,
        action: ValidationAction,
        message: &str,
    ) {
        let whose = if direction == Direction::Input { "What you said" } else { "The answer" };
        self.add(
            Topic::Information,
            &format!("{whose} broke the rule {rule} and was {action}: {message}"),
        );
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Notice> {
        self.0.iter().rev()
    }
}

const MAX_NOTICES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(notices: &Notices) -> Vec<&str> {
        notices.newest_first().map(|notice| notice.text.as_str()).collect()
    }

    #[test]
    fn what_is_counted_or_repeated_is_told_once() {
        let mut notices = Notices::default();
        notices.add(Topic::UnderRuns, "1 time");
        notices.add(Topic::Trouble, "the disk is full");
        notices.add(Topic::UnderRuns, "2 times");
        assert_eq!(texts(&notices), ["2 times", "the disk is full"]);
        notices.add(Topic::Trouble, "the disk is full");
        assert_eq!(texts(&notices), ["the disk is full", "2 times"]);
    }

    #[test]
    fn only_the_last_are_kept() {
        let mut notices = Notices::default();
        (0..50).for_each(|number| notices.add(Topic::Trouble, &number.to_string()));
        assert_eq!((texts(&notices).len(), texts(&notices)[0]), (MAX_NOTICES, "49"));
    }
}
