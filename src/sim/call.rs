//! Makes a simulated call.

mod cast;
mod log;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::cast::{Cast, Program, listen, session};
use super::fault::Faults;
use super::journal::{Happening, Journal, Who};
use super::link::Link;
use super::mode::Mode;
use super::network::SimNetwork;
use super::play::Play;
use super::properties::{self, Broken};
use super::trace::{Ending, Limits, Trace};
use super::weather::{Lasts, Weather};
use crate::bench::call::CallError;
use crate::bench::services::Services;
use crate::events::{Event, EventKind};
use crate::session::{Pace, SessionError};
use crate::time::SessionClock;
use crate::vad::{self, Vad};

/// How a play is performed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What all chance comes from: 0 by default.
    pub seed: u64,
    /// What may go wrong: nothing by default.
    pub faults: Faults,
    /// The network: two programs on one machine by default.
    pub link: Link,
}

/// What came of a simulated call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The log: what happened, as lines of JSON, in order of time.
    pub lines: Vec<String>,
    /// The session's events.
    pub events: Vec<Event>,
    /// The conversation, as the session has it; empty if the call did not end.
    pub messages: Vec<crate::types::Message>,
    /// What must hold of every call and did not hold of this one.
    pub broken: Vec<Broken>,
    /// How long the call lasted, in its own time.
    pub length: Duration,
    /// What could go wrong.
    pub faults: Vec<String>,
}

impl Outcome {
    /// How many turns the user had, typed ones too.
    #[must_use]
    pub fn turns(&self) -> usize {
        let is_turn = |event: &&Event| {
            matches!(event.kind, EventKind::TurnStarted { .. } | EventKind::Typed { .. })
        };
        self.events.iter().filter(is_turn).count()
    }
}

/// Why a call cannot be simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// There is no runtime.
    #[error("cannot set up virtual time: {0}")]
    Runtime(#[from] std::io::Error),
    /// The engines cannot be had.
    #[error(transparent)]
    Engines(#[from] CallError),
}

/// Performs `play`, in a runtime of its own. Must not be called within another one.
///
/// # Errors
///
/// When the call cannot begin. Whatever happens in it is in the [`Outcome`].
pub fn run(play: &Play, options: &Options) -> Result<Outcome, SimError> {
    let vad = vad::by_name(&play.vad).map_err(CallError::from)?;
    run_with_vad(play, vad, options)
}

/// As [`run`], with this detector, whichever the play names: one that needs more than a name. It
/// must compute where it is called, and the same each time.
///
/// # Errors
///
/// As of [`run`].
pub fn run_with_vad(
    play: &Play,
    vad: Box<dyn Vad>,
    options: &Options,
) -> Result<Outcome, SimError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(perform(play, vad, options))
}

async fn perform(play: &Play, vad: Box<dyn Vad>, options: &Options) -> Result<Outcome, SimError> {
    // Time stands still until all is set up, so that this is the session's clock as well.
    let clock = SessionClock::live();
    let journal = Journal::default();
    let kind = (play.mode, play.length());
    let weather = Weather::new(&options.faults, options.link, options.seed, kind);
    journal.note(clock.now(), Who::Simulator, forecast((options.seed, play.mode), &weather));
    let services = services(play, &weather, options.seed);
    let network = Arc::clone(&services);
    let network = SimNetwork::new(network, weather.clone(), clock.clone(), journal.clone());
    let cast = Cast::new(play, &weather, &journal, &clock);
    let session = session(play, vad, Arc::new(network))?;
    let program = Program::new(&session, play, clock.clone(), journal.clone());
    let mut beside = JoinSet::new();
    let listening = tokio::spawn(listen(session.subscribe(), cast.log.clone()));
    beside.spawn(program.clone().wish(play.wishes.clone()));
    beside.spawn(program.replug(cast.microphone.clone(), cast.speaker.clone(), weather.clone()));
    let (ears, person) = (cast.speaker.ears().clone(), cast.log);
    let (microphone, speaker) = (Box::new(cast.microphone), Box::new(cast.speaker));
    let limit = limit(play);
    let called = session.run(microphone, speaker, Pace::Live);
    let ending = match tokio::time::timeout(limit, called).await {
        Ok(Ok(summary)) => Ending::Ended(summary.messages),
        Ok(Err(SessionError::Left(reason))) => Ending::Left(reason),
        Ok(Err(error)) => Ending::Failed(error.to_string()),
        Err(_late) => Ending::TimedOut(limit),
    };
    beside.shutdown().await;
    let length = clock.now().since(crate::time::SessionTime::ZERO);
    let (events, lost) = listening.await.unwrap_or_default();
    log::add_person(&journal, &person);
    log::add_services(&journal, &services.log(CALLER));
    let limits = Limits {
        transcript: play.config.transcript_limit,
        shutdown: play.config.pipeline.shutdown_timeout,
    };
    let trace = Trace {
        mode: play.mode,
        events,
        lost,
        happenings: journal.take(),
        audible: ears.heard(),
        ending,
        speaker_gone: weather.speaker.gone,
        limits,
    };
    let broken = properties::check(&trace);
    let lines = log::lines(&trace);
    let messages = match trace.ending {
        Ending::Ended(messages) => messages,
        Ending::Left(_) | Ending::Failed(_) | Ending::TimedOut(_) => Vec::new(),
    };
    let faults = weather.faults().iter().map(ToString::to_string).collect();
    Ok(Outcome { lines, events: trace.events, messages, broken, length, faults })
}

/// The services, told what they say and what goes wrong at them.
fn services(play: &Play, weather: &Weather, seed: u64) -> Arc<Services> {
    // One that needs more than a name hears nobody there.
    let services = Services::new(play.delays, seed).hearing_by(&play.vad);
    let services = services.unwrap_or_else(|_| Services::new(play.delays, seed));
    let services = weather.mishaps().into_iter().fold(services, Services::with_mishap);
    let mut script = play.script.clone();
    if let Some(Lasts { limit, notice }) = weather.lasts() {
        let ms = |duration: Duration| Some(duration.as_millis() as u64);
        (script.duplex.limit_ms, script.duplex.notice_ms) = (ms(limit), ms(notice));
    }
    services.script(CALLER, script);
    Arc::new(services)
}

fn forecast((seed, mode): (u64, Mode), weather: &Weather) -> Happening {
    let faults: Vec<_> = weather.faults().iter().map(ToString::to_string).collect();
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let (latency_ms, jitter_ms) = (ms(weather.link.latency), ms(weather.link.jitter));
    let bandwidth = weather.link.bandwidth;
    let (mode, faults) = (mode.to_string(), faults.join(","));
    Happening::Weather { seed, mode, faults, latency_ms, jitter_ms, bandwidth }
}

/// The longest that a call may take which ends at all: every wait of every turn at its limit.
fn limit(play: &Play) -> Duration {
    let turns = play.utterances.len() + play.wishes.len() + play.script.faults.len() + 2;
    play.length() + TURN * u32::try_from(turns).unwrap_or(u32::MAX)
}

/// The key by which the services know the one who calls.
const CALLER: &str = "person";

/// The recogniser's wait, an answer's and an apology's, and the person's patience with each.
const TURN: Duration = Duration::from_secs(120);
