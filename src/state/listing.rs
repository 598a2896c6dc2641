//! A conversation in a line.

use crate::ids::ConversationId;
use crate::time::UtcTime;
use crate::types::{Message, Role};

use super::entry::{Entry, Opened, TurnRecord};
use super::error::StateError;

/// A conversation as [`StateStore::list`](super::StateStore::list) tells it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Listing {
    /// Its name.
    pub id: ConversationId,
    /// When it began; `None` if that was not written down.
    pub opened: Option<UtcTime>,
    /// When its last entry was written down.
    pub changed: UtcTime,
    /// How many turns it has since the last clear.
    pub turns: u64,
    /// What the user said first since then, on one line of at most 80 characters.
    pub first_words: String,
    /// The pack that it was opened with.
    pub pack: Option<String>,
    /// The prompt of that pack.
    pub prompt: Option<String>,
    /// What of it cannot be read; the rest is told as far as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// What a listing tells of some entries in a row. Two in a row come to one, so that a store can
/// keep it beside the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) opened: Option<Opened>,
    pub(super) changed: Option<UtcTime>,
    /// There was a clear among the entries: what was said before does not count.
    pub(super) cleared: bool,
    pub(super) turns: u64,
    pub(super) first_words: String,
}

impl Sketch {
    #[cfg(any(test, feature = "redis"))]
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut sketch = Self::default();
        entries.into_iter().for_each(|entry| sketch.add(entry));
        sketch
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        self.changed = Some(entry.at());
        match entry {
            Entry::Opened(opened) => self.opened = Some(opened.clone()),
            Entry::Turn(turn) => self.turn(turn),
            Entry::Cleared { .. } => self.clear(),
            Entry::Amended { .. } | Entry::Variables { .. } | Entry::Summarised { .. } => {}
        }
    }

    /// Adds an entry of this kind, which is read only if it must be. Does not tell when it was.
    pub(super) fn see(
        &mut self,
        kind: &str,
        entry: impl FnOnce() -> Result<Entry, StateError>,
    ) -> Result<(), StateError> {
        match kind {
            "turn" if !self.first_words.is_empty() => self.turns += 1,
            "cleared" => self.clear(),
            "amended" | "variables" | "summarised" => {}
            _ => self.add(&entry()?),
        }
        Ok(())
    }

    fn turn(&mut self, turn: &TurnRecord) {
        self.turns += 1;
        if self.first_words.is_empty() {
            self.first_words = words(&turn.messages);
        }
    }

    fn clear(&mut self) {
        self.cleared = true;
        self.turns = 0;
        self.first_words.clear();
    }

    /// Nothing for a conversation without entries.
    pub(super) fn listing(self, id: ConversationId) -> Option<Listing> {
        let Self { opened, changed, turns, first_words, .. } = self;
        let opened_at = opened.as_ref().map(|opened| opened.at);
        let (pack, prompt) = opened.map_or((None, None), |opened| (opened.pack, opened.prompt));
        let changed = changed?;
        Some(Listing {
            id,
            opened: opened_at,
            changed,
            turns,
            first_words,
            pack,
            prompt,
            damage: None,
        })
    }
}

/// The user's first words, short.
fn words(messages: &[Message]) -> String {
    let mut of_user = messages.iter().filter(|message| message.role == Role::User);
    let text = of_user.find(|message| !message.text.trim().is_empty());
    let text = text.map_or("", |message| message.text.as_str());
    // No more of a long text is looked at than is told.
    let words: Vec<_> = text.split_whitespace().take(MOST_WORDS).collect();
    words.join(" ").chars().take(MOST_WORDS).collect()
}

/// In characters; so there are no more words.
const MOST_WORDS: usize = 80;
