//! VAD mode: voice detector, recogniser, language model and synthesizer, one after the other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};

use crate::device::{Microphone, Playback, Speaker, Taps, capture_port, render_port_with};
use crate::events::{Event, EventBus, EventKind, Recorder, Subscription, VERSION};
use crate::pipeline::{Context, Node, Pipeline, PipelineBuilder, PipelineError, Run, StageReport};
use crate::providers::Prices;
use crate::session::actor::{Actor, Brief, Members, Outcome, Rules, Services, Wires};
use crate::session::conversation::CallPermit;
use crate::session::dialogue::{Dialogue, Instructions, Terms};
use crate::session::drive::{Closed, DriveCommand, Frame, Pacer, Parts};
use crate::session::end_call::with_end_call;
use crate::session::handle::Wishes;
use crate::session::herald::Herald;
use crate::session::pending::PendingCalls;
use crate::session::report::Reporter;
use crate::session::{Engines, Pace, SessionConfig, SessionError, SessionHandle};
use crate::stages::{
    AudioTurn, ContextStage, Facts, MissingTools, Playout, PlayoutCommand, ProviderStage, Resample,
    Stt, Tts, TurnCommand, Validate,
};
use crate::state::Mode;
use crate::time::SessionClock;
use crate::tools::ToolRegistry;
use crate::turn::TurnMachine;
use crate::types::{Direction, Message, ToolDescriptor};
use crate::vad::Vad;
use crate::validators::{Guards, Portion};

/// A conversation by voice, ready to begin.
///
/// Subscribe to its events, take a handle to stop it, then [`run`](Self::run) it.
#[derive(Debug)]
pub struct Session {
    engines: Engines,
    config: SessionConfig,
    bus: EventBus,
    handle: SessionHandle,
    calls: PendingCalls,
    missing_tools: MissingTools,
    prices: Option<Prices>,
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
        let terms = Terms {
            instructions: Instructions::Text(config.system.as_str().into()),
            parameters: Arc::new(config.parameters.clone()),
            tool_policy: config.tool_policy.clone(),
            metadata: Arc::new(config.metadata.clone()),
            model: engines.provider.name().to_owned(),
            guards: Arc::new(config.guards.clone()),
        };
        let bus = EventBus::default();
        let calls = PendingCalls {
            dialogue: Dialogue::fleeting(terms),
            tools: Arc::clone(&engines.tools),
            hooks: config.hooks.clone(),
            clock: Arc::default(),
            bus: bus.weak(),
        };
        Self::of(calls, bus, None, engines, config)
    }

    /// One that goes on with a conversation.
    pub(crate) fn of(
        calls: PendingCalls,
        bus: EventBus,
        permit: Option<CallPermit>,
        engines: Engines,
        config: SessionConfig,
    ) -> Self {
        let (handle, wishes, exchanges) = SessionHandle::new();
        let (missing_tools, prices) = (MissingTools::Refused, None);
        Self {
            engines,
            config,
            bus,
            handle,
            calls,
            missing_tools,
            prices,
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
        let Self { mut engines, config, bus, handle, calls, permit, wishes, exchanges, .. } = self;
        let tooling = Tooling { missing: self.missing_tools, prices: self.prices, calls };
        let dialogue = tooling.calls.dialogue.clone();
        config.turn.check()?;
        dialogue.enter(Mode::Voice);
        let terms = dialogue.terms();
        let devices = (handle.devices().clone(), exchanges);
        let mut offered = terms.offered(&engines.tools);
        if config.end_call {
            engines.tools = with_end_call(&engines.tools, handle);
            offer(&mut offered, "end_call", &engines.tools);
        }
        let pacer = Pacer::new(pace);
        let clock = pacer.clock.clone();
        let _runs_once = tooling.calls.clock.set(clock.clone());
        let context = Context::new(clock.clone()).with_metadata((*terms.metadata).clone());

        let capture = capture_port(microphone.rate());
        let taps = if config.record.is_some() { Taps::Sound } else { Taps::Times };
        let (port, playback, tap) = render_port_with(speaker.rate(), taps);
        let render = (port, tap);
        let recorder = recorder(&config, &*microphone, &*speaker)?;

        let (facts_in, facts) = mpsc::channel(FACTS);
        let (turns, turn_commands) = mpsc::channel(COMMANDS);
        let (playout, playout_commands) = mpsc::channel(COMMANDS);
        let gate = Arc::clone(playback.gate());
        let floor = context.floor.clone();
        let started = started(&config, &engines);
        let frame = frame(&*engines.vad);
        let members = members(&engines, &config, &clock, &bus, dialogue.clone(), offered);
        // With a conversation they are told already.
        dialogue.tell(|| Herald::start(&tooling.calls.hooks, &clock));
        let (listen, speak) = pipelines(
            engines,
            &config,
            tooling,
            &Facts::to(facts_in),
            turn_commands,
            playback,
            playout_commands,
        )?;
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
            microphone,
            speaker,
            capture,
            render,
            gate,
            input,
            recorder,
            frame,
        };
        let drive = parts.start(bus.clone())?;
        members.report.publish(None, None, started);
        warn_of_waits(&members.report, &dialogue.terms().guards);
        let actor = Actor::new(wires, members, clock.clone());
        let (end, over) = End::start([listen, speak], actor, &clock, &config);
        let (outcome, metrics, closed) = end.reach(drive.run(over)).await?;
        let Outcome { messages, turns, under_runs } = outcome;
        leave(&dialogue, permit).await;
        let lost_ms = closed.lost.as_secs_f64() * 1e3;
        let kind = EventKind::SessionEnded { turns, under_runs, lost_ms };
        bus.publish(Event { at: clock.now(), turn: None, response: None, kind });
        closed.devices?;
        let recording_is_whole = closed.recording_is_whole;
        Ok(Summary { messages, turns, under_runs, recording_is_whole, metrics })
    }
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

/// A tool of the session's own, beside those of the conversation.
fn offer(offered: &mut Vec<ToolDescriptor>, name: &str, tools: &ToolRegistry) {
    let is_offered = offered.iter().any(|tool| tool.name == name);
    if let Some(tool) = tools.get(name).filter(|_| !is_offered) {
        offered.push(tool.descriptor().clone());
    }
}

/// Those of whom the actor is made.
fn members(
    engines: &Engines,
    config: &SessionConfig,
    clock: &SessionClock,
    bus: &EventBus,
    dialogue: Dialogue,
    offered: Vec<ToolDescriptor>,
) -> Members {
    let (bus, clock) = (bus.clone(), clock.clone());
    let report = Reporter::new(bus, clock, config.turn.silence, config.speech_ends.clone());
    Members {
        report,
        machine: TurnMachine::new(config.turn.clone(), engines.vad.delay()),
        brief: Brief { tools: offered.into(), apology: config.apology.clone() },
        dialogue,
        services: Services {
            provider: Arc::clone(&engines.provider),
            synthesizer: Arc::clone(&engines.synthesizer),
        },
        rules: Rules {
            threshold: config.threshold.unwrap_or(engines.vad.threshold()),
            pre_roll: config.turn.pre_roll.min(engines.transcriber.pre_roll()),
            transcript_limit: config.transcript_limit,
        },
    }
}

/// What the model's stage is told of tools.
struct Tooling {
    missing: MissingTools,
    prices: Option<Prices>,
    calls: PendingCalls,
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

fn started(config: &SessionConfig, engines: &Engines) -> EventKind {
    EventKind::SessionStarted {
        version: VERSION,
        session: config.id.clone(),
        vad: engines.vad.name().to_owned(),
        stt: engines.transcriber.name().to_owned(),
        llm: engines.provider.name().to_owned(),
        tts: engines.synthesizer.name().to_owned(),
    }
}

/// The listening and the speaking half.
fn pipelines(
    engines: Engines,
    config: &SessionConfig,
    tooling: Tooling,
    facts: &Facts,
    turn_commands: mpsc::Receiver<TurnCommand>,
    playback: Playback,
    playout_commands: mpsc::Receiver<PlayoutCommand>,
) -> Result<(Pipeline, Pipeline), SessionError> {
    let Engines { vad, transcriber, provider, synthesizer, tools } = engines;
    // A turn is known to be one up to a window of voice after it began.
    let keep = config.turn.pre_roll + config.turn.barge_in.window + config.turn.start;
    let resample = Resample::new(vad.rate());
    let audio_turn = AudioTurn::new(vad, facts.clone(), turn_commands, keep);
    let to_stt = Resample::named("resample_stt", transcriber.rate());
    let listen = [
        Node::transform(resample),
        Node::stage(audio_turn),
        Node::transform(to_stt),
        Node::stage(Stt::new(transcriber, facts.clone())),
    ];
    let context = config
        .context
        .clone()
        .map(|config| Node::stage(ContextStage::new(config, Arc::clone(&provider), facts.clone())));
    let guards = Arc::clone(&tooling.calls.dialogue.terms().guards);
    let validate = guards.look_at(Direction::Output).then(|| {
        let portion = Portion::Clauses(Arc::clone(&config.language));
        Node::stage(Validate::new(guards, portion, facts.clone()))
    });
    let provider = ProviderStage::new(provider, tools, facts.clone())
        .with_missing_tools(tooling.missing)
        .with_hooks(tooling.calls.hooks.clone())
        .with_prices(tooling.prices)
        .with_late_results(Arc::new(tooling.calls))
        .spoken(config.filler.clone());
    let tts = Tts::new(synthesizer, facts.clone())
        .with_voice(config.voice.clone(), config.speed)
        .with_language(Arc::clone(&config.language));
    let playout = Playout::new(playback, facts.clone(), playout_commands);
    let voice = [Node::stage(tts), Node::stage(playout)];
    let speak = context.into_iter().chain([Node::stage(provider)]).chain(validate).chain(voice);
    let speak = speak.collect();
    let build =
        |nodes: Vec<Node>| PipelineBuilder::new(config.pipeline.clone()).chain(nodes).build();
    Ok((build(listen.into())?, build(speak)?))
}

/// What was said is kept by then, or is told not to be.
const KEEP: Duration = Duration::from_secs(10);

/// Seconds of frames: a session that is so far behind holds its stages back.
const FACTS: usize = 256;

/// A command stands for at least a fifth of a second of sound.
const COMMANDS: usize = 64;
