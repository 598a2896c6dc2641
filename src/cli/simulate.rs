//! `banter simulate`.

mod agent;

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;

use anyhow::Result;

use self::agent::AgentFlags;
use super::Ending;
use super::settings::SettingFlags;
use crate::bench::scenario::Scenario;
use crate::config::Factory;
use crate::net::HttpClient;
use crate::sim::{self, Faults, Link, Options, Outcome, Play};
use crate::vad::{self, Vad};

/// Simulate whole calls in virtual time, and print what happens in them
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Simulate {
    /// A scenario file, the name of a built-in one, or `random` for a call that the seed makes up
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// What all chance comes from: the same seed gives the same log, byte by byte
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Run the seeds from N on, as many, and print a line for each instead of the log
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    #[command(flatten)]
    agent: AgentFlags,
    /// What goes wrong: none, random, or some of loss, stall, cut, slow, refuse, unreachable,
    /// microphone, speaker, drift, and with --mode asm close, silent, error, disorder, expire, with
    /// commas between
    #[arg(long, value_name = "FAULTS", default_value = "none")]
    faults: Faults,
    /// The voice detector: earshot, silero, webrtc or energy; that of the scenario, if none is named
    #[arg(long, value_name = "NAME")]
    vad: Option<String>,
    /// How long the network takes, one way, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u32,
    /// What it may take longer, by chance
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter_ms: u32,
    /// How many kilobytes it carries in a second: any number by default
    #[arg(long, value_name = "KB", value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    bandwidth_kb: Option<u32>,
}

const AFTER_HELP: &str = "\
Person, microphone, network, services and speaker are simulated on one thread; the session, its
turn taking and its clients of services are the real ones. Nothing is waited for: a minute of talk
takes a fraction of a second. Engines in other processes or threads cannot take part.

The log is JSON, a line for each thing that happened, in order of time (`t_ms`). Lines without
`who` are the session's own events.

After each call it is checked what must hold of every call: it ends; turns and responses begin and
end once; nobody waits in silence beyond the limits; nothing is heard out of turn; the history is
what was heard. What does not hold is told, with the command that replays it.

Examples:
  banter simulate question                              the log of a call where all goes well
  banter simulate question --faults loss,stall --seed 3
  banter simulate random --count 1000 --faults random   a thousand calls that nobody thought of
  banter simulate question --mode asm --provider gemini --faults expire

Exit codes: 0 if all held; 1 if something did not.";

impl Simulate {
    pub(super) fn run(self) -> Result<Ending> {
        let scenario = Source::of(&self.scenario)?;
        self.agent.check(matches!(scenario, Source::Random), &self.faults)?;
        if self.count == 1 {
            return self.show(&scenario);
        }
        let shows_progress = stderr().is_terminal() && !stdout().is_terminal();
        let mut failed = 0;
        for number in 0..self.count {
            let seed = self.seed.wrapping_add(number);
            let play = self.play(&scenario, seed);
            let outcome = self.simulate(&play, seed)?;
            failed += u64::from(!outcome.broken.is_empty());
            self.summarize(seed, &play, &outcome)?;
            if shows_progress {
                write!(stderr(), "\r{} of {} calls, {failed} failed", number + 1, self.count)?;
            }
        }
        if shows_progress {
            writeln!(stderr())?;
        }
        writeln!(stderr(), "{} of {} calls held", self.count - failed, self.count)?;
        Ok(if failed == 0 { Ending::Done } else { Ending::Failed })
    }

    /// One call, with all that happens in it.
    fn show(&self, scenario: &Source) -> Result<Ending> {
        let outcome = self.simulate(&self.play(scenario, self.seed), self.seed)?;
        let mut out = stdout().lock();
        for line in &outcome.lines {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        for broken in &outcome.broken {
            writeln!(stderr(), "banter: seed {}: {broken}", self.seed)?;
        }
        Ok(if outcome.broken.is_empty() { Ending::Done } else { Ending::Failed })
    }

    fn play(&self, scenario: &Source, seed: u64) -> Play {
        let mut play = match scenario {
            Source::Scenario(play) => Play::clone(play),
            Source::Random => sim::random_play_of(seed, self.agent.kind()),
        };
        if let Some(vad) = &self.vad {
            play.vad.clone_from(vad);
        }
        self.agent.cast(&mut play);
        play
    }

    fn simulate(&self, play: &Play, seed: u64) -> Result<Outcome> {
        let ms = |ms: u32| std::time::Duration::from_millis(ms.into());
        let link = Link {
            latency: ms(self.latency_ms),
            jitter: ms(self.jitter_ms),
            bandwidth: self.bandwidth_kb.map(|kb| kb.saturating_mul(1_000)),
            ..Link::LOOPBACK
        };
        let options = Options { seed, faults: self.faults.clone(), link };
        Ok(sim::run_with_vad(play, detector(&play.vad)?, &options)?)
    }

    fn summarize(&self, seed: u64, play: &Play, outcome: &Outcome) -> Result<()> {
        let mut out = stdout().lock();
        let verdict = if outcome.broken.is_empty() { "ok" } else { "FAILED" };
        let (seconds, turns) = (outcome.length.as_secs_f64(), outcome.turns());
        let faults = Some(outcome.faults.join(",")).filter(|faults| !faults.is_empty());
        let faults = faults.unwrap_or_else(|| "no faults".to_owned());
        let agent = agent::told(play);
        writeln!(out, "seed {seed}  {verdict}  {seconds:.1} s  {turns} turns  {agent}  {faults}")?;
        for broken in &outcome.broken {
            writeln!(out, "    {broken}")?;
        }
        if !outcome.broken.is_empty() {
            writeln!(out, "    replay: {}", self.replay(seed))?;
        }
        Ok(())
    }

    /// The command that makes this one call again.
    fn replay(&self, seed: u64) -> String {
        let quoted = match self.scenario.contains(char::is_whitespace) {
            true => format!("'{}'", self.scenario),
            false => self.scenario.clone(),
        };
        let mut command = format!("banter simulate {quoted} --seed {seed}");
        command += &self.agent.written();
        if self.faults != Faults::None {
            command += &format!(" --faults {}", self.faults);
        }
        if let Some(vad) = &self.vad {
            command += &format!(" --vad {vad}");
        }
        for (flag, value) in [("latency-ms", self.latency_ms), ("jitter-ms", self.jitter_ms)] {
            if value > 0 {
                command += &format!(" --{flag} {value}");
            }
        }
        if let Some(kb) = self.bandwidth_kb {
            command += &format!(" --bandwidth-kb {kb}");
        }
        command
    }
}

/// The detector of this name. Settings are read only for one that needs them, as Silero its files.
fn detector(name: &str) -> Result<Box<dyn Vad>> {
    if let Ok(vad) = vad::by_name(name) {
        return Ok(vad);
    }
    let settings = SettingFlags::bare(None, Vec::new()).load(&[])?;
    let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)));
    Ok(factory.detector(name)?)
}

/// Where plays come from.
enum Source {
    /// The same for every seed.
    Scenario(Box<Play>),
    Random,
}

impl Source {
    fn of(name: &str) -> Result<Self> {
        if name == "random" {
            return Ok(Self::Random);
        }
        let is_path = name.contains(std::path::MAIN_SEPARATOR) || name.ends_with(".toml");
        let scenario = if is_path { Scenario::load(name)? } else { Scenario::named(name)? };
        Ok(Self::Scenario(Box::new(Play::of(&scenario)?)))
    }
}
