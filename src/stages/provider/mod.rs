//! Has the model answer, and calls its tools.

mod answer;
mod calls;
mod filler;
mod lasting;
mod repeats;

use std::sync::Arc;

use self::answer::Asking;
use self::lasting::Lasting;
pub use self::lasting::{LateResult, LateResults};
use super::{Fact, Facts, Fault};
use crate::events::StageName;
use crate::hooks::Hooks;
use crate::pipeline::{
    Element, Kinds, Outcome, Payload, Stage, StageError, StageFuture, StageIo, StageKind,
    TurnContext,
};
use crate::providers::retry::Retries;
use crate::providers::{Prices, Provider};
use crate::tools::{Filler, ToolRegistry};

/// The stage: for each [`Payload::Begin`] it asks the model, calls the tools that the model
/// wants, and asks again with their results. A script in place of a question is said as it is.
///
/// A model that fails before it has given any text is asked again, as its [`Retries`] say: once by
/// default. An answer ends at 64 KiB of text, and one without any is a failure.
/// A cancelled response ends at once, and its tools with it, but for those that last. A tool with
/// side effects waits until its response is committed.
///
/// A model that goes round in circles is stopped: a call that is made for the third time is not
/// run, and after as many rounds of calls as the policy allows it must answer.
#[derive(Debug)]
pub struct ProviderStage {
    provider: Arc<dyn Provider>,
    retries: Retries,
    /// Who answers where the model is not to speak for itself.
    successor: Option<(Arc<dyn Provider>, Retries)>,
    tools: Arc<ToolRegistry>,
    missing_tools: MissingTools,
    hooks: Hooks,
    prices: Option<Prices>,
    voice: Voice,
    filler: Option<Filler>,
    slow_filler: Option<Filler>,
    lasting: Lasting,
    facts: Facts,
}

/// Whose voice answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// Nobody's: they are read.
    None,
    /// A synthesizer's, which gets their text.
    Synthesizer,
    /// The model's own, which comes beside their text.
    Own,
}

/// What becomes of a call of a tool that the model was told of and that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingTools {
    /// The model is told so.
    #[default]
    Refused,
    /// The answer ends, with [`Outcome::AwaitingTools`], until somebody has the result.
    Awaited,
}

impl ProviderStage {
    /// A stage with this model and these tools.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, tools: Arc<ToolRegistry>, facts: Facts) -> Self {
        let retries = retries(&*provider);
        Self {
            provider,
            retries,
            successor: None,
            tools,
            missing_tools: MissingTools::default(),
            hooks: Hooks::default(),
            prices: None,
            voice: Voice::None,
            filler: None,
            slow_filler: None,
            lasting: Lasting::default(),
            facts,
        }
    }

    /// The same, in which this becomes of calls of tools that are not there.
    #[must_use]
    pub fn with_missing_tools(mut self, missing_tools: MissingTools) -> Self {
        self.missing_tools = missing_tools;
        self
    }

    /// The same with these hooks around requests and tools.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// The same with a model that costs this, and not what it says itself: a policy may bound the
    /// cost of an answer.
    #[must_use]
    pub fn with_prices(mut self, prices: Option<Prices>) -> Self {
        self.prices = prices;
        self
    }

    /// The same for answers that are spoken: what the user is told while somebody is to allow a
    /// call is said, and this while a tool is waited for that has no words of its own.
    #[must_use]
    pub fn spoken(mut self, filler: Option<Filler>) -> Self {
        (self.voice, self.filler) = (Voice::Synthesizer, filler);
        self
    }

    /// The same with a model that speaks for itself: what somebody is to allow it is told, and tells
    /// the user in its own words.
    #[must_use]
    pub fn speaking_for_itself(mut self) -> Self {
        self.voice = Voice::Own;
        self
    }

    /// The same with a model that answers in its place, by a synthesizer's voice: all responses that
    /// are not to have the [model's own](TurnContext::own_voice).
    #[must_use]
    pub fn followed_by(self, successor: Arc<dyn Provider>) -> Self {
        let retries = retries(&*successor);
        Self { successor: Some((successor, retries)), ..self }
    }

    /// The same for answers that are spoken, in which this is said while the model is waited for
    /// that has given no text yet: once, and not before the response is committed.
    #[must_use]
    pub fn with_slow_filler(mut self, filler: Option<Filler>) -> Self {
        self.slow_filler = filler.filter(|filler| !filler.text.trim().is_empty());
        self
    }

    /// The same for a conversation that takes results which come after their answers. Without
    /// one, no tool outlives its answer.
    #[must_use]
    pub fn with_late_results(mut self, results: Arc<dyn LateResults>) -> Self {
        self.lasting = Lasting::for_results(results);
        self
    }

    /// Who answers, how often he is asked, and in whose voice.
    fn cast(&self, turn: &TurnContext) -> (&Arc<dyn Provider>, &Retries, Voice) {
        match &self.successor {
            Some((successor, retries)) if !turn.own_voice => {
                (successor, retries, Voice::Synthesizer)
            }
            _ => (&self.provider, &self.retries, self.voice),
        }
    }

    async fn serve(self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, context } = io;
        // The end of a response that is over may still come, from whoever began it.
        let mut over = None;
        while let Some(element) = inlet.recv().await? {
            let turn = match &element.payload {
                Payload::Begin(turn) => Arc::clone(turn),
                Payload::TurnEnd(_) if over.is_some() && element.response <= over => continue,
                _ => {
                    let _ended = outlet.send(element).await;
                    continue;
                }
            };
            let response = turn.response;
            over = Some(response);
            let origin = element.with(Payload::TurnEnd(Outcome::Completed));
            let _ended = outlet.send(element).await;
            let asking = Asking::new(&self, &turn, &origin, &outlet, &context);
            let outcome = tokio::select! {
                biased;
                () = context.floor.cancelled(response) => Outcome::Discarded,
                // Whoever judges what is said has ended it already.
                () = context.floor.had_enough(response) => Outcome::Completed,
                answered = asking.answer() => match answered {
                    Ok(outcome) => outcome,
                    Err(fault) => self.failed(&turn, fault).await,
                },
            };
            let at = context.clock.now();
            let end = Element { at, ..origin.with(Payload::TurnEnd(outcome)) };
            let _ended = outlet.send(end).await;
        }
        Ok(())
    }

    async fn failed(&self, turn: &TurnContext, error: Fault) -> Outcome {
        let (response, stage) = (Some(turn.response), StageName::Provider);
        let reason = error.to_string().into();
        self.facts.tell(Fact::Failed { turn: turn.turn, response, stage, error }).await;
        Outcome::Failed { reason }
    }
}

/// Those that it shares with others, or a whole budget.
fn retries(provider: &dyn Provider) -> Retries {
    provider.retries().cloned().unwrap_or_default()
}

impl Stage for ProviderStage {
    fn name(&self) -> &'static str {
        "provider"
    }

    fn kind(&self) -> StageKind {
        StageKind::Generate
    }

    fn accepts(&self) -> Kinds {
        Kinds::BEGIN
    }

    fn emits(&self) -> Kinds {
        Kinds::BEGIN
            | Kinds::TEXT_DELTA
            | Kinds::SPOKEN
            | Kinds::MEDIA
            | Kinds::TOOL_CALL
            | Kinds::TOOL_RESULT
            | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.serve(io))
    }
}

#[cfg(test)]
mod tests;
