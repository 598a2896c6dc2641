//! How similar messages are to the question.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use crate::context::{Budget, Query, Strategy, cosine};
use crate::providers::ProviderError;
use crate::providers::embeddings::{Embedder, Vectors};
use crate::time::SessionClock;
use crate::types::{Message, Role};

/// Has each text made a vector once, and compares them.
#[derive(Debug)]
pub(super) struct Ranker {
    query: Query,
    embedder: Arc<dyn Embedder>,
    limit: Duration,
    vectors: Vectors,
    /// The texts that are at the embedder, if there are some.
    making: JoinSet<Made>,
}

/// Texts and their vectors.
type Made = Result<Vec<(String, Vec<f32>)>, ProviderError>;

impl Ranker {
    pub(super) fn new(budget: &Budget, embedder: Arc<dyn Embedder>, limit: Duration) -> Self {
        let query = match &budget.strategy {
            Strategy::Relevance(how) => how.query.clone(),
            _ => Query::default(),
        };
        Self { query, embedder, limit, vectors: Vectors::new(MOST_VECTORS), making: JoinSet::new() }
    }

    /// Has vectors made that will be needed.
    pub(super) fn prepare(&mut self, messages: &[Message], clock: &SessionClock) {
        let missing = self.missing(messages, &self.query(messages));
        if self.making.is_empty() && !missing.is_empty() {
            self.start(missing, clock);
        }
    }

    /// How similar each message is to the question; `None` for those that say nothing, and for all
    /// but the last thousand.
    ///
    /// # Errors
    ///
    /// When the embedder fails or takes too long. It goes on in the background then.
    pub(super) async fn similarities(
        &mut self,
        messages: &[Message],
        clock: &SessionClock,
    ) -> Result<Vec<Option<f32>>, ProviderError> {
        let query = self.query(messages);
        let until = clock.now() + self.limit;
        loop {
            let missing = self.missing(messages, &query);
            if missing.is_empty() {
                break;
            }
            if self.making.is_empty() {
                self.start(missing, clock);
            }
            tokio::select! {
                biased;
                made = self.made() => self.keep(made)?,
                () = clock.sleep_until(until) => {
                    let provider = self.embedder.name().to_owned();
                    return Err(ProviderError::late(provider, self.limit));
                }
            }
        }
        let query = self.vectors.get(&query).unwrap_or_default();
        let similarity =
            |message: &Message| Some(cosine(query, self.vectors.get(words(message)?)?));
        let unknown = messages.len() - considered(messages).len();
        let unknown = std::iter::repeat_n(None, unknown);
        Ok(unknown.chain(considered(messages).iter().map(similarity)).collect())
    }

    /// The next vectors that are made; waits while none are.
    pub(super) async fn made(&mut self) -> Result<Made, JoinError> {
        match self.making.join_next().await {
            Some(made) => made,
            None => pending().await,
        }
    }

    /// Keeps vectors.
    ///
    /// # Errors
    ///
    /// When there are none.
    pub(super) fn keep(&mut self, made: Result<Made, JoinError>) -> Result<(), ProviderError> {
        let made = made.unwrap_or_else(|died| {
            let provider = self.embedder.name().to_owned();
            Err(ProviderError::failed(provider, died.to_string()))
        });
        for (text, vector) in made? {
            self.vectors.put(&text, vector);
        }
        Ok(())
    }

    /// What messages are compared with.
    fn query<'m>(&self, messages: &'m [Message]) -> Cow<'m, str> {
        match &self.query {
            Query::LastUser => {
                let of_user = |message: &&Message| message.role == Role::User;
                let last = messages.iter().rfind(of_user).or(messages.last());
                last.and_then(words).unwrap_or_default().into()
            }
            Query::LastN(count) => {
                let last = &messages[messages.len().saturating_sub(*count)..];
                let last: Vec<_> = last.iter().filter_map(words).collect();
                last.join("\n").into()
            }
            Query::Custom(text) => text.clone().into(),
        }
    }

    /// The texts without a vector, each once.
    fn missing(&self, messages: &[Message], query: &str) -> Vec<String> {
        let texts = considered(messages).iter().filter_map(words).chain(Some(query));
        let missing: BTreeSet<_> = texts.filter(|text| self.vectors.get(text).is_none()).collect();
        missing.into_iter().map(str::to_owned).collect()
    }

    fn start(&mut self, texts: Vec<String>, clock: &SessionClock) {
        let (embedder, clock) = (Arc::clone(&self.embedder), clock.clone());
        self.making.spawn(clock.clone().track(async move {
            let name = || embedder.name().to_owned();
            let asked = texts.clone();
            let vectors = clock.timeout(LIMIT, clock.during(embedder.embed(asked))).await;
            let late = || ProviderError::late(name(), LIMIT);
            let vectors = vectors.ok_or_else(late)??;
            if vectors.len() != texts.len() {
                let reason = format!("it gave {} vectors for {}", vectors.len(), texts.len());
                return Err(ProviderError::failed(name(), reason));
            }
            Ok(texts.into_iter().zip(vectors).collect())
        }));
    }
}

/// The messages that are compared.
fn considered(messages: &[Message]) -> &[Message] {
    &messages[messages.len().saturating_sub(CONSIDERED)..]
}

/// What a message says.
fn words(message: &Message) -> Option<&str> {
    let result = message.tool_result.as_ref().map(|result| result.content.as_str());
    Some(message.text.as_str()).into_iter().chain(result).find(|text| !text.trim().is_empty())
}

/// Of a conversation: an hour of talk, and more than would ever fit.
const CONSIDERED: usize = 1_000;
/// Those of the messages that are considered, and of questions that are no message.
const MOST_VECTORS: usize = 2 * CONSIDERED;
/// For all texts of one time.
const LIMIT: Duration = Duration::from_secs(30);
