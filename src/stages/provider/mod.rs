//! Has the model answer, and calls its tools.

use std::sync::Arc;

use futures_util::future::ready;
use futures_util::{StreamExt, stream};

use super::{Fact, Facts, Fault, Mark};
use crate::events::StageName;
use crate::ids::ResponseId;
use crate::pipeline::{
    Context, Element, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture, StageIo,
    StageKind, TurnContext,
};
use crate::providers::{Provider, ProviderError, ProviderEvent, ProviderRequest};
use crate::tools::{ToolContext, ToolRegistry, run};
use crate::types::{FinishReason, Media, Message, Role, ToolCall, ToolChoice, ToolResult};

/// The stage: for each [`Payload::Begin`] it asks the model, calls the tools that the model
/// wants, and asks again with their results. A script in place of a question is said as it is.
///
/// A model that fails before it has given any text is asked once more, if that makes sense. An
/// answer ends at 64 KiB of text, and one without any is a failure.
/// A cancelled response ends at once, and its tools with it. A tool with side effects waits
/// until its response is committed.
#[derive(Debug)]
pub struct ProviderStage {
    provider: Arc<dyn Provider>,
    tools: Arc<ToolRegistry>,
    missing_tools: MissingTools,
    facts: Facts,
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
        Self { provider, tools, missing_tools: MissingTools::default(), facts }
    }

    /// The same, in which this becomes of calls of tools that are not there.
    #[must_use]
    pub fn with_missing_tools(mut self, missing_tools: MissingTools) -> Self {
        self.missing_tools = missing_tools;
        self
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
            let outcome = tokio::select! {
                biased;
                () = context.floor.cancelled(response) => Outcome::Discarded,
                answered = self.answer(&turn, &origin, &outlet, &context) => match answered {
                    Ok(outcome) => outcome,
                    Err(error) => self.failed(&turn, error).await,
                },
            };
            let at = context.clock.now();
            let end = Element { at, ..origin.with(Payload::TurnEnd(outcome)) };
            let _ended = outlet.send(end).await;
        }
        Ok(())
    }

    /// Asks until there is an answer without tool calls.
    async fn answer(
        &self,
        turn: &TurnContext,
        origin: &Element,
        outlet: &Outlet,
        context: &Context,
    ) -> Result<Outcome, ProviderError> {
        if let Some(script) = &turn.script {
            self.give(turn, (**script).into(), true, origin, outlet, context).await;
            return Ok(Outcome::Completed);
        }
        let mut messages = turn.history.to_vec();
        let (mut spoke, mut retried) = (false, false);
        let (mut round, mut called) = (0, 0u32);
        while round < turn.tool_policy.max_rounds {
            let mut said = Message::assistant("");
            let mut asked = self.ask(turn, &messages, &mut said, origin, outlet, context).await;
            spoke |= !said.text.is_empty() || !said.media.is_empty();
            if asked.is_ok() && said.tool_calls.is_empty() && !spoke {
                asked = Err(self.fault("it said nothing"));
            }
            if let Err(error) = asked {
                let pause = error.recovery().retry_soon();
                let Some(pause) =
                    pause.filter(|_| said.text.is_empty() && said.media.is_empty() && !retried)
                else {
                    return Err(error);
                };
                retried = true;
                self.retrying(turn, &error).await;
                context.clock.sleep(pause).await;
                continue;
            }
            if said.tool_calls.is_empty() {
                return Ok(Outcome::Completed);
            }
            let left = turn.tool_policy.max_calls.saturating_sub(called) as usize;
            called =
                called.saturating_add(u32::try_from(said.tool_calls.len()).unwrap_or(u32::MAX));
            let (calls, refused) = said.tool_calls.split_at(left.min(said.tool_calls.len()));
            let mut results = self.call(turn, calls, origin, outlet, context).await;
            if results.len() < calls.len() {
                return Ok(Outcome::AwaitingTools);
            }
            results.extend(refused.iter().map(too_many));
            messages.push(said);
            messages.extend(results.into_iter().map(Message::tool));
            round += 1;
        }
        let rounds = turn.tool_policy.max_rounds;
        Err(self.fault(&format!("it called tools {rounds} times without answering")))
    }

    /// One request; its answer goes into `said`.
    async fn ask(
        &self,
        turn: &TurnContext,
        messages: &[Message],
        said: &mut Message,
        origin: &Element,
        outlet: &Outlet,
        context: &Context,
    ) -> Result<(), ProviderError> {
        let mut tool_choice = turn.tool_policy.choice.clone();
        // Whoever must call a tool has: with its result it may answer.
        if tool_choice == ToolChoice::Required
            && messages.last().is_some_and(|message| message.role == Role::Tool)
        {
            tool_choice = ToolChoice::Auto;
        }
        let request = ProviderRequest {
            system: turn.system.to_string(),
            messages: messages.to_vec(),
            tools: turn.tools.to_vec(),
            tool_choice,
            parameters: (*turn.parameters).clone(),
            metadata: (*turn.metadata).clone(),
        };
        let mut stream = self.provider.stream(request);
        while let Some(event) = context.clock.during(stream.next()).await {
            match event? {
                ProviderEvent::TextDelta(text) if text.is_empty() => {}
                ProviderEvent::TextDelta(text) => {
                    let first = said.text.is_empty();
                    said.text.push_str(&text);
                    self.give(turn, text.into(), first, origin, outlet, context).await;
                    if said.text.len() > LONGEST_ANSWER {
                        return Ok(());
                    }
                }
                ProviderEvent::Media(media) => {
                    said.media.push(media.clone());
                    self.show(turn.response, media, origin, outlet).await;
                }
                ProviderEvent::ToolCall(call) => said.tool_calls.push(call),
                ProviderEvent::Finished { reason: FinishReason::ContentFilter, .. }
                    if said.text.is_empty() =>
                {
                    let provider = self.provider.name().to_owned();
                    let reason = "it withheld its answer".to_owned();
                    return Err(ProviderError::InvalidRequest { provider, reason });
                }
                ProviderEvent::Finished { usage, .. } => {
                    if let Some(usage) = usage {
                        self.facts.tell(Fact::Used { response: turn.response, usage }).await;
                    }
                    return Ok(());
                }
            }
        }
        Err(self.fault("its answer broke off"))
    }

    /// Sends text on.
    async fn give(
        &self,
        turn: &TurnContext,
        text: Box<str>,
        first: bool,
        origin: &Element,
        outlet: &Outlet,
        context: &Context,
    ) {
        let at = context.clock.now();
        if first {
            self.facts.mark(turn.response, Mark::FirstToken, at).await;
        }
        let delta = origin.with(Payload::TextDelta(text));
        let _ended = outlet.send(Element { at, ..delta }).await;
    }

    /// Sends what is shown beside the text on.
    async fn show(&self, response: ResponseId, media: Media, origin: &Element, outlet: &Outlet) {
        let media = Arc::new(media);
        self.facts.tell(Fact::Shown { response, media: Arc::clone(&media) }).await;
        let _ended = outlet.send(origin.with(Payload::Media(media))).await;
    }

    fn fault(&self, reason: &str) -> ProviderError {
        let provider = self.provider.name().to_owned();
        ProviderError::Failed { provider, reason: reason.to_owned() }
    }

    /// Calls tools side by side, eight at a time; the results are in the order of the calls. Calls
    /// that are awaited have none.
    async fn call(
        &self,
        turn: &TurnContext,
        calls: &[ToolCall],
        origin: &Element,
        outlet: &Outlet,
        context: &Context,
    ) -> Vec<ToolResult> {
        let mut running = Vec::with_capacity(calls.len());
        for call in calls {
            running.push(self.call_one(turn, call, origin, outlet, context));
        }
        stream::iter(running).buffered(TOOLS_AT_ONCE).filter_map(ready).collect().await
    }

    async fn call_one(
        &self,
        turn: &TurnContext,
        call: &ToolCall,
        origin: &Element,
        outlet: &Outlet,
        context: &Context,
    ) -> Option<ToolResult> {
        let response = turn.response;
        let call = Arc::new(call.clone());
        let _ended = outlet.send(origin.with(Payload::ToolCall(Arc::clone(&call)))).await;
        self.facts.tell(Fact::ToolCalled { response, call: Arc::clone(&call) }).await;
        let tool = self.tools.get(&call.name);
        let is_described = turn.tools.iter().any(|tool| tool.name == call.name);
        if tool.is_none() && is_described && self.missing_tools == MissingTools::Awaited {
            return None;
        }
        if tool.is_some_and(|tool| tool.has_side_effects()) {
            context.floor.settled(response).await;
        }
        let began = context.clock.now();
        let (metadata, clock) = (Arc::clone(&turn.metadata), context.clock.clone());
        let of_call = ToolContext::new(&*call.id, turn.turn, response, metadata, clock);
        let result = Arc::new(run(&self.tools, &call, of_call).await);
        let took = context.clock.now().since(began);
        let _ended = outlet.send(origin.with(Payload::ToolResult(Arc::clone(&result)))).await;
        let told = Arc::clone(&result);
        self.facts.tell(Fact::ToolFinished { response, result: told, took }).await;
        Some(Arc::unwrap_or_clone(result))
    }

    async fn retrying(&self, turn: &TurnContext, error: &ProviderError) {
        let (stage, error) = (StageName::Provider, error.to_string());
        let TurnContext { turn, response, .. } = *turn;
        self.facts.tell(Fact::Retrying { turn, response, stage, error }).await;
    }

    async fn failed(&self, turn: &TurnContext, error: ProviderError) -> Outcome {
        let (response, stage) = (Some(turn.response), StageName::Provider);
        let reason = error.to_string().into();
        let error = Fault::Provider(Arc::new(error));
        self.facts.tell(Fact::Failed { turn: turn.turn, response, stage, error }).await;
        Outcome::Failed { reason }
    }
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
            | Kinds::MEDIA
            | Kinds::TOOL_CALL
            | Kinds::TOOL_RESULT
            | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.serve(io))
    }
}

fn too_many(call: &ToolCall) -> ToolResult {
    let content = "not called: this answer has had all the calls that it may have".to_owned();
    ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error: true }
}

/// More would rather be a runaway model than a wish of the user.
const TOOLS_AT_ONCE: usize = 8;

/// An hour of speech: a model that writes on has lost its way.
const LONGEST_ANSWER: usize = 64 << 10;

#[cfg(test)]
mod tests;
