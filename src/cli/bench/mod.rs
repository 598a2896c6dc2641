//! `banter bench`.

mod black_box;
mod calls;
mod engine;
mod load;
mod models;
mod progress;
mod target;
mod turns;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use self::black_box::{BlackBox, Called, Target};
use self::calls::Calls;
use self::engine::EngineBench;
use self::load::Load;
use super::Ending;
use super::conversation::PackFlags;
use super::record::RecordFlags;
use super::settings::SettingFlags;
use super::talk::Ends;
use crate::bench::figures::{Group, Made, Report, VERSION};
use crate::bench::machine;
use crate::bench::measure::{Measured, fill};
use crate::bench::report::{self, Percent, compare};
use crate::bench::scenario::Scenario;
use crate::bench::services::Profile;
use crate::config::{self, Factory, Settings};
use crate::net::HttpClient;
use crate::time::WallTime;

/// Measure how long the agent takes to answer, and where the time goes.
///
/// Makes calls in real time: a person who says what a scenario tells, and the whole session; or,
/// with --target, any agent. The table at the end has, for each scenario and for all,
/// voice-to-voice time (from the true end of speech to the first audible sample), overhead (less
/// the silence that ends a turn, less the services' own time), every gap, and what it cost.
/// docs/scenarios.md describes scenarios.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Bench {
    #[command(subcommand)]
    engine: Option<EngineBench>,
    /// A scenario, by the path of its file or the name of a built-in one; may be given again. By
    /// default all built-in ones; with --target, `question`.
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Vec<String>,
    /// Call with all that is said in a WAV file; may be given again. Labels in NAME.json beside it
    /// tell where speech truly ends, else the voice detector estimates.
    #[arg(long, value_name = "FILE")]
    wav: Vec<PathBuf>,
    /// Whose engines: `services` are mock services with known delays, so that overhead can be
    /// told; `own` are those of your settings, as `banter talk` has them.
    #[arg(long, value_enum, default_value_t = Whose::Services)]
    engines: Whose,
    /// How long the mock services take: zero, fast, realistic, long (see `banter mock-server
    /// --help`). What the scenario says by default, else realistic.
    #[arg(long, value_parser = profile())]
    profile: Option<Profile>,
    /// Make each call so often.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// Make so many calls side by side, in one process on one core, and find out how many are too
    /// many: overhead above 100 ms (p95), a turn without an answer, a gap in the agent's voice.
    /// They say the scenario `load`, or the one that is given, each --repeat times.
    #[arg(
        long, value_name = "N,…", value_delimiter = ',', conflicts_with_all = ["check", "wav"],
        value_parser = clap::value_parser!(u16).range(1..=10_000),
    )]
    sessions: Vec<u16>,
    /// Say whether all was as the scenarios expect, line by line; what was not makes the exit
    /// code 1.
    #[arg(long)]
    check: bool,
    /// Write the report into this folder: JSON, Markdown, and a page for the browser.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Compare with a report's JSON, turn by turn.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Exit with 1 if the same turns surely take longer than in the baseline, by more than this.
    #[arg(long, value_name = "PERCENT", requires = "baseline")]
    fail_over: Option<Percent>,
    /// List the built-in scenarios.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    black_box: BlackBox,
    #[command(flatten)]
    pack: PackFlags,
    #[command(flatten)]
    record: RecordFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// Mock services with known delays.
    Services,
    /// Those of the settings.
    Own,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if self.list {
            return list();
        }
        if let Some(engine) = self.engine {
            return engine.run();
        }
        // One thread, so that the figures are those of a session and not of a scheduler.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let record = self.record.clone();
        let ending = runtime.block_on(self.bench());
        // A hung engine must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        record.end(ending)
    }

    async fn bench(self) -> anyhow::Result<Ending> {
        let mut ends = Ends::new()?;
        let settings = self.settings.load(&[])?;
        let scenarios = self.scenarios(&settings)?;
        // A mistake shows before the calls, not after them.
        let baseline = self.baseline.as_deref().map(report::read).transpose()?;
        if let Some(folder) = &self.report {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let is_one_here = self.sessions.is_empty() && self.black_box.target.is_none();
        if self.record.file().is_some() && !is_one_here {
            bail!("--record-exchanges is for one call of this program: leave it out");
        }
        if !self.sessions.is_empty() {
            return self.measure_many(&settings, &scenarios, baseline.as_ref(), &mut ends).await;
        }
        if self.black_box.target.is_some() && self.pack.pack.is_some() {
            bail!("an agent behind --target has instructions of its own: leave --pack out");
        }
        match self.black_box.target {
            Some(target) => {
                self.measure_another(target, &scenarios, baseline.as_ref(), &mut ends).await
            }
            None => self.measure(&settings, &scenarios, baseline.as_ref(), &mut ends).await,
        }
    }

    /// Measures sessions of this program.
    async fn measure(
        &self,
        settings: &Settings,
        scenarios: &[Scenario],
        baseline: Option<&Report>,
        ends: &mut Ends,
    ) -> anyhow::Result<Ending> {
        let log = self.record.open_for_call(settings, false)?;
        let mut calls =
            Calls::new(settings, self.engines, self.profile)?.by(&self.pack).recorded(log);
        let total = scenarios.len() * self.repeat as usize;
        let mut measured = Vec::with_capacity(total);
        let mut interrupted = false;
        'calls: for _ in 0..self.repeat {
            for scenario in scenarios {
                let number = (measured.len() + 1, total);
                let Some(call) = calls.make(scenario, number, ends).await? else {
                    interrupted = true;
                    break 'calls;
                };
                interrupted = call.interrupted;
                if self.check && !interrupted {
                    print_checks(&call.measured)?;
                }
                measured.push(call.measured);
                if interrupted {
                    break 'calls;
                }
            }
        }
        let report = fill(empty(&calls.target()), &measured);
        let fast = self.show(&report, baseline)?;
        write!(stdout().lock(), "{}", models::lines(&calls.models()))?;
        let kept = !self.check || interrupted || print_summary(&measured)?;
        Ok(match (interrupted, fast && kept) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Done,
            (false, false) => Ending::Failed,
        })
    }

    /// Measures calls side by side.
    async fn measure_many(
        &self,
        settings: &Settings,
        scenarios: &[Scenario],
        baseline: Option<&Report>,
        ends: &mut Ends,
    ) -> anyhow::Result<Ending> {
        let [scenario] = scenarios else { bail!("--sessions makes calls by one --scenario") };
        if self.engines == Whose::Own {
            bail!(
                "--sessions tells overhead, which only mock services let it: leave --engines out"
            );
        }
        let calls = Calls::new(settings, self.engines, self.profile)?.by(&self.pack);
        let target = match &self.black_box.url {
            Some(url) => url.clone(),
            None => format!("{}, on one core", calls.target()),
        };
        let mut report = empty(&target);
        let load = Load::new(scenario, self.repeat, calls, (&self.black_box, settings));
        let Some(load) = ends.unless(load).await else { return Ok(Ending::Interrupted) };
        let mut load = load?;
        for (index, count) in self.sessions.iter().enumerate() {
            let step = (usize::from(*count), (index + 1, self.sessions.len()));
            let Some(added) = ends.unless(load.add(step, &mut report)).await else {
                self.show(&report, baseline)?;
                return Ok(Ending::Interrupted);
            };
            added?;
        }
        let fast = self.show(&report, baseline)?;
        Ok(if fast { Ending::Done } else { Ending::Failed })
    }

    /// Measures any agent.
    async fn measure_another(
        &self,
        target: Target,
        scenarios: &[Scenario],
        baseline: Option<&Report>,
        ends: &mut Ends,
    ) -> anyhow::Result<Ending> {
        let Called { turns, scenarios, all, ending } =
            self.black_box.call(target, scenarios, ends).await?;
        let report = Report { turns, scenarios, all, ..empty(self.black_box.name()) };
        let fast = self.show(&report, baseline)?;
        Ok(if ending == Ending::Done && !fast { Ending::Failed } else { ending })
    }

    fn scenarios(&self, settings: &Settings) -> anyhow::Result<Vec<Scenario>> {
        if self.scenario.is_empty() && self.wav.is_empty() {
            return Ok(match self.black_box.target {
                _ if !self.sessions.is_empty() => vec![Scenario::named("load")?],
                Some(_) => vec![Scenario::named("question")?],
                None => Scenario::built_in()?,
            });
        }
        let mut scenarios = Vec::new();
        for given in &self.scenario {
            let path = Path::new(given);
            let is_file = path.extension().is_some() || path.components().count() > 1;
            let found = if is_file { Scenario::load(path) } else { Scenario::named(given) };
            scenarios.push(found?);
        }
        let factory = Factory::new(settings, || Ok(Arc::new(HttpClient::new()?)));
        for wav in &self.wav {
            scenarios.push(Scenario::of_wav(wav, factory.vad()?)?);
        }
        Ok(scenarios)
    }

    /// Prints the table, writes the files, and compares; whether nothing is slower than allowed.
    fn show(&self, report: &Report, baseline: Option<&Report>) -> anyhow::Result<bool> {
        let mut out = stdout().lock();
        write!(out, "{}", report::table(report))?;
        if let Some(folder) = &self.report {
            let written = report::write(folder, report)?;
            for path in [written.json, written.markdown, written.html] {
                writeln!(out, "wrote {}", path.display())?;
            }
        }
        let Some(baseline) = baseline else { return Ok(true) };
        let limit = match self.fail_over {
            Some(limit) => limit,
            None => DEFAULT_LIMIT.parse()?,
        };
        let comparison = compare(report, baseline, limit)?;
        write!(out, "\n{comparison}")?;
        Ok(self.fail_over.is_none() || !comparison.is_regression())
    }
}

/// A report of what was measured by this command; its figures are to come.
fn empty(target: &str) -> Report {
    Report {
        version: VERSION,
        made: Made {
            banter: env!("CARGO_PKG_VERSION").to_owned(),
            command: command(std::env::args()),
            machine: machine::name(),
            target: target.to_owned(),
            at: WallTime::timestamp(),
        },
        scenarios: Vec::new(),
        all: Group::default(),
        scaling: Vec::new(),
        taking: Vec::new(),
        turns: Vec::new(),
    }
}

fn list() -> anyhow::Result<Ending> {
    let mut out = stdout().lock();
    for scenario in Scenario::built_in()? {
        writeln!(out, "{:<14} {}", scenario.name, scenario.about)?;
    }
    Ok(Ending::Done)
}

/// The command line, without the keys in it.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let secrets = || config::TABLE.iter().filter(|setting| setting.kind == config::Kind::Secret);
    let shown = arguments.map(|argument| {
        let end = |setting: &config::Setting| {
            let at = argument.find(setting.key)? + setting.key.len();
            argument[at..].starts_with('=').then_some(at)
        };
        match secrets().find_map(end) {
            Some(end) => format!("{}=…", &argument[..end]),
            None => argument,
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn print_checks(call: &Measured) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    for check in &call.checks {
        let verdict = if check.ok { "ok" } else { "FAILED" };
        writeln!(out, "{}, {check} ... {verdict}", call.scenario)?;
    }
    Ok(())
}

/// Whether all was as expected.
fn print_summary(calls: &[Measured]) -> anyhow::Result<bool> {
    let checks = || calls.iter().flat_map(|call| &call.checks);
    let failed = checks().filter(|check| !check.ok).count();
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let passed = checks().count() - failed;
    writeln!(stdout().lock(), "\nchecks: {verdict}. {passed} passed; {failed} failed")?;
    Ok(failed == 0)
}

fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::NAMES).try_map(|name| name.parse::<Profile>())
}

/// What a comparison without a limit calls slower.
const DEFAULT_LIMIT: &str = "10%";

const EXAMPLES: &str = "\
Examples:
  banter bench
  banter bench --scenario question --profile zero --repeat 5
  banter bench --scenario mine.toml --check
  banter bench --wav mine.wav --engines own
  banter bench --report out
  banter bench --sessions 1,10,50,100,200,400
  banter bench --report new --baseline out/report.json --fail-over 10%

  banter mock-server --port 8770 &
  banter serve --pcm --listen 127.0.0.1:8771 --base-url http://127.0.0.1:8770/v1 &
  banter bench --target pcm http://127.0.0.1:8771
  banter bench --target realtime https://api.openai.com/v1
  banter bench --target devices --output SPEAKER --input MICROPHONE

  banter bench stt
  banter bench tts --tts flite
  banter bench llm --price-in 0.15/1M --price-out 0.60/1M";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_the_command_but_no_key() {
        let arguments = ["banter", "bench", "-s", "stt.api_key=hush", "--set=openai.api_key=k=2"];
        let told =
            command(arguments.into_iter().chain(["-s", "turn.silence_ms=9"]).map(str::to_owned));
        assert_eq!(
            told,
            "banter bench -s stt.api_key=… --set=openai.api_key=… -s turn.silence_ms=9"
        );
    }
}
