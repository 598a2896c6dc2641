//! `banter bench --target`, the program itself: what it tells of agents behind a socket, of those
//! that do not answer, that hang up, that are not there.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/realtime.rs"]
mod realtime;

use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::realtime::{Agent, DELAY, KEY, Manner};

/// Two questions.
const TWO: &str = r#"
[[turn]]
wav = "sentences/04.wav"

[[turn]]
wav = "sentences/06.wav"
"#;

/// A question.
const ONE: &str = r#"
[[turn]]
wav = "sentences/04.wav"
"#;

/// A question, and another one 1 s into the answer.
const OVER: &str = r#"
[[turn]]
wav = "sentences/04.wav"

[[turn]]
wav = "sentences/06.wav"
into_reply_ms = 1_000
"#;

#[tokio::test]
async fn an_agent_of_the_realtime_protocol_is_measured() {
    let agent = Agent::start(Manner::Answers(Duration::from_secs(1))).await;
    let bench = Bench::of(TWO, &["--target", "realtime", &agent.url()], KEY).run().await;
    assert_eq!(bench.code, Some(0), "{bench:?}");
    assert_eq!(bench.report["all"]["cost"]["lost_turns"], 0, "{bench:?}");
    assert_turns_take_the_delay(&bench, 2);
}

#[tokio::test]
async fn what_a_realtime_agent_had_not_said_is_not_heard_after_an_interruption() {
    // Sent at once; without the interruption it would sound over the next question's end.
    let agent = Agent::start(Manner::Answers(Duration::from_secs(8))).await;
    let bench = Bench::of(OVER, &["--target", "realtime", &agent.url()], KEY).run().await;
    assert_eq!(bench.code, Some(0), "{bench:?}");
    assert_turns_take_the_delay(&bench, 2);
}

/// The silence that the agent is asked for, its delay, and on the way at most some frames.
fn assert_turns_take_the_delay(bench: &Told, count: usize) {
    let least = 800.0 + DELAY.as_millis() as f64;
    let turns = bench.report["turns"].as_array().unwrap();
    assert_eq!(turns.len(), count, "{bench:?}");
    for turn in turns {
        let ms = turn["voice_to_voice_ms"].as_f64().unwrap();
        eprintln!("voice-to-voice {ms:.1} ms, of it the agent's {least} ms");
        assert!((least - 15.0..least + 250.0).contains(&ms), "{turn}");
        assert_eq!((&turn["labelled"], &turn["overhead_ms"]), (&true.into(), &Value::Null));
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_and_not_shown() {
    let agent = Agent::start(Manner::Silent).await;
    let wrong = "sk-that-nobody-gave-out";
    let bench = Bench::of(ONE, &["--target", "realtime", &agent.url()], wrong).run().await;
    assert_eq!((bench.code, bench.report.is_null()), (Some(1), true), "{bench:?}");
    assert!(bench.stderr.contains("refuses with 401"), "{bench:?}");
    assert!(!bench.shows(wrong), "{bench:?}");
}

#[tokio::test]
async fn what_a_realtime_agent_complains_of_is_told_without_the_key() {
    let agent = Agent::start(Manner::Complains).await;
    let bench = Bench::of(ONE, &["--target", "realtime", &agent.url()], KEY).run().await;
    assert_eq!(bench.code, Some(1), "{bench:?}");
    let told = "tells of an error: The model does not exist for the key [secret].";
    assert!(bench.stderr.contains(told) && bench.stdout.contains(told), "{bench:?}");
    assert!(!bench.shows(KEY), "{bench:?}");
}

#[tokio::test]
async fn an_agent_that_hangs_up_has_failed_and_what_it_said_before_is_told() {
    for (manner, told) in [
        (Manner::HangsUp, "the agent hung up before the person had finished"),
        (Manner::Vanishes, "broke off"),
    ] {
        let agent = Agent::start(manner).await;
        let bench = Bench::of(THREE, &["--target", "realtime", &agent.url()], KEY).run().await;
        assert_eq!(bench.code, Some(1), "{bench:?}");
        let failures = bench.report["scenarios"][0]["failures"].to_string();
        assert!(failures.contains(told) && bench.stdout.contains(told), "{manner:?}: {bench:?}");
        assert_eq!(bench.report["all"]["cost"]["lost_turns"], 1, "{manner:?}: {bench:?}");
        assert_turns_take_the_delay(&bench, 2);
    }
}

/// The agent ends at the second.
const THREE: &str = r#"
[[turn]]
wav = "sentences/04.wav"

[[turn]]
wav = "sentences/06.wav"

[[turn]]
wav = "sentences/11.wav"
"#;

#[tokio::test]
async fn turns_without_an_answer_are_lost() {
    let agent = Agent::start(Manner::Silent).await;
    let bench = Bench::of(ONE, &["--target", "realtime", &agent.url()], KEY).run().await;
    assert_eq!(bench.code, Some(1), "{bench:?}");
    assert!(bench.stderr.contains("turn 1: no answer"), "{bench:?}");
    assert_eq!(bench.report["all"]["cost"]["lost_turns"], 1, "{bench:?}");
    assert_eq!(bench.report["turns"].as_array().unwrap().len(), 0, "{bench:?}");
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_told() {
    for (target, url, told) in [
        ("realtime", "http://127.0.0.1:1/v1", "cannot reach 127.0.0.1:1"),
        ("pcm", "http://127.0.0.1:1", "cannot reach 127.0.0.1:1"),
        ("realtime", "http://user:word@host/v1", "is no address of a service"),
        ("pcm", "http://user:word@host/", "is no address of a service"),
        ("devices", "http://127.0.0.1:1", "devices have no address"),
    ] {
        let bench = Bench::of(ONE, &["--target", target, url], KEY).run().await;
        assert_eq!((bench.code, bench.report.is_null()), (Some(1), true), "{bench:?}");
        assert!(bench.stderr.contains(told) && !bench.shows(":word"), "{bench:?}");
    }
}

#[tokio::test]
async fn ctrl_c_ends_the_calls_with_what_there_is_so_far() {
    let agent = Agent::start(Manner::Answers(Duration::from_secs(1))).await;
    let bench = Bench::of(TWO, &["--target", "realtime", &agent.url()], KEY);
    let bench = bench.interrupt_after("turn 1: ").await;
    assert_eq!(bench.code, Some(130), "{bench:?}");
    assert_turns_take_the_delay(&bench, 1);
    assert_eq!(bench.report["all"]["cost"]["lost_turns"], 0, "{bench:?}");
    assert!(bench.stdout.contains("voice-to-voice"), "{bench:?}");
}

/// A run of the program.
struct Bench {
    command: Command,
    folder: TempDir,
}

/// What it told.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    /// Null if it wrote none.
    report: Value,
}

impl Bench {
    fn of(scenario: &str, arguments: &[&str], key: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, scenario).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.arg("bench").args(arguments).arg("--scenario").arg(file);
        command.arg("--report").arg(folder.path());
        // Nobody's own settings count here.
        command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
        command.env("OPENAI_API_KEY", key).current_dir(folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Self { command, folder }
    }

    async fn run(mut self) -> Told {
        let output = within(self.command.output()).await.unwrap();
        self.told(output, String::new())
    }

    /// Runs it, and presses Ctrl-C once it has told this.
    async fn interrupt_after(mut self, told: &str) -> Told {
        let mut child = self.command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stderr = String::new();
        within(async {
            while !stderr.contains(told) {
                stderr += &lines.next_line().await.unwrap().unwrap();
            }
        })
        .await;
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        let output = within(child.wait_with_output()).await.unwrap();
        self.told(output, stderr)
    }

    fn told(&self, output: Output, before: String) -> Told {
        let report = std::fs::read_to_string(self.folder.path().join("report.json"));
        Told {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: before + &String::from_utf8(output.stderr).unwrap(),
            report: report.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()),
        }
    }
}

impl Told {
    /// Whether it shows this anywhere.
    fn shows(&self, secret: &str) -> bool {
        [&self.stdout, &self.stderr, &self.report.to_string()]
            .iter()
            .any(|shown| shown.contains(secret))
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("not within {LIMIT:?}"))
}

/// Far more than any of it needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);
