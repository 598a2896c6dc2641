//! Packs as the program checks and shows them.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn a_valid_pack_is_told_with_its_warnings() {
    let output = pack(&["validate", "valid/minimal.json", "valid/unknown_fields.json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "valid/minimal.json: valid: minimal 1.0.0, 1 prompt(s)");
    let warning = "valid/unknown_fields.json: warning: $.prompts.guide.parameter: the format has \
                   no such field; is `parameters` meant?";
    assert!(lines.contains(&warning), "{text}");
}

#[test]
fn the_packs_of_the_examples_are_valid_and_nothing_is_to_be_said_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/packs");
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
    assert!(files.len() >= 4, "{files:?}");
    let arguments: Vec<_> = ["validate"].into_iter().chain(files.iter().map(|x| &**x)).collect();
    let output = pack(&arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let valid = text.lines().filter(|line| line.contains(".json: valid: ")).count();
    assert_eq!((valid, text.lines().count()), (files.len(), files.len()), "{text}");
}

#[test]
fn each_error_is_a_line_and_the_other_files_are_told_as_well() {
    let files = ["wrong/no_template.json", "valid/minimal.json", "no/such.json"];
    let output = pack(&["validate", files[0], files[1], files[2]]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "wrong/no_template.json: error: $.prompts.guide: lacks `system_template`");
    assert_eq!(lines[1], "valid/minimal.json: valid: minimal 1.0.0, 1 prompt(s)");
    assert!(lines[2].starts_with("no/such.json: error: cannot read no/such.json: "), "{text}");
}

/// A pack with a banned word, a validator that lacks a parameter, and `more`.
fn ruled(folder: &Path, more: &str) -> String {
    let file = folder.join("ruled.json");
    let pack = format!(
        r#"{{ "id": "ruled", "name": "Ruled", "version": "1.0.0",
            "template_engine": {{ "version": "v1", "syntax": "{{{{variable}}}}" }},
            "prompts": {{ "talk": {{ "id": "talk", "name": "Talk", "version": "1.0.0",
                "system_template": "Talk.",
                "validators": [
                    {{ "type": "banned_words", "message": "a secret.",
                       "params": {{ "words": ["five"] }} }},
                    {{ "type": "max_length" }}{more}
                ] }} }} }}"#
    );
    std::fs::write(&file, pack).unwrap();
    file.display().to_string()
}

#[test]
fn validators_that_cannot_be_kept_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = ruled(folder.path(), r#", { "type": "max_sentence" }"#);
    let output = pack(&["validate", &file]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let wrong = "validators[1].params: the validator `max_length`: `max` or `max_tokens` must be \
                 given; it is left out";
    assert!(text.contains(wrong), "{text}");
    let unknown = "validators[2].type: there is no validator `max_sentence`: is `max_sentences` \
                   meant?";
    assert!(text.contains(unknown), "{text}");

    let run = |more: &[&str]| {
        let question = ["run", &file, "how much is two plus three?", "--prompt", "talk"];
        pack(&[&question[..], &["--llm", "scripted"], more].concat())
    };
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("no validator `max_sentence`") && told.contains("disable"), "{told}");
    let output = run(&["--disable-validator", "max_sentence"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_conversation_keeps_to_the_validators_of_its_prompt() {
    let folder = tempfile::tempdir().unwrap();
    let file = ruled(folder.path(), "");
    let run = |more: &[&str]| {
        let question = ["run", &file, "how much is two plus three?", "--prompt", "talk"];
        let output = pack(&[&question[..], &["--llm", "scripted"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        (stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (said, told) = run(&[]);
    assert_eq!(said, "It is a secret.\n");
    let broke = "the answer broke the rule banned_words and was replaced: it says phrase 1";
    assert!(told.contains(broke), "{told}");
    let (said, told) = run(&["--validation", "warn"]);
    assert_eq!(said, "It is five.\n");
    assert!(told.contains("broke the rule banned_words and was only reported"), "{told}");
    for off in [["--validation", "off"], ["--disable-validator", "banned_words"]] {
        let (said, told) = run(&off);
        assert_eq!((&*said, told.contains("broke")), ("It is five.\n", false), "{told}");
    }
}

#[test]
fn a_pack_is_shown() {
    let output = pack(&["show", "valid/tools.json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        stdout(&output),
        "tools 1.0.0  Tools\n\nprompt guide  Guide\n  tools  find_room, open_door\n\n\
         tools  find_room, open_door\n"
    );
    let text = stdout(&pack(&["show", "valid/variables.json"]));
    assert!(text.contains("  variable visitor  must be given\n"), "{text}");
    assert!(text.contains("  variable language  \"English\" by default\n"), "{text}");
}

#[test]
fn a_prompt_is_shown_as_the_model_is_told_it() {
    let output =
        pack(&["show", "valid/model_overrides.json", "--prompt", "guide", "--model", "other"]);
    assert_eq!(stdout(&output), "You are a guide.\n\ntemperature  1.5\ntop_k  all\n");
    let output = pack(&["show", "valid/tools.json", "--prompt", "guide"]);
    assert_eq!(stdout(&output), "You guide people through a museum.\n\ntools  find_room\n");
}

#[test]
fn values_come_from_flags_the_environment_and_bindings() {
    let show = ["show", "valid/bindings.json", "--prompt", "guide", "--var", "user=Ann"];
    let told = |more: &[&str]| stdout(&pack(&[&show, more].concat()));
    // A pack sees nothing of the environment that it is not shown.
    assert_eq!(told(&[]), "Speak en with Ann of the house.\n");
    assert_eq!(told(&["--env", "GUIDE_"]), "Speak de with Ann of north.\n");
    assert_eq!(told(&["--env", "GUIDE_", "--var", "house=x"]), "Speak de with Ann of x.\n");
}

#[test]
fn what_is_missing_fails_and_what_is_too_much_is_told() {
    let output = pack(&["show", "valid/variables.json", "--prompt", "guide", "--var", "agee=4"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("warning: the prompt has no variable `agee`"), "{errors}");
    assert!(errors.contains("banter: no value for `age`, `visitor`"), "{errors}");

    let output = pack(&["show", "valid/minimal.json", "--prompt", "sales"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let output = pack(&["show", "valid/minimal.json", "--prompt", "guide", "--var", "age"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

fn pack(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_banter"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs"))
        .env("GUIDE_LOCALE", "DE")
        .env("GUIDE_HOUSE", "north")
        .arg("pack")
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
