//! Keeps what is sent to the model within a budget.
//!
//! ```text
//!  Begin(all of the history) ─▶ Planner ─▶ Begin(what fits, a summary) ─▶ provider
//!                                  ▲ summary, similarities
//!                     in the background: a model that summarises, an embedder
//! ```
//!
//! What an answer's own tools say is added behind this stage, and counts from the next answer on.

mod relevance;
mod summary;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::relevance::Ranker;
use self::summary::Summariser;
use super::{Fact, Facts};
use crate::context::{Asked, Budget, ContextError, Plan, Planner, Strategy, Summaries, Summary};
use crate::events::{EventKind, StageName};
use crate::ids::ResponseId;
use crate::pipeline::{
    Context, Element, Inlet, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture,
    StageIo, StageKind, TurnContext,
};
use crate::providers::embeddings::{Embedder, Hashed};
use crate::providers::{Provider, ProviderError};
use crate::text::{Estimate, TokenCount};

/// How a conversation is kept within a budget.
#[derive(Clone, Debug)]
pub struct ContextConfig {
    /// How much is sent, and what happens when that does not suffice.
    pub budget: Budget,
    /// Counts tokens: an [`Estimate`] by default.
    pub count: Arc<dyn TokenCount>,
    /// Compares messages for [`Strategy::Relevance`]: [`Hashed`] by default.
    pub embedder: Arc<dyn Embedder>,
    /// How long an answer waits for the embedder before it does without: 300 ms by default.
    pub embedding_limit: Duration,
    /// The model that makes summaries: the one that answers, by default.
    pub summariser: Option<Arc<dyn Provider>>,
    /// Where the summary of the conversation is kept: in the session's memory, by default. What is
    /// given here is of one conversation alone.
    pub summaries: Option<Arc<dyn Summaries>>,
}

impl ContextConfig {
    /// With this budget, and all else as by default.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            count: Arc::new(Estimate),
            embedder: Arc::new(Hashed),
            embedding_limit: EMBEDDING_LIMIT,
            summariser: None,
            summaries: None,
        }
    }
}

/// The stage: it stands before the [`ProviderStage`](super::ProviderStage), and sends each
/// [`Payload::Begin`] on with no more of the history than the budget allows. What cannot be sent
/// fails the turn. All else passes.
///
/// Summaries are made in the background, a second after an answer was begun, and serve from the
/// next answer on; until then the newest exchanges are sent.
#[derive(Debug)]
pub struct ContextStage {
    planner: Planner,
    summariser: Summariser,
    ranker: Ranker,
    facts: Facts,
}

impl ContextStage {
    /// A stage before `provider`, which makes the summaries if nobody else is named for it.
    #[must_use]
    pub fn new(config: ContextConfig, provider: Arc<dyn Provider>, facts: Facts) -> Self {
        let ContextConfig { budget, count, embedder, embedding_limit, summariser, summaries } =
            config;
        let summariser = summariser.unwrap_or(provider);
        Self {
            summariser: Summariser::new(&budget, summariser, Arc::clone(&count), summaries),
            ranker: Ranker::new(&budget, embedder, embedding_limit),
            planner: Planner::new(budget, count),
            facts,
        }
    }

    async fn serve(mut self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, context } = io;
        // The end of a response that was ended here may still come, from whoever began it.
        let mut ended: Option<ResponseId> = None;
        while let Some(element) = self.next(&mut inlet, &context).await? {
            match &element.payload {
                // What is said as it is asks no model, and who speaks for itself cuts its own history.
                Payload::Begin(turn) if turn.script.is_none() && !turn.own_voice => {
                    let turn = Arc::clone(turn);
                    if let Some(outcome) = self.begin(&element, &turn, &outlet, &context).await {
                        ended = Some(turn.response);
                        let at = context.clock.now();
                        let end = Element { at, ..element.with(Payload::TurnEnd(outcome)) };
                        let _ended = outlet.send(end).await;
                    }
                }
                Payload::TurnEnd(_) if element.response.is_some() && element.response == ended => {}
                _ => {
                    let _ended = outlet.send(element).await;
                }
            }
        }
        Ok(())
    }

    /// The next element. Until it comes, what is done in the background comes in.
    async fn next(
        &mut self,
        inlet: &mut Inlet,
        context: &Context,
    ) -> Result<Option<Element>, StageError> {
        loop {
            let failed = tokio::select! {
                biased;
                made = self.summariser.made() => match made {
                    Ok(summary) => {
                        self.summariser.keep(summary);
                        self.summarise_more(context);
                        None
                    }
                    Err(error) => {
                        self.summariser.failed(context.clock.now());
                        Some(Trouble::Summary(error))
                    }
                },
                made = self.ranker.made() => {
                    self.ranker.keep(made).err().map(Trouble::Embedding)
                }
                element = inlet.recv() => return element,
            };
            if let Some(trouble) = failed {
                self.warn(&trouble).await;
            }
        }
    }

    /// Sends a response on; else says how it ended.
    async fn begin(
        &mut self,
        element: &Element,
        turn: &Arc<TurnContext>,
        outlet: &Outlet,
        context: &Context,
    ) -> Option<Outcome> {
        let planned = tokio::select! {
            biased;
            () = context.floor.cancelled(turn.response) => return Some(Outcome::Discarded),
            planned = self.plan(turn, context) => planned,
        };
        let (plan, summary) = match planned {
            Ok(planned) => planned,
            Err(error) => return Some(self.failed(turn, &error).await),
        };
        let sent = shortened(turn, &plan, summary.as_ref());
        let left_out = turn.history.len() - sent.history.len();
        if left_out > 0 {
            let TurnContext { turn, response, .. } = **turn;
            let Plan { summarised, tokens, .. } = plan;
            let kind = EventKind::ContextCut { left_out, summarised, tokens };
            self.facts.tell(Fact::Event { turn: Some(turn), response: Some(response), kind }).await;
        }
        let begin = Element { payload: Payload::Begin(sent), ..element.clone() };
        let _ended = outlet.send(begin).await;
        self.summariser.of(turn);
        self.summarise_more(context);
        None
    }

    /// What is sent, and the summary that goes with it.
    async fn plan(
        &mut self,
        turn: &TurnContext,
        context: &Context,
    ) -> Result<(Plan, Option<Summary>), ContextError> {
        let summary = self.summariser.summary(turn.history.len());
        let asked = asked(turn);
        let plan = self.planner.plan(&asked, summary.as_ref(), &[])?;
        if !matches!(self.planner.budget().strategy, Strategy::Relevance(_)) {
            return Ok((plan, summary));
        }
        if plan.len() == turn.history.len() {
            // Soon it will be too much. Then the vectors should be there.
            if plan.tokens > self.planner.budget().tokens / 2 {
                self.ranker.prepare(&turn.history, &context.clock);
            }
            return Ok((plan, None));
        }
        match self.ranker.similarities(&turn.history, &context.clock).await {
            Ok(similarities) => Ok((self.planner.plan(&asked, None, &similarities)?, None)),
            Err(error) => {
                self.warn(&Trouble::Embedding(error)).await;
                Ok((plan, None))
            }
        }
    }

    /// Has a summary made, if it is time for one.
    fn summarise_more(&mut self, context: &Context) {
        let Some(turn) = self.summariser.is_free(context.clock.now()) else { return };
        let summary = self.summariser.summary(turn.history.len());
        if let Some(part) = self.planner.to_summarise(&asked(&turn), summary.as_ref()) {
            self.summariser.start(&turn, part, summary.as_ref(), &context.clock);
        }
    }

    async fn failed(&self, turn: &TurnContext, error: &ContextError) -> Outcome {
        let (response, stage) = (Some(turn.response), StageName::Context);
        let error = error.to_string();
        let reason = error.as_str().into();
        self.facts
            .tell(Fact::Failed { turn: turn.turn, response, stage, error: error.into() })
            .await;
        Outcome::Failed { reason }
    }

    /// The conversation goes on without it.
    async fn warn(&self, trouble: &Trouble) {
        let message = trouble.to_string();
        tracing::warn!("{message}");
        let kind = EventKind::Warning { message };
        self.facts.tell(Fact::Event { turn: None, response: None, kind }).await;
    }
}

/// What failed in the background.
#[derive(Debug)]
enum Trouble {
    Summary(ProviderError),
    Embedding(ProviderError),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Summary(error) => write!(
                f,
                "the conversation could not be summarised: {error}; until it can, its oldest part \
                 is left out"
            ),
            Self::Embedding(error) => write!(
                f,
                "messages could not be compared: {error}; the newest ones are sent instead"
            ),
        }
    }
}

fn asked(turn: &TurnContext) -> Asked<'_> {
    Asked { system: &turn.system, tools: &turn.tools, messages: &turn.history }
}

/// The same response with what the plan leaves of it.
fn shortened(turn: &Arc<TurnContext>, plan: &Plan, summary: Option<&Summary>) -> Arc<TurnContext> {
    let history = plan.messages(&turn.history);
    let summary = summary.filter(|_| plan.summarised > 0);
    if summary.is_none() && history.len() == turn.history.len() {
        return Arc::clone(turn);
    }
    let system = summary
        .map_or_else(|| Arc::clone(&turn.system), |summary| summary.beside(&turn.system).into());
    Arc::new(TurnContext { system, history, ..(**turn).clone() })
}

impl Stage for ContextStage {
    fn name(&self) -> &'static str {
        "context"
    }

    fn kind(&self) -> StageKind {
        StageKind::Transform
    }

    fn accepts(&self) -> Kinds {
        Kinds::BEGIN
    }

    fn emits(&self) -> Kinds {
        Kinds::BEGIN | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.serve(io))
    }
}

/// Half of what a person notices as a pause.
const EMBEDDING_LIMIT: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
