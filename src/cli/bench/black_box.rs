//! `banter bench --target`: any agent, by its sound alone.

use std::io::{Write, stderr};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::target::Dialler;
use crate::bench::figures::{Group, Turn};
use crate::bench::scenario::Scenario;
use crate::cli::Ending;
use crate::cli::talk::Ends;

/// Where the agent is, if it is another one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Any agent, by its sound alone")]
pub(super) struct BlackBox {
    /// Measure the agent that is reached in this way, rather than a session of this program: from
    /// its sound alone, so without gaps and overhead.
    #[arg(long, value_enum, conflicts_with_all = ["engines", "profile", "check", "repeat"])]
    pub(super) target: Option<Target>,
    /// Where it is: an address for pcm (`http://HOST:PORT`) and realtime
    /// (`https://api.openai.com/v1`, with the key of OPENAI_API_KEY); none for devices.
    #[arg(
        value_parser = address,
        requires = "target",
        required_if_eq_any([("target", "pcm"), ("target", "realtime")])
    )]
    pub(super) url: Option<String>,
    /// For pcm, and with --sessions: the mock services that the agent asks, so that overhead can
    /// be told (`http://HOST:PORT/v1`). They know the callers by the `sid` of the socket.
    #[arg(long, value_name = "URL", requires = "target")]
    pub(super) services: Option<String>,
    /// The agent's model, for realtime.
    #[arg(long, default_value = "gpt-realtime")]
    pub(super) model: String,
    /// For devices: the speaker that the agent has as its microphone.
    #[arg(long, value_name = "SPEAKER")]
    pub(super) output: Option<String>,
    /// For devices: the microphone that hears the agent's speaker.
    #[arg(long, value_name = "MICROPHONE")]
    pub(super) input: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// A plain socket, as `banter serve --pcm` has it.
    Pcm,
    /// OpenAI's Realtime protocol over a WebSocket.
    Realtime,
    /// This machine's devices: the agent is any program that uses them.
    Devices,
}

/// What came of the calls.
pub(super) struct Called {
    pub(super) turns: Vec<Turn>,
    pub(super) scenarios: Vec<Group>,
    pub(super) all: Group,
    pub(super) ending: Ending,
}

impl BlackBox {
    /// The agent, in words.
    pub(super) fn name(&self) -> &str {
        self.url.as_deref().unwrap_or("this machine's devices")
    }

    /// Makes the calls. Ctrl-C ends them with what there is so far.
    pub(super) async fn call(
        &self,
        target: Target,
        scenarios: &[Scenario],
        ends: &mut Ends,
    ) -> anyhow::Result<Called> {
        let dialler = Dialler::new(self, target)?;
        let (mut turns, mut groups, mut ending) = (Vec::new(), Vec::new(), Ending::Done);
        for (session, scenario) in scenarios.iter().enumerate() {
            writeln!(stderr(), "bench: {}: {}", scenario.name, scenario.about)?;
            let call = match dialler.call(scenario, session, ends).await {
                Ok(Some(call)) => call,
                Ok(None) => {
                    ending = Ending::Interrupted;
                    break;
                }
                // What was measured before is told nevertheless.
                Err(error) if groups.is_empty() => return Err(error),
                Err(error) => {
                    writeln!(stderr(), "bench:   {error:#}")?;
                    let failures = vec![format!("{error:#}")];
                    groups.push(Group { failures, ..Group::of(&scenario.name, &[]) });
                    break;
                }
            };
            turns.extend(call.turns);
            groups.push(call.group);
            if call.interrupted {
                ending = Ending::Interrupted;
                break;
            }
        }
        let mut all = Group::of("all", &turns);
        for group in &groups {
            all.cost.sessions += group.cost.sessions;
            all.cost.session_minutes += group.cost.session_minutes;
            all.cost.under_runs += group.cost.under_runs;
            all.cost.lost_turns += group.cost.lost_turns;
            all.cost.driver_late_ms = all.cost.driver_late_ms.max(group.cost.driver_late_ms);
        }
        let failed = groups.iter().any(|group| !group.failures.is_empty());
        if (failed || all.cost.lost_turns > 0) && ending == Ending::Done {
            ending = Ending::Failed;
        }
        Ok(Called { turns, scenarios: groups, all, ending })
    }
}

/// What calls by a network.
pub(super) fn sockets() -> anyhow::Result<Arc<crate::net::SocketClient>> {
    Ok(Arc::new(crate::net::SocketClient::new()?))
}

/// Something that may be an address: the name of an engine stands here by mistake only.
fn address(text: &str) -> Result<String, String> {
    if text.contains([':', '.', '/']) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "\"{text}\" is no address, and no engine to measure by itself (stt, tts, llm) that stands \
         before its flags, as in `banter bench stt --json`"
    ))
}
