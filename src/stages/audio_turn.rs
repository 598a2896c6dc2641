//! Listens for voice, and cuts the microphone's sound into turns.
//!
//! It decides nothing: it tells the session the probability of voice, and obeys its
//! [`TurnCommand`]s. What was said before a turn was known to be one is not lost: it waits in
//! the pre-roll.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::anchor::Anchor;
use super::end_judge::{Answer, EndJudge};
use super::{Fact, Facts};
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::dsp::{FrontConfig, FrontEnd};
use crate::ids::TurnId;
use crate::pipeline::{
    Closed, Element, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture, StageIo,
    StageKind,
};
use crate::time::{SessionClock, SessionTime};
use crate::turn::endpoint::EndModel;
use crate::turn::{Piece, PreRoll, TurnDetector};
use crate::vad::{Detected, Vad};

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
    /// The user goes on after that.
    GoesOn {
        /// The turn.
        turn: TurnId,
    },
    /// Ask the model whether the user has finished, by the sound so far.
    Ask {
        /// The time of the question, for the answer.
        at: SessionTime,
    },
    /// The words of a turn that is over are not waited for any more.
    GiveUp {
        /// The turn.
        turn: TurnId,
    },
    /// Nobody hears everything any more: only the sound of turns goes on.
    ByTurns,
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
    front: FrontEnd,
    /// Brings what left the speaker to the front end's rate, once there is some.
    rendered: Option<Resampler>,
    /// Frames that the session was not told of yet.
    detected: Vec<Detected>,
    /// Who detects turns in place of the session's own rules.
    detector: Option<Box<dyn TurnDetector>>,
    /// Asks a model whether the user has finished, if there is one.
    judge: Option<EndJudge>,
    /// The last frame's.
    probability: f32,
    facts: Facts,
    commands: mpsc::Receiver<TurnCommand>,
    pre_roll: PreRoll,
    open: Option<TurnId>,
    /// All that is heard goes on, in turns or not.
    streams: bool,
    /// How many samples were heard, and when; how many of them were cleaned.
    heard: u64,
    cleaned: u64,
    /// Kept for its room.
    room: Vec<i16>,
    anchor: Option<Anchor>,
}

impl AudioTurn {
    /// A stage that keeps `keep` of sound for the turn to come.
    #[must_use]
    pub fn new(
        vad: Box<dyn Vad>,
        front: &FrontConfig,
        facts: Facts,
        commands: mpsc::Receiver<TurnCommand>,
        keep: Duration,
    ) -> Self {
        Self {
            front: FrontEnd::new(vad, front),
            rendered: None,
            detected: Vec::new(),
            detector: None,
            judge: None,
            probability: 0.0,
            facts,
            commands,
            pre_roll: PreRoll::new(keep),
            open: None,
            streams: false,
            heard: 0,
            cleaned: 0,
            room: Vec::new(),
            anchor: None,
        }
    }

    /// The same with somebody who detects turns.
    #[must_use]
    pub fn with_detector(self, detector: Option<Box<dyn TurnDetector>>) -> Self {
        Self { detector, ..self }
    }

    /// The same for somebody who hears everything: also what is no turn's goes on, as sound of turn 0.
    #[must_use]
    pub fn streaming(self) -> Self {
        Self { streams: true, ..self }
    }

    /// The same with a model that hears whether the user has finished.
    #[must_use]
    pub fn with_end_model(self, model: Option<Arc<dyn EndModel>>) -> Self {
        let rate = self.front.vad().rate();
        Self { judge: model.and_then(|model| EndJudge::new(model, rate)), ..self }
    }

    /// This left the speaker beside what is heard next.
    fn render(&mut self, audio: &AudioChunk) -> Result<(), StageError> {
        let resampler = match &mut self.rendered {
            Some(resampler) => resampler,
            None => {
                let new = Resampler::new(audio.rate(), SampleRate::SPEECH)
                    .map_err(|error| StageError::new(NAME, &error))?;
                self.rendered.insert(new)
            }
        };
        self.room.clear();
        resampler.process(audio.samples(), &mut self.room);
        self.front.render(&self.room);
        Ok(())
    }

    async fn hear(
        &mut self,
        at: SessionTime,
        audio: AudioChunk,
        outlet: &Outlet,
    ) -> Result<(), Closed> {
        let vad = self.front.vad();
        let (rate, frame) = (vad.rate(), vad.frame_len() as u64);
        let anchor = self.anchor.get_or_insert(Anchor::new(at));
        anchor.follow(at, rate.duration(self.heard));
        self.heard += audio.samples().len() as u64;
        let length = rate.duration(frame);
        self.room.clear();
        let detected = &mut self.detected;
        self.front.hear(audio.samples(), &mut self.room, |frame| detected.push(frame));
        let (at, audio) = match self.front.changes_sound() {
            true => {
                let at = anchor.time_of(rate.duration(self.cleaned)) - self.front.sound_delay();
                (at, AudioChunk::new(self.room.as_slice(), rate))
            }
            false => (at, audio),
        };
        self.cleaned += audio.samples().len() as u64;
        if let Some(judge) = &mut self.judge {
            judge.hear(audio.samples());
        }
        let for_detector = self.detector.is_some().then(|| audio.clone());
        match self.open {
            _ if audio.samples().is_empty() => {}
            Some(turn) => outlet.send(Element::heard(turn, at, audio)).await?,
            None => {
                self.pre_roll.push(at, audio.clone());
                if self.streams {
                    outlet.send(Element::heard(TurnId::default(), at, audio)).await?;
                }
            }
        }
        for Detected { probability, end, tone } in self.detected.drain(..) {
            self.probability = probability;
            let end = anchor.time_of(rate.duration(end)) - self.front.delay();
            self.facts.tell(Fact::Voice { end, length, probability, tone }).await;
        }
        if let (Some(detector), Some(audio)) = (&mut self.detector, &for_detector) {
            let (samples, probability) = (audio.samples(), self.probability);
            if let Some(sign) = detector.hear(Piece { at, samples, rate, probability }) {
                self.facts.tell(Fact::Sign(sign)).await;
            }
        }
        Ok(())
    }

    /// The sound from there on is what a model judges.
    fn judge_from(&mut self, from: SessionTime) {
        if let (Some(judge), Some(anchor)) = (&mut self.judge, &self.anchor) {
            let cleaned = self.front.vad().rate().duration(self.cleaned);
            let until = anchor.time_of(cleaned) - self.front.sound_delay();
            judge.begin(until.since(from));
        }
    }

    async fn obey(
        &mut self,
        command: TurnCommand,
        clock: &SessionClock,
        outlet: &Outlet,
    ) -> Result<(), Closed> {
        let now = clock.now();
        match command {
            TurnCommand::Ask { at } => {
                if let Some(judge) = &mut self.judge {
                    judge.ask(at, clock);
                }
                Ok(())
            }
            TurnCommand::Begin { turn, from } => {
                self.open = Some(turn);
                self.judge_from(from);
                let kept = self.pre_roll.take(from);
                // Who hears everything has heard that.
                for (at, audio) in kept.filter(|_| !self.streams) {
                    outlet.send(Element::heard(turn, at, audio)).await?;
                }
                Ok(())
            }
            TurnCommand::ByTurns => {
                self.streams = false;
                Ok(())
            }
            TurnCommand::Lull { turn } => {
                outlet.send(Element::new(turn, now, Payload::LikelyEnd)).await
            }
            TurnCommand::GoesOn { turn } => {
                outlet.send(Element::new(turn, now, Payload::GoesOn)).await
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
                    Some(command) => self.obey(command, &context.clock, &outlet).await,
                    None => return Ok(()),
                },
                answer = answer(&mut self.judge) => {
                    if let Some(Answer { at, likely, .. }) = &answer {
                        self.facts.tell(Fact::Judged { at: *at, likely: *likely }).await;
                    }
                    Ok(())
                }
                element = inlet.recv(), if hears => match element? {
                    Some(Element { at, payload: Payload::Heard(audio), .. }) => {
                        self.hear(at, audio, &outlet).await
                    }
                    Some(Element { payload: Payload::Rendered(audio), .. }) => {
                        self.render(&audio)?;
                        Ok(())
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

async fn answer(judge: &mut Option<EndJudge>) -> Option<Answer> {
    match judge {
        Some(judge) => judge.answer().await,
        None => future::pending().await,
    }
}

impl Stage for AudioTurn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> StageKind {
        StageKind::Accumulate
    }

    fn accepts(&self) -> Kinds {
        Kinds::HEARD | Kinds::RENDERED
    }

    fn emits(&self) -> Kinds {
        Kinds::HEARD | Kinds::LIKELY_END | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.listen(io))
    }
}

const NAME: &str = "audio_turn";
