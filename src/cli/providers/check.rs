//! One short question to a model.

use std::time::Duration;

use futures_util::StreamExt;

use crate::providers::{
    Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest,
};
use crate::time::SessionClock;
use crate::types::{Message, Usage};

/// How a model has answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answered {
    /// From the request to its first text.
    pub(super) first: Duration,
    /// From the request to its end.
    pub(super) whole: Duration,
    pub(super) usage: Option<Usage>,
}

/// Asks once: whoever is only just down is down. Its own limits bound each wait.
///
/// There is no limit of tokens: models that think would spend it before they say anything.
pub(super) async fn check(provider: &dyn Provider) -> Result<Answered, ProviderError> {
    let clock = SessionClock::live();
    let request = ProviderRequest {
        messages: vec![Message::user("Answer with the one word: yes.")],
        ..ProviderRequest::default()
    };
    let began = clock.now();
    let answered = async {
        let (mut first, mut usage) = (None, None);
        let mut answer = provider.stream(request);
        while let Some(event) = answer.next().await {
            match event? {
                ProviderEvent::TextDelta(text) if !text.trim().is_empty() => {
                    first.get_or_insert_with(|| clock.now());
                }
                ProviderEvent::Finished { usage: told, .. } => usage = told,
                _ => {}
            }
        }
        let first = first.ok_or_else(|| ProviderError::failed(provider.name(), "it said nothing"));
        let (first, whole) = (first?.since(began), clock.now().since(began));
        Ok(Answered { first, whole, usage })
    };
    let late = |_| {
        let reason = format!("its answer has no end within {LONGEST:?}");
        Err(ProviderError::new(provider.name(), ProviderErrorKind::TimedOut, reason))
    };
    tokio::time::timeout(LONGEST, answered).await.unwrap_or_else(late)
}

/// For a whole answer: a model that thinks long, on a slow machine.
const LONGEST: Duration = Duration::from_secs(60);
