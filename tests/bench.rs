//! `banter bench`, the program itself, over mock services of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no embedded engine is needed here")]
mod program;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::timeout;

use self::program::{banter, run};

/// A call of some seconds.
const SHORT: &str = r#"
about = "a greeting, and a farewell"

[agent]
silence_ms = 400

[services]
answers = ["Hello, John.", "Well, goodbye."]

[[turn]]
wav = "sentences/01.wav"
expect = { heard = "hello", reply_within_ms = 4_000 }

[[turn]]
wav = "sentences/12.wav"
expect = { heard = "never mind", reply_within_ms = 4_000, interrupted = false }
"#;

#[test]
fn a_scenario_is_measured_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let arguments = ["bench", "--scenario", "question", "--profile", "zero", "--check"];
    let output = run(banter(arguments.into_iter().chain(["--report", out])));
    let (told, progress) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{told}\n{progress}");
    for line in [
        "question, turn 1: heard \"what time is it\" (\"what time is it\") ... ok",
        "question, answer 3 is heard to its end (",
        "voice-to-voice",
        "overhead",
        "vad_lag",
        "tts_first_byte",
        "; 0 failed",
    ] {
        assert!(told.contains(line) || told.contains(&line.replace('_', " ")), "{line}: {told}");
    }
    for turn in 1..=3 {
        let line = format!("{turn} of 3 turns answered, ");
        assert!(progress.contains(&line), "{progress}");
    }

    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap())
            .unwrap();
    assert_eq!(report["all"]["turns"], 3);
    let number = |at: &str| report.pointer(at).and_then(Value::as_f64).unwrap();
    // The silence setting and the recogniser's way are in any voice-to-voice time.
    assert!(number("/all/voice_to_voice_ms/p50") > 750.0, "{report}");
    assert!(number("/all/overhead_ms/p50") < 200.0, "{report}");
    assert!(number("/all/cost/cpu_s_per_minute") > 0.0, "{report}");
    assert!(number("/all/cost/session_minutes") > 0.1, "{report}");
    assert_eq!(report["turns"][0]["services"]["llm_ms"].as_f64().map(|ms| ms < 50.0), Some(true));
}

#[test]
fn what_is_not_as_expected_makes_it_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.toml");
    fs::write(&path, SHORT.replace("never mind\", reply", "goodbye\", reply")).unwrap();
    let path = path.to_str().unwrap();
    let output =
        run(banter(["bench", "--scenario", path, "--profile", "fast", "--check", "--repeat", "2"]));
    // The recogniser hears what the scenario's sound says.
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let failed = "short, turn 2: heard \"goodbye\" (\"never mind\") ... FAILED";
    assert_eq!(told.matches(failed).count(), 2, "{told}");
    assert!(told.contains("checks: FAILED. ") && told.contains("; 2 failed"), "{told}");
}

#[test]
fn a_report_is_a_baseline_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.toml");
    fs::write(&path, SHORT).unwrap();
    let (path, out) = (path.to_str().unwrap(), folder.path().to_str().unwrap());
    let fast = run(banter(["bench", "--scenario", path, "--profile", "zero", "--report", out]));
    assert!(fast.status.success(), "{fast:?}");
    let baseline = format!("{out}/report.json");
    let arguments = ["bench", "--scenario", path, "--baseline", &baseline, "--fail-over", "10%"];
    let slow = run(banter(arguments.into_iter().chain(["--profile", "realistic"])));
    let told = String::from_utf8(slow.stdout).unwrap();
    assert_eq!(slow.status.code(), Some(1), "400 ms more is more than 10 %: {told}");
}

#[tokio::test]
async fn ctrl_c_ends_it_and_what_there_is_is_told() {
    let mut command = banter(["bench", "--scenario", "question", "--profile", "zero"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
    let answered = async {
        while let Some(line) = progress.next_line().await.unwrap() {
            if line.contains("1 of 3 turns answered, ") {
                return;
            }
        }
        panic!("no turn was answered");
    };
    timeout(LIMIT, answered).await.unwrap();
    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let mut told = String::new();
    timeout(LIMIT, child.stdout.take().unwrap().read_to_string(&mut told)).await.unwrap().unwrap();
    let status = timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(told.contains("question") && told.contains("voice-to-voice"), "{told}");
}

#[test]
fn mistakes_are_told_before_any_call() {
    for (arguments, told) in [
        (vec!["--scenario", "questoin"], "questoin: there is no such scenario"),
        (vec!["--scenario", "no/such.toml"], "no/such.toml: cannot be read"),
        (vec!["--wav", "no.wav"], "no.wav: cannot be read"),
        (vec!["--baseline", "no.json"], "no.json"),
        (vec!["--profile", "slow"], "possible values: zero, fast, realistic, long"),
        (vec!["--fail-over", "10%"], "--baseline"),
    ] {
        let output = run(banter(["bench"].into_iter().chain(arguments)));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(told), "{error}");
    }
    let list = run(banter(["bench", "--list"]));
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains("barge_in") && list.contains("half a second"), "{list}");
}

/// Far more than a call needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(100);
