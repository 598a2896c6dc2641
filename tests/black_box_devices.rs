//! `banter bench --target devices`: the agent is a program of its own, and all that is between it
//! and the benchmark are two pairs of virtual devices, crossed.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/events.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/paplay.rs"]
#[expect(dead_code, reason = "the program plays and records here")]
mod paplay;
#[path = "support/pulse.rs"]
mod pulse;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::{Answer, Profile, Script};
use banter::net::HttpClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::events::{Event, of};

#[test]
fn a_program_is_measured_over_crossed_devices() {
    if !pulse::with_devices("a_program_is_measured_over_crossed_devices") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (bench, events) = runtime.block_on(async {
        let services = services().await;
        let mut agent = Agent::start(services.services().url(), &folder);
        agent.until("session_started").await;
        let names = ["--output", "To the agent", "--input", "From the agent"];
        let mut bench = bench(&folder, &names);
        bench.env("ALSA_CONFIG_PATH", crossed(folder.path()));
        let bench = within(bench.output()).await.unwrap();
        let events = agent.hang_up().await;
        services.stop().await.unwrap();
        (bench, events)
    });
    let told = String::from_utf8_lossy(&bench.stderr);
    eprintln!("{told}{}", String::from_utf8_lossy(&bench.stdout));
    assert!(bench.status.success(), "{bench:?}\n{events:?}");
    let report = report(&folder);
    let turns = report["turns"].as_array().unwrap();
    let by_agent = of(&events, "latency");
    assert_eq!((turns.len(), by_agent.len()), (3, 3), "{turns:?}\n{events:?}");
    assert_eq!(report["all"]["cost"]["lost_turns"], 0, "{report}");
    for (turn, own) in turns.iter().zip(by_agent) {
        let (ms, own) = (turn["voice_to_voice_ms"].as_f64().unwrap(), own.number("total_ms"));
        eprintln!("voice-to-voice {ms:.0} ms, by the agent itself {own:.0} ms");
        // The silence, at least a short one, the detector, devices.
        assert!((400.0..2_000.0).contains(&ms), "{turn}");
        // What it says of itself is by its detector, and by what its devices tell.
        assert!((ms - own).abs() < 150.0, "{ms} ms, but {own} ms by the agent: {turn}");
        assert_eq!((&turn["labelled"], &turn["gaps"]), (&true.into(), &Value::Null), "{turn}");
    }
}

#[test]
fn devices_that_are_lost_in_a_call_are_told() {
    if !pulse::with_devices("devices_that_are_lost_in_a_call_are_told") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (told, bench) = runtime.block_on(async {
        let services = services().await;
        let mut agent = Agent::start(services.services().url(), &folder);
        agent.until("session_started").await;
        // The default devices, but those are others for this program.
        let mut bench = bench(&folder, &["--scenario", "question"]);
        bench.env("PULSE_SINK", "mic_in").env("PULSE_SOURCE", "spk_out.monitor");
        let mut child = bench.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = String::new();
        while !told.contains("turn 1: ") {
            told += &within(lines.next_line()).await.unwrap().unwrap();
        }
        paplay::kill_server();
        let ended = tokio::spawn(async move { child.wait_with_output().await });
        while let Some(line) = within(lines.next_line()).await.unwrap() {
            told += &line;
        }
        (told, within(ended).await.unwrap().unwrap())
    });
    let shown = report(&folder);
    assert_eq!(bench.status.code(), Some(1), "{told}{shown}");
    assert!(told.contains("the microphone `") || told.contains("the speaker `"), "{told}");
    let [failure] = &shown["scenarios"][0]["failures"].as_array().unwrap()[..] else {
        panic!("{shown}")
    };
    assert!(told.contains(failure.as_str().unwrap()), "{told}{shown}");
    let (turns, lost) = (&shown["all"]["turns"], &shown["all"]["cost"]["lost_turns"]);
    assert_eq!((turns, lost), (&1.into(), &2.into()), "what was measured is told: {shown}");
}

/// Recogniser, model and synthesizer that are known to take 10 ms each.
async fn services() -> MockServer {
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_banter")));
    let launch = Launch { program, ..Launch::new(Profile::Fast) };
    let services = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    let said = |said: &[&str]| said.iter().map(|text| (*text).to_owned()).collect();
    let answers = ["It is half past ten.", "It is fifteen.", "It is far away."];
    let script = Script {
        heard: said(&["what time is it", "how much is ten plus five", "how far is the moon"]),
        answers: answers.map(|text| Answer::Text(text.to_owned())).to_vec(),
        ..Script::default()
    };
    services.services().script(KEY, &script).await.unwrap();
    services
}

/// The program, that is to talk over devices.
fn bench(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.args(["bench", "--target", "devices"]).args(arguments);
    command.arg("--report").arg(folder.path()).kill_on_drop(true);
    command
}

/// The sound server's devices by two more names: the speaker that the agent hears, and the
/// microphone that hears the agent.
fn crossed(folder: &Path) -> PathBuf {
    let mut devices = std::fs::read_to_string(std::env::var("ALSA_CONFIG_PATH").unwrap()).unwrap();
    for (name, device, title) in [
        ("to_agent", "mic_in", "To the agent"),
        ("from_agent", "spk_out.monitor", "From the agent"),
    ] {
        let hint = format!("hint {{ show on description \"{title}\" }}");
        devices += &format!("pcm.{name} {{ type pulse device \"{device}\" {hint} }}\n");
    }
    let file = folder.join("crossed.conf");
    std::fs::write(&file, devices).unwrap();
    file
}

fn report(folder: &TempDir) -> Value {
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    serde_json::from_str(&report).unwrap()
}

/// `banter talk` on the default devices.
struct Agent {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    events: Vec<Event>,
}

impl Agent {
    fn start(services: &str, folder: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.args(["talk", "--plain", "--events", "-"]);
        command.args(["--stt", "openai", "--llm", "openai", "--tts", "openai"]);
        command.env("OPENAI_BASE_URL", services).env("OPENAI_API_KEY", KEY);
        // Nobody's own settings count here.
        command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
        command.current_dir(folder.path()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, events: Vec::new() }
    }

    /// Reads on until an event of this type comes.
    async fn until(&mut self, kind: &str) {
        let came = within(async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.events.push(Event::parse(&line));
                if self.events.last().unwrap().kind() == kind {
                    return true;
                }
            }
            false
        });
        assert!(came.await, "no {kind}: {:?}", self.events);
    }

    /// Ends the call by Ctrl-C. All its events.
    async fn hang_up(mut self) -> Vec<Event> {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        self.until("session_ended").await;
        assert_eq!(within(self.child.wait()).await.unwrap().code(), Some(130));
        assert_eq!(
            (of(&self.events, "turn_failed").len(), of(&self.events, "warning").len()),
            (0, 0)
        );
        self.events
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("not within {LIMIT:?}"))
}

const KEY: &str = "the-agent-on-devices";

/// Far more than any of it needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);
