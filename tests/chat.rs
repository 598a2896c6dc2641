//! `banter chat`, from a pipe.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod program;

use std::fs::File;
use std::process::{Output, Stdio};
use std::sync::Arc;

use banter::bench::remote::Launch;
use banter::bench::services::Profile;
use banter::net::HttpClient;
use serde_json::{Value, json};

use crate::program::{banter, run};

/// What the program says when it reads `input`.
fn chat<'a>(arguments: impl IntoIterator<Item = &'a str>, input: &str) -> Output {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("input");
    std::fs::write(&path, input).unwrap();
    let mut command = banter(["chat"].into_iter().chain(arguments));
    command.stdin(Stdio::from(File::open(&path).unwrap()));
    run(command)
}

fn lines(output: &Output) -> Vec<&str> {
    str::from_utf8(&output.stdout).unwrap().lines().collect()
}

#[test]
fn each_line_is_answered_with_one() {
    let output = chat(["--llm", "scripted"], "how much is two plus three\n\nwhat time is it\n");
    assert!(output.status.success(), "{output:?}");
    let [sum, time] = lines(&output)[..] else { panic!("{output:?}") };
    assert!(sum.contains("five"), "{sum}");
    assert!(!time.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_conversation_is_remembered_until_it_is_cleared() {
    let output = chat([], "how much is two plus three\nsay it again\n/clear\nsay it again\n");
    let [first, again, forgotten] = lines(&output)[..] else { panic!("{output:?}") };
    assert!(first.contains("five") && again.contains("five"), "{output:?}");
    assert!(forgotten.contains("not said anything"), "{output:?}");
}

#[test]
fn a_conversation_stays_within_its_budget() {
    let question = "how much is two plus three\n";
    let budget = ["--set", "llm.system=Be brief.", "--set", "context.tokens=100"];
    let many = question.repeat(9);
    let output = chat(budget, &many);
    assert!(output.status.success(), "{output:?}");
    assert!(lines(&output).iter().all(|line| line.contains("five")), "{output:?}");
    assert_eq!(lines(&output).len(), 9);

    let fails = chat(budget.into_iter().chain(["--set", "context.strategy=fail"]), &many);
    assert_eq!(fails.status.code(), Some(1));
    let told = String::from_utf8_lossy(&fails.stderr);
    assert!(told.contains("more than the budget of 100"), "{told}");
    assert!(lines(&fails)[0].contains("five"), "the first ones fit: {fails:?}");

    let wrong = chat(["--set", "context.strategy=slide"], question);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean sliding?"), "{wrong:?}");
}

#[test]
fn commands_are_obeyed_and_unknown_ones_told() {
    let output = chat([], "/sing\n/help\n/quit\nhello\n");
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("/sing") && told.matches("/clear").count() == 2, "{told}");
}

#[test]
fn a_turn_is_an_object_when_asked() {
    let output = chat(["--json"], "hello\nhow much is two plus three");
    let turns: Vec<Value> =
        lines(&output).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [_, sum] = &turns[..] else { panic!("{output:?}") };
    assert_eq!(sum["user"], json!("how much is two plus three"));
    assert!(sum["agent"].as_str().unwrap().contains("five") && sum.get("error").is_none(), "{sum}");
}

#[test]
fn a_call_waits_until_a_line_decides() {
    let asks = ["--approve", "cl*"];
    let allowed = chat(asks, "what time is it\n/approve\nhello\n");
    assert!(allowed.status.success(), "{allowed:?}");
    let [waiting, time, _hello] = lines(&allowed)[..] else { panic!("{allowed:?}") };
    assert!(waiting.is_empty() && time.starts_with("It is "), "{allowed:?}");
    let told = String::from_utf8_lossy(&allowed.stderr);
    assert!(
        told.starts_with("  1  clock {\"what\":\"time\"}\n     waits for approval: "),
        "{told}"
    );

    let refused = chat(["--set", "tools.approve=clock"], "what time is it\n/reject not now\n");
    assert!(refused.status.success(), "{refused:?}");
    assert!(!lines(&refused)[1].starts_with("It is "), "{refused:?}");
}

#[test]
fn a_call_that_still_waits_at_the_end_is_told() {
    let output = chat(["--approve", "clock", "--json"], "what time is it\n/approve 2\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("there is no call 2; /pending shows"), "{told}");
    assert!(told.contains("a call still waits:\n  clock {\"what\":\"time\"} waits for"), "{told}");
    let turn: Value = serde_json::from_str(lines(&output)[0]).unwrap();
    let [call] = &turn["pending"].as_array().unwrap()[..] else { panic!("{turn}") };
    assert_eq!((&call["name"], &call["arguments"]["what"]), (&json!("clock"), &json!("time")));
    assert_eq!(call["waits_for"]["kind"], "approval");
}

#[test]
fn what_was_recorded_is_said_again_without_the_model() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("calls.jsonl");
    let file = path.to_str().unwrap();
    let questions = "how much is two plus three\nmy key is sk-12345\nwhat time is it\n";
    let key = ["--set", "openai.api_key=sk-12345", "--llm"];
    let first = chat(key.into_iter().chain(["scripted", "--record-exchanges", file]), questions);
    assert!(first.status.success() && lines(&first).len() == 3, "{first:?}");
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.lines().count(), 4, "the clock's result is asked with as well: {written}");
    assert!(!written.contains("sk-12345") && written.contains("[secret]"), "{written}");

    let name = format!("replay:{file}");
    let at_once = [&*name, "--set", "replay.speed=0"];
    let again = chat(key.into_iter().chain(at_once), questions);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(again.stdout, first.stdout);

    let unknown = chat(["--llm"].into_iter().chain(at_once), "who are you\n");
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let told = String::from_utf8_lossy(&unknown.stderr);
    assert!(told.contains("has no answer to what ends with \"who are you\""), "{told}");
    let both = chat(["--llm", &name, "--record-exchanges", file], "");
    let told = String::from_utf8_lossy(&both.stderr);
    assert!(both.status.code() == Some(1) && told.contains("replayed and recorded"), "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[cfg(target_os = "linux")]
#[test]
fn exchanges_that_find_no_room_are_told_at_the_end() {
    let full = ["--llm", "scripted", "--record-exchanges", "/dev/full"];
    let output = chat(full, "how much is two plus three\n");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(lines(&output)[0].contains("five"), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("cannot write exchanges to /dev/full: No space left"), "{told}");
}

#[tokio::test]
async fn whatever_is_logged_no_key_is_in_it() {
    let launch =
        Launch { program: Some(env!("CARGO_BIN_EXE_banter").into()), ..Launch::new(Profile::Zero) };
    let server = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("input");
    std::fs::write(&path, "is it sk-hush-4711\n").unwrap();
    let base = format!("llm.base_url={}", server.services().url());
    let mut command = banter(["chat", "--llm", "openai:small", "--set", &base]);
    command.env("BANTER_LOG", "trace").env("NO_COLOR", "1");
    command.env("BANTER_LLM_API_KEY", "sk-hush-4711");
    command.stdin(Stdio::from(File::open(&path).unwrap()));
    let limit = std::time::Duration::from_secs(120);
    let output = tokio::time::timeout(limit, command.output()).await.unwrap().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !lines(&output)[0].is_empty(), "{log}");
    for part in ["is it [secret]", "answered", "provider=\"openai\"", "model=\"small\"", "hyper"] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert_eq!(log.lines().find(|line| line.contains("4711")), None);
}

/// A model that calls the tool of the pack in `examples/packs/library.json`.
const LIBRARIAN: &str = r#"
[[rule]]
hear = ["story"]
tool = "find_story"
arguments = { about = "parrots" }
then = ["Well. {story}"]
otherwise = ["There is none."]

[[rule]]
hear = ["*"]
say = ["Well."]
"#;

#[test]
fn a_pack_is_tried_without_its_tools() {
    let folder = tempfile::TempDir::new().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, LIBRARIAN).unwrap();
    let llm = format!("scripted:{}", rules.display());
    let pack = ["pack", "run", "examples/packs/library.json", "--prompt", "librarian"];
    let run = |words: &[&str]| run(banter([&pack[..], &["--llm", &llm], words].concat()));

    let told = run(&["tell me a story", r#"/result {"story": "Once there was a parrot."}"#]);
    assert!(told.status.success(), "{told:?}");
    assert_eq!(lines(&told), ["", "Well. Once there was a parrot."]);
    let note = "the prompt names tools that are not here: find_story; give what they would, by";
    assert!(String::from_utf8_lossy(&told.stderr).contains(note), "{told:?}");

    let none = run(&["tell me a story", "/approve", "/reject"]);
    assert_eq!(lines(&none), ["", "There is none."]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("by /result"), "{none:?}");
}

#[test]
fn files_are_shown_with_the_first_line_and_by_command() {
    let sound = "assets/sentences/01.wav";
    let input = format!("thank you\nhello\n/attach {sound}\nthank you\n");
    let output = chat(["--audio", sound, "--document", "README.md"], &input);
    assert!(output.status.success(), "{output:?}");
    let [both, none, one] = lines(&output)[..] else { panic!("{output:?}") };
    assert!(
        both.starts_with("I was shown 1 recording (0.8 s of WAV) and 1 document (MD). "),
        "{both}"
    );
    assert!(!none.contains("shown"), "{none}");
    assert!(one.starts_with("I was shown 1 recording (0.8 s of WAV). "), "{one}");
}

#[test]
fn what_cannot_be_shown_is_told_before_anything_is_asked() {
    for (arguments, told) in [
        (["--image", "assets/sentences/01.wav"], "is wav, which is of the kind `audio`"),
        (["--image", "assets/nonesuch.png"], "nonesuch.png: No such file"),
        (["--document", "assets"], "is no regular file"),
    ] {
        let output = chat(arguments, "hello\n");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(told) && output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn an_unknown_model_is_answered_with_those_there_are() {
    let output = chat(["--llm", "nonesuch"], "hello\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("nonesuch") && told.contains("scripted"), "{told}");
}

#[test]
fn help_names_every_option_and_command() {
    let output = run(banter(["chat", "--help"]));
    let help = str::from_utf8(&output.stdout).unwrap();
    let options = ["--llm", "--json", "scripted:FILE.toml", "--image", "--audio", "--document"];
    let options = options.into_iter().chain(["--approve", "mcp__files__write_*"]);
    let decisions = ["/pending", "/approve [N] [JSON]", "/reject [N] [REASON]", "/result [N]"];
    let commands = ["/attach FILE", "/clear", "/help", "/quit", "Ctrl-C"];
    for name in options.chain(commands).chain(decisions) {
        assert!(help.contains(name), "{name}: {help}");
    }
}
