//! `banter talk` with a service for each of its engines: a server that others wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/aimock.rs"]
mod aimock;
#[path = "support/events.rs"]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no embedded engine is needed here")]
mod program;
#[path = "support/sound.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod sound;

use std::path::Path;
use std::process::Output;

use banter::audio::{SampleRate, WavReader};
use serde_json::json;
use tempfile::TempDir;

use crate::aimock::{Aimock, KEY};
use crate::events::of;
use crate::program::{banter, run};

#[test]
fn a_spoken_turn_with_a_tool_by_services_alone() {
    let Some(server) = Aimock::start("talk.json") else { return };
    let folder = TempDir::new().unwrap();

    let output = talk(&server, &folder, KEY);

    assert!(output.status.success(), "{output:?}");
    let events = events::parse(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(of(&events, "turn_failed").len() + of(&events, "retried").len(), 0, "{events:?}");
    let transcripts = of(&events, "transcript");
    let partials = transcripts.iter().filter(|event| !event.is_final()).count();
    assert!(partials > 0, "{transcripts:?}");
    assert_eq!(transcripts.last().unwrap().text("text"), "What time is it?");
    let [called] = of(&events, "tool_called")[..] else { panic!("{events:?}") };
    assert_eq!((called.text("name"), called.text("call")), ("clock", "call_clock"));
    let texts: String =
        of(&events, "response_text").iter().map(|event| event.text("text")).collect();
    assert_eq!(texts, "Early enough to say good morning.");
    let [latency] = of(&events, "latency")[..] else { panic!("{events:?}") };
    assert!(latency.number("residual_ms").abs() <= 1.0, "{latency:?}");
    let [ended] = of(&events, "response_ended")[..] else { panic!("{events:?}") };
    assert_eq!((ended.turn(), ended.response()), (Some(1), Some(1)));
    assert_eq!(ended.text("outcome"), "completed");

    assert_told(&server);
    let [started] = of(&events, "agent_speech_started")[..] else { panic!("{events:?}") };
    assert_heard(&folder.path().join("output.wav"), started.number("start_ms"));
}

/// The model was asked twice, the second time with what the tool said; the others once.
fn assert_told(server: &Aimock) {
    let [first, second] = &server.requests("chat/completions")[..] else { panic!("not two") };
    let messages = second["body"]["messages"].as_array().unwrap();
    let before = first["body"]["messages"].as_array().unwrap();
    assert_eq!(messages[..before.len()], before[..]);
    assert_eq!(before.last(), Some(&json!({"role": "user", "content": "What time is it?"})));
    let [called, result] = &messages[before.len()..] else { panic!("{messages:?}") };
    assert_eq!(called["tool_calls"][0]["id"], "call_clock");
    assert_eq!(result["tool_call_id"], "call_clock");
    assert!(result["content"].as_str().unwrap().contains("\"iso\""), "{result}");
    assert_eq!(server.requests("audio/transcriptions").len(), 1);
    let [spoken] = &server.requests("audio/speech")[..] else { panic!("not one") };
    assert_eq!(spoken["body"]["messages"][0]["content"], "Early enough to say good morning.");
}

/// From `start_ms` on the file holds the speech that the server sent.
fn assert_heard(file: &Path, start_ms: f64) {
    assert_eq!(WavReader::open(file).unwrap().rate(), SampleRate::SPEECH);
    let output = sound::samples(file);
    // "good morning", without the silence around it.
    let sent = &sound::samples(sound::sentence(3))[16 * 177..16 * 1001];
    let from = (start_ms * 16.0) as usize - REACH;
    let window = &output[from..];
    let lag = sound::lag(sent, window, 2 * REACH as i64);
    let heard = &window[usize::try_from(lag).unwrap()..];
    let alike = likeness(sent, &heard[..sent.len()]);
    assert!(alike > 0.98, "{alike} at {lag} samples");
}

/// 1 if they are the same but for their level.
fn likeness(a: &[i16], b: &[i16]) -> f64 {
    let product = |a: &[i16], b: &[i16]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn a_wrong_key_is_told_and_not_shown() {
    let Some(server) = Aimock::start("talk.json") else { return };
    let folder = TempDir::new().unwrap();

    let output = talk(&server, &folder, "sk-wrong");

    let told = String::from_utf8(output.stdout).unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("sk-wrong") && !shown.contains("sk-wrong"), "{told}{shown}");
    assert!(told.contains("check the key") || shown.contains("check the key"), "{told}{shown}");
}

/// Says "what time is it" to the program, which has all its engines from the server.
fn talk(server: &Aimock, folder: &TempDir, key: &str) -> Output {
    let engines = ["--stt", "openai", "--llm", "openai", "--tts", "openai"];
    let mut command = banter(["talk", "--speed", "max", "--events", "-", "--input"]);
    command.arg(sound::sentence(4)).args(engines);
    command.arg("--output").arg(folder.path().join("output.wav"));
    // Nobody's own settings count here.
    command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
    command.env("OPENAI_BASE_URL", server.url()).env("OPENAI_API_KEY", key);
    run(command)
}

/// In samples: 100 ms.
const REACH: usize = 1600;
