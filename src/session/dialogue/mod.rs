//! What was said in a conversation, and what its model is told: the same in every mode.
//!
//! ```text
//! said ─▶ begin ─▶ TurnContext ─▶ model …      answered ─▶ history, as it was heard
//!           ▲ instructions, variables             └─▶ Keeper ─▶ store
//! ```
//!
//! A mode owns the floor; what was said belongs to the conversation, which outlives its modes and
//! may be looked at meanwhile. So it is shared, behind a lock that nobody holds while waiting.

mod admission;
mod pending;
mod record;
mod terms;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use self::admission::{Admission, Verdict};
pub(crate) use self::admission::{Begun, Unbegun};
pub use self::terms::InstructionsError;
pub(crate) use self::terms::{Instructions, OWN_ID, Prompted, Terms};
use super::answer::{Answer, Said};
use super::herald::Herald;
use crate::context::{Summaries, Summary};
use crate::ids::{ResponseId, TurnId};
use crate::pack::Values;
use crate::pipeline::TurnContext;
use crate::state::{Entry, Keeper, Mode, NotKept, Opened, Saved, StateError, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Message, PendingCall, ToolCall, ToolDescriptor, ToolResult, Usage, WaitsFor};

/// What was said in a conversation, and what its model is told. Cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialogue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    terms: Terms,
    /// Nobody, if the conversation is not kept.
    keeper: Option<Keeper>,
    state: Mutex<State>,
    /// There may be something to say that nobody asked for.
    news: Notify,
    /// Tells hooks of what happens, if there are any.
    herald: OnceLock<Option<Herald>>,
}

#[derive(Debug, Default)]
struct State {
    saved: Saved,
    mode: Mode,
    /// The model that answers, if it is not that of the terms.
    model: Option<String>,
    /// What the user said and nobody has answered yet.
    unanswered: Vec<Message>,
    /// The turn that the last record is about. A turn of another mode is another one.
    last: Option<TurnId>,
    /// What the keeper did not take, in order: it has too much to write, or a conflict.
    unkept: VecDeque<Entry>,
    /// The rendered instructions, as long as no variable changes.
    instructions: Option<Arc<str>>,
    /// A response is in the making: what comes meanwhile is written down after it.
    answering: bool,
    /// Results that came meanwhile, and whether somebody wants to hear of them.
    late: Vec<(ToolResult, bool)>,
    /// There are results that nobody has said anything to.
    goes_on: bool,
    /// A rule does not let the model get what the user said.
    withheld: bool,
}

impl Dialogue {
    /// A conversation on these terms, from where it was left, which `keeper` writes down.
    pub(crate) fn new(terms: Terms, saved: Saved, keeper: Option<Keeper>) -> Self {
        let running = |pending: &PendingCall| pending.waits_for == WaitsFor::Tool;
        let lost: Vec<_> = pending::all(&saved).into_iter().filter(running).collect();
        let state = Mutex::new(State { saved, ..State::default() });
        let dialogue = Self(Arc::new(Inner {
            terms,
            keeper,
            state,
            news: Notify::new(),
            herald: OnceLock::new(),
        }));
        for PendingCall { call, .. } in lost {
            let content = "its result never came; it is not known whether it was done".to_owned();
            let (id, name) = (call.id, call.name);
            dialogue.resolve(ToolResult { id, name, content, is_error: true }, false);
        }
        dialogue
    }

    /// One of its own on these terms, which nobody writes down.
    pub(crate) fn fleeting(terms: Terms) -> Self {
        Self::new(terms, Saved::default(), None)
    }

    /// Has hooks be told of what happens from here on, unless they are already.
    pub(super) fn tell(&self, herald: impl FnOnce() -> Option<Herald>) {
        self.0.herald.get_or_init(herald);
    }

    /// Nothing more happens: hooks are told.
    pub(super) async fn farewell(&self) {
        if let Some(Some(herald)) = self.0.herald.get() {
            herald.farewell().await;
        }
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
        (state.last, state.model) = (None, None);
    }

    /// Another model answers from here on, until another mode goes on.
    pub(super) fn answered_by(&self, model: &str) {
        self.state().model = Some(model.to_owned());
    }

    /// The user said something.
    pub(super) fn said(&self, message: Message) {
        self.state().unanswered.push(message);
    }

    /// What a response to all that was said is made from. If a rule does not let the model get what
    /// the user said, it has a script, or there is none; then no model is ever told of that turn.
    pub(super) fn begin(
        &self,
        turn: TurnId,
        response: ResponseId,
        tools: Arc<[ToolDescriptor]>,
    ) -> Result<Begun, Unbegun> {
        let system = self.instructions()?;
        let mut state = self.state();
        let admission = Admission::of(&self.0.terms.guards, &state.unanswered);
        state.withheld = admission.is_withheld();
        let Admission { verdict, validations } = admission;
        let script = match verdict {
            Verdict::Admitted => None,
            Verdict::Answered(answer) => Some(answer),
            Verdict::Refused(error) => return Err(Unbegun::Refused { error, validations }),
        };
        (state.answering, state.goes_on) = (true, false);
        drop(state);
        let context = self.context((turn, response), system, tools, self.history());
        Ok(Begun { context: TurnContext { script, ..context }, validations })
    }

    /// What a response would be made from if the user said this and no more. Nothing is changed by
    /// it. Nothing if it cannot be said yet: a rule has the answer, or there are no instructions.
    pub(super) fn begin_ahead(
        &self,
        turn: TurnId,
        response: ResponseId,
        tools: Arc<[ToolDescriptor]>,
        words: Message,
    ) -> Option<TurnContext> {
        let system = self.instructions().ok()?;
        let admission = Admission::of(&self.0.terms.guards, std::slice::from_ref(&words));
        let mut history = self.history();
        history.push(words);
        let context = || TurnContext {
            ahead: true,
            ..self.context((turn, response), system, tools, history)
        };
        (!admission.is_withheld()).then(context)
    }

    fn context(
        &self,
        (turn, response): (TurnId, ResponseId),
        system: Arc<str>,
        tools: Arc<[ToolDescriptor]>,
        history: Vec<Message>,
    ) -> TurnContext {
        let Terms { parameters, tool_policy, metadata, .. } = &self.0.terms;
        TurnContext {
            turn,
            response,
            system,
            tools,
            tool_policy: tool_policy.clone(),
            parameters: Arc::clone(parameters),
            history: history.into(),
            script: None,
            metadata: Arc::clone(metadata),
            ahead: false,
            own_voice: false,
        }
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
        let withheld = std::mem::take(&mut state.withheld);
        // What no model is told of is a turn of its own.
        let amends = state.last == Some(turn) && !withheld;
        let model = state.model.as_deref().unwrap_or(&self.0.terms.model);
        let turn_of = record::Of { mode: state.mode, model, user };
        let record = turn_of.answered(answer, said, state.saved.turns.last().filter(|_| amends));
        let amended = state.saved.turns.len().checked_sub(1).filter(|_| amends);
        if let Some(mut record) = record {
            record.withheld |= withheld;
            state.last = Some(turn).filter(|_| !withheld);
            self.ended(turn, &record);
            let entry = match amended {
                Some(turn) => Entry::Amended { turn: turn as u64, record },
                None => Entry::Turn(record),
            };
            self.take(&mut state, entry);
        }
        self.take_late(&mut state);
    }

    /// Nothing came of the response that was begun: what was said is still to be answered.
    pub(super) fn unbegun(&self) {
        self.take_late(&mut self.state());
    }

    /// There will be no answer, perhaps for an error: what was said was said.
    pub(super) fn left(&self, turn: TurnId, error: Option<&str>) {
        let mut state = self.state();
        let words = std::mem::take(&mut state.unanswered);
        state.withheld = false;
        if !words.is_empty() {
            let error = error.map(str::to_owned);
            // Nobody may have looked yet: it will be history for another answer.
            let admission = Admission::of(&self.0.terms.guards, &words);
            let (withheld, validations) = (admission.is_withheld(), admission.validations);
            let record = TurnRecord::new(UtcTime::now(), state.mode, words);
            let record = TurnRecord { error, validations, withheld, ..record };
            self.ended(turn, &record);
            self.take(&mut state, Entry::Turn(record));
        }
        self.take_late(&mut state);
    }

    /// What the answers took, of the turns of which that is known; but not those that another
    /// model gave, which speaks for itself.
    pub(crate) fn usages(&self) -> Vec<Usage> {
        let state = self.state();
        let own = state.saved.turns.iter().filter(|turn| turn.mode != Mode::Duplex);
        own.filter_map(|turn| turn.usage).collect()
    }

    /// All that was said, as it was heard.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let state = self.state();
        let of_turns = state.saved.turns.iter().flat_map(|turn| record::complete(&turn.messages));
        of_turns.chain(state.unanswered.iter().cloned()).collect()
    }

    /// The same for a model, which is not told of what was withheld.
    fn history(&self) -> Vec<Message> {
        let state = self.state();
        let told = state.saved.turns.iter().filter(|turn| !turn.withheld);
        let of_turns = told.flat_map(|turn| record::complete(&turn.messages));
        let unanswered = state.unanswered.iter().filter(|_| !state.withheld);
        of_turns.chain(unanswered.cloned()).collect()
    }

    /// The calls that have no result yet.
    pub(crate) fn pending(&self) -> Vec<PendingCall> {
        pending::all(&self.state().saved)
    }

    /// Those for which the last answer waits.
    pub(crate) fn awaited(&self) -> Vec<PendingCall> {
        pending::of_last(&self.state().saved).to_vec()
    }

    /// Whether the last answer ended with calls, which all have their results now.
    pub(crate) fn waits_to_go_on(&self) -> bool {
        pending::has_all(&self.state().saved)
    }

    /// Whether there is something to say that nobody asked for: a result has come.
    pub(super) fn has_news(&self) -> bool {
        self.state().goes_on
    }

    /// Waits until there may be.
    pub(super) async fn news(&self) {
        self.0.news.notified().await;
    }

    /// The next response is about results that have come: what is said in it belongs to them.
    pub(super) fn go_on(&self, turn: TurnId) {
        let mut state = self.state();
        (state.goes_on, state.last) = (false, Some(turn));
    }

    /// Somebody decides about a call, and nobody else from here on. Says whether nobody has yet.
    pub(crate) fn claim(&self, id: &str) -> bool {
        self.waits_for(id, |waits_for| *waits_for != WaitsFor::Tool, WaitsFor::Tool)
    }

    /// The decision about a call came to nothing.
    pub(crate) fn unclaim(&self, id: &str, waits_for: WaitsFor) {
        self.waits_for(id, |_| true, waits_for);
    }

    fn waits_for(&self, id: &str, may: impl Fn(&WaitsFor) -> bool, then: WaitsFor) -> bool {
        let mut state = self.state();
        let pending = pending::all(&state.saved).into_iter().find(|call| call.call.id == id);
        let entry = pending
            .filter(|pending| may(&pending.waits_for))
            .and_then(|_| pending::waits_for(&state.saved, id, then));
        let is_so = entry.is_some();
        if let Some(entry) = entry {
            self.take(&mut state, entry);
        }
        is_so
    }

    /// The result of a call that has none yet, or what stands for one if it was cancelled. Says
    /// whether it had none.
    pub(crate) fn resolve(&self, result: ToolResult, is_wanted: bool) -> bool {
        let mut state = self.state();
        let is_pending = |pending: &PendingCall| pending.call.id == result.id;
        if !pending::all(&state.saved).iter().any(is_pending) && !state.answering {
            return false;
        }
        state.late.push((result, is_wanted));
        if !state.answering {
            self.take_late(&mut state);
        }
        true
    }

    /// Whether a later call has taken the place of this one.
    pub(super) fn is_superseded(&self, call: &ToolCall) -> bool {
        pending::is_superseded(&self.state().saved, call)
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

    /// Writes down what came while a response was in the making, which is over.
    fn take_late(&self, state: &mut State) {
        state.answering = false;
        for (result, is_wanted) in std::mem::take(&mut state.late) {
            let resolved = pending::resolved(&state.saved, &result, state.mode, is_wanted);
            let Some((entries, goes_on)) = resolved else { continue };
            entries.into_iter().for_each(|entry| self.take(state, entry));
            if goes_on {
                state.goes_on = true;
                self.0.news.notify_one();
            }
        }
    }

    fn ended(&self, turn: TurnId, record: &TurnRecord) {
        if let Some(Some(herald)) = self.0.herald.get() {
            herald.turn_ended(turn, &record.messages);
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
