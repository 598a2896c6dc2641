//! What a tool knows of the call that it serves.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::ids::{ResponseId, TurnId};
use crate::time::SessionClock;
use crate::types::Metadata;

/// What a tool knows of the call that it serves, beside the arguments.
///
/// A tool that only awaits needs none of it to be cancelled: its future is dropped. What it has
/// spawned, or does on another thread, can look at [`is_cancelled`](Self::is_cancelled) or wait
/// for [`cancelled`](Self::cancelled).
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The provider's name of the call.
    pub call: String,
    /// The turn that is answered.
    pub turn: TurnId,
    /// The response that called.
    pub response: ResponseId,
    /// The session's metadata with the turn's own on top: conversation id, tenant, user.
    pub metadata: Arc<Metadata>,
    /// The session's clock. What a tool waits for by it can be simulated.
    pub clock: SessionClock,
    cancelled: CancellationToken,
}

impl ToolContext {
    /// A context of the call named `call` in `response` to `turn`.
    #[must_use]
    pub fn new(
        call: impl Into<String>,
        turn: TurnId,
        response: ResponseId,
        metadata: Arc<Metadata>,
        clock: SessionClock,
    ) -> Self {
        let cancelled = CancellationToken::new();
        Self { call: call.into(), turn, response, metadata, clock, cancelled }
    }

    /// A context of no conversation, by the live clock: for trying a tool.
    #[must_use]
    pub fn detached() -> Self {
        let metadata = Arc::default();
        Self::new("call", TurnId::default(), ResponseId::FIRST, metadata, SessionClock::live())
    }

    /// Whether nobody waits for the result any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Waits until nobody waits for the result any more.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Cancels the call's helpers when it is dropped: whoever runs the tool holds it meanwhile.
    pub(super) fn guard(&self) -> tokio_util::sync::DropGuard {
        self.cancelled.clone().drop_guard()
    }
}
