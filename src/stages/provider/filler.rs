//! What is said while nothing else is, so that nobody believes the call is dead.

use std::pin::pin;

use futures_util::StreamExt;

use super::Voice;
use super::answer::Asking;
use super::calls::Wish;
use crate::pipeline::Payload;
use crate::providers::ProviderStream;
use crate::time::SessionTime;
use crate::tools::Filler;

impl Asking<'_> {
    /// The next event of the model. If it is late, and nothing was said yet, the user is told that
    /// it will come.
    pub(super) async fn next_event(
        &self,
        stream: &mut ProviderStream,
    ) -> Option<<ProviderStream as futures_util::Stream>::Item> {
        let mut next = pin!(self.context.clock.during(stream.next()));
        let silent = !self.has_spoken() && !self.has_filled();
        let waits = silent && self.voice != Voice::Own;
        let Some(filler) = self.stage.slow_filler.as_ref().filter(|_| waits) else {
            return next.await;
        };
        tokio::select! {
            biased;
            event = &mut next => event,
            () = self.is_late(self.began, filler) => {
                self.fill(filler).await;
                next.await
            }
        }
    }

    /// Waits until what was asked for then is late. As long as the user may go on, nothing is.
    pub(super) async fn is_late(&self, asked: SessionTime, filler: &Filler) {
        let (floor, clock) = (&self.context.floor, &self.context.clock);
        let mut since = asked;
        if self.turn.ahead && !floor.is_committed(self.turn.response) {
            floor.settled(self.turn.response).await;
            since = clock.now();
        }
        clock.sleep_until(since + filler.after).await;
    }

    /// What is to be said while these calls are waited for, unless something was said already.
    pub(super) fn filler_for(&self, calls: &[Wish]) -> Option<Filler> {
        if self.voice != Voice::Synthesizer || self.has_spoken() || self.has_filled() {
            return None;
        }
        let own = calls.iter().find_map(|wish| self.stage.tools.get(&wish.call.name)?.filler());
        own.or_else(|| self.stage.filler.clone()).filter(|filler| !filler.text.trim().is_empty())
    }

    pub(super) async fn fill(&self, filler: &Filler) {
        self.note_filler();
        // The space tells the synthesizer's stage that the sentence is over.
        self.send(Payload::TextDelta(format!("{} ", filler.text.trim()).into())).await;
    }
}
