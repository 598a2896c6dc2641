//! Calls an agent as a black box, and tells each turn.

use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::black_box::{BlackBox, Target, sockets};
use crate::bench::figures::{Cost, Group, Turn};
use crate::bench::person::{Person, PersonLog};
use crate::bench::scenario::Scenario;
use crate::bench::target::devices::{DeviceLine, UnderWay};
use crate::bench::target::pcm::PcmLine;
use crate::bench::target::realtime::RealtimeLine;
use crate::bench::target::{Line, Talked, TargetError, measured, talk};
use crate::cli::talk::Ends;
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
    /// # Errors
    ///
    /// When what is given is not for this target.
    pub(super) fn new(bench: &'a BlackBox, target: Target) -> anyhow::Result<Self> {
        let named = bench.output.is_some() || bench.input.is_some();
        match target {
            Target::Devices if bench.url.is_some() => {
                bail!("devices have no address; name them with --output and --input")
            }
            Target::Pcm | Target::Realtime if named => {
                bail!("--output and --input are for --target devices")
            }
            Target::Pcm | Target::Realtime | Target::Devices => {}
        }
        let sockets = (target != Target::Devices).then(sockets).transpose()?;
        Ok(Self { bench, target, sockets })
    }

    /// Plays a scenario to the agent, in a call of its own; `None` if the program was asked to end
    /// before it began.
    ///
    /// # Errors
    ///
    /// When there is no call. One that fails is told in the group.
    pub(super) async fn call(
        &self,
        scenario: &Scenario,
        session: usize,
        ends: &mut Ends,
    ) -> anyhow::Result<Option<OneCall>> {
        let utterances = scenario.utterances().await?;
        let Some(line) = ends.unless(self.line(session)).await else { return Ok(None) };
        let (mut line, under_way) = line?;
        let (microphone, speaker, log) = Person::new(utterances).devices();
        // From here on it is the person's time.
        let clock = SessionClock::live();
        let scenario = scenario.clone();
        let mut watch =
            Watch { scenario, session, log, under_way, clock: clock.clone(), turns: Vec::new() };
        let talking = talk(Box::new(microphone), Box::new(speaker), &mut *line, &clock);
        let ended = ends.unless(watch.until_over(talking)).await.transpose()?;
        watch.look()?;
        let group = watch.group(ended.as_ref());
        for failure in &group.failures {
            writeln!(stderr(), "bench:   {failure}")?;
        }
        Ok(Some(OneCall { turns: watch.turns, group, interrupted: ended.is_none() }))
    }

    async fn line(&self, session: usize) -> anyhow::Result<(Box<dyn Line>, UnderWay)> {
        let url = self.bench.url.as_deref().unwrap_or_default();
        let line: Box<dyn Line> = match (self.target, &self.sockets) {
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
                let line = DeviceLine::open(to_agent, from_agent, &SessionClock::live())?;
                let under_way = line.under_way();
                return Ok((Box::new(line), under_way));
            }
        };
        Ok((line, UnderWay::default()))
    }
}

/// What came of a call.
pub(super) struct OneCall {
    pub(super) turns: Vec<Turn>,
    pub(super) group: Group,
    /// Whether it was ended by whoever runs the program.
    pub(super) interrupted: bool,
}

/// Watches a call.
struct Watch {
    scenario: Scenario,
    session: usize,
    log: PersonLog,
    under_way: UnderWay,
    clock: SessionClock,
    /// What was measured so far.
    turns: Vec<Turn>,
}

/// How a call has ended by itself.
type Ended = Result<Talked, TargetError>;

impl Watch {
    /// Tells each answer when it is heard, and each that does not come.
    async fn until_over(&mut self, talking: impl Future<Output = Ended>) -> anyhow::Result<Ended> {
        let mut talking = std::pin::pin!(talking);
        let mut lost = 0;
        loop {
            let ended = tokio::select! {
                biased;
                ended = &mut talking => Some(ended),
                () = self.clock.sleep(LOOK) => None,
            };
            self.look()?;
            for index in self.log.unanswered().iter().skip(lost) {
                lost += 1;
                writeln!(stderr(), "bench:   turn {}: no answer", index + 1)?;
            }
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// Finds the turns that have an answer now. How long sound is under way may change in a call:
    /// what it is now counts.
    fn look(&mut self) -> anyhow::Result<()> {
        let under_way = self.under_way.get();
        let turns = measured(&self.scenario.name, self.session, &self.log, under_way);
        for turn in turns.into_iter().skip(self.turns.len()) {
            let ms = turn.voice_to_voice_ms;
            writeln!(stderr(), "bench:   turn {}: {ms:.0} ms", turn.index + 1)?;
            self.turns.push(turn);
        }
        Ok(())
    }

    /// The figures of a call; it has not ended by itself if `ended` is none.
    fn group(&self, ended: Option<&Ended>) -> Group {
        let lost = match ended {
            Some(_) => self.scenario.texts().len().saturating_sub(self.turns.len()),
            // What was not said yet is not lost.
            None => self.log.unanswered().len(),
        };
        let mut group = Group::of(&self.scenario.name, &self.turns);
        group.cost = Cost {
            sessions: 1,
            session_minutes: self.clock.now().as_millis() / 60e3,
            lost_turns: lost as u64,
            driver_late_ms: self.log.lateness_ms(0.95) as f64,
            ..Cost::default()
        };
        match ended {
            Some(Ok(talked)) => {
                group.cost.under_runs = talked.gaps;
                if talked.hung_up && lost > 0 {
                    let hung_up = "the agent hung up before the person had finished";
                    group.failures.push(hung_up.to_owned());
                }
            }
            Some(Err(error)) => group.failures.push(error.to_string()),
            None => {}
        }
        group
    }
}

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The silence that ends a turn for a Realtime agent: that of Banter, so that both can be compared.
const SILENCE_MS: u64 = 800;
