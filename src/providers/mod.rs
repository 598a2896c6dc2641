//! Language models: a conversation in, an answer out as it is written.

mod capabilities;
pub mod embeddings;
pub mod mock;
mod openai;
mod price;
pub mod scripted;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;

use crate::audio::AudioChunk;
use crate::error::Recovery;
use crate::net::NetError;
use crate::types::{
    FinishReason, Media, Message, Parameters, ToolCall, ToolChoice, ToolDescriptor, Usage,
};
use mock::{MockAnswer, MockProvider};
use scripted::{ScriptError, Scripted};

pub use capabilities::{Capabilities, JsonAnswers};
pub use openai::OpenAi;
pub use price::{Price, PriceError, Prices};

/// The provider called `name`: `scripted`, `scripted:FILE.toml` with rules of your own, or `mock`,
/// which says what it was asked.
///
/// # Errors
///
/// When there is no such provider, or its file cannot be used.
pub fn by_name(name: &str) -> Result<Arc<dyn Provider>, ProviderNameError> {
    Ok(match name.split_once(':') {
        None if name == "scripted" => Arc::new(Scripted::default()),
        None if name == "mock" => Arc::new(MockProvider::answering(echo)),
        Some(("scripted", file)) => Arc::new(Scripted::from_file(Path::new(file))?),
        _ => return Err(ProviderNameError::Unknown { name: name.to_owned() }),
    })
}

/// Why a provider cannot be had by its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderNameError {
    /// There is no such provider.
    #[error("no provider is named `{name}`; there are: scripted, scripted:FILE.toml, mock")]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// Its rules are wrong.
    #[error(transparent)]
    Script(#[from] ScriptError),
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

    /// Begins to answer. Dropping the stream ends the answer at once.
    /// Must be called within a Tokio runtime.
    fn stream(&self, request: ProviderRequest) -> ProviderStream;

    /// The user begins to speak: gets ready, without waiting, for the request that will follow.
    /// Does nothing by default. Must be called within a Tokio runtime.
    fn warm(&self) {}
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
    /// The answer is complete.
    Finished {
        /// Why it ended.
        reason: FinishReason,
        /// What it cost, if the provider says.
        usage: Option<Usage>,
    },
}

/// A failure of a language model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// It has too much to do.
    #[error("{provider} has too many requests")]
    RateLimited {
        /// Which provider.
        provider: String,
        /// When to come back, if it said.
        retry_after: Option<Duration>,
    },
    /// It refused the request.
    #[error("{provider} refused the request: {reason}")]
    InvalidRequest {
        /// Which provider.
        provider: String,
        /// Why.
        reason: String,
    },
    /// It does not know the caller.
    #[error("{provider} does not accept the key: {reason}; check the key and its account")]
    Unauthorized {
        /// Which provider.
        provider: String,
        /// What it said.
        reason: String,
    },
    /// The account of the key has nothing left. Waiting does not help.
    #[error("{provider} refuses: {reason}; top up the account of the key")]
    OutOfCredit {
        /// Which provider.
        provider: String,
        /// What it said.
        reason: String,
    },
    /// There is no such model, or no service at the address.
    #[error("{provider} is not there: {reason}; check the model's name and the address")]
    NotFound {
        /// Which provider.
        provider: String,
        /// What it said.
        reason: String,
    },
    /// It gave nothing in time.
    #[error("{provider} gave nothing for {limit:?}")]
    TimedOut {
        /// Which provider.
        provider: String,
        /// How long was waited.
        limit: Duration,
    },
    /// It failed, before or in the middle of its answer.
    #[error("{provider} failed: {reason}")]
    Failed {
        /// Which provider.
        provider: String,
        /// What happened.
        reason: String,
    },
}

impl ProviderError {
    /// What a failure on the way to `provider` means.
    pub(crate) fn of_net(provider: &str, error: NetError) -> Self {
        let provider = provider.to_owned();
        match error {
            NetError::TimedOut { limit, .. } => Self::TimedOut { provider, limit },
            NetError::OutOfCredit { message: reason, .. } => Self::OutOfCredit { provider, reason },
            NetError::Refused { status, message: reason, retry_after, .. } => {
                match status.as_u16() {
                    401..=403 => Self::Unauthorized { provider, reason },
                    404 => Self::NotFound { provider, reason },
                    429 => Self::RateLimited { provider, retry_after },
                    503 if retry_after.is_some() => Self::RateLimited { provider, retry_after },
                    400 | 413 | 415 | 422 => Self::InvalidRequest { provider, reason },
                    _ => Self::Failed { provider, reason: format!("{status}: {reason}") },
                }
            }
            other => Self::Failed { provider, reason: other.to_string() },
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::RateLimited { retry_after, .. } => {
                Recovery::RetryAfter(retry_after.unwrap_or(DEFAULT_RETRY))
            }
            Self::InvalidRequest { .. } => Recovery::Abort,
            Self::Unauthorized { .. } | Self::OutOfCredit { .. } | Self::NotFound { .. } => {
                Recovery::AskUser
            }
            // Whoever has waited that long does not wait once more.
            Self::TimedOut { .. } => Recovery::FallBack,
            Self::Failed { .. } => Recovery::RetryAfter(DEFAULT_RETRY),
        }
    }
}

fn echo(request: &ProviderRequest) -> MockAnswer {
    let asked = request.messages.last().map_or("", |message| message.text.as_str());
    MockAnswer::text(format!("You said: {asked}"))
}

/// How long to wait before a retry when the provider names no time: short, because somebody
/// listens to silence meanwhile.
const DEFAULT_RETRY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_found_by_name() {
        assert_eq!(by_name("scripted").unwrap().name(), "scripted");
        assert_eq!(by_name("mock").unwrap().name(), "mock");

        let unknown = by_name("gpt").unwrap_err().to_string();
        assert!(unknown.contains("scripted, scripted:FILE.toml, mock"), "{unknown}");
        let missing = by_name("scripted:no/such.toml").unwrap_err().to_string();
        assert!(missing.contains("no/such.toml"), "{missing}");
    }
}
