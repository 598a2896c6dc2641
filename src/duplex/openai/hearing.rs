//! Which turn of the user's an item is, and what was said in it.

use std::collections::VecDeque;

use crate::duplex::DuplexEvent;
use crate::ids::TurnId;

/// Joins what the other side calls items with the turns that the session knows. Several turns may
/// wait for their words.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// The turn that goes on.
    open: Option<TurnId>,
    /// The last that began.
    latest: Option<TurnId>,
    /// The last that something was answered to, and so all before it.
    answered: Option<TurnId>,
    /// Items that began before the session knew of a turn.
    unclaimed: VecDeque<String>,
    /// Turns that were committed, by the number of the event, and whose items are not known yet.
    committing: VecDeque<(u64, TurnId)>,
    items: VecDeque<Said>,
}

/// What was said in an item.
#[derive(Debug)]
struct Said {
    item: String,
    /// None if nobody said anything, and the other side knows.
    turn: Option<TurnId>,
    text: String,
    is_done: bool,
}

impl Hearing {
    /// A turn begins: what is said from here on, or has just begun to be said, belongs to it.
    pub(super) fn began(&mut self, turn: TurnId) {
        self.open = Some(turn);
        self.latest = Some(turn);
        if let Some(item) = self.unclaimed.pop_front() {
            self.bind(item, Some(turn));
        }
    }

    /// A turn is over, or was none.
    pub(super) fn ended(&mut self, turn: TurnId) {
        self.open = self.open.filter(|open| *open != turn);
    }

    /// What was said so far is being answered.
    pub(super) fn answered(&mut self) {
        self.answered = self.latest;
    }

    /// The turn's sound is to be an item, by the event of this number.
    pub(super) fn committing(&mut self, event: u64, turn: TurnId) {
        if self.committing.len() == TURNS {
            self.committing.pop_front();
        }
        self.committing.push_back((event, turn));
    }

    /// The event of this number was refused: its turn, if it was to make an item.
    pub(super) fn refused(&mut self, event: u64) -> Option<TurnId> {
        let at = self.committing.iter().position(|(sent, _)| *sent == event)?;
        self.committing.remove(at).map(|(_, turn)| turn)
    }

    /// The other side hears somebody speak, in an item that is to be.
    pub(super) fn started(&mut self, item: String) {
        if self.is_known(&item) {
            return;
        }
        let without_item = |turn: &TurnId| !self.items.iter().any(|said| said.turn == Some(*turn));
        match self.open.filter(without_item) {
            Some(turn) => self.bind(item, Some(turn)),
            None => {
                if self.unclaimed.len() == TURNS {
                    self.unclaimed.pop_front();
                }
                self.unclaimed.push_back(item);
            }
        }
    }

    /// An item is whole: its turn, if that is known.
    pub(super) fn committed(&mut self, item: String) -> Option<TurnId> {
        if self.is_known(&item) {
            return self.turn_of(&item);
        }
        match self.committing.pop_front() {
            Some((_, turn)) => self.bind(item, Some(turn)),
            None => {
                self.started(item);
                return None;
            }
        }
        self.items.back().and_then(|said| said.turn)
    }

    /// Nobody says anything in this item.
    pub(super) fn nobody(&mut self, item: String) {
        self.unclaimed.retain(|unclaimed| *unclaimed != item);
        self.items.retain(|said| said.item != item);
        self.bind(item, None);
    }

    /// More words of an item.
    pub(super) fn more(&mut self, item: &str, delta: &str) -> Option<DuplexEvent> {
        let said = self.find(item)?;
        if said.is_done || said.text.len() + delta.len() > LONGEST {
            return None;
        }
        said.text.push_str(delta);
        let turn = said.turn?;
        Some(self.transcript(turn))
    }

    /// All words of an item.
    pub(super) fn whole(&mut self, item: &str, text: &str) -> Option<DuplexEvent> {
        let said = self.find(item)?;
        if std::mem::replace(&mut said.is_done, true) {
            return None;
        }
        text[..text.floor_char_boundary(LONGEST)].clone_into(&mut said.text);
        let turn = said.turn?;
        Some(self.transcript(turn))
    }

    /// An item will have no words.
    pub(super) fn failed(&mut self, item: &str, reason: String) -> Option<DuplexEvent> {
        let said = self.find(item)?;
        if std::mem::replace(&mut said.is_done, true) {
            return None;
        }
        let turn = said.turn?;
        Some(self.last_word(turn, reason))
    }

    /// No words come any more: those that are there are all of their turns. Turns that were not
    /// answered are told again on the next connection.
    pub(super) fn lost(&mut self, reason: &str) -> Vec<DuplexEvent> {
        let unknown = self.committing.drain(..).map(|(_, turn)| turn);
        let unfinished = self.items.iter().filter(|said| !said.is_done);
        let mut turns: Vec<_> = unfinished.filter_map(|said| said.turn).chain(unknown).collect();
        turns.sort_unstable();
        turns.dedup();
        turns.retain(|turn| Some(*turn) <= self.answered);
        for said in &mut self.items {
            said.is_done = true;
        }
        let events = turns.into_iter().map(|turn| self.last_word(turn, reason.to_owned()));
        let events = events.collect();
        self.items.clear();
        self.unclaimed.clear();
        events
    }

    /// The words that there are, or that there are none.
    fn last_word(&self, turn: TurnId, reason: String) -> DuplexEvent {
        match self.transcript(turn) {
            DuplexEvent::Transcript { text, .. } if text.is_empty() => {
                DuplexEvent::NoTranscript { turn, reason }
            }
            words => words,
        }
    }

    /// All that was said in a turn so far.
    fn transcript(&self, turn: TurnId) -> DuplexEvent {
        let items = || self.items.iter().filter(|said| said.turn == Some(turn));
        let texts: Vec<_> = items().map(|said| said.text.trim()).collect();
        let text = texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
        let is_final = items().all(|said| said.is_done)
            && !self.committing.iter().any(|(_, waiting)| *waiting == turn);
        DuplexEvent::Transcript { turn, text: text.into(), is_final }
    }

    /// The item; one that no turn has claimed is of the last turn.
    fn find(&mut self, item: &str) -> Option<&mut Said> {
        if self.items.iter().all(|said| said.item != item) {
            self.unclaimed.retain(|unclaimed| unclaimed != item);
            let waiting = self.committing.pop_front().map(|(_, turn)| turn);
            let turn = waiting.or(self.latest)?;
            self.bind(item.to_owned(), Some(turn));
        }
        self.items.iter_mut().find(|said| said.item == item)
    }

    fn bind(&mut self, item: String, turn: Option<TurnId>) {
        if self.items.len() == ITEMS {
            self.items.pop_front();
        }
        self.items.push_back(Said { item, turn, text: String::new(), is_done: turn.is_none() });
    }

    fn is_known(&self, item: &str) -> bool {
        self.unclaimed.iter().any(|unclaimed| unclaimed == item)
            || self.items.iter().any(|said| said.item == item)
    }

    fn turn_of(&self, item: &str) -> Option<TurnId> {
        self.items.iter().find(|said| said.item == item)?.turn
    }
}

/// Turns that wait for their items, and items that wait for their turns.
const TURNS: usize = 16;
/// Items whose words may still come, or belong to those that do.
const ITEMS: usize = 32;
/// Of the words of an item, in bytes.
const LONGEST: usize = 64 << 10;
