//! Tools that outlive the answers that called them.

use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::ids::{ResponseId, TurnId};
use crate::time::SessionClock;
use crate::types::{ToolCall, ToolResult};

/// Takes results that come after their answers.
pub trait LateResults: Debug + Send + Sync {
    /// A tool has given a result that no answer waits for any more, or was cancelled with the
    /// session.
    fn late(&self, late: LateResult);
}

/// A result that no answer waits for any more.
#[derive(Clone, Debug)]
pub struct LateResult {
    /// The turn that was answered.
    pub turn: TurnId,
    /// The response that called.
    pub response: ResponseId,
    /// The call.
    pub call: Arc<ToolCall>,
    /// What came of it; nothing if it was cancelled with the session.
    pub result: Option<ToolResult>,
}

/// The tools that outlive the answers that called them. They end with the stage.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    results: Option<Arc<dyn LateResults>>,
    running: Mutex<JoinSet<()>>,
}

impl Lasting {
    pub(super) fn for_results(results: Arc<dyn LateResults>) -> Self {
        Self { results: Some(results), running: Mutex::default() }
    }

    /// Has a tool go on by itself. Its result comes to who waits or, once nobody does, to whoever
    /// takes late results. `None` when nobody takes these, or too many tools run already.
    pub(super) fn start(
        &self,
        clock: &SessionClock,
        late: LateResult,
        running: impl Future<Output = ToolResult> + Send + 'static,
    ) -> Option<Waiting> {
        let results = self.results.as_ref()?;
        let mut tools = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while tools.try_join_next().is_some() {}
        if tools.len() >= MOST {
            return None;
        }
        let (in_time, receiver) = oneshot::channel();
        let waiting = Waiting { results: Arc::clone(results), late: late.clone(), receiver };
        let results = Arc::clone(results);
        let mut delivery = Delivery { results, late: Some(late), in_time: Some(in_time) };
        tools.spawn(clock.track(async move {
            let result = running.await;
            delivery.deliver(Some(result));
        }));
        Some(waiting)
    }
}

/// An answer waits for a tool that will go on without it.
pub(super) struct Waiting {
    results: Arc<dyn LateResults>,
    late: LateResult,
    receiver: oneshot::Receiver<ToolResult>,
}

impl Waiting {
    /// The result, if it comes while there is `patience`.
    pub(super) async fn result(
        mut self,
        clock: &SessionClock,
        patience: Duration,
    ) -> Option<ToolResult> {
        let result = clock.timeout(patience, &mut self.receiver).await;
        result.and_then(Result::ok)
    }
}

impl Drop for Waiting {
    /// What comes at the very moment in which nobody waits any more is late, not lost.
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(result) = self.receiver.try_recv() {
            self.results.late(LateResult { result: Some(result), ..self.late.clone() });
        }
    }
}

/// Sees to it that whoever waits for a result learns of it, or that there is none.
struct Delivery {
    results: Arc<dyn LateResults>,
    late: Option<LateResult>,
    in_time: Option<oneshot::Sender<ToolResult>>,
}

impl Delivery {
    fn deliver(&mut self, mut result: Option<ToolResult>) {
        let (Some(late), Some(in_time)) = (self.late.take(), self.in_time.take()) else { return };
        if let Some(given) = result.take() {
            match in_time.send(given) {
                Ok(()) => return,
                Err(given) => result = Some(given),
            }
        } else if !in_time.is_closed() {
            return; // the answer waits still, and ends with the session itself
        }
        self.results.late(LateResult { result, ..late });
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.deliver(None);
    }
}

/// More would rather be a model gone wild.
const MOST: usize = 16;
