//! Every wait has an end.

use std::sync::Arc;
use std::time::Duration;

use super::{Actor, Awaited, OwnVoice};
use crate::events::StageName;
use crate::pipeline;
use crate::session::answer::{Answer, LIMIT};
use crate::stages::TurnCommand;
use crate::time::SessionTime;
use crate::turn::Input;

impl Actor {
    /// Sound that leaves the speaker is progress; while the gate holds, none is wanted, and while
    /// there is no speaker, none is possible.
    pub(super) fn look_for_progress(&mut self) {
        let (gate, now) = (&self.wires.gate, self.clock.now());
        let waits = gate.unheard_since().is_some_and(|since| now.since(since) < UNHEARD_LIMIT);
        if let Some(answer) = &mut self.answer {
            let alive = if gate.holds() || waits { now } else { gate.left_at() };
            answer.alive = answer.alive.max(alive);
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
        let own = self.own.as_ref().and_then(OwnVoice::deadline);
        let own = [self.ends_until(), self.sleeps_at(), self.quiet_until(), own];
        answer.into_iter().chain(own.into_iter().flatten()).chain(words).min()
    }

    /// Until when the sound up to the release of the key, or to the end that was told, is waited
    /// for.
    fn ends_until(&self) -> Option<SessionTime> {
        self.machine.ends_at().map(|at| at + RELEASE_LIMIT)
    }

    /// A wait has lasted too long: the turn has failed, and the session listens again.
    pub(super) fn on_deadline(&mut self) {
        let now = self.clock.now();
        if self.ends_until().is_some_and(|until| until <= now) {
            self.machine.handle(Input::EndLate);
        }
        for Awaited { turn, .. } in
            self.awaited.extract_if(.., |awaited| awaited.until <= now).collect::<Vec<_>>()
        {
            if self.own.is_some() {
                self.own_unheard(turn);
                continue;
            }
            let limit = self.rules.transcript_limit;
            let error = format!("the recogniser gave no result within {limit:?}");
            self.unheard = turn;
            self.report.failed(turn, None, StageName::Stt, error);
            self.command(TurnCommand::GiveUp { turn });
            let meant = self.is_meant(turn);
            self.no_words(turn);
            if meant {
                self.apologise(Arc::clone(&self.brief.apology.unheard));
            }
        }
        self.look_for_own(now);
        self.look_for_sleep(now);
        self.break_silence(now);
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

/// Who plugs a speaker in after that does not expect the answer from before.
const UNHEARD_LIMIT: Duration = Duration::from_secs(120);

/// No microphone's sound is longer on its way, unless the microphone is dead.
const RELEASE_LIMIT: Duration = Duration::from_millis(500);
