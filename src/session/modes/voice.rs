//! A conversation by voice: what is the same whoever hears, answers and speaks.
//!
//! Who does is a [`Cast`]: engines one after the other (`vad`), or a model that hears and
//! speaks for itself (`asm`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};

use super::asm::{self, DuplexEngines, Fallback};
use super::vad;
use crate::device::{Microphone, Playback, Speaker, Taps, capture_port, render_port_with};
use crate::duplex::Takes;
use crate::events::{Event, EventBus, EventKind, Recorder, Subscription, VERSION, WeakEventBus};
use crate::pipeline::{Context, Node, Pipeline, PipelineBuilder, PipelineError, Run, StageReport};
use crate::providers::Prices;
use crate::session::actor::{Actor, Members, Outcome, Wires};
use crate::session::call::Sees;
use crate::session::conversation::CallPermit;
use crate::session::dialogue::{Dialogue, Instructions, Terms};
use crate::session::drive::{Closed, DriveCommand, Frame, Pacer, Parts};
use crate::session::end_call::with_end_call;
use crate::session::handle::Wishes;
use crate::session::herald::Herald;
use crate::session::pending::PendingCalls;
use crate::session::report::Reporter;
use crate::session::{Engines, Pace, SessionConfig, SessionError, SessionHandle};
use crate::stages::{AudioTurn, Facts, MissingTools, PlayoutCommand, TurnCommand, Validate};
use crate::state::Mode;
use crate::time::SessionClock;
use crate::tools::ToolRegistry;
use crate::turn::{Detection, Detector, Endpointer, TurnDetector};
use crate::types::{Direction, Message, ToolDescriptor};
use crate::vad::Vad;
use crate::validators::{Guards, Portion};

/// A conversation by voice, ready to begin.
///
/// Subscribe to its events, take a handle to stop it, then [`run`](Self::run) it on devices, or
/// [`start`](Self::start) it and move its sound yourself.
#[derive(Debug)]
pub struct Session {
    cast: Cast,
    fallback: Option<Fallback>,
    config: SessionConfig,
    bus: EventBus,
    handle: SessionHandle,
    calls: PendingCalls,
    missing_tools: MissingTools,
    prices: Option<Prices>,
    detector: Option<Box<dyn TurnDetector>>,
    endpointer: Option<Box<dyn Endpointer>>,
    /// Nobody else goes on with the conversation meanwhile.
    permit: Option<CallPermit>,
    wishes: Wishes,
    exchanges: mpsc::Receiver<DriveCommand>,
}

/// What a session leaves behind.
#[derive(Debug)]
pub struct Summary {
    /// The conversation, as it was heard.
    pub messages: Vec<Message>,
    /// How many turns the user had.
    pub turns: u32,
    /// How often the speaker ran out of sound in the middle of an answer.
    pub under_runs: u64,
    /// Whether the recording, if there is one, is whole.
    pub recording_is_whole: bool,
    /// The stages' figures, if they were measured.
    pub metrics: Vec<StageReport>,
}

impl Session {
    /// A session of these engines.
    #[must_use]
    pub fn new(engines: Engines, config: SessionConfig) -> Self {
        Self::with_cast(Cast::Vad(engines), config)
    }

    /// A session with a model that hears and speaks for itself.
    #[must_use]
    pub fn duplex(engines: DuplexEngines, config: SessionConfig) -> Self {
        Self::with_cast(Cast::Asm(engines), config)
    }

    /// A session of either kind.
    #[must_use]
    pub fn with_cast(cast: Cast, config: SessionConfig) -> Self {
        let terms = Terms {
            instructions: Instructions::Text(config.system.as_str().into()),
            parameters: Arc::new(config.parameters.clone()),
            tool_policy: config.tool_policy.clone(),
            metadata: Arc::new(config.metadata.clone()),
            model: cast.model().to_owned(),
            guards: Arc::new(config.guards.clone()),
        };
        let bus = EventBus::default();
        let calls = PendingCalls {
            dialogue: Dialogue::fleeting(terms),
            tools: Arc::clone(cast.tools()),
            hooks: config.hooks.clone(),
            clock: Arc::default(),
            bus: bus.weak(),
        };
        Self::of(calls, bus, None, cast, config)
    }

    /// One that goes on with a conversation.
    pub(crate) fn of(
        calls: PendingCalls,
        bus: EventBus,
        permit: Option<CallPermit>,
        cast: Cast,
        config: SessionConfig,
    ) -> Self {
        let (handle, wishes, exchanges) = SessionHandle::new();
        let (missing_tools, prices) = (MissingTools::Refused, None);
        Self {
            cast,
            fallback: None,
            config,
            bus,
            handle,
            calls,
            missing_tools,
            prices,
            detector: None,
            endpointer: None,
            permit,
            wishes,
            exchanges,
        }
    }

    /// The same with a model that costs this, in which this becomes of tools that are missing.
    pub(crate) fn with(mut self, missing_tools: MissingTools, prices: Option<Prices>) -> Self {
        (self.missing_tools, self.prices) = (missing_tools, prices);
        self
    }

    /// The same with others who go on with the call, in VAD mode, when its model that hears and speaks
    /// for itself is lost for good: when it refuses, or too many connections were lost. A
    /// `mode_changed` event tells of it; what the user said and nobody has answered, they answer. Without
    /// them such a call ends with [`SessionError::Left`], as it does by default. A session of engines one
    /// after the other has nobody to lose, and stays as it is.
    #[must_use]
    pub fn with_fallback(self, fallback: Fallback) -> Self {
        Self { fallback: Some(fallback), ..self }
    }

    /// The same with a detector of turns in place of the rules for voice and silence: its turns are
    /// [`Told`](Detection::Told).
    #[must_use]
    pub fn with_turn_detector(mut self, detector: Box<dyn TurnDetector>) -> Self {
        self.config.turn.detection = Detection::Told;
        self.detector = Some(detector);
        self
    }

    /// The same with somebody who says how much silence ends a turn, in place of
    /// [`TurnConfig::endpoint`](crate::turn::TurnConfig::endpoint).
    #[must_use]
    pub fn with_endpointer(self, endpointer: Box<dyn Endpointer>) -> Self {
        Self { endpointer: Some(endpointer), ..self }
    }

    /// The events from the beginning, if taken before [`run`](Self::run).
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.bus.subscribe()
    }

    /// A handle to decide about calls that wait for approval or a result.
    #[must_use]
    pub fn pending_calls(&self) -> PendingCalls {
        self.calls.clone()
    }

    /// Tells of what happens beside the session, as long as it lasts.
    pub(in crate::session) fn weak_bus(&self) -> WeakEventBus {
        self.bus.weak()
    }

    /// What the model sees beside what it hears, and which model that is.
    pub(in crate::session) fn sees(&self) -> (Sees, String) {
        let sees = match &self.cast {
            Cast::Vad(_) => Sees::Nothing,
            Cast::Asm(engines) => match engines.provider.capabilities().takes {
                Takes { video: true, .. } => Sees::Frames,
                Takes { images: true, .. } => Sees::Pictures,
                Takes { .. } => Sees::Nothing,
            },
        };
        (sees, self.cast.model().to_owned())
    }

    /// A handle to end it with, and to have it do things.
    #[must_use]
    pub fn handle(&self) -> SessionHandle {
        self.handle.clone()
    }

    /// Holds the conversation: until the microphone ends and everything is answered, or until
    /// it is stopped. Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When a setting cannot work, when a device does not start, or when the recording's creation
    /// or a stage fails. A failed turn is an event, and so is a device that fails later.
    pub async fn run(
        self,
        microphone: Box<dyn Microphone>,
        speaker: Box<dyn Speaker>,
        pace: Pace,
    ) -> Result<Summary, SessionError> {
        let Self { mut cast, config, bus, handle, calls, permit, wishes, exchanges, .. } = self;
        let tooling = Tooling { missing: self.missing_tools, prices: self.prices, calls };
        let dialogue = tooling.calls.dialogue.clone();
        check(&config, &cast)?;
        dialogue.enter(Mode::Voice);
        let terms = dialogue.terms();
        let devices = (handle.devices().clone(), exchanges);
        let offered = offered(terms, &mut cast, config.end_call.then_some(handle));
        let pacer = Pacer::new(pace);
        let clock = pacer.clock.clone();
        let _runs_once = tooling.calls.clock.set(clock.clone());
        let context = Context::new(clock.clone()).with_metadata((*terms.metadata).clone());

        let (port, playback, tap) = render_port_with(speaker.rate(), taps(&config));
        let render = (port, tap);
        let recorder = recorder(&config, &*microphone, &*speaker)?;

        let (facts_in, facts) = mpsc::channel(FACTS);
        let (turns, turn_commands) = mpsc::channel(COMMANDS);
        let (playout, playout_commands) = mpsc::channel(COMMANDS);
        let gate = Arc::clone(playback.gate());
        let floor = context.floor.clone();
        let started = started(&config, &cast, self.detector.as_deref());
        let frame = frame(cast.vad());
        // With a conversation they are told already.
        dialogue.tell(|| Herald::start(&tooling.calls.hooks, &clock));
        let wiring = Wiring {
            config: &config,
            tooling,
            offered,
            clock: clock.clone(),
            report: Reporter::new(bus.clone(), clock.clone(), config.speech_ends.clone()),
            facts: Facts::to(facts_in),
            turns: (turn_commands, self.detector),
            playout: (playback, playout_commands),
        };
        let Scene { listen, speak, members } = match cast {
            Cast::Vad(engines) => vad::scene(engines, wiring)?,
            Cast::Asm(engines) => asm::scene(engines, self.fallback, wiring)?,
        };
        let members = members.with_endpointer(self.endpointer);
        let (mut listen, mut speak) = (listen.run(&context), speak.run(&context));
        let (Some(input), Some(speak_in)) = (listen.take_input(), speak.take_input()) else {
            return Err(SessionError::BrokeOff("a pipeline has no input".to_owned()));
        };
        let wires = Wires {
            facts,
            wishes,
            turns,
            playout,
            speak: speak_in,
            floor,
            gate: Arc::clone(&gate),
        };
        let parts = Parts {
            pacer,
            devices,
            capture: capture_port(microphone.rate()),
            microphone,
            speaker,
            render,
            gate,
            input,
            recorder,
            frame,
            cancels_echo: config.front.echo,
        };
        let drive = parts.start(bus.clone())?;
        members.report.publish(None, None, started);
        warn_of_waits(&members.report, &dialogue.terms().guards);
        let actor = Actor::new(wires, members, clock.clone());
        let (end, over) = End::start([listen, speak], actor, &clock, &config);
        let (outcome, metrics, closed) = end.reach(drive.run(over)).await?;
        leave(&dialogue, permit).await;
        let (turns, under_runs) = (outcome.turns, outcome.under_runs);
        let lost_ms = closed.lost.as_secs_f64() * 1e3;
        let kind = EventKind::SessionEnded { turns, under_runs, lost_ms };
        bus.publish(Event { at: clock.now(), turn: None, response: None, kind });
        summary(outcome, metrics, closed)
    }
}

/// What a session leaves behind, unless a device or the model has failed for good.
fn summary(
    outcome: Outcome,
    metrics: Vec<StageReport>,
    closed: Closed,
) -> Result<Summary, SessionError> {
    let Outcome { messages, turns, under_runs, left } = outcome;
    let Closed { recording_is_whole, devices, .. } = closed;
    devices?;
    match left {
        Some(reason) => Err(SessionError::Left(reason)),
        None => Ok(Summary { messages, turns, under_runs, recording_is_whole, metrics }),
    }
}

/// What cannot work is told before anything begins.
fn check(config: &SessionConfig, cast: &Cast) -> Result<(), SessionError> {
    config.turn.check()?;
    match (&config.wake, cast) {
        (Some(wake), Cast::Vad(engines)) => engines.transcriber.check_phrases(&wake.phrases)?,
        (Some(_), Cast::Asm(_)) => return Err(SessionError::NoWake),
        (None, _) => {}
    }
    Ok(())
}

/// What is wanted of that which leaves the speaker.
fn taps(config: &SessionConfig) -> Taps {
    let listens_along = config.record.is_some() || config.front.echo;
    if listens_along { Taps::Sound } else { Taps::Times }
}

fn recorder(
    config: &SessionConfig,
    microphone: &dyn Microphone,
    speaker: &dyn Speaker,
) -> Result<Option<Recorder>, SessionError> {
    let create = |path: &PathBuf| Recorder::create(path, microphone.rate(), speaker.rate());
    Ok(config.record.as_ref().map(create).transpose()?)
}

/// What the rules cost that let nothing be said before an answer is whole.
fn warn_of_waits(report: &Reporter, guards: &Guards) {
    for rule in guards.holding_back() {
        let message = format!(
            "the validator `{}` must have the whole of an answer: nothing is spoken before the \
             model has finished; have it warn only, or use a kind that judges while it is written",
            rule.name
        );
        report.publish(None, None, EventKind::Warning { message });
    }
}

/// The call is over: what was said is kept, and whoever waits may go on with the conversation.
async fn leave(dialogue: &Dialogue, permit: Option<CallPermit>) {
    // What cannot be kept is told by a warning of its keeper.
    let _told = tokio::time::timeout(KEEP, dialogue.flush()).await;
    // A conversation goes on without the call.
    if permit.is_none() {
        dialogue.farewell().await;
    }
}

fn frame(vad: &dyn Vad) -> Frame {
    Frame { rate: vad.rate(), length: vad.rate().duration(vad.frame_len() as u64) }
}

/// The tools that the model is offered; with one to end the call by, if there is a hand on it.
fn offered(
    terms: &Terms,
    cast: &mut Cast,
    ends_by: Option<SessionHandle>,
) -> Arc<[ToolDescriptor]> {
    let mut offered = terms.offered(cast.tools());
    if let Some(handle) = ends_by {
        cast.set_tools(with_end_call(cast.tools(), handle));
        offer(&mut offered, "end_call", cast.tools());
    }
    offered.into()
}

/// A tool of the session's own, beside those of the conversation.
fn offer(offered: &mut Vec<ToolDescriptor>, name: &str, tools: &ToolRegistry) {
    let is_offered = offered.iter().any(|tool| tool.name == name);
    if let Some(tool) = tools.get(name).filter(|_| !is_offered) {
        offered.push(tool.descriptor().clone());
    }
}

/// Who hears, answers and speaks.
#[derive(Debug)]
pub enum Cast {
    /// Engines, one after the other.
    Vad(Engines),
    /// One model that does all of it.
    Asm(DuplexEngines),
}

impl Cast {
    fn vad(&self) -> &dyn Vad {
        match self {
            Self::Vad(engines) => &*engines.vad,
            Self::Asm(engines) => &*engines.vad,
        }
    }

    fn tools(&self) -> &Arc<ToolRegistry> {
        match self {
            Self::Vad(engines) => &engines.tools,
            Self::Asm(engines) => &engines.tools,
        }
    }

    fn set_tools(&mut self, tools: Arc<ToolRegistry>) {
        match self {
            Self::Vad(engines) => engines.tools = tools,
            Self::Asm(engines) => engines.tools = tools,
        }
    }

    fn model(&self) -> &str {
        match self {
            Self::Vad(engines) => engines.provider.name(),
            Self::Asm(engines) => engines.provider.name(),
        }
    }
}

/// What the two halves of a conversation are made of, beside those who hear, answer and speak.
pub(super) struct Wiring<'a> {
    pub(super) config: &'a SessionConfig,
    pub(super) tooling: Tooling,
    pub(super) offered: Arc<[ToolDescriptor]>,
    pub(super) clock: SessionClock,
    pub(super) report: Reporter,
    pub(super) facts: Facts,
    pub(super) turns: (mpsc::Receiver<TurnCommand>, Option<Box<dyn TurnDetector>>),
    pub(super) playout: (Playback, mpsc::Receiver<PlayoutCommand>),
}

/// A conversation, ready to begin: the listening and the speaking half, and who is between them.
pub(super) struct Scene {
    pub(super) listen: Pipeline,
    pub(super) speak: Pipeline,
    pub(super) members: Members,
}

/// What the model's stage is told of tools.
pub(super) struct Tooling {
    pub(super) missing: MissingTools,
    pub(super) prices: Option<Prices>,
    pub(super) calls: PendingCalls,
}

impl Wiring<'_> {
    /// The stage that hears voice.
    pub(super) fn audio_turn(&mut self, vad: Box<dyn Vad>) -> AudioTurn {
        let config = self.config;
        // A turn is known to be one up to a window of voice after it began.
        let keep = config.turn.pre_roll + config.turn.barge_in.window + config.turn.start;
        let (_, none) = mpsc::channel(1);
        let (commands, detector) = std::mem::replace(&mut self.turns, (none, None));
        AudioTurn::new(vad, &config.front, self.facts.clone(), commands, keep)
            .with_detector(detector)
            .with_end_model(config.end_model.clone())
    }

    /// The rules for what is said, if there are any.
    pub(super) fn validate(&self) -> Option<Node> {
        let guards = Arc::clone(&self.tooling.calls.dialogue.terms().guards);
        guards.look_at(Direction::Output).then(|| {
            let portion = Portion::Clauses(Arc::clone(&self.config.language));
            Node::stage(Validate::new(guards, portion, self.facts.clone()))
        })
    }

    /// The same of a model that speaks for itself: word by word, since its sound waits for them.
    pub(super) fn validate_own_voice(&self) -> Option<Node> {
        let guards = Arc::clone(&self.tooling.calls.dialogue.terms().guards);
        guards
            .look_at(Direction::Output)
            .then(|| Node::stage(Validate::new(guards, Portion::Words, self.facts.clone())))
    }
}

/// A pipeline of these.
pub(super) fn build(config: &SessionConfig, nodes: Vec<Node>) -> Result<Pipeline, SessionError> {
    Ok(PipelineBuilder::new(config.pipeline.clone()).chain(nodes).build()?)
}

/// The voice detector, as the turn machine knows it.
pub(super) fn detector(vad: &dyn Vad, config: &SessionConfig) -> Detector {
    let mut detector = Detector::of(vad);
    detector.threshold = config.threshold.unwrap_or(detector.threshold);
    detector
}

/// What must have ended when a session has.
struct End {
    halves: JoinSet<Result<Vec<StageReport>, PipelineError>>,
    talk: JoinSet<Outcome>,
    limit: Duration,
}

impl End {
    /// Sets the pipelines and the actor going. The receiver is told when the actor is done.
    fn start(
        pipelines: [Run; 2],
        actor: Actor,
        clock: &SessionClock,
        config: &SessionConfig,
    ) -> (Self, oneshot::Receiver<()>) {
        let mut halves = JoinSet::new();
        for run in pipelines {
            halves.spawn(clock.track(follow(run)));
        }
        let (over_in, over) = oneshot::channel();
        let mut talk = JoinSet::new();
        talk.spawn(clock.track(async move {
            let outcome = actor.run().await;
            let _gone = over_in.send(());
            outcome
        }));
        (Self { halves, talk, limit: config.pipeline.shutdown_timeout }, over)
    }

    /// Drives the session until it is over.
    async fn reach(
        mut self,
        drive: impl Future<Output = Result<Closed, SessionError>>,
    ) -> Result<(Outcome, Vec<StageReport>, Closed), SessionError> {
        let mut metrics = Vec::new();
        let mut drive = Box::pin(drive);
        let closed = loop {
            tokio::select! {
                biased;
                Some(half) = self.halves.join_next() => metrics.extend(ended(half)?),
                closed = &mut drive => break closed?,
            }
        };
        drop(drive);
        // Every stage ends with the actor, which has ended; a stuck one is left behind.
        let rest = async {
            while let Some(half) = self.halves.join_next().await {
                metrics.extend(ended(half)?);
            }
            Ok::<_, SessionError>(self.talk.join_next().await)
        };
        match tokio::time::timeout(self.limit, rest).await {
            Ok(Ok(Some(Ok(outcome)))) => Ok((outcome, metrics, closed)),
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) => Err(SessionError::BrokeOff("its actor has died".to_owned())),
            Err(_late) => Err(SessionError::BrokeOff("a stage does not end".to_owned())),
        }
    }
}

/// Lets a pipeline run to its end.
async fn follow(mut run: Run) -> Result<Vec<StageReport>, PipelineError> {
    while run.output.recv().await?.is_some() {}
    run.wait().await?;
    Ok(run.reports())
}

fn ended(
    half: Result<Result<Vec<StageReport>, PipelineError>, JoinError>,
) -> Result<Vec<StageReport>, SessionError> {
    match half {
        Ok(reports) => Ok(reports?),
        Err(gone) => Err(SessionError::BrokeOff(gone.to_string())),
    }
}

fn started(config: &SessionConfig, cast: &Cast, detector: Option<&dyn TurnDetector>) -> EventKind {
    let (stt, tts) = match cast {
        Cast::Vad(engines) => (engines.transcriber.name(), engines.synthesizer.name()),
        Cast::Asm(engines) => (engines.provider.name(), engines.provider.name()),
    };
    EventKind::SessionStarted {
        version: VERSION,
        session: config.id.clone(),
        vad: detector.map_or(cast.vad().name(), |detector| detector.name()).to_owned(),
        stt: stt.to_owned(),
        llm: cast.model().to_owned(),
        tts: tts.to_owned(),
    }
}

/// What was said is kept by then, or is told not to be.
const KEEP: Duration = Duration::from_secs(10);

/// Seconds of frames: a session that is so far behind holds its stages back.
const FACTS: usize = 256;

/// A command stands for at least a fifth of a second of sound.
const COMMANDS: usize = 64;
