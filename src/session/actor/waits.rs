//! Every wait has an end.

use std::sync::Arc;
use std::time::Duration;

use super::{Actor, Awaited};
use crate::events::StageName;
use crate::pipeline;
use crate::session::answer::{Answer, LIMIT};
use crate::stages::TurnCommand;
use crate::time::SessionTime;
use crate::turn::Input;

impl Actor {
    /// Sound that leaves the speaker is progress; while the gate holds, none is wanted.
    pub(super) fn look_for_progress(&mut self) {
        let (held, played) = (self.wires.gate.holds(), self.wires.gate.played());
        if let Some(answer) = &mut self.answer
            && (std::mem::replace(&mut answer.played, played) != played || held)
        {
            answer.alive = self.clock.now();
        }
    }

    /// Tells when a hold has silenced the speaker.
    pub(super) fn look_for_silence(&mut self) {
        if self.silencing.is_some()
            && let Some(silenced) = self.wires.gate.silenced()
        {
            self.report.silenced(self.silencing.take(), silenced);
        }
    }

    pub(super) fn deadline(&self) -> Option<SessionTime> {
        let answer = self.answer.as_ref().map(Answer::deadline);
        let words = self.awaited.iter().map(|awaited| awaited.until);
        answer.into_iter().chain(self.released_until()).chain(words).min()
    }

    /// Until when the sound up to the release of the key is waited for.
    fn released_until(&self) -> Option<SessionTime> {
        self.machine.released_at().map(|at| at + RELEASE_LIMIT)
    }

    /// A wait has lasted too long: the turn has failed, and the session listens again.
    pub(super) fn on_deadline(&mut self) {
        let now = self.clock.now();
        if self.released_until().is_some_and(|until| until <= now) {
            self.machine.handle(Input::ReleaseLate);
        }
        for Awaited { turn, .. } in
            self.awaited.extract_if(.., |awaited| awaited.until <= now).collect::<Vec<_>>()
        {
            let limit = self.rules.transcript_limit;
            let error = format!("the recogniser gave no result within {limit:?}");
            self.unheard = turn;
            self.report.failed(turn, None, StageName::Stt, error);
            self.command(TurnCommand::GiveUp { turn });
            self.machine.handle(Input::NoWords(turn));
            self.apologise(Arc::clone(&self.brief.apology.unheard));
        }
        self.look_for_progress();
        let Some(answer) = self.answer.as_mut().filter(|answer| answer.deadline() <= now) else {
            return;
        };
        answer.alive = now;
        let (turn, response) = (answer.turn, answer.response);
        let error = format!("there was no progress for {:?}", LIMIT);
        answer.failed = Some(pipeline::Outcome::Failed { reason: error.as_str().into() });
        self.report.failed(turn, Some(response), answer.waits_for, error);
        self.wires.floor.cancel(response);
    }
}

/// No microphone's sound is longer on its way, unless the microphone is dead.
const RELEASE_LIMIT: Duration = Duration::from_millis(500);
