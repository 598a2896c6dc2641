//! Hooks: what a program puts around the steps of a conversation.
//!
//! ```text
//! before_provider ─▶ request ─▶ model ─▶ after_provider
//! before_tool     ─▶ call    ─▶ tool  ─▶ after_tool
//! session         ◀─ it begins, a turn is over, it ends
//! ```
//!
//! A hook may look at what passes, change it, or say no. All that it does not care for passes as
//! it is.

mod list;

pub use list::{Denied, Hooks};

use std::fmt::Debug;
use std::future::{Future, ready};
use std::pin::Pin;

use crate::ids::TurnId;
use crate::providers::{ProviderRequest, RawExchange};
use crate::types::{Message, ToolCall, ToolResult, Usage};

/// What a program puts around the steps of a conversation.
///
/// A step waits for its hooks, one after the other in the order of their registration, each for at
/// most [`Hooks::LIMIT`]: an answer is as late as they are.
pub trait Hook: Debug + Send + Sync {
    /// Names it in errors and events.
    fn name(&self) -> &str;

    /// Before a request is sent to the model. An answer may take several: one for each round of
    /// tool calls.
    fn before_provider<'a>(&'a self, request: &'a mut ProviderRequest) -> HookFuture<'a, Verdict> {
        let _as_it_is = request;
        Box::pin(ready(Verdict::Allow))
    }

    /// After the model has answered a request, or called tools. The words are on their way already.
    fn after_provider<'a>(&'a self, answer: ModelAnswer<'a>) -> HookFuture<'a, ()> {
        let _as_it_is = answer;
        Box::pin(ready(()))
    }

    /// Before a tool is run.
    fn before_tool<'a>(&'a self, call: &'a mut ToolCall) -> HookFuture<'a, Verdict> {
        let _as_it_is = call;
        Box::pin(ready(Verdict::Allow))
    }

    /// After a tool has run, before the model gets its result.
    fn after_tool<'a>(
        &'a self,
        call: &'a ToolCall,
        result: &'a mut ToolResult,
    ) -> HookFuture<'a, ()> {
        let _as_it_is = (call, result);
        Box::pin(ready(()))
    }

    /// A step of the conversation as a whole.
    fn session<'a>(&'a self, step: SessionStep<'a>) -> HookFuture<'a, ()> {
        let _ignored = step;
        Box::pin(ready(()))
    }
}

/// What a model has answered to a request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ModelAnswer<'a> {
    /// What it says, and which tools it calls.
    pub said: &'a Message,
    /// The tokens that it took, if the provider tells.
    pub usage: Option<Usage>,
    /// What went over the wire, from a provider that is to say so
    /// ([`ProviderSpec::raw`](crate::providers::ProviderSpec::raw)).
    pub raw: Option<&'a RawExchange>,
}

/// What a hook does.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a step is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allow,
    /// It is not. A tool's model is told why; a denied request fails its answer.
    Deny {
        /// Why.
        reason: String,
    },
}

/// A step of the conversation as a whole.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SessionStep<'a> {
    /// It begins, or goes on from where it was left.
    Started,
    /// A turn is over.
    TurnEnded {
        /// Which.
        turn: TurnId,
        /// What was said in it, as it was heard.
        messages: &'a [Message],
    },
    /// It ends.
    Ended,
}
