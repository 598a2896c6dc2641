//! Answers that are begun before their turns have ended.
//!
//! At a lull the recogniser says what its final would be. An answer to that runs ahead: its floor is
//! not committed, so that nothing of it is heard, and what its stages tell is kept. If the turn ends
//! with these words, it becomes the answer, with all that was told of it; else it is cancelled, and
//! nobody but one event knows of it.

use std::sync::Arc;

use super::{Actor, Ending};
use crate::events::EventKind;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::TurnContext;
use crate::stages::Fact;
use crate::text::{Estimate, TokenCount};
use crate::time::SessionTime;
use crate::turn::speculation::stands;
use crate::types::{Message, Usage};

/// An answer that was begun ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) response: ResponseId,
    pub(super) began: SessionTime,
    /// What it is made from.
    context: TurnContext,
    /// What its stages have told, in order. They wait for it to be committed soon: before their
    /// second clause, and before tools that have side effects.
    pub(super) facts: Vec<Fact>,
}

impl Actor {
    /// The turn may have ended, with these words.
    pub(super) fn guess(&mut self, turn: TurnId, text: Arc<str>) {
        let pauses = self.machine.pauses() == Some(turn);
        if pauses && !text.is_empty() && self.is_meant(turn) && self.called_in(&text).is_none() {
            self.guess = Some((turn, text));
        }
    }

    /// Begins an answer to a guess, if nothing else is to be said.
    pub(super) async fn begin_ahead(&mut self) {
        let Some((turn, text)) = self.guess.take() else { return };
        let busy = self.answer.is_some() || self.ahead.is_some() || self.ending != Ending::NotYet;
        let more =
            !(self.lines.is_empty() && self.unanswered.is_empty() && self.awaited.is_empty());
        let now = self.clock.now();
        let may = |budget: &mut super::Budget| budget.take(turn, now);
        if busy || more || self.dialogue.has_news() || !self.rules.ahead.as_mut().is_some_and(may) {
            return;
        }
        let (response, tools) = (self.next_response(), Arc::clone(&self.brief.tools));
        let words = Message::user(&*text);
        let begun = self.dialogue.begin_ahead(turn, response, tools, words);
        let Some(context) = begun else { return };
        self.last_response = Some(response);
        let ahead = Ahead { response, began: now, context: context.clone(), facts: Vec::new() };
        self.ahead = Some(ahead);
        self.begin(context).await;
    }

    /// Takes a fact. What is told of an answer that runs ahead is kept, its failure included; of
    /// one that was begun in vain nobody hears.
    pub(super) fn hear_of(&mut self, fact: Fact) {
        let response = fact.response();
        if response.is_some_and(|response| self.discarded.contains(&response)) {
            return;
        }
        match self.ahead.as_mut().filter(|ahead| response == Some(ahead.response)) {
            None => self.on_fact(fact),
            Some(ahead) if ahead.facts.len() == FACTS => self.drop_ahead(),
            Some(ahead) => ahead.facts.push(fact),
        }
    }

    /// The answer that was begun ahead, if it is this one.
    pub(super) fn ahead_of(&mut self, context: &TurnContext) -> Option<Ahead> {
        if self.ahead.as_ref()?.fits(context) {
            return self.ahead.take();
        }
        self.drop_ahead();
        None
    }

    /// What was begun ahead was begun in vain.
    pub(super) fn drop_ahead(&mut self) {
        self.guess = None;
        let Some(ahead) = self.ahead.take() else { return };
        self.wires.floor.cancel(ahead.response);
        if self.discarded.len() == DISCARDED {
            self.discarded.pop_front();
        }
        self.discarded.push_back(ahead.response);
        let (usage, estimated) = ahead.usage();
        let Usage { input_tokens, output_tokens, .. } = usage;
        let kind = EventKind::SpeculationDiscarded { input_tokens, output_tokens, estimated };
        self.report.publish(Some(ahead.context.turn), Some(ahead.response), kind);
    }
}

impl Ahead {
    /// Whether it is what would be begun now.
    fn fits(&self, context: &TurnContext) -> bool {
        let (Some((guess, before)), Some((words, now))) =
            (self.context.history.split_last(), context.history.split_last())
        else {
            return false;
        };
        self.context.turn == context.turn
            && context.script.is_none()
            && self.context.system == context.system
            && before == now
            && stands(&guess.text, &words.text)
    }

    /// What it took: what the model has told, else an estimate, and which of them.
    fn usage(&self) -> (Usage, bool) {
        let told = self.facts.iter().filter_map(|fact| match fact {
            Fact::Used { usage, .. } => Some(*usage),
            _ => None,
        });
        if let Some(told) = told.reduce(|one, other| one + other) {
            return (told, false);
        }
        let said = self.facts.iter().map(|fact| match fact {
            Fact::Clause { text, .. } => u64::from(Estimate.text(text)),
            _ => 0,
        });
        let asked = self.context.history.iter().map(|message| Estimate.message(message));
        let asked = u64::from(asked.sum::<u32>() + Estimate.text(&self.context.system));
        (Usage::of_text(asked, said.sum()), true)
    }
}

/// A stage hears of the end of an answer soon, and tells no more of it: long before so many others
/// were begun in vain.
pub(super) const DISCARDED: usize = 8;
/// What is told of an answer up to its first clause, and of all tools that it may call before
/// somebody waits for its being committed. More is not kept: it is begun again.
const FACTS: usize = 256;
