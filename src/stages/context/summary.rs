//! Summaries, made in the background.

use std::future::pending;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinSet;

use crate::context::{Budget, MemorySummaries, Strategy, Summaries, Summarise, Summary};
use crate::pipeline::TurnContext;
use crate::providers::{Provider, ProviderError, ProviderEvent, ProviderRequest};
use crate::text::TokenCount;
use crate::time::{SessionClock, SessionTime};
use crate::types::{Message, Parameters};

/// Makes one summary at a time.
#[derive(Debug)]
pub(super) struct Summariser {
    /// `None` if there are to be none.
    how: Option<Summarise>,
    longest: u32,
    provider: Arc<dyn Provider>,
    count: Arc<dyn TokenCount>,
    summaries: Arc<dyn Summaries>,
    /// The one that is being made, if there is one.
    making: JoinSet<Result<Summary, ProviderError>>,
    /// The last response that was begun.
    last: Option<Arc<TurnContext>>,
    /// After a failure, when the next try may be.
    not_before: SessionTime,
}

impl Summariser {
    pub(super) fn new(
        budget: &Budget,
        provider: Arc<dyn Provider>,
        count: Arc<dyn TokenCount>,
        summaries: Option<Arc<dyn Summaries>>,
    ) -> Self {
        let how = match &budget.strategy {
            Strategy::Summarise(how) => Some(how.clone()),
            _ => None,
        };
        Self {
            how,
            longest: budget.longest_summary(),
            provider,
            count,
            summaries: summaries.unwrap_or_else(|| Arc::new(MemorySummaries::default())),
            making: JoinSet::new(),
            last: None,
            not_before: SessionTime::ZERO,
        }
    }

    /// The summary, if it holds of a conversation of so many messages. Else the conversation was
    /// cleared, and the summary is of none.
    pub(super) fn summary(&self, messages: usize) -> Option<Summary> {
        self.how.as_ref()?;
        let summary = self.summaries.get()?;
        if summary.holds(messages) {
            return Some(summary);
        }
        if summary.messages > 0 {
            self.summaries.put(Summary::default());
        }
        None
    }

    /// A response was begun. If its conversation has not grown, it is another one, of which no
    /// summary is being made.
    pub(super) fn of(&mut self, turn: &Arc<TurnContext>) {
        if self.how.is_none() {
            return;
        }
        let before = self.last.as_ref().map_or(0, |last| last.history.len());
        if turn.history.len() <= before {
            self.making = JoinSet::new();
        }
        self.last = Some(Arc::clone(turn));
    }

    /// The last response, if no summary is being made and one may be.
    pub(super) fn is_free(&self, now: SessionTime) -> Option<Arc<TurnContext>> {
        let free = self.making.is_empty() && now >= self.not_before;
        self.last.clone().filter(|_| free)
    }

    /// Has the `part` of the conversation that stands behind `before` summarised, beside it.
    pub(super) fn start(
        &mut self,
        turn: &TurnContext,
        part: Range<usize>,
        before: Option<&Summary>,
        clock: &SessionClock,
    ) {
        let Some(how) = &self.how else { return };
        let messages = part.end as u64;
        let asked = Summary::continued(before, &turn.history[part]);
        let request = ProviderRequest {
            system: how.instructions.clone(),
            messages: vec![Message::user(asked)],
            parameters: Parameters { max_tokens: Some(self.longest), ..Parameters::default() },
            metadata: (*turn.metadata).clone(),
            ..ProviderRequest::default()
        };
        let (provider, count) = (Arc::clone(&self.provider), Arc::clone(&self.count));
        let (longest, clock) = (self.longest, clock.clone());
        let making = clock.clone().track(async move {
            // The answer goes first, also at a server that does one thing at a time.
            clock.sleep(LULL).await;
            let late = || ProviderError::late(provider.name(), LIMIT);
            let text = clock.timeout(LIMIT, read(&*provider, request, longest, &clock));
            let text = text.await.ok_or_else(late)??;
            Ok(Summary { messages, text }.cut(longest, &*count))
        });
        self.making.spawn(making);
    }

    /// The next summary that is made; waits while none is.
    pub(super) async fn made(&mut self) -> Result<Summary, ProviderError> {
        match self.making.join_next().await {
            Some(Ok(made)) => made,
            Some(Err(died)) => {
                let provider = self.provider.name().to_owned();
                Err(ProviderError::failed(provider, died.to_string()))
            }
            None => pending().await,
        }
    }

    pub(super) fn keep(&mut self, summary: Summary) {
        self.summaries.put(summary);
    }

    pub(super) fn failed(&mut self, now: SessionTime) {
        self.not_before = now + PAUSE;
    }
}

/// All that the model says, or as much of it as could be of use.
async fn read(
    provider: &dyn Provider,
    request: ProviderRequest,
    longest: u32,
    clock: &SessionClock,
) -> Result<String, ProviderError> {
    let most = (longest as usize).saturating_mul(MOST_BYTES_OF_A_TOKEN);
    let retries = provider.retries().cloned().unwrap_or_default();
    let (mut text, mut retry) = (String::new(), 0);
    let mut stream = provider.stream(request.clone());
    while let Some(event) = clock.during(stream.next()).await {
        match event {
            Ok(ProviderEvent::TextDelta(more)) => text.push_str(&more),
            Ok(ProviderEvent::Finished { .. }) => {
                retries.answered();
                break;
            }
            Ok(_) => {}
            Err(error) => {
                let pause = retries.pause(retry, &error).filter(|_| text.is_empty());
                clock.sleep(pause.ok_or(error)?).await;
                retry += 1;
                stream = provider.stream(request.clone());
            }
        }
        if text.len() > most {
            break;
        }
    }
    if text.trim().is_empty() {
        return Err(ProviderError::failed(provider.name(), "it said nothing"));
    }
    Ok(text)
}

/// By then the answer has begun at its service.
const LULL: Duration = Duration::from_secs(1);
/// For a whole summary.
const LIMIT: Duration = Duration::from_secs(60);
/// After a failure. It is tried again with the first response after that.
const PAUSE: Duration = Duration::from_secs(30);
const MOST_BYTES_OF_A_TOKEN: usize = 16;
