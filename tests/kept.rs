//! Conversations by the program that have a pack, are kept, and are gone on with.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
mod program;

use std::process::Output;

use tempfile::TempDir;

#[test]
fn a_chat_is_gone_on_with_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let first = chat(&folder, &["--session", "ann"], &["my name is Ann"]);
    assert_eq!(stdout(&first), "Hello, Ann. I will remember that.\n");
    let second = chat(&folder, &["--session", "ann"], &["what is my name"]);
    assert_eq!(stdout(&second), "Sure, your name is Ann.\n");
    let other = chat(&folder, &["--session", "bob"], &["what is my name"]);
    assert!(!stdout(&other).contains("Ann"), "{other:?}");
    let shown = stdout(&banter(&folder, &["sessions", "show", "ann"]));
    assert!(shown.contains("you    what is my name\nagent  Sure, your name is Ann."), "{shown}");
}

#[test]
fn what_was_written_is_known_in_a_call_and_the_call_is_kept() {
    if !program::can_talk() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    chat(&folder, &["--session", "ann"], &["my name is Ann"]);
    let wav = folder.path().join("out.wav");
    let output = wav.to_str().unwrap();
    let call = ["talk", "--input", "assets/conversation.wav", "--output", output, "--speed", "max"];
    let called = banter(&folder, &[&call[..], &["--session", "ann"]].concat());
    assert_eq!(called.status.code(), Some(0), "{called:?}");

    let shown = stdout(&banter(&folder, &["sessions", "show", "ann"]));
    let (written, spoken) = shown.split_once("by voice").unwrap();
    assert!(written.contains("you    my name is Ann"), "{shown}");
    assert!(spoken.contains("agent  It is fifteen."), "{shown}");
    assert!(!spoken.contains("Hello, Ann"), "old answers are not spoken: {shown}");
    let list = stdout(&banter(&folder, &["sessions", "list"]));
    assert!(list.starts_with("ann "), "{list}");
}

#[test]
fn a_call_that_waits_is_kept_and_decided_later() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--session", "ann", "--approve", "clock"];
    let asked = chat(&folder, &flags, &["what time is it"]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    let decided = chat(&folder, &flags, &["/approve"]);
    assert!(stdout(&decided).starts_with("It is "), "{decided:?}");
    assert!(stderr(&decided).starts_with("  1  clock "), "it is shown at once: {decided:?}");
    assert_eq!(decided.status.code(), Some(0));
}

#[test]
fn a_call_that_waits_in_a_call_by_voice_is_told_and_decided_in_writing() {
    if !program::can_talk() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let time = "[[rule]]\nhear = [\"*\"]\ntool = \"clock\"\n\
                arguments = { what = \"time\" }\nthen = [\"Now it is {time}.\"]\n";
    std::fs::write(&rules, time).unwrap();
    let llm = format!("scripted:{}", rules.display());
    let flags = ["--session", "ann", "--approve", "clock"];
    let sound = ["--input", "assets/sentences/06.wav", "--speed", "max", "--llm", &llm];
    let called = banter(&folder, &[&["talk"], &sound[..], &flags].concat());
    assert_eq!(called.status.code(), Some(0), "{called:?}");
    let captions = stdout(&called);
    assert!(captions.contains("tool  clock waits for approval: "), "{captions}");
    assert!(captions.contains("to decide: `banter chat --session ann`"), "{captions}");
    assert!(stderr(&called).contains("a call still waits:\n  clock {"), "{called:?}");

    let decided = chat_with(&llm, &folder, &flags, &["/approve"]);
    assert!(stdout(&decided).starts_with("Now it is "), "{decided:?}");
}

#[test]
fn tools_that_a_call_by_voice_lacks_are_named() {
    if !program::can_talk() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let talk = ["talk", "--input", "assets/sentences/01.wav", "--speed", "max"];
    let pack = ["--pack", "examples/packs/library.json", "--prompt", "librarian"];
    let called = banter(&folder, &[&talk[..], &pack[..]].concat());
    assert_eq!(called.status.code(), Some(0), "{called:?}");
    let told = "the prompt names tools that are not here: find_story; calls of them are refused";
    assert!(stderr(&called).contains(told), "{called:?}");
}

#[test]
fn a_pack_is_run_with_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let run = |values: &[&str], words: &[&str]| {
        let pack = ["pack", "run", "examples/packs/museum.json", "--prompt", "guide"];
        banter(&folder, &[&pack[..], values, words].concat())
    };
    let ran = run(&["--var", "name=Ann", "--var", "route=the stairs"], &["hello", "goodbye"]);
    assert_eq!((ran.status.code(), stdout(&ran).lines().count()), (Some(0), 2), "{ran:?}");

    let missing = run(&[], &["hello"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(stderr(&missing).contains("no value for `name`, `route`"), "{missing:?}");
    let wrong = banter(&folder, &["pack", "run", "examples/packs/museum.json", "--prompt", "gide"]);
    assert!(stderr(&wrong).contains("no prompt `gide`; it has"), "{wrong:?}");
}

#[test]
fn what_is_measured_may_have_a_pack() {
    let folder = tempfile::tempdir().unwrap();
    let bench = ["bench", "--scenario", "question", "--profile", "zero"];
    let pack = ["--pack", "examples/packs/museum.json", "--prompt", "guide"];
    let missing = banter(&folder, &[&bench[..], &pack[..]].concat());
    assert!(stderr(&missing).contains("no value for `name`"), "{missing:?}");
    let another = ["bench", "--target", "pcm", "http://127.0.0.1:1"];
    let theirs = banter(&folder, &[&another[..], &pack[..]].concat());
    assert!(stderr(&theirs).contains("leave --pack out"), "{theirs:?}");
}

#[test]
fn a_session_belongs_to_the_prompt_that_it_was_held_with() {
    let folder = tempfile::tempdir().unwrap();
    chat(&folder, &["--session", "ann"], &["hello"]);
    let pack = ["--pack", "examples/packs/museum.json", "--prompt", "guide", "--var", "name=Ann"];
    let other = chat(&folder, &[&["--session", "ann"], &pack[..]].concat(), &["hello"]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    assert!(stderr(&other).contains("was held with no pack"), "{other:?}");
}

#[test]
fn flags_that_nobody_would_look_at_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pack = ["--pack", "examples/packs/museum.json", "--prompt", "guide"];
    let both = chat(&folder, &[&pack[..], &["--system", "Be brief."]].concat(), &["hello"]);
    assert!(stderr(&both).contains("give either --pack or --system"), "{both:?}");
    let alone = chat(&folder, &["--store", "memory"], &["hello"]);
    assert_eq!(alone.status.code(), Some(2), "{alone:?}");
    let secret = chat(&folder, &["--session", "a", "--store", "redis:x://u:hush@h"], &["hello"]);
    assert!(!stderr(&secret).contains("hush"), "{secret:?}");
    assert_eq!(secret.status.code(), Some(1));
}

/// A chat with the embedded model, which reads `lines` and ends.
fn chat(folder: &TempDir, flags: &[&str], lines: &[&str]) -> Output {
    chat_with("scripted", folder, flags, lines)
}

fn chat_with(llm: &str, folder: &TempDir, flags: &[&str], lines: &[&str]) -> Output {
    let file = folder.path().join("lines.txt");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let mut command = program::banter([&["chat", "--llm", llm], flags].concat());
    command.env("XDG_DATA_HOME", folder.path()).stdin(std::fs::File::open(file).unwrap());
    program::run(command)
}

fn banter(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = program::banter(arguments);
    command.env("XDG_DATA_HOME", folder.path());
    program::run(command)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
