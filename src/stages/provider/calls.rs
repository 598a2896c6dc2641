//! Calls the tools that a model wants, while what was said before is spoken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::answer::Asking;
use super::{LateResult, Voice};
use crate::pipeline::Payload;
use crate::stages::Fact;
use crate::tools::{Lifetime, Tool, ToolContext, run};
use crate::types::{Approval, PendingCall, ToolCall, ToolResult, WaitsFor};

/// A call that the model wishes, and why it is refused, if it is.
pub(super) struct Wish {
    pub(super) call: ToolCall,
    pub(super) refusal: Option<String>,
}

/// What became of a call.
enum Called {
    /// The model gets this.
    Finished(ToolResult),
    /// The answer ends without its result.
    Pending(WaitsFor),
}

impl Asking<'_> {
    /// Calls tools side by side, eight at a time; the results are in the order of the calls.
    /// `None` when the answer must end without some of them.
    pub(super) async fn call(&self, calls: Vec<Wish>) -> Option<Vec<ToolResult>> {
        let (filler, began) = (self.filler_for(&calls), self.context.clock.now());
        let mut running = Vec::with_capacity(calls.len());
        for call in calls {
            running.push(self.call_one(call));
        }
        let mut all = pin!(stream::iter(running).buffered(TOOLS_AT_ONCE).collect::<Vec<_>>());
        let called = match filler {
            None => all.await,
            Some(filler) => tokio::select! {
                biased;
                called = &mut all => called,
                () = self.is_late(began, &filler) => {
                    self.fill(&filler).await;
                    all.await
                }
            },
        };
        let mut results = Vec::with_capacity(called.len());
        let mut pending = false;
        for called in called {
            match called {
                Called::Finished(result) => results.push(result),
                Called::Pending(waits_for) => {
                    pending = true;
                    self.tell_of(&waits_for).await;
                }
            }
        }
        (!pending).then_some(results)
    }

    /// The user hears that somebody must allow it.
    async fn tell_of(&self, waits_for: &WaitsFor) {
        if let WaitsFor::Approval(Approval { message, .. }) = waits_for
            && self.voice == Voice::Synthesizer
            && !message.is_empty()
        {
            self.give(message, true).await;
        }
    }

    async fn call_one(&self, wish: Wish) -> Called {
        let Wish { mut call, refusal } = wish;
        let mut refusal = refusal.map(|why| refused(&call, why));
        let clock = &self.context.clock;
        if refusal.is_none()
            && let Err(denied) = self.stage.hooks.before_tool(clock, &mut call).await
        {
            refusal = Some(refused(&call, denied.to_string()));
        }
        let call = Arc::new(call);
        let tool = self.stage.tools.get(&call.name).filter(|_| self.offers(&call.name));
        self.tell_called(&call, tool.as_deref()).await;
        let began = clock.now();
        let result = match (refusal, tool) {
            (Some(refusal), _) => refusal,
            (None, None) if self.awaits(&call.name) => {
                return self.pending(&call, WaitsFor::Result).await;
            }
            (None, None) => refused(&call, format!("there is no tool named `{}`", call.name)),
            (None, Some(tool)) => match self.stage.tools.approval(&call) {
                Some(approval) => return self.pending(&call, WaitsFor::Approval(approval)).await,
                None => self.run(&call, &*tool).await,
            },
        };
        let took = clock.now().since(began);
        self.tell_finished(result, took).await
    }

    async fn run(&self, call: &Arc<ToolCall>, tool: &dyn Tool) -> ToolResult {
        let (response, clock) = (self.turn.response, &self.context.clock);
        if tool.has_side_effects() {
            self.context.floor.settled(response).await;
        }
        let metadata = Arc::clone(&self.turn.metadata);
        let context =
            ToolContext::new(&*call.id, self.turn.turn, response, metadata, clock.clone());
        let (tools, hooks) = (Arc::clone(&self.stage.tools), self.stage.hooks.clone());
        let (of_tool, of_hooks) = (Arc::clone(call), clock.clone());
        let running = async move {
            let mut result = run(&tools, &of_tool, context).await;
            hooks.after_tool(&of_hooks, &of_tool, &mut result).await;
            result
        };
        let Lifetime::Session { patience } = tool.lifetime() else { return running.await };
        let late =
            LateResult { turn: self.turn.turn, response, call: Arc::clone(call), result: None };
        let Some(waiting) = self.stage.lasting.start(clock, late, running) else {
            let reason = "not called: too many tools run already, or nobody would take its result \
                          when it comes; try again later";
            return refused(call, reason.to_owned());
        };
        match waiting.result(clock, patience).await {
            Some(result) => result,
            None => self.tell_pending(call, WaitsFor::Tool).await.placeholder(),
        }
    }

    /// Somebody else has the result. A model that speaks for itself is told so, and tells the user.
    async fn pending(&self, call: &ToolCall, waits_for: WaitsFor) -> Called {
        let pending = self.tell_pending(call, waits_for.clone()).await;
        match self.voice {
            Voice::Own => self.tell_finished(pending.placeholder(), Duration::ZERO).await,
            Voice::None | Voice::Synthesizer => Called::Pending(waits_for),
        }
    }

    async fn tell_called(&self, call: &Arc<ToolCall>, tool: Option<&dyn Tool>) {
        let (response, call) = (self.turn.response, Arc::clone(call));
        let until = self.context.clock.now() + tool.map_or(Duration::ZERO, Tool::time_limit);
        let lasting = tool.is_some_and(|tool| tool.lifetime() != Lifetime::Answer);
        let told = Fact::ToolCalled { response, call: Arc::clone(&call), until, lasting };
        self.stage.facts.tell(told).await;
        self.send(Payload::ToolCall(call)).await;
    }

    async fn tell_pending(&self, call: &ToolCall, waits_for: WaitsFor) -> Arc<PendingCall> {
        let (response, call) = (self.turn.response, call.clone());
        let pending = Arc::new(PendingCall { call, waits_for });
        let told = Fact::ToolPending { response, pending: Arc::clone(&pending) };
        self.stage.facts.tell(told).await;
        pending
    }

    async fn tell_finished(&self, result: ToolResult, took: Duration) -> Called {
        let (response, result) = (self.turn.response, Arc::new(result));
        let told = Fact::ToolFinished { response, result: Arc::clone(&result), took };
        self.stage.facts.tell(told).await;
        self.send(Payload::ToolResult(Arc::clone(&result))).await;
        Called::Finished(Arc::unwrap_or_clone(result))
    }
}

fn refused(call: &ToolCall, content: String) -> ToolResult {
    ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error: true }
}

/// More would rather be a runaway model than a wish of the user.
const TOOLS_AT_ONCE: usize = 8;
