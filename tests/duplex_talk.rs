//! `banter talk --mode asm` over real sockets, with the mock of both protocols.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/events.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no embedded engine is needed here")]
mod program;
#[path = "support/sound.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod sound;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use banter::bench::remote::Launch;
use banter::bench::services::{Profile, Script};
use banter::net::HttpClient;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::events::of;
use crate::program::banter;

const KEY: &str = "sk-talk";

async fn talk(provider: &str, script: Value, more: &[&str]) -> (Output, TempDir) {
    let program = Some(env!("CARGO_BIN_EXE_banter").into());
    let launch = Launch { program, ..Launch::new(Profile::Fast) };
    let server = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    let script = serde_json::from_value::<Script>(script).unwrap();
    server.services().script(KEY, &script).await.unwrap();
    let folder = TempDir::new().unwrap();
    let voice = folder.path().join("voice.wav");
    sound::compose(&voice, [(2, 2.5), (4, 2.5)]);
    let url = server.services().url();
    let url = if provider == "gemini" { url.trim_end_matches("/v1") } else { url };
    let output = talk_with(provider, url, &voice, more).await;
    drop(server);
    (output, folder)
}

async fn talk_with(provider: &str, url: &str, voice: &Path, more: &[&str]) -> Output {
    let mut command = command(provider, url, voice, more);
    let ended = tokio::time::timeout(LIMIT, command.output()).await;
    ended.unwrap().unwrap()
}

fn command(provider: &str, url: &str, voice: &Path, more: &[&str]) -> Command {
    let base = format!("duplex.base_url={url}");
    let key = format!("duplex.api_key={KEY}");
    let fixed = ["talk", "--mode", "asm", "--provider", provider, "--model", "m", "--events", "-"];
    let mut command = banter(fixed);
    command.args(["--set", &base, "--set", &key]).args(more);
    command.arg("--input").arg(voice).arg("--output").arg(voice.with_file_name("answer.wav"));
    command
}

fn two_turns() -> Value {
    json!({"heard": ["hello there", "what time is it"], "answers": ["Hello.", "It is noon."]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_with_either_provider() {
    for (provider, more) in [
        ("openai", &[][..]),
        ("openai", &["--set", "duplex.turns=there"][..]),
        ("gemini", &[][..]),
        ("gemini", &["--set", "duplex.turns=there"][..]),
    ] {
        let (output, folder) = talk(provider, two_turns(), more).await;
        let case = format!("{provider} {more:?}: {output:?}");
        assert!(output.status.success(), "{case}");
        let events = events::parse(&String::from_utf8(output.stdout.clone()).unwrap());
        let finals: Vec<_> = of(&events, "transcript")
            .iter()
            .filter(|event| event.is_final())
            .map(|event| event.text("text").to_owned())
            .collect();
        assert_eq!(finals, ["hello there", "what time is it"], "{case}");
        let texts: String =
            of(&events, "response_text").iter().map(|event| event.text("text")).collect();
        assert_eq!(texts, "Hello.It is noon.", "{case}");
        assert_eq!(of(&events, "latency").len(), 2, "{case}");
        assert_eq!(of(&events, "turn_failed").len() + of(&events, "warning").len(), 0, "{case}");
        let heard = sound::samples(folder.path().join("answer.wav"));
        assert!(heard.iter().any(|sample| sample.unsigned_abs() > 1_000), "{case}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains(KEY) && !texts.contains(KEY), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_is_at_ends_the_call_and_says_so() {
    let folder = TempDir::new().unwrap();
    let voice = folder.path().join("voice.wav");
    sound::compose(&voice, [(2, 15.0)]);
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = talk_with("openai", &format!("http://{address}/v1"), &voice, &[]).await;
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("the model has left the call"), "{told}");
    assert!(told.contains(&address.to_string()) && !told.contains(KEY), "{told}");
    let events = events::parse(&String::from_utf8(output.stdout).unwrap());
    assert!(of(&events, "connection_lost").len() >= 3);
}

/// The server is gone after the first answer. What is said while nobody is there is answered by the
/// engines of the other mode, in the same call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_followed_by_engines_one_after_the_other() {
    let program = Some(env!("CARGO_BIN_EXE_banter").into());
    let launch = Launch { program, ..Launch::new(Profile::Fast) };
    let server = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    let script = serde_json::from_value::<Script>(two_turns()).unwrap();
    server.services().script(KEY, &script).await.unwrap();
    let folder = TempDir::new().unwrap();
    let (voice, record) = (folder.path().join("voice.wav"), folder.path().join("call.wav"));
    sound::compose(&voice, [(2, 7.0), (4, 6.0)]);
    let mut command = command("openai", server.services().url(), &voice, &[]);
    for setting in ["duplex.fallback=vad", "stt.engine=mock", "llm.engine=mock", "tts.engine=mock"]
    {
        command.args(["--set", setting]);
    }
    command.arg("--record").arg(&record).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut talk = command.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(talk.stdout.take().unwrap()).lines();
    let (mut server, mut told) = (Some(server), String::new());
    let call = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("\"response_ended\"") {
                drop(server.take());
            }
            told.push_str(&line);
            told.push('\n');
        }
        talk.wait_with_output().await.unwrap()
    };
    let output = tokio::time::timeout(LIMIT, call).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("mock goes on, with mock and mock"), "{shown}");
    let events = events::parse(&told);
    let [changed] = of(&events, "mode_changed")[..] else { panic!("{told}") };
    assert_eq!((changed.text("mode"), changed.text("stt")), ("vad", "mock"));
    let texts: String =
        of(&events, "response_text").iter().map(|event| event.text("text")).collect();
    assert_eq!(texts, "Hello.You said: hello", "{told}");
    assert_eq!(of(&events, "turn_ended").len(), 2, "{told}");
    assert_eq!((of(&events, "latency").len(), of(&events, "turn_failed").len()), (2, 0), "{told}");
    assert!(told.contains("\"llm\":\"mock\""), "{told}");
    let spoken = of(&events, "agent_speech_started");
    let [_, agent] = sound::sides(&record);
    for started in spoken {
        let at = (started.number("start_ms") * 16.0) as usize;
        assert!(agent[at..at + 4_000].iter().any(|sample| *sample != 0), "{started:?}");
    }
}

#[test]
fn what_is_missing_is_told_before_anything_begins() {
    for (arguments, told) in [
        (&["--mode", "asm"][..], "duplex.model"),
        (&["--mode", "asm", "--model", "m"][..], "OPENAI_API_KEY"),
        (&["--mode", "asm", "--model", "m", "--provider", "gemini"][..], "GEMINI_API_KEY"),
        (&["--model", "m"][..], "--mode asm"),
        (&["--mode", "asm", "--model", "m", "--speed", "max"][..], "--speed max"),
        (
            &[
                "--mode",
                "asm",
                "--model",
                "m",
                "--set",
                "openai.api_key=k",
                "--set",
                "duplex.options={\"tempo\": 1}",
            ][..],
            "duplex.options",
        ),
        (
            &[
                "--mode",
                "asm",
                "--model",
                "m",
                "--set",
                "duplex.base_url=http://127.0.0.1:9/v1",
                "--set",
                "duplex.api_key=k",
                "--set",
                "duplex.fallback=vad",
                "--set",
                "stt.engine=openai",
            ][..],
            "duplex.fallback",
        ),
    ] {
        let mut command = banter(["talk", "--input", &sound::sentence(2)]);
        command.args(arguments).env_remove("OPENAI_API_KEY").env_remove("GEMINI_API_KEY");
        let output = program::run(command);
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

/// Far more than any call needs, even on a busy machine.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(120);
