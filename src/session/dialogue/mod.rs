//! What was said in a conversation, and what its model is told: the same in every mode.
//!
//! ```text
//! said ─▶ begin ─▶ TurnContext ─▶ model …      answered ─▶ history, as it was heard
//!           ▲ instructions, variables             └─▶ Keeper ─▶ store
//! ```
//!
//! A mode owns the floor; what was said belongs to the conversation, which outlives its modes and
//! may be looked at meanwhile. So it is shared, behind a lock that nobody holds while waiting.

mod record;
mod terms;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use self::terms::InstructionsError;
pub(crate) use self::terms::{Instructions, OWN_ID, Prompted, Terms};
use super::answer::{Answer, Said};
use crate::context::{Summaries, Summary};
use crate::ids::{ResponseId, TurnId};
use crate::pack::Values;
use crate::pipeline::TurnContext;
use crate::state::{Entry, Keeper, Mode, NotKept, Opened, Saved, StateError, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Message, Role, ToolCall, ToolDescriptor, ToolResult};

/// What was said in a conversation, and what its model is told. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialogue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    terms: Terms,
    /// Nobody, if the conversation is not kept.
    keeper: Option<Keeper>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    saved: Saved,
    mode: Mode,
    /// What the user said and nobody has answered yet.
    unanswered: Vec<Message>,
    /// The turn that the last record is about. A turn of another mode is another one.
    last: Option<TurnId>,
    /// What the keeper did not take, in order: it has too much to write, or a conflict.
    unkept: VecDeque<Entry>,
    /// The rendered instructions, as long as no variable changes.
    instructions: Option<Arc<str>>,
}

impl Dialogue {
    /// A conversation on these terms, from where it was left, which `keeper` writes down.
    pub(crate) fn new(terms: Terms, saved: Saved, keeper: Option<Keeper>) -> Self {
        let state = State { saved, ..State::default() };
        Self(Arc::new(Inner { terms, keeper, state: Mutex::new(state) }))
    }

    /// One of its own on these terms, which nobody writes down.
    pub(crate) fn fleeting(terms: Terms) -> Self {
        Self::new(terms, Saved::default(), None)
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// Waits until all that happened is written down, if the conversation is kept.
    pub(crate) async fn flush(&self) -> Result<(), StateError> {
        let Some(keeper) = &self.0.keeper else { return Ok(()) };
        loop {
            keeper.flush().await?;
            let mut state = self.state();
            if state.unkept.is_empty() {
                return Ok(());
            }
            self.keep(keeper, &mut state);
        }
    }

    /// Another mode goes on with the conversation.
    pub(super) fn enter(&self, mode: Mode) {
        let mut state = self.state();
        state.mode = mode;
        state.last = None;
    }

    /// The user said something.
    pub(super) fn said(&self, message: Message) {
        self.state().unanswered.push(message);
    }

    /// What a response to all that was said is made from.
    pub(super) fn begin(
        &self,
        turn: TurnId,
        response: ResponseId,
        tools: Arc<[ToolDescriptor]>,
    ) -> Result<TurnContext, InstructionsError> {
        let Terms { parameters, tool_policy, metadata, .. } = &self.0.terms;
        let system = self.instructions()?;
        Ok(TurnContext {
            turn,
            response,
            system,
            tools,
            tool_policy: tool_policy.clone(),
            parameters: Arc::clone(parameters),
            history: self.messages().into(),
            script: None,
            metadata: Arc::clone(metadata),
        })
    }

    /// What the model is told now.
    pub(crate) fn instructions(&self) -> Result<Arc<str>, InstructionsError> {
        let prompted = match &self.0.terms.instructions {
            Instructions::Text(text) => return Ok(Arc::clone(text)),
            Instructions::Prompt(prompted) => prompted,
        };
        if let Some(text) = &self.state().instructions {
            return Ok(Arc::clone(text));
        }
        // A provider of variables may look at the conversation: nothing is locked meanwhile.
        let variables = self.variables();
        let text = prompted.render(&variables, &self.0.terms.metadata)?;
        let mut state = self.state();
        if prompted.is_steady() && state.saved.variables == variables {
            state.instructions = Some(Arc::clone(&text));
        }
        Ok(text)
    }

    /// A response is over: what was heard of it, and what its tools did, happened.
    pub(super) fn answered(&self, answer: Answer, said: &Said) {
        let mut state = self.state();
        let turn = answer.turn;
        let user = std::mem::take(&mut state.unanswered);
        let amends = state.last == Some(turn);
        let turn_of = record::Of { mode: state.mode, model: &self.0.terms.model, user };
        let record = turn_of.answered(answer, said, state.saved.turns.last().filter(|_| amends));
        let amended = state.saved.turns.len().checked_sub(1).filter(|_| amends);
        if let Some(record) = record {
            state.last = Some(turn);
            let entry = match amended {
                Some(turn) => Entry::Amended { turn: turn as u64, record },
                None => Entry::Turn(record),
            };
            self.take(&mut state, entry);
        }
    }

    /// There will be no answer, perhaps for an error: what was said was said.
    pub(super) fn left(&self, error: Option<&str>) {
        let mut state = self.state();
        let words = std::mem::take(&mut state.unanswered);
        if !words.is_empty() {
            let error = error.map(str::to_owned);
            let record = TurnRecord { error, ..TurnRecord::new(UtcTime::now(), state.mode, words) };
            self.take(&mut state, Entry::Turn(record));
        }
    }

    /// All that was said, as it was heard.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let state = self.state();
        let of_turns = state.saved.turns.iter().flat_map(|turn| record::complete(&turn.messages));
        of_turns.chain(state.unanswered.iter().cloned()).collect()
    }

    /// The calls of the last answer that wait for their results.
    pub(crate) fn pending(&self) -> Vec<ToolCall> {
        record::pending(&self.state().saved)
    }

    /// Whether the last answer ended with calls, of which all have their results now.
    pub(crate) fn waits_to_go_on(&self) -> bool {
        let state = self.state();
        let last = state.saved.turns.last().and_then(|turn| turn.messages.last());
        last.is_some_and(|message| message.role == Role::Tool)
            && record::pending(&state.saved).is_empty()
    }

    /// The result of a call that waits for one. Says whether it did.
    pub(crate) fn resolve(&self, result: ToolResult) -> bool {
        let mut state = self.state();
        let entry = record::resolved(&state.saved, result);
        let was_awaited = entry.is_some();
        if let Some(entry) = entry {
            self.take(&mut state, entry);
        }
        was_awaited
    }

    pub(crate) fn variables(&self) -> Values {
        self.state().saved.variables.clone()
    }

    /// Sets variables; `null` takes one away. What is so already is not written down again.
    pub(crate) fn set(&self, mut values: Values) {
        let mut state = self.state();
        values
            .retain(|name, value| state.saved.variables.get(name).unwrap_or(&Value::Null) != value);
        if values.is_empty() {
            return;
        }
        state.instructions = None;
        self.take(&mut state, Entry::Variables { at: UtcTime::now(), values });
    }

    /// Forgets what was said. Variables stay.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.unanswered.clear();
        state.last = None;
        self.take(&mut state, Entry::Cleared { at: UtcTime::now() });
    }

    /// What it comes to now, for a copy of it.
    pub(crate) fn saved(&self) -> Saved {
        self.state().saved.clone()
    }

    /// Writes down how it begins, if nothing is written yet.
    pub(crate) fn open(&self, opened: Opened) {
        let mut state = self.state();
        if state.saved.opened.is_none() {
            self.take(&mut state, Entry::Opened(opened));
        }
    }

    /// What was said stays in memory even if it cannot be written down: the keeper tells of it.
    fn take(&self, state: &mut State, entry: Entry) {
        state.saved.apply(&entry);
        if let Some(keeper) = &self.0.keeper {
            state.unkept.push_back(entry);
            self.keep(keeper, state);
        }
    }

    fn keep(&self, keeper: &Keeper, state: &mut State) {
        while let Some(entry) = state.unkept.pop_front() {
            if let Err(NotKept { entry, .. }) = keeper.keep(entry) {
                state.unkept.push_front(*entry);
                break;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Summaries for Dialogue {
    fn get(&self) -> Option<Summary> {
        self.state().saved.summary.clone()
    }

    fn put(&self, summary: Summary) {
        let mut state = self.state();
        self.take(&mut state, Entry::Summarised { at: UtcTime::now(), summary });
    }
}
