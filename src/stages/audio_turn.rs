//! Listens for voice, and cuts the microphone's sound into turns.
//!
//! It decides nothing: it tells the session the probability of voice, and obeys its
//! [`TurnCommand`]s. What was said before a turn was known to be one is not lost: it waits in
//! the pre-roll.

use std::time::Duration;

use tokio::sync::mpsc;

use super::anchor::Anchor;
use super::{Fact, Facts};
use crate::audio::AudioChunk;
use crate::ids::TurnId;
use crate::pipeline::{
    Closed, Element, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture, StageIo,
    StageKind,
};
use crate::time::SessionTime;
use crate::turn::PreRoll;
use crate::vad::{Detected, Framer, Vad};

/// What the session wants of the microphone's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnCommand {
    /// A turn began: send its sound on, from `from`.
    Begin {
        /// The turn.
        turn: TurnId,
        /// Where its sound begins, pre-roll included.
        from: SessionTime,
    },
    /// The turn has likely ended.
    Lull {
        /// The turn.
        turn: TurnId,
    },
    /// The words of a turn that is over are not waited for any more.
    GiveUp {
        /// The turn.
        turn: TurnId,
    },
    /// The turn is over.
    End {
        /// The turn.
        turn: TurnId,
        /// Whether it was noise.
        discard: bool,
    },
}

/// The stage: it tells the probability of voice and obeys its [`TurnCommand`]s. It keeps what was
/// said before a turn was known to be one.
#[derive(Debug)]
pub struct AudioTurn {
    framer: Framer,
    /// Frames that the session was not told of yet.
    detected: Vec<Detected>,
    facts: Facts,
    commands: mpsc::Receiver<TurnCommand>,
    pre_roll: PreRoll,
    open: Option<TurnId>,
    /// How many samples were heard, and when.
    heard: u64,
    anchor: Option<Anchor>,
}

impl AudioTurn {
    /// A stage that keeps `keep` of sound for the turn to come.
    #[must_use]
    pub fn new(
        vad: Box<dyn Vad>,
        facts: Facts,
        commands: mpsc::Receiver<TurnCommand>,
        keep: Duration,
    ) -> Self {
        let (framer, pre_roll) = (Framer::new(vad), PreRoll::new(keep));
        let detected = Vec::new();
        Self { framer, detected, facts, commands, pre_roll, open: None, heard: 0, anchor: None }
    }

    async fn hear(
        &mut self,
        at: SessionTime,
        audio: AudioChunk,
        outlet: &Outlet,
    ) -> Result<(), Closed> {
        let vad = self.framer.vad();
        let (rate, frame) = (vad.rate(), vad.frame_len() as u64);
        let anchor = self.anchor.get_or_insert(Anchor::new(at));
        anchor.follow(at, rate.duration(self.heard));
        self.heard += audio.samples().len() as u64;
        let length = rate.duration(frame);
        let samples = audio.clone();
        match self.open {
            Some(turn) => outlet.send(Element::heard(turn, at, audio)).await?,
            None => self.pre_roll.push(at, audio),
        }
        self.framer.push(samples.samples(), |detected| self.detected.push(detected));
        for Detected { probability, end } in self.detected.drain(..) {
            let end = anchor.time_of(rate.duration(end));
            self.facts.tell(Fact::Voice { end, length, probability }).await;
        }
        Ok(())
    }

    async fn obey(
        &mut self,
        command: TurnCommand,
        now: SessionTime,
        outlet: &Outlet,
    ) -> Result<(), Closed> {
        match command {
            TurnCommand::Begin { turn, from } => {
                self.open = Some(turn);
                for (at, audio) in self.pre_roll.take(from) {
                    outlet.send(Element::heard(turn, at, audio)).await?;
                }
                Ok(())
            }
            TurnCommand::Lull { turn } => {
                outlet.send(Element::new(turn, now, Payload::LikelyEnd)).await
            }
            TurnCommand::GiveUp { turn } => {
                let end = Payload::TurnEnd(Outcome::Discarded);
                outlet.send(Element::new(turn, now, end)).await
            }
            TurnCommand::End { turn, discard } => {
                self.open = None;
                let outcome = if discard { Outcome::Discarded } else { Outcome::Completed };
                outlet.send(Element::new(turn, now, Payload::TurnEnd(outcome))).await
            }
        }
    }

    async fn listen(mut self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, context } = io;
        let mut hears = true;
        loop {
            let sent = tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command, context.clock.now(), &outlet).await,
                    None => return Ok(()),
                },
                element = inlet.recv(), if hears => match element? {
                    Some(Element { at, payload: Payload::Heard(audio), .. }) => {
                        self.hear(at, audio, &outlet).await
                    }
                    Some(other) => outlet.send(other).await,
                    None => {
                        hears = false;
                        self.facts.tell(Fact::StreamEnd).await;
                        Ok(())
                    }
                },
            };
            if sent.is_err() {
                return Ok(());
            }
        }
    }
}

impl Stage for AudioTurn {
    fn name(&self) -> &'static str {
        "audio_turn"
    }

    fn kind(&self) -> StageKind {
        StageKind::Accumulate
    }

    fn accepts(&self) -> Kinds {
        Kinds::HEARD
    }

    fn emits(&self) -> Kinds {
        Kinds::HEARD | Kinds::LIKELY_END | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.listen(io))
    }
}
