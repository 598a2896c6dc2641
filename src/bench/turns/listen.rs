//! Has the real front end and turn machine listen to a scenario.
//!
//! The microphone's sound comes in pieces of 10 ms, beside what left the speaker in that time. A
//! decision's time is the sound that was taken by then. The agent of a scenario speaks whatever is
//! decided; when a turn over its voice is over it is taken for nothing, as if there had been no
//! words, so that the agent can be held again.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::manifest::{Scenario, Span};
use super::score::{Event, EventKind};
use super::side_by_side::side_by_side;
use super::{Progress, Set, SoundError};
use crate::audio::SampleRate;
use crate::dsp::{FrontConfig, FrontEnd};
use crate::time::SessionTime;
use crate::turn::endpoint::{EndModel, Recent};
use crate::turn::{Action, Agent, Detector, Input, TurnConfig, TurnMachine};
use crate::vad::Vad;

/// How turns are taken.
#[derive(Clone, Debug, Default)]
pub struct Taking {
    /// When turns start and end.
    pub turn: TurnConfig,
    /// What is done to the sound before.
    pub front: FrontConfig,
    /// Who hears whether a turn is over, if anybody. Its answer counts at the time of the question.
    pub end_model: Option<Arc<dyn EndModel>>,
    /// The probability from which a frame counts as speech; the detector's own by default.
    pub threshold: Option<f32>,
}

/// What is decided in all scenarios of a set, in their order; so many at a time, each with a
/// detector that `vad` makes for it.
///
/// # Errors
///
/// The first that `vad` has, or that a file gives.
pub fn listen_to_all<E: From<SoundError> + Send>(
    set: &Set,
    vad: impl Fn() -> Result<Box<dyn Vad>, E> + Sync,
    taking: &Taking,
    jobs: NonZeroUsize,
    progress: Progress<'_>,
) -> Result<Vec<Event>, E> {
    let scenarios = &set.manifest.scenarios;
    let one = |index: usize| {
        let vad = vad()?;
        listen(set, &scenarios[index], vad, taking).map_err(E::from)
    };
    Ok(side_by_side(scenarios.len(), jobs, one, progress)?.concat())
}

/// What is decided in a scenario of a set.
///
/// # Errors
///
/// When one of its files cannot be read.
pub fn listen(
    set: &Set,
    scenario: &Scenario,
    vad: Box<dyn Vad>,
    taking: &Taking,
) -> Result<Vec<Event>, SoundError> {
    let microphone = set.sound(&scenario.mic)?;
    let agent = scenario.agent.as_ref().map(|file| set.sound(file)).transpose()?;
    let mut judge = Judge::new(scenario, &*vad, taking);
    let mut front = FrontEnd::new(vad, &taking.front);
    let length = RATE.duration(front.vad().frame_len() as u64);
    let (mut cleaned, mut frames) = (Vec::new(), Vec::new());
    let silence = [0; PIECE];
    let mut agent = agent.as_deref().unwrap_or_default().chunks(PIECE);
    let mut heard = 0;
    for piece in microphone.chunks(PIECE) {
        heard += piece.len() as u64;
        judge.hears(heard);
        front.render(agent.next().unwrap_or(&silence));
        front.hear(piece, &mut cleaned, |frame| frames.push(frame));
        judge.recent.push(&cleaned);
        cleaned.clear();
        for frame in frames.drain(..) {
            let end = SessionTime::ZERO + RATE.duration(frame.end);
            judge.hear(Input::Voice {
                end,
                length,
                probability: frame.probability,
                tone: frame.tone,
            });
        }
    }
    Ok(judge.events)
}

/// Tells the machine what happens, and writes down what it decides.
struct Judge<'a> {
    scenario: &'a Scenario,
    machine: TurnMachine,
    end_model: Option<Arc<dyn EndModel>>,
    recent: Recent,
    pre_roll: Duration,
    agent: Agent,
    heard: u64,
    events: Vec<Event>,
}

impl<'a> Judge<'a> {
    fn new(scenario: &'a Scenario, vad: &dyn Vad, taking: &Taking) -> Self {
        let mut detector = Detector::of(vad);
        detector.threshold = taking.threshold.unwrap_or(detector.threshold);
        let end_model = taking.end_model.clone();
        let machine = TurnMachine::new(taking.turn.clone(), detector);
        let machine = if end_model.is_some() { machine.asking_a_model() } else { machine };
        let recent = Recent::new();
        Self {
            scenario,
            machine,
            end_model,
            recent,
            pre_roll: taking.turn.pre_roll,
            agent: Agent::Listening,
            heard: 0,
            events: Vec::new(),
        }
    }

    /// So much sound has come; the agent speaks, or does not.
    fn hears(&mut self, samples: u64) {
        let ms = self.heard * 1_000 / u64::from(RATE.hz());
        self.heard = samples;
        let sounds = |Span(from, to): &Span| (*from..*to).contains(&ms);
        let agent = match self.scenario.agent_playing.iter().any(sounds) {
            true => Agent::Sounding,
            false => Agent::Listening,
        };
        if std::mem::replace(&mut self.agent, agent) != agent {
            self.hear(Input::Agent(agent));
        }
    }

    fn hear(&mut self, input: Input) {
        self.machine.handle(input);
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Hold => self.note(EventKind::Interrupt),
                Action::Begin { since, .. } => {
                    self.note(EventKind::TurnStart);
                    let heard = SessionTime::ZERO + RATE.duration(self.heard);
                    self.recent.keep(RATE.samples(heard.since(since) + self.pre_roll) as usize);
                }
                Action::Ask { at, .. } => {
                    let sound = self.recent.sound();
                    let model = self.end_model.as_ref();
                    if let Some(likely) = model.and_then(|model| model.likely_end(&sound)) {
                        self.machine.handle(Input::Judged { at, likely });
                    }
                }
                Action::End { turn, .. } => {
                    self.note(EventKind::TurnEnd);
                    self.machine.handle(Input::NoWords(turn));
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, kind: EventKind) {
        let t_ms = self.heard * 1_000 / u64::from(RATE.hz());
        self.events.push(Event { scenario: self.scenario.id.clone(), t_ms, kind });
    }
}

const RATE: SampleRate = SampleRate::SPEECH;

/// Samples of 10 ms.
const PIECE: usize = 160;
