//! Calls an agent as a black box, and tells each turn.

use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use super::black_box::{BlackBox, Target, sockets};
use crate::bench::figures::{Cost, Group, Turn};
use crate::bench::person::{Person, PersonLog};
use crate::bench::scenario::Scenario;
use crate::bench::target::devices::DeviceLine;
use crate::bench::target::pcm::PcmLine;
use crate::bench::target::realtime::RealtimeLine;
use crate::bench::target::{Line, Talked, measured, talk};
use crate::device::cpal::{CpalMicrophone, CpalSpeaker};
use crate::net::SocketClient;
use crate::time::SessionClock;
use crate::types::Secret;

/// Makes the calls.
pub(super) struct Dialler<'a> {
    bench: &'a BlackBox,
    target: Target,
    sockets: Option<Arc<SocketClient>>,
}

impl<'a> Dialler<'a> {
    pub(super) fn new(bench: &'a BlackBox, target: Target) -> anyhow::Result<Self> {
        let sockets = (target != Target::Devices).then(sockets).transpose()?;
        Ok(Self { bench, target, sockets })
    }

    /// Plays a scenario to the agent, in a call of its own.
    pub(super) async fn call(
        &self,
        scenario: &Scenario,
        session: usize,
    ) -> anyhow::Result<(Vec<Turn>, Group)> {
        let utterances = scenario.utterances().await?;
        let expected = scenario.texts().len();
        let (microphone, speaker, log) = Person::new(utterances).devices();
        let clock = SessionClock::live();
        let mut line = self.line(session, &clock).await?;
        // From here on it is the person's time.
        let clock = SessionClock::live();
        let talking = talk(Box::new(microphone), Box::new(speaker), &mut *line, &clock);
        let talked = watched(talking, &log, &clock).await?;
        let turns = measured(&scenario.name, session, &log);
        let mut group = Group::of(&scenario.name, &turns);
        group.cost = Cost {
            sessions: 1,
            session_minutes: clock.now().as_millis() / 60e3,
            under_runs: talked.gaps,
            lost_turns: expected.saturating_sub(turns.len()) as u64,
            driver_late_ms: talked.late.as_secs_f64() * 1e3,
            ..Cost::default()
        };
        if talked.hung_up {
            group.failures.push("the agent hung up before the person had finished".to_owned());
        }
        Ok((turns, group))
    }

    async fn line(&self, session: usize, clock: &SessionClock) -> anyhow::Result<Box<dyn Line>> {
        let url = self.bench.url.as_deref().unwrap_or_default();
        Ok(match (self.target, &self.sockets) {
            (Target::Pcm, Some(dial)) => {
                Box::new(PcmLine::connect(&**dial, url, &format!("bench-{session}")).await?)
            }
            (Target::Realtime, Some(dial)) => {
                let key = std::env::var("OPENAI_API_KEY").ok().map(Secret::new);
                let model = &self.bench.model;
                Box::new(RealtimeLine::connect(&**dial, url, key, model, SILENCE_MS).await?)
            }
            _ => {
                let to_agent = Box::new(CpalSpeaker::open(self.bench.output.as_deref())?);
                let from_agent = Box::new(CpalMicrophone::open(self.bench.input.as_deref())?);
                Box::new(DeviceLine::open(to_agent, from_agent, clock)?)
            }
        })
    }
}

/// Tells each answer when it is heard.
async fn watched(
    talking: impl Future<Output = Result<Talked, crate::bench::target::TargetError>>,
    log: &PersonLog,
    clock: &SessionClock,
) -> anyhow::Result<Talked> {
    let mut talking = std::pin::pin!(talking);
    let mut told = 0;
    loop {
        let over = tokio::select! {
            biased;
            talked = &mut talking => Some(talked?),
            () = clock.sleep(LOOK) => None,
        };
        for turn in measured("", 0, log).iter().skip(told) {
            told += 1;
            let ms = turn.voice_to_voice_ms;
            writeln!(stderr(), "bench:   turn {}: {ms:.0} ms", turn.index + 1)?;
        }
        if let Some(talked) = over {
            return Ok(talked);
        }
    }
}

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The silence that ends a turn for a Realtime agent: that of Banter, so that both can be compared.
const SILENCE_MS: u64 = 800;
