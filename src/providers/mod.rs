//! Language models: a conversation in, an answer out as it is written.

mod anthropic;
mod asides;
mod capabilities;
mod draft;
pub mod embeddings;
mod error;
pub mod exchanges;
mod gemini;
mod kind;
pub mod metrics;
pub mod mock;
mod openai;
mod price;
mod price_list;
mod raw;
mod registry;
pub mod replay;
pub mod retry;
pub mod scripted;
mod service;
mod shown;
mod spec;
mod told;
mod turns;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;

use crate::audio::AudioChunk;
use crate::types::{
    FinishReason, Media, Message, Parameters, ToolCall, ToolChoice, ToolDescriptor, Usage,
};
use mock::{MockAnswer, MockProvider};
use replay::{Replay, ReplayError};
use retry::Retries;
use scripted::{ScriptError, Scripted};

pub use anthropic::{Anthropic, Effort, Thinking};
pub use capabilities::{Capabilities, JsonAnswers};
pub use error::{ProviderError, ProviderErrorKind, RetryAdvice};
pub use gemini::{Gemini, GeminiThinking, Safety, ThinkingLevel};
pub use kind::ProviderKind;
pub use openai::{OpenAi, OpenAiResponses, Reasoning};
pub use price::{Price, PriceError, Prices};
pub use price_list::ListedPrices;
pub use raw::RawExchange;
pub(crate) use registry::is_id;
pub use registry::{Blueprint, Registry, RegistryError};
pub use spec::{Credential, ProviderSpec};

/// The provider called `name`: `scripted`, `scripted:FILE.toml` with rules of your own,
/// `replay:FILE` with recorded exchanges, or `mock`, which says what it was asked.
///
/// # Errors
///
/// When there is no such provider, or its file cannot be used.
pub fn by_name(name: &str) -> Result<Arc<dyn Provider>, ProviderNameError> {
    Ok(match name.split_once(':') {
        None if name == "scripted" => Arc::new(Scripted::default()),
        None if name == "mock" => Arc::new(MockProvider::answering(echo)),
        Some(("scripted", file)) => Arc::new(Scripted::from_file(Path::new(file))?),
        Some(("replay", file)) => Arc::new(Replay::from_file(Path::new(file))?),
        _ => return Err(ProviderNameError::Unknown { name: name.to_owned() }),
    })
}

/// Why a provider cannot be had by its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderNameError {
    /// There is no such provider.
    #[error(
        "no provider is named `{name}`; there are: scripted, scripted:FILE.toml, replay:FILE, mock"
    )]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// Its rules are wrong.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Its exchanges cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// A language model, shared by many sessions.
pub trait Provider: Debug + Send + Sync {
    /// Names the provider in events and on the command line.
    fn name(&self) -> &str;

    /// What it can be asked for: text alone by default.
    fn capabilities(&self) -> Capabilities {
        Capabilities::TEXT
    }

    /// Whether its use is paid for: then no answer is begun that may be in vain, unless that is
    /// wished for. By default it is not.
    fn is_metered(&self) -> bool {
        false
    }

    /// What its tokens cost, in US dollars, where a program does not say so; `None`, by default, if
    /// nobody knows.
    fn prices(&self) -> Option<Prices> {
        None
    }

    /// What bounds how often a request is tried again, for all who ask it. `None`, by default, if
    /// it leaves that to them.
    fn retries(&self) -> Option<&Retries> {
        None
    }

    /// Begins to answer, once: [`Retries::stream`] asks again. Dropping the stream ends the answer at once.
    /// Must be called within a Tokio runtime.
    fn stream(&self, request: ProviderRequest) -> ProviderStream;

    /// The user begins to speak: gets ready, without waiting, for the request that will follow.
    /// Does nothing by default. Must be called within a Tokio runtime.
    fn warm(&self) {}

    /// It is not needed any more: ends what it holds beside its answers. Does nothing by default.
    fn close(&self) {}
}

/// What a model is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderRequest {
    /// Instructions.
    pub system: String,
    /// The conversation so far; the last message is what to answer.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Arc<[ToolDescriptor]>,
    /// Whether it must, may or may not call one.
    pub tool_choice: ToolChoice,
    /// How it is to answer.
    pub parameters: Parameters,
    /// The session's metadata (session id, tenant, user …), with the turn's own on top.
    pub metadata: BTreeMap<String, String>,
}

/// An answer as it is written; ends after [`ProviderEvent::Finished`].
pub type ProviderStream = Pin<Box<dyn Stream<Item = Result<ProviderEvent, ProviderError>> + Send>>;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProviderEvent {
    /// More text. Never the text so far.
    TextDelta(String),
    /// More of its voice, from a model that speaks for itself. The text is what is said.
    Sound(AudioChunk),
    /// A picture, sound or document beside the text.
    Media(Media),
    /// A whole tool call.
    ToolCall(ToolCall),
    /// What went over the wire, right before the end, from a provider that is to say so
    /// ([`ProviderSpec::raw`]).
    Raw(Arc<RawExchange>),
    /// The answer is complete.
    Finished {
        /// Why it ended.
        reason: FinishReason,
        /// What it cost, if the provider says.
        usage: Option<Usage>,
    },
}

fn echo(request: &ProviderRequest) -> MockAnswer {
    let asked = request.messages.last().map_or("", |message| message.text.as_str());
    MockAnswer::text(format!("You said: {asked}"))
}

/// The program in the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/providers.md")]
struct Documentation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_found_by_name() {
        assert_eq!(by_name("scripted").unwrap().name(), "scripted");
        assert_eq!(by_name("mock").unwrap().name(), "mock");

        let unknown = by_name("gpt").unwrap_err().to_string();
        assert!(unknown.contains("scripted, scripted:FILE.toml, replay:FILE, mock"), "{unknown}");
        let missing = by_name("scripted:no/such.toml").unwrap_err().to_string();
        assert!(missing.contains("no/such.toml"), "{missing}");
    }
}
