//! Tells hooks of the steps of a conversation, beside it: nobody waits for them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::hooks::{Hooks, SessionStep};
use crate::ids::TurnId;
use crate::time::SessionClock;
use crate::types::Message;

/// Tells hooks that the conversation began, of each turn that is over, and at last that it ended.
///
/// A task tells them, in order. It ends when the herald is dropped, or has said farewell.
#[derive(Debug)]
pub(super) struct Herald(Mutex<Option<Telling>>);

#[derive(Debug)]
struct Telling {
    turns: mpsc::Sender<Turn>,
    task: JoinHandle<()>,
}

/// A turn that is over.
#[derive(Debug)]
struct Turn {
    turn: TurnId,
    messages: Vec<Message>,
}

impl Herald {
    /// Begins, if there are hooks. Must be called within a Tokio runtime.
    pub(super) fn start(hooks: &Hooks, clock: &SessionClock) -> Option<Self> {
        if hooks.is_empty() {
            return None;
        }
        let (turns, mut told) = mpsc::channel::<Turn>(TURNS);
        let (hooks, of_hooks) = (hooks.clone(), clock.clone());
        let task = tokio::spawn(clock.track(async move {
            hooks.session(&of_hooks, SessionStep::Started).await;
            while let Some(Turn { turn, messages }) = told.recv().await {
                let messages = &messages;
                hooks.session(&of_hooks, SessionStep::TurnEnded { turn, messages }).await;
            }
            hooks.session(&of_hooks, SessionStep::Ended).await;
        }));
        Some(Self(Mutex::new(Some(Telling { turns, task }))))
    }

    /// A turn is over, in which this was said.
    pub(super) fn turn_ended(&self, turn: TurnId, messages: &[Message]) {
        let telling = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(telling) = &*telling else { return };
        let messages = messages.to_vec();
        if telling.turns.try_send(Turn { turn, messages }).is_err() {
            tracing::warn!("hooks fall behind: they are not told of turn {turn}");
        }
    }

    /// The conversation ends. Waits until hooks were told of it, for at most 10 s.
    ///
    /// Of the time on the wall: that of a session may stand still when it ends.
    pub(super) async fn farewell(&self) {
        let telling = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Telling { turns, task }) = telling {
            drop(turns);
            let late = task.abort_handle();
            if tokio::time::timeout(FAREWELL, task).await.is_err() {
                late.abort();
                tracing::warn!("hooks were not told of the end within {FAREWELL:?}");
            }
        }
    }
}

/// Turns that hooks may be behind.
const TURNS: usize = 64;

const FAREWELL: Duration = Duration::from_secs(10);
