//! The words of turns, where a model that speaks for itself gives them when they are ready: in pieces,
//! behind its answer, or never.
//!
//! ```text
//!  turn over ─▶ awaited ─▶ its words, which are told as final once ─▶ history
//!                  └─▶ none in time: it failed, or another turn has them
//! ```
//!
//! Where the other side detects turns as well it may take two of ours for one, and hear more in one
//! that is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Actor, Awaited, OwnVoice};
use crate::events::StageName;
use crate::ids::TurnId;
use crate::text::Words;
use crate::turn::Input;
use crate::types::Message;

/// What is known of what the user said.
#[derive(Debug)]
pub(super) struct OwnWords {
    /// They come, sooner or later.
    pub(super) wanted: bool,
    /// Spoken turns that are not written down yet.
    spoken: BTreeSet<TurnId>,
    /// Those whose words another turn may have: its words came when they had begun.
    covered: BTreeSet<TurnId>,
    words: BTreeMap<TurnId, Known>,
    /// Words that were told as final.
    told: BTreeMap<TurnId, Arc<str>>,
    /// Words that came when their turn had been told: they go before those of the open one.
    carried: String,
    /// Turns up to this one another connection may hear once more.
    again: TurnId,
}

/// The words of a turn so far.
#[derive(Debug, Default)]
struct Known {
    before: String,
    text: Arc<str>,
    is_final: bool,
}

impl OwnWords {
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            spoken: BTreeSet::new(),
            covered: BTreeSet::new(),
            words: BTreeMap::new(),
            told: BTreeMap::new(),
            carried: String::new(),
            again: TurnId::default(),
        }
    }

    /// What was said up to this turn, and is not answered, another connection hears once more: its words
    /// are no news.
    pub(super) const fn heard_again(&mut self, turn: TurnId) {
        self.again = turn;
    }

    /// A spoken turn is over. Gives its words, if all of them are known.
    pub(super) fn spoken(&mut self, turn: TurnId) -> Option<Arc<str>> {
        self.spoken.insert(turn);
        if !self.carried.is_empty() {
            let carried = std::mem::take(&mut self.carried);
            self.words.entry(turn).or_default().goes_after(&carried);
        }
        let known = self.words.get(&turn).filter(|known| known.is_final)?;
        Some(Arc::clone(&known.text))
    }

    /// The last spoken turn up to this one that is not written down.
    pub(super) fn last_spoken(&self, turn: TurnId) -> Option<TurnId> {
        self.spoken.range(..=turn).next_back().copied()
    }

    /// Whether the words of all that was said up to this turn are known.
    pub(super) fn are_known(&self, turn: TurnId) -> bool {
        let is_final = |turn: &TurnId| self.words.get(turn).is_some_and(|known| known.is_final);
        !self.wanted || self.spoken.range(..=turn).all(is_final)
    }

    /// What the user said up to this turn, as far as it is known.
    pub(super) fn take(&mut self, turn: TurnId) -> Vec<Message> {
        let spoken = upto(turn, &mut self.spoken, BTreeSet::split_off);
        let words = upto(turn, &mut self.words, BTreeMap::split_off);
        let whole = |turn: &TurnId| words.get(turn).map(Known::whole);
        let is_known = spoken.iter().filter_map(whole).any(|text| !text.is_empty());
        let of_turn = |turn: TurnId| match whole(&turn) {
            Some(text) if !text.is_empty() => Some(Message::user(text)),
            None if is_known || self.covered.contains(&turn) => None,
            // It was said, and heard by the other side.
            _ => Some(Message::user(UNKNOWN)),
        };
        let said = spoken.into_iter().filter_map(of_turn).collect();
        self.covered = self.covered.split_off(&turn.next());
        said
    }

    /// The spoken turns that are not written down, for somebody else: with their words, if all of
    /// them are known, and without those whose words another turn has.
    pub(super) fn leave(self) -> Vec<(TurnId, Option<String>)> {
        let Self { spoken, covered, words, .. } = self;
        let known = |turn| words.get(&turn).filter(|known| known.is_final).map(Known::whole);
        let of_turn = |turn| (turn, known(turn).filter(|text| !text.is_empty()));
        let is_kept =
            |(turn, text): &(TurnId, Option<String>)| text.is_some() || !covered.contains(turn);
        spoken.into_iter().map(of_turn).filter(is_kept).collect()
    }

    /// Takes the words of a turn so far; gives them with those that go before them.
    fn note(&mut self, turn: TurnId, text: &Arc<str>, is_final: bool) -> Arc<str> {
        let known = self.words.entry(turn).or_default();
        if !self.spoken.contains(&turn) {
            known.goes_after(&std::mem::take(&mut self.carried));
        }
        (known.text, known.is_final) = (Arc::clone(text), is_final);
        let whole = known.whole().into();
        while self.words.len() > TURNS {
            self.words.pop_first();
        }
        whole
    }

    /// The words of this turn were told as final. Turns that had begun by then may be a part of it, as
    /// the other side has it.
    fn settled(&mut self, turn: TurnId, text: &Arc<str>, open: Option<TurnId>) {
        let later = self.spoken.range(turn.next()..).copied().chain(open.filter(|it| *it > turn));
        if !text.trim().is_empty() {
            self.covered.extend(later);
        }
        self.tell(turn, Arc::clone(text));
    }

    /// Of this turn so much was told as final, without what came late of an earlier one.
    fn tell(&mut self, turn: TurnId, text: Arc<str>) {
        self.told.insert(turn, text);
        while self.told.len() > TURNS {
            self.told.pop_first();
        }
    }

    /// Nobody will say what was said in this turn: the words that it has all the same, late ones of an
    /// earlier turn; or none, if another turn has them.
    fn given_up(&mut self, turn: TurnId) -> Option<Arc<str>> {
        self.tell(turn, "".into());
        let before = self.words.get(&turn).map(Known::whole).filter(|text| !text.is_empty());
        let later = self.words.range(turn.next()..).any(|(_, known)| !known.whole().is_empty());
        let told = self.told.range(turn.next()..).any(|(_, text)| !text.trim().is_empty());
        let is_elsewhere = later || told || self.covered.contains(&turn);
        if before.is_some() || !is_elsewhere {
            self.note(turn, &"".into(), true);
        }
        before.or(is_elsewhere.then(String::new)).map(Into::into)
    }

    /// The next turn after this one that is over, and whose words are still to come.
    fn next_to_come(&self, turn: TurnId) -> Option<TurnId> {
        let mut later = self.spoken.range(turn.next()..);
        later.find(|later| !self.told.contains_key(*later)).copied()
    }

    /// Words that came late go before those of this turn. Gives both.
    fn put_before(&mut self, turn: TurnId, words: &str) -> String {
        let known = self.words.entry(turn).or_default();
        known.goes_after(words);
        known.whole()
    }

    /// What these words of a turn have beyond those that were told.
    fn more_than_told(&self, turn: TurnId, text: &str) -> String {
        let told = self.told.get(&turn).map_or("", |told| told.trim());
        text.trim().strip_prefix(told).unwrap_or(text).trim().to_owned()
    }
}

impl Known {
    /// These words go before its own.
    fn goes_after(&mut self, words: &str) {
        join(&mut self.before, words);
    }

    fn whole(&self) -> String {
        format!("{} {}", self.before, self.text.trim()).trim().to_owned()
    }
}

impl Actor {
    /// What the other side has understood. While the turn is open there may be more.
    pub(super) fn on_own_words(&mut self, turn: TurnId, text: &Arc<str>, is_final: bool) {
        let is_open = self.machine.open_turn() == Some(turn);
        if !is_open && !self.awaited.iter().any(|awaited| awaited.turn == turn) {
            return self.late_words(turn, text, is_final);
        }
        let open = self.machine.open_turn();
        let Some(own) = &mut self.own else { return };
        let is_told = is_final && !is_open;
        if is_told {
            own.words.settled(turn, text, open);
        }
        let text = own.words.note(turn, text, is_final);
        if is_told {
            self.awaited.retain(|awaited| awaited.turn != turn);
        }
        self.report.transcript(turn, &text, is_told);
        self.heed(turn, &text, is_told);
        self.write_down(false);
        self.note_words();
    }

    /// What words of a turn mean for who has the floor.
    fn heed(&mut self, turn: TurnId, text: &str, is_final: bool) {
        let words = Words::of(text, &self.rules.language);
        let is_empty = text.trim().is_empty();
        let passes_over = is_empty || self.machine.passes_over(turn, words);
        if !is_empty {
            self.machine.handle(Input::Words(turn, words));
            self.understood();
        }
        if is_final && passes_over && self.no_doubt(turn) {
            // The agent goes on, and nobody waits for an answer to that.
            self.machine.handle(Input::NoWords(turn));
        }
    }

    /// More was heard in a turn that is over, or in what was none here: it goes before what was said
    /// next, if the words of that are still to come, or is a turn of its own, without a beginning.
    fn late_words(&mut self, turn: TurnId, text: &Arc<str>, is_final: bool) {
        let is_news = |own: &&mut OwnVoice| is_final && turn > own.words.again;
        let Some(own) = self.own.as_mut().filter(is_news) else { return };
        let more = own.words.more_than_told(turn, text);
        if more.is_empty() {
            return;
        }
        own.words.tell(turn, Arc::clone(text));
        if let Some(next) = own.words.next_to_come(turn) {
            let words = own.words.put_before(next, &more);
            self.report.transcript(next, &words, false);
            return self.heed(next, &words, false);
        }
        join(&mut own.words.carried, &more);
        if self.machine.open_turn().is_none() {
            self.write_down(true);
            let (number, words) = self.say_carried();
            self.heed(number, &words, false);
        }
    }

    /// What was carried is a turn of its own.
    fn say_carried(&mut self) -> (TurnId, String) {
        let number = self.machine.number_turn();
        self.last_turn = number;
        let carried = self.own.as_mut().map(|own| std::mem::take(&mut own.words.carried));
        let words = carried.unwrap_or_default();
        self.report.transcript(number, &words, true);
        self.dialogue.said(Message::user(&*words));
        (number, words)
    }

    /// No words of this turn have come in time.
    pub(super) fn own_unheard(&mut self, turn: TurnId) {
        let Some(own) = &mut self.own else { return };
        match own.words.given_up(turn) {
            Some(text) => self.report.transcript(turn, &text, true),
            None => {
                let limit = self.rules.transcript_limit;
                let error = format!("the model gave no words of this turn within {limit:?}");
                self.report.failed(turn, None, StageName::Stt, error);
            }
        }
        self.write_down(false);
        // What is held for it is held no longer.
        self.machine.handle(Input::NoWords(turn));
    }

    /// The words of turns that are not answered yet, or just being answered, were said: another
    /// connection is to know them.
    pub(super) fn note_words(&mut self) {
        let answered = self.answer.as_ref().map(|answer| answer.turn);
        let turn = answered.unwrap_or(self.last_turn);
        let Some(own) = self.own.as_mut().filter(|own| !own.has_finished()) else { return };
        let Some(last) = own.words.last_spoken(turn) else { return };
        if own.words.wanted && own.words.are_known(last) {
            self.said_by(last);
        }
    }

    /// What was said up to this turn was said. Turns without words will have none.
    pub(super) fn said_by(&mut self, turn: TurnId) {
        let Some(own) = &mut self.own else { return };
        let over = self.awaited.extract_if(.., |awaited| awaited.turn <= turn);
        for Awaited { turn, .. } in over.collect::<Vec<_>>() {
            let known = own.words.words.get(&turn);
            let whole = known.map(Known::whole).unwrap_or_default();
            own.words.tell(turn, known.map(|known| Arc::clone(&known.text)).unwrap_or_default());
            self.report.transcript(turn, &whole, true);
        }
        let words = own.words.take(turn);
        words.into_iter().for_each(|words| self.dialogue.said(words));
    }

    /// Nothing more is said: what came late is not lost.
    pub(super) fn leave_words(&mut self) {
        self.said_by(self.last_turn);
        if self.own.as_ref().is_some_and(|own| !own.words.carried.is_empty()) {
            self.say_carried();
        }
    }
}

/// Adds words to others, up to a bound.
fn join(words: &mut String, more: &str) {
    *words = format!("{words} {more}").trim().to_owned();
    words.truncate(words.floor_char_boundary(LONGEST));
}

/// What a map or a set has up to a turn.
fn upto<T>(turn: TurnId, all: &mut T, split_off: fn(&mut T, &TurnId) -> T) -> T {
    let later = split_off(all, &turn.next());
    std::mem::replace(all, later)
}

/// What stands in the history for what was said, if nobody knows the words.
pub(super) const UNKNOWN: &str = "[speech without a transcript]";

/// Turns whose words are remembered.
const TURNS: usize = 64;

/// Of words that are carried, in bytes.
const LONGEST: usize = 64 << 10;
