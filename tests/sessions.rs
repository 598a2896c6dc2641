//! Conversations that are kept, as the program lists, shows and deletes them.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::path::Path;
use std::process::{Command, Output};

use banter::Message;
use banter::state::{Entry, FileStore, Mode, Opened, Revision, StateStore, TurnRecord};
use banter::time::UtcTime;
use tempfile::TempDir;

#[test]
fn conversations_are_listed_the_last_changed_first() {
    let folder = talks();
    let output = sessions(&folder, &["list"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        stdout(&output),
        "new      2026-11-21T10:30     1 turn   red \"alert\"\n\
         kitchen  2020-10-12T16:43     2 turns  good morning\n"
    );
    let output = sessions(&folder, &["list", "--json"]);
    let text = stdout(&output);
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&first["id"], &first["turns"]), (&"new".into(), &1.into()));
    assert_eq!(first["changed"], "2026-11-21T10:30:00.000Z");
}

#[test]
fn a_conversation_is_shown_as_it_was_heard_or_as_it_is_kept() {
    let folder = talks();
    let output = sessions(&folder, &["show", "kitchen"]);
    assert_eq!(
        stdout(&output),
        "kitchen  opened 2020-10-12T16:43  pack house.json\n\n\
         2020-10-12T16:43  in writing\nyou    good morning\nagent  Hello!\n\n\
         2020-10-12T16:43  by voice\nyou    bye\nagent  Good— (cut)\n"
    );
    let output = sessions(&folder, &["show", "kitchen", "--json"]);
    let entries: Vec<Entry> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries, kitchen());

    let output = sessions(&folder, &["show", "attic"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = stderr(&output);
    assert!(told.contains("there is no conversation attic in files:"), "{told}");
    assert!(told.contains("`banter sessions list` lists them"), "{told}");
    assert_eq!(sessions(&folder, &["show", "../kitchen"]).status.code(), Some(2));
}

#[test]
fn nothing_that_is_kept_commands_the_terminal() {
    let folder = talks();
    let broken = "{\"kind\":\"\\u001b[31m\"}\n{\"kind\":\"\\u001b[31m\"}\n";
    std::fs::write(folder.path().join("broken.jsonl"), broken).unwrap();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", "new"],
        &["show", "new", "--json"],
        &["show", "broken"],
    ] {
        let output = sessions(&folder, arguments);
        let text = stdout(&output) + &stderr(&output);
        assert!(text.contains("alert") || text.contains("[31m"), "{arguments:?}: {text}");
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(obeyed), "{arguments:?}: {text:?}");
    }
}

#[test]
fn what_is_named_is_deleted() {
    let folder = talks();
    let output = sessions(&folder, &["delete", "attic", "kitchen"]);
    assert_eq!((output.status.code(), &*stdout(&output)), (Some(1), "deleted kitchen\n"));
    assert!(stderr(&output).contains("there is no conversation attic"), "{output:?}");
    assert_eq!(names(&folder), ["new"]);
}

#[test]
fn what_is_old_is_deleted() {
    let folder = talks();
    let age = days_since("kitchen", &folder) - 10;
    let older = format!("{age}d");
    assert_eq!(
        stdout(&sessions(&folder, &["delete", "--older-than", &older])),
        "deleted kitchen\n"
    );
    assert_eq!(stdout(&sessions(&folder, &["delete", "--older-than", "900000d"])), "");

    let folder = talks();
    let output = sessions(&folder, &["delete", "--expired"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("state.keep_days is not set"), "{output:?}");
    let keep = format!("state.keep_days={age}");
    let output = sessions(&folder, &["delete", "--expired", "--set", &keep]);
    assert_eq!(stdout(&output), "deleted kitchen\n");
}

#[test]
fn all_are_deleted_only_by_somebody_who_says_so() {
    let folder = talks();
    let output = sessions(&folder, &["delete", "--all"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("this deletes all 2 conversations of files:"), "{output:?}");
    assert_eq!(names(&folder), ["kitchen", "new"]);
    for wrong in [
        &["delete"][..],
        &["delete", "--all", "kitchen"],
        &["delete", "kitchen", "--yes"],
        &["delete", "--older-than", "3"],
    ] {
        assert_eq!(sessions(&folder, wrong).status.code(), Some(2), "{wrong:?}");
    }
    let output = sessions(&folder, &["delete", "--all", "--yes"]);
    assert_eq!(stdout(&output), "deleted kitchen\ndeleted new\n");
    assert_eq!((stdout(&sessions(&folder, &["list"])), names(&folder).len()), (String::new(), 0));
}

#[test]
fn by_default_conversations_are_in_the_user_s_folder() {
    let home = TempDir::new().unwrap();
    let talks = home.path().join(".local/share/banter/sessions");
    fill(&talks);
    let list = |name: &str, value: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.current_dir(home.path()).args(["sessions", "list"]).env_remove("XDG_DATA_HOME");
        stdout(&command.env("HOME", home.path()).env(name, value).output().unwrap())
    };
    assert_eq!(list("HOME", home.path()).lines().count(), 2);
    assert_eq!(list("XDG_DATA_HOME", &home.path().join(".local/share")).lines().count(), 2);
    assert_eq!(list("XDG_DATA_HOME", &home.path().join("elsewhere")), "");
}

#[test]
fn a_store_that_is_no_store_is_refused_without_its_password() {
    let folder = TempDir::new().unwrap();
    for store in ["redsi://me:hush@host", "rediss:", "files:"] {
        let mut command = program(&folder);
        let output = command.args(["sessions", "list", "--store", store]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = stderr(&output);
        assert!(!told.is_empty() && !told.contains("hush"), "{told}");
    }
}

fn kitchen() -> Vec<Entry> {
    // Long ago, whatever the machine's clock says.
    let at = UtcTime::from_millis(1_602_521_000_000);
    let turn = |mode, messages| Entry::Turn(TurnRecord::new(at, mode, messages));
    let cut = Message { interrupted: true, ..Message::assistant("Good") };
    vec![
        Entry::Opened(Opened { pack: Some("house.json".to_owned()), ..Opened::new(at) }),
        turn(Mode::Text, vec![Message::user("good morning"), Message::assistant("Hello!")]),
        turn(Mode::Voice, vec![Message::user("bye"), cut]),
    ]
}

/// A folder with two conversations.
fn talks() -> TempDir {
    let folder = TempDir::new().unwrap();
    fill(folder.path());
    folder
}

fn fill(folder: &Path) {
    let at = "2026-11-21T10:30:00Z".parse().unwrap();
    // Whatever a terminal may obey: escapes of one byte and of two, and a bell.
    let words = "red\u{7} \"\u{9b}alert\u{1b}\"";
    let new = Entry::Turn(TurnRecord::new(at, Mode::Text, vec![Message::user(words)]));
    for (name, entries) in [("kitchen", kitchen()), ("new", vec![new])] {
        let store = FileStore::new(folder);
        let id = name.parse().unwrap();
        let append = store.append(&id, Revision::ZERO, entries);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(append).unwrap();
    }
}

fn days_since(name: &str, folder: &TempDir) -> u64 {
    let store = FileStore::new(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let listed = runtime.block_on(store.list()).unwrap();
    let listing = listed.iter().find(|listing| listing.id.as_str() == name).unwrap();
    UtcTime::now().since(listing.changed).as_secs() / 86_400
}

fn names(folder: &TempDir) -> Vec<String> {
    let files = folder.path().read_dir().unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".jsonl").to_owned())
        .collect();
    names.sort();
    names
}

fn sessions(folder: &TempDir, arguments: &[&str]) -> Output {
    let store = format!("files:{}", folder.path().display());
    program(folder).arg("sessions").args(arguments).args(["--store", &store]).output().unwrap()
}

/// The program, with nothing of this machine's own settings.
fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.current_dir(folder.path()).env("HOME", folder.path()).env("TZ", "UTC");
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
