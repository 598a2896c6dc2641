//! The model of a duplex session, as the model's stage asks it.

use std::fmt;
use std::sync::Arc;

use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use crate::duplex::DuplexProvider;
use crate::providers::{
    Capabilities, Provider, ProviderError, ProviderEvent, ProviderRequest, ProviderStream,
};
use crate::types::{Role, ToolResult};

/// The model of a duplex session: a [`Provider`] whose answers are those of the session. It is asked
/// what any model is asked, and gives sound beside text.
#[derive(Clone)]
pub struct DuplexModel {
    provider: Arc<dyn DuplexProvider>,
    asks: mpsc::Sender<Ask>,
}

/// A request to the session's stage.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) request: ProviderRequest,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// An answer as it comes. Dropping it cancels the answer.
pub(super) type Answer = mpsc::Receiver<Result<ProviderEvent, ProviderError>>;

impl DuplexModel {
    pub(super) fn new(provider: Arc<dyn DuplexProvider>, asks: mpsc::Sender<Ask>) -> Self {
        Self { provider, asks }
    }
}

impl fmt::Debug for DuplexModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DuplexModel").field(&self.provider).finish()
    }
}

impl Provider for DuplexModel {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { tools: true, ..Capabilities::TEXT }
    }

    fn is_metered(&self) -> bool {
        self.provider.is_metered()
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        let (answer, answered) = oneshot::channel();
        let (asks, provider) = (self.asks.clone(), self.name().to_owned());
        let begin = async move {
            let ask = Ask { request, answer };
            let asked = asks.send(ask).await.is_ok();
            match answered.await {
                Ok(answer) if asked => Ok(answer),
                _ => Err(ProviderError::failed(provider, OVER)),
            }
        };
        Box::pin(stream::unfold(State::Asks(Box::pin(begin)), next))
    }
}

/// What tools that outlived their answers have found: the other side waits for it no longer, and is
/// told in words.
pub(super) fn late_results(request: &ProviderRequest) -> Vec<Arc<str>> {
    let messages = request.messages.iter().rev();
    let last = messages.take_while(|message| message.role == Role::Tool);
    let mut texts: Vec<Arc<str>> = last
        .filter_map(|message| message.tool_result.as_ref())
        .map(|ToolResult { name, content, .. }| {
            format!("The tool `{name}`, which you called before, has now given: {content}").into()
        })
        .collect();
    texts.reverse();
    texts
}

type Begin = std::pin::Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send>>;

enum State {
    Asks(Begin),
    Answers(Answer),
    Over,
}

async fn next(state: State) -> Option<(Result<ProviderEvent, ProviderError>, State)> {
    let mut answer = match state {
        State::Asks(begin) => match begin.await {
            Ok(answer) => answer,
            Err(error) => return Some((Err(error), State::Over)),
        },
        State::Answers(answer) => answer,
        State::Over => return None,
    };
    let event = answer.recv().await?;
    Some((event, State::Answers(answer)))
}

const OVER: &str = "its session is over";
