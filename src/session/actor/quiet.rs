//! When nobody says anything any more.

use super::{Actor, Ending};
use crate::time::SessionTime;
use crate::turn::Due;

impl Actor {
    /// Looks whether anybody speaks, or is about to. Before the agent has said anything, nobody
    /// waits for an answer; asleep, it wants none.
    pub(super) fn look_for_quiet(&mut self) {
        let said = self.answer.is_none() && self.lines.is_empty() && self.last_response.is_some();
        let answered = self.unanswered.is_empty() && self.resume.is_none();
        let heard = !self.talking && self.awaited.is_empty() && answered;
        let awake = self.attention.as_ref().is_none_or(|attention| !attention.sleeps());
        let open = self.ending == Ending::NotYet && !self.deaf && !self.dialogue.has_news();
        let now = self.clock.now();
        if let Some(silence) = &mut self.silence {
            silence.is_quiet(said && heard && awake && open, now);
        }
    }

    /// The user is there.
    pub(super) fn sign_of_life(&mut self) {
        let now = self.clock.now();
        if let Some(silence) = &mut self.silence {
            silence.sign_of_life(now);
        }
    }

    pub(super) fn quiet_until(&self) -> Option<SessionTime> {
        self.silence.as_ref()?.due_at()
    }

    /// Asks whether somebody is still there, if it is time to.
    pub(super) fn break_silence(&mut self, now: SessionTime) {
        match self.silence.as_mut().and_then(|silence| silence.look(now)) {
            Some(Due::Ask(line)) => self.say(line),
            Some(Due::HangUp) => self.ending = Ending::HangingUp,
            None => {}
        }
    }
}
