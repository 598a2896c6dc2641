//! Stands between a server and the library that speaks with it: tells when the connection is at
//! its end, and keeps a server from making it remember ever more.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rmcp::RoleClient;
use rmcp::model::{JsonRpcMessage, ServerNotification};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;

/// A transport that is watched.
#[derive(Debug)]
pub(super) struct Guarded<T> {
    inner: T,
    pace: Pace,
    /// Cancelled when nothing comes any more.
    gone: CancellationToken,
    /// Requests of the server that are not answered yet. It may not read its answers.
    owed: Arc<AtomicUsize>,
}

impl<T> Guarded<T> {
    pub(super) fn new(inner: T, pace: Pace, gone: CancellationToken) -> Self {
        Self { inner, pace, gone, owed: Arc::default() }
    }

    /// Whether a message is passed on. A request beyond the limit is not: it has no answer.
    fn admits(&self, message: &RxJsonRpcMessage<RoleClient>) -> bool {
        match message {
            JsonRpcMessage::Request(_) => {
                let room = |owed| (owed < MAX_OWED).then_some(owed + 1);
                self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
            }
            // What is cancelled is not answered.
            JsonRpcMessage::Notification(it)
                if matches!(it.notification, ServerNotification::CancelledNotification(_)) =>
            {
                answered(&self.owed);
                true
            }
            _ => true,
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Guarded<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answers = matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_));
        let owed = answers.then(|| Arc::clone(&self.owed));
        let sending = self.inner.send(message);
        async move {
            let sent = sending.await;
            if let Some(owed) = owed {
                answered(&owed);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            // Whoever waits here may be dropped at any time: nothing is lost by it.
            self.pace.ready().await;
            let Some(message) = self.inner.receive().await else {
                self.gone.cancel();
                return None;
            };
            self.pace.took(1);
            if self.admits(&message) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        let closed = self.inner.close().await;
        self.gone.cancel();
        closed
    }
}

fn answered(owed: &AtomicUsize) {
    let one_less = |owed: usize| Some(owed.saturating_sub(1));
    let _always = owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
}

const MAX_OWED: usize = 64;
