//! `banter bench`.

mod target;

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use self::target::Dialler;
use super::Ending;
use super::end::End;
use crate::bench::figures::{Group, Made, Report, Turn, VERSION};
use crate::bench::scenario::Scenario;
use crate::bench::{machine, report};
use crate::time::WallTime;

/// Measure how long an agent takes from your last word to its first sound.
///
/// The agent is known by its sound alone, so that any can be measured. Each scenario is a call of
/// its own, in real time: a recorded person speaks, waits for the answer and goes on. Built in:
/// question, hesitation, barge_in, noise, long_answer, tool, conversation; docs/scenarios.md says
/// how to write others.
///
/// banter mock-server --port 8770 &
/// banter serve --pcm --listen 127.0.0.1:8771 --base-url http://127.0.0.1:8770/v1 &
/// banter bench --target pcm http://127.0.0.1:8771
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Bench {
    /// How the agent is reached.
    #[arg(long, value_enum)]
    target: Target,
    /// Where it is: an address for pcm (`http://HOST:PORT`) and realtime
    /// (`https://api.openai.com/v1`, with the key of OPENAI_API_KEY); none for devices.
    #[arg(required_if_eq_any([("target", "pcm"), ("target", "realtime")]))]
    url: Option<String>,
    /// A scenario, by its name or its file; may be given more than once.
    #[arg(long, value_name = "NAME|FILE", default_values = ["question"])]
    scenario: Vec<String>,
    /// The agent's model, for realtime.
    #[arg(long, default_value = "gpt-realtime")]
    model: String,
    /// For devices: the speaker that the agent has as its microphone.
    #[arg(long, value_name = "SPEAKER")]
    output: Option<String>,
    /// For devices: the microphone that hears the agent's speaker.
    #[arg(long, value_name = "MICROPHONE")]
    input: Option<String>,
    /// Write report.json, report.md and report.html to this folder.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// A plain socket, as `banter serve --pcm` has it.
    Pcm,
    /// OpenAI's Realtime protocol over a WebSocket.
    Realtime,
    /// This machine's devices: the agent is any program that uses them.
    Devices,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start the runtime")?;
        let ending = runtime.block_on(self.bench());
        runtime.shutdown_timeout(Duration::from_secs(1));
        ending
    }

    /// Ctrl-C ends it with what there is so far.
    async fn bench(self) -> anyhow::Result<Ending> {
        let mut end = End::new(false)?;
        let scenarios: Vec<Scenario> =
            self.scenario.iter().map(|name| scenario(name)).collect::<Result<_, _>>()?;
        let dialler = Dialler::new(&self)?;
        let (mut turns, mut groups, mut ending) = (Vec::new(), Vec::new(), Ending::Done);
        for (session, scenario) in scenarios.iter().enumerate() {
            writeln!(stderr(), "bench: {}: {}", scenario.name, scenario.about)?;
            let called = tokio::select! {
                biased;
                stopped = end.comes() => {
                    ending = if stopped == Ending::Done { Ending::Interrupted } else { stopped };
                    break;
                }
                called = dialler.call(scenario, session) => called,
            };
            let (more, group) = called?;
            turns.extend(more);
            groups.push(group);
        }
        let report = self.made(turns, groups);
        write!(stdout(), "{}", report::table(&report))?;
        if let Some(folder) = &self.report {
            let written = report::write(folder, &report)?;
            writeln!(stderr(), "bench: {}", written.html.display())?;
        }
        let lost = report.all.cost.lost_turns > 0;
        Ok(if lost && ending == Ending::Done { Ending::Failed } else { ending })
    }

    fn made(&self, turns: Vec<Turn>, scenarios: Vec<Group>) -> Report {
        let mut all = Group::of("all", &turns);
        for group in &scenarios {
            all.cost.sessions += group.cost.sessions;
            all.cost.session_minutes += group.cost.session_minutes;
            all.cost.under_runs += group.cost.under_runs;
            all.cost.lost_turns += group.cost.lost_turns;
            all.cost.driver_late_ms = all.cost.driver_late_ms.max(group.cost.driver_late_ms);
        }
        let target = self.url.as_deref().unwrap_or("this machine's devices");
        let made = Made {
            banter: env!("CARGO_PKG_VERSION").to_owned(),
            command: format!("banter bench --target {:?} {target}", self.target).to_lowercase(),
            machine: machine::name(),
            target: target.to_owned(),
            at: WallTime::now().to_string(),
        };
        Report { version: VERSION, made, scenarios, all, scaling: Vec::new(), turns }
    }
}

fn scenario(name: &str) -> anyhow::Result<Scenario> {
    let is_file = std::path::Path::new(name).extension().is_some();
    Ok(if is_file { Scenario::load(name)? } else { Scenario::named(name)? })
}

/// What calls by a network.
fn sockets() -> anyhow::Result<Arc<crate::net::SocketClient>> {
    Ok(Arc::new(crate::net::SocketClient::new()?))
}
