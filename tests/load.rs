//! `banter bench --sessions`, the program itself: calls side by side, in it and over a socket.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/caller.rs"]
#[expect(dead_code, reason = "the program is the caller here")]
mod caller;

use std::fs;
use std::process::Output;
use std::sync::Arc;

use banter::bench::remote::Launch;
use banter::bench::services::Profile;
use banter::net::HttpClient;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use self::caller::{Server, within};

/// A call of some seconds.
const SHORT: &str = r#"
[agent]
silence_ms = 400

[services]
answers = ["Hello.", "Hello.", "Hello.", "Hello."]

[[turn]]
wav = "sentences/01.wav"

[[turn]]
wav = "sentences/12.wav"
"#;

/// What the program says, and the report that it writes.
async fn bench(arguments: &[&str]) -> (Output, Value) {
    let folder = TempDir::new().unwrap();
    let scenario = folder.path().join("short.toml");
    fs::write(&scenario, SHORT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.arg("bench").arg("--scenario").arg(scenario).arg("--report").arg(folder.path());
    command.args(arguments).kill_on_drop(true);
    let output = within(command.output()).await.unwrap();
    let report = fs::read_to_string(folder.path().join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, serde_json::from_str(&report).unwrap())
}

#[tokio::test]
async fn calls_side_by_side_in_one_process_are_measured_step_by_step() {
    let (output, report) = bench(&["--sessions", "1,3", "--repeat", "2"]).await;
    assert!(output.status.success(), "{output:?}");
    let steps = report["scaling"].as_array().unwrap();
    let counts: Vec<_> = steps.iter().map(|step| step["sessions"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 3]);
    for step in steps {
        let cost = &step["cost"];
        assert_eq!((&cost["sessions"], &step["refused"]), (&step["sessions"], &0.into()), "{step}");
        assert_eq!((&cost["lost_turns"], &cost["under_runs"]), (&0.into(), &0.into()), "{step}");
        assert!(cost["cpu_s_per_minute"].as_f64().unwrap() > 0.0, "{step}");
        assert!(cost["memory_kib_per_session"].as_f64().unwrap() > 0.0, "{step}");
    }
    // Twice what is said, in each of four calls.
    assert_eq!(report["turns"].as_array().unwrap().len(), 16);
    for turn in report["turns"].as_array().unwrap() {
        let ms = turn["overhead_ms"].as_f64().unwrap();
        assert!((-100.0..500.0).contains(&ms), "{turn}");
    }
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("3 calls: overhead "), "{told}");
}

#[tokio::test]
async fn calls_over_a_socket_have_overhead_and_those_too_many_are_refused() {
    let launch =
        Launch { program: Some(env!("CARGO_BIN_EXE_banter").into()), ..Launch::new(Profile::Fast) };
    let services = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    let services = services.services();
    let mine = ["--base-url", services.url(), "--max-calls", "2", "--set", "turn.silence_ms=400"];
    let server = Server::start(&mine).await;
    let url = format!("http://{}", server.address);
    let there = ["--target", "pcm", &url, "--services", services.url(), "--sessions", "3"];
    let (output, report) = bench(&there).await;
    assert!(output.status.success(), "{output:?}");
    let step = &report["scaling"][0];
    assert_eq!((&step["sessions"], &step["refused"]), (&3.into(), &1.into()), "{step}");
    assert_eq!(step["cost"]["cpu_s_per_minute"], Value::Null, "that is another process's");
    assert_eq!(report["turns"].as_array().unwrap().len(), 4, "{report}");
    assert!(step["overhead_ms"]["p95"].as_f64().unwrap() < 500.0, "{step}");
}

#[tokio::test]
async fn what_cannot_be_measured_is_told() {
    for (arguments, told) in [
        (&["--target", "pcm", "http://127.0.0.1:1", "--sessions", "2"][..], "--services"),
        (&["--target", "devices", "--sessions", "2"], "--target pcm"),
        (&["--sessions", "2", "--engines", "own"], "leave --engines out"),
        (&["--sessions", "0"], "not in 1..=10000"),
        (&["--sessions", "2", "--check"], "cannot be used with"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        let output = within(command.arg("bench").args(arguments).output()).await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(told), "{error}");
    }
}
