//! What a conversation's entries come to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, Opened, Revision, TurnRecord};
use crate::context::Summary;
use crate::time::UtcTime;
use crate::types::Message;

/// A conversation as it is now: the fold over its entries.
///
/// It is the same however the entries came, one by one or all at once.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Saved {
    /// How it began; `None` while nothing is there.
    pub opened: Option<Opened>,
    /// The turns since the last clear, as they were last amended.
    pub turns: Vec<TurnRecord>,
    /// The variables that are set.
    pub variables: BTreeMap<String, Value>,
    /// What the first messages were summed up to.
    pub summary: Option<Summary>,
    /// How many entries it is made of.
    pub revision: Revision,
}

impl Saved {
    /// What `entries` come to.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut saved = Self::default();
        entries.into_iter().for_each(|entry| saved.take(entry));
        saved
    }

    /// Adds what an entry says.
    pub fn apply(&mut self, entry: &Entry) {
        self.take(entry.clone());
    }

    /// All that was said since the last clear, in order.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.turns.iter().flat_map(|turn| &turn.messages)
    }

    /// Entries that come to the same: what a copy of the conversation begins with.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        let at = UtcTime::now();
        let (variables, summary) = (self.variables, self.summary);
        let opened = self.opened.map(Entry::Opened);
        let variables =
            (!variables.is_empty()).then_some(Entry::Variables { at, values: variables });
        let turns = self.turns.into_iter().map(Entry::Turn);
        let summary = summary.map(|summary| Entry::Summarised { at, summary });
        opened.into_iter().chain(variables).chain(turns).chain(summary).collect()
    }

    /// Adds what an entry says.
    pub fn take(&mut self, entry: Entry) {
        self.revision = self.revision.plus(1);
        match entry {
            Entry::Opened(opened) => self.opened = Some(opened),
            Entry::Turn(turn) => self.turns.push(turn),
            Entry::Amended { turn, record } => {
                // A turn that was forgotten meanwhile stays forgotten.
                let turn = usize::try_from(turn).ok().and_then(|turn| self.turns.get_mut(turn));
                if let Some(turn) = turn {
                    *turn = record;
                }
            }
            Entry::Variables { values, .. } => {
                for (name, value) in values {
                    match value {
                        Value::Null => self.variables.remove(&name),
                        value => self.variables.insert(name, value),
                    };
                }
            }
            Entry::Summarised { summary, .. } => self.summary = Some(summary),
            Entry::Cleared { .. } => {
                self.turns.clear();
                self.summary = None;
            }
        }
    }
}

impl Extend<Entry> for Saved {
    fn extend<I: IntoIterator<Item = Entry>>(&mut self, entries: I) {
        entries.into_iter().for_each(|entry| self.take(entry));
    }
}
