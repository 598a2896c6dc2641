//! `banter bench --sessions`: many calls side by side.

use std::io::{Write, stderr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::black_box::{BlackBox, Target, sockets};
use super::calls::Calls;
use super::progress::Progress;
use crate::bench::figures::{Group, Report, Spread, Step, Turn};
use crate::bench::load::{OneOfMany, Together, side_by_side, step};
use crate::bench::machine;
use crate::bench::measure::{discarded, explain, lost, turns};
use crate::bench::person::{Person, PersonLog, Utterance};
use crate::bench::remote::MockServices;
use crate::bench::scenario::Scenario;
use crate::bench::services::{Delays, Script};
use crate::bench::target::pcm::PcmLine;
use crate::bench::target::{self, TargetError, talk};
use crate::config::Settings;
use crate::events::{Event, EventKind};
use crate::net::{Http, HttpClient, NetError, SocketClient};
use crate::time::SessionClock;

/// Makes calls side by side.
pub(super) struct Load<'a> {
    scenario: &'a Scenario,
    utterances: Vec<Utterance>,
    agent: Agent<'a>,
    clock: SessionClock,
    base_kib: Option<f64>,
    /// Names for the callers.
    made: usize,
}

/// Who is called.
enum Agent<'a> {
    /// Sessions of this process.
    Here(Box<Calls<'a>>),
    /// An agent at the other end of a plain socket.
    There(Box<There>),
}

struct There {
    url: String,
    sockets: Arc<SocketClient>,
    /// What the agent asks.
    services: MockServices,
    silence: Duration,
    delays: Delays,
}

impl<'a> Load<'a> {
    /// Calls in which all of `scenario` is said `repeat` times.
    pub(super) async fn new(
        scenario: &'a Scenario,
        repeat: u32,
        calls: Calls<'a>,
        (black_box, settings): (&BlackBox, &Settings),
    ) -> anyhow::Result<Self> {
        machine::raise_open_files().context("cannot have enough connections")?;
        let said = scenario.utterances().await?;
        let utterances = std::iter::repeat_n(said, repeat as usize).flatten().collect();
        let agent = match black_box.target {
            None => Agent::Here(Box::new(calls.pinned()?)),
            Some(Target::Pcm) => {
                let silence = scenario.agent.apply(settings.session()).turn.silence;
                let delays = scenario.services.delays(None)?;
                Agent::There(Box::new(There::new(black_box, silence, delays)?))
            }
            Some(_) => bail!("--sessions calls sessions of this program, or --target pcm"),
        };
        let (clock, base_kib) = (SessionClock::live(), machine::resident_kib());
        Ok(Self { scenario, utterances, agent, clock, base_kib, made: 0 })
    }

    /// So many calls side by side, into `report`.
    pub(super) async fn add(
        &mut self,
        (count, number): (usize, (usize, usize)),
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let name = calls(count);
        let turns = self.utterances.iter().filter(|said| !said.text.is_empty()).count() * count;
        let progress = Arc::new(Mutex::new(Progress::new(&name, turns, number)));
        let cast: Vec<_> = (0..count).map(|_| self.caller()).collect();
        let is_here = matches!(self.agent, Agent::Here(_));
        let together = match &mut self.agent {
            Agent::Here(calls) => {
                here(calls, self.scenario, cast, (&self.clock, &progress)).await?
            }
            Agent::There(there) => there.call(cast, (&self.clock, &progress)).await?,
        };
        locked(&progress).done();
        let step = step(count, &together, self.base_kib, is_here);
        let most_late = together.calls.iter().flatten().map(|call| call.most_late_ms);
        tell(&step, most_late.fold(0.0, f64::max))?;
        let turns = together.calls.into_iter().flatten().enumerate().flat_map(|(session, call)| {
            let name = name.clone();
            call.turns.into_iter().map(move |turn| Turn { scenario: name.clone(), session, ..turn })
        });
        let turns: Vec<Turn> = turns.collect();
        report.scenarios.push(Group { cost: step.cost, ..Group::of(&name, &turns) });
        report.turns.extend(turns);
        report.all = Group { cost: step.cost, ..Group::of("all", &report.turns) };
        report.scaling.push(step);
        Ok(())
    }

    /// The next caller: each begins with another turn, so that not all say the same at once.
    fn caller(&mut self) -> Caller {
        let mut utterances = self.utterances.clone();
        utterances.rotate_left(self.made % self.utterances.len().max(1));
        let mut script = self.scenario.services.script.clone();
        if script.heard == self.scenario.texts() {
            let said = utterances.iter().filter(|said| !said.text.is_empty());
            script.heard = said.map(|said| said.text.clone()).collect();
        }
        let name = format!("bench-{}-{}", std::process::id(), self.made);
        self.made += 1;
        Caller { name, utterances, script }
    }
}

/// Somebody who will call.
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) utterances: Vec<Utterance>,
    pub(super) script: Script,
}

type Shown<'a> = (&'a SessionClock, &'a Arc<Mutex<Progress>>);

/// Calls with sessions of this process.
async fn here(
    calls: &mut Calls<'_>,
    scenario: &Scenario,
    cast: Vec<Caller>,
    (clock, progress): Shown<'_>,
) -> anyhow::Result<Together<Option<OneOfMany>>> {
    let spread = spread(cast.len());
    let mut ready = Vec::with_capacity(cast.len());
    for caller in cast {
        let name = caller.name.clone();
        let counted = Arc::clone(progress);
        let call =
            calls.cast(scenario, caller).await?.watched_by(Box::new(move |event: &Event| {
                if matches!(event.kind, EventKind::Latency(_)) {
                    locked(&counted).count();
                }
            }));
        ready.push(async move { (name, call.run().await) });
    }
    let ended = shown(side_by_side(ready, spread, clock), clock, progress).await?;
    let mut made = Vec::with_capacity(ended.calls.len());
    for (caller, record) in ended.calls {
        let record = record?;
        let log = calls.log(&caller).await?.unwrap_or_default();
        made.push(Some(OneOfMany {
            turns: turns(&record, &log, ""),
            lost: lost(&record),
            under_runs: record.summary.under_runs,
            late_ms: record.person.lateness_ms(0.95) as f64,
            most_late_ms: record.person.lateness_ms(1.0) as f64,
            minutes: record.events.last().map_or(0.0, |last| last.at.as_millis() / 60e3),
            discarded: discarded(&record),
        }));
    }
    Ok(Together { calls: made, cpu: ended.cpu, peak_kib: ended.peak_kib })
}

impl There {
    fn new(black_box: &BlackBox, silence: Duration, delays: Delays) -> anyhow::Result<Self> {
        let Some(services) = &black_box.services else {
            bail!(
                "overhead can only be told by the services' own log: give --services with the \
                 address of the `banter mock-server` that the agent asks"
            );
        };
        let http: Arc<dyn Http> = Arc::new(HttpClient::new()?);
        let services = MockServices::new(services, http);
        let url = black_box.url.clone().unwrap_or_default();
        Ok(Self { url, sockets: sockets()?, services, silence, delays })
    }

    async fn call(
        &self,
        cast: Vec<Caller>,
        (clock, progress): Shown<'_>,
    ) -> anyhow::Result<Together<Option<OneOfMany>>> {
        let spread = spread(cast.len());
        let mut ready = Vec::with_capacity(cast.len());
        for Caller { name, utterances, script } in cast {
            self.services.script(&name, &script).await.context("the mock services")?;
            let (sockets, url) = (Arc::clone(&self.sockets), self.url.clone());
            ready.push(async move {
                (name.clone(), call_there(&sockets, &url, &name, utterances).await)
            });
        }
        let ended = shown(side_by_side(ready, spread, clock), clock, progress).await?;
        let mut made = Vec::with_capacity(ended.calls.len());
        for (caller, called) in ended.calls {
            let log = self.services.take_log(&caller).await?;
            let Some((person, mut call)) = called? else {
                made.push(None);
                continue;
            };
            explain(&mut call.turns, &person, &log, (self.silence, self.delays.tool));
            made.push(Some(call));
        }
        Ok(Together { calls: made, cpu: ended.cpu, peak_kib: ended.peak_kib })
    }
}

/// A call over the socket; `None` if it was refused because there are enough.
async fn call_there(
    sockets: &SocketClient,
    url: &str,
    sid: &str,
    utterances: Vec<Utterance>,
) -> Result<Option<(PersonLog, OneOfMany)>, TargetError> {
    let mut line = match PcmLine::connect(sockets, url, sid).await {
        Err(TargetError::Net(NetError::Refused { status, .. })) if status.as_u16() == 503 => {
            return Ok(None);
        }
        connected => connected?,
    };
    let expected = utterances.iter().filter(|said| !said.text.is_empty()).count();
    let (microphone, speaker, person) = Person::new(utterances).devices();
    let clock = SessionClock::live();
    let talked = talk(Box::new(microphone), Box::new(speaker), &mut line, &clock).await?;
    let turns = target::measured("", 0, &person, Duration::ZERO);
    let call = OneOfMany {
        lost: expected.saturating_sub(turns.len()),
        turns,
        under_runs: talked.gaps,
        late_ms: person.lateness_ms(0.95) as f64,
        most_late_ms: person.lateness_ms(1.0) as f64,
        minutes: clock.now().as_millis() / 60e3,
        ..OneOfMany::default()
    };
    Ok(Some((person, call)))
}

/// Shows how far calls are until they are over.
async fn shown<T>(
    calls: impl Future<Output = T>,
    clock: &SessionClock,
    progress: &Mutex<Progress>,
) -> T {
    let mut calls = pin!(calls);
    loop {
        tokio::select! {
            biased;
            ended = &mut calls => return ended,
            () = clock.sleep(SECOND) => locked(progress).tick(),
        }
    }
}

fn locked(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As in `100 calls`.
fn calls(count: usize) -> String {
    format!("{count} call{}", if count == 1 { "" } else { "s" })
}

/// As in `100 calls: overhead 4.2 / 9.0 ms (p50 / p95), driver late 2 / 5 ms (p95 / most)`.
fn tell(step: &Step, most_late: f64) -> std::io::Result<()> {
    let Spread { p50, p95, .. } = step.overhead_ms;
    let name = calls(step.sessions);
    let late = step.cost.driver_late_ms;
    let mut line = format!(
        "{name}: overhead {p50:.1} / {p95:.1} ms (p50 / p95), driver late {late:.0} / {most_late:.0} \
         ms (p95 / most)"
    );
    if let Some(cpu) = step.cost.cpu_s_per_minute {
        line += &format!(", CPU {cpu:.3} s per session-minute");
    }
    if step.refused > 0 {
        line += &format!(", {} refused", step.refused);
    }
    if let Some(knee) = &step.knee {
        line += &format!("; too many: {knee}");
    }
    writeln!(stderr(), "{line}")
}

/// Over how long so many calls start, so that not all do the same at once: more than a turn takes
/// until it is answered, and no more of them at a time than a server lets in.
fn spread(calls: usize) -> Duration {
    SPREAD.max(APART.mul_f64(calls as f64))
}

const SPREAD: Duration = Duration::from_secs(10);

/// Between two starts, at least.
const APART: Duration = Duration::from_millis(40);

const SECOND: Duration = Duration::from_secs(1);
