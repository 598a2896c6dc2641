//! After a session that is lost for good: what is heard goes on to whoever hears in its place.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::kept::{MOST, Sounds};
use super::model::{Answer, Ask};
use super::{DuplexCommand, DuplexFact};
use crate::events::EventKind;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Closed, Element, Inlet, Outlet, StageError};
use crate::stages::{Fact, Facts};

/// The stage without its session. Nobody is answered here any more.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) facts: Facts,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) commands: mpsc::Receiver<DuplexCommand>,
    /// The last response that began.
    pub(super) response: Option<ResponseId>,
    /// Who waits for an answer: neither answered nor told that it failed, since the session ends that
    /// response.
    pub(super) waiting: Option<oneshot::Sender<Answer>>,
    /// What is heard, and not taken yet; and how much of it is forgotten.
    pub(super) sounds: Sounds,
    pub(super) forgotten: Duration,
}

impl Passing {
    pub(super) async fn run(mut self, mut inlet: Inlet, outlet: Outlet) -> Result<(), StageError> {
        let facts = self.facts.clone();
        let mut hears = true;
        self.tell_unanswered().await;
        while hears || !self.sounds.is_empty() {
            self.tell_forgotten().await;
            tokio::select! {
                biased;
                () = facts.closed() => return Ok(()),
                Some(command) = self.commands.recv() => {
                    if let DuplexCommand::Begin { response, .. } = command {
                        self.response = Some(response);
                    }
                }
                Some(Ask { answer, .. }) = self.asks.recv() => {
                    self.waiting = Some(answer);
                    self.tell_unanswered().await;
                }
                sent = send(&outlet, self.sounds.front()), if !self.sounds.is_empty() => {
                    if sent.is_err() {
                        return Ok(());
                    }
                    self.sounds.pop();
                }
                element = inlet.recv(), if hears => match element? {
                    Some(element) => self.hear(element),
                    None => hears = false,
                },
            }
        }
        Ok(())
    }

    /// The microphone must not wait for those who take over.
    fn hear(&mut self, element: Element) {
        // What is no turn's is not for them.
        if element.turn != TurnId::default() {
            self.forgotten += self.sounds.push(element, MOST);
        }
    }

    async fn tell_unanswered(&self) {
        let wanted = self.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed());
        if let Some(response) = self.response.filter(|_| wanted) {
            self.facts.tell(Fact::Duplex(DuplexFact::Unanswered(response))).await;
        }
    }

    async fn tell_forgotten(&mut self) {
        let sound_ms = std::mem::take(&mut self.forgotten).as_secs_f64() * 1e3;
        if sound_ms > 0.0 {
            let kind = EventKind::SoundForgotten { sound_ms };
            self.facts.tell(Fact::Event { turn: None, response: None, kind }).await;
        }
    }
}

async fn send(outlet: &Outlet, element: Option<&Element>) -> Result<(), Closed> {
    match element {
        Some(element) => outlet.send(element.clone()).await,
        None => Ok(()),
    }
}
