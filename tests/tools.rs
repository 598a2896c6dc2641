//! Tools of a settings file, as the program lists them, calls them and lets a model call them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SETTINGS: &str = r#"
[llm]
engine = "scripted:rules.toml"

[[tools.exec]]
name = "count"
description = "Counts the letters of a word."
command = "sh"
args = ["-c", "cat > heard.json; echo '{\"letters\": 3, \"key\": \"'$COUNT_KEY'\"}'"]
env = ["COUNT_KEY"]
parameters = "count.json"

[[tools.exec]]
name = "break"
description = "Fails."
command = "sh"
args = ["-c", "echo no tea: $COUNT_KEY >&2; exit 7"]
env = ["COUNT_KEY"]

[[tools.http]]
name = "inner"
description = "Asks who must not be asked."
url = "https://127.0.0.1:9/{path}"
parameters = { properties = { path = { type = "string" } } }
"#;

const COUNT: &str = r#"{
  "type": "object", "properties": { "word": { "type": "string" }, "loud": { "type": "boolean" } },
  "required": ["word"]
}"#;

const RULES: &str = r#"
[[rule]]
hear = ["count {word}"]
tool = "count"
arguments = { word = "tea", loud = "true" }
then = ["It has {letters} letters."]
otherwise = ["I cannot count."]

[[rule]]
hear = ["*"]
say = ["Say it again."]
"#;

/// A folder with a settings file that the program is told of.
struct Home(tempfile::TempDir);

impl Home {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("my.toml", settings), ("count.json", COUNT), ("rules.toml", RULES)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn banter(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.args(arguments).current_dir(self.path()).env_remove("BANTER_LOG");
        command.env("COUNT_KEY", "sk-hush").env("HOME", self.path());
        command.env_remove("XDG_CONFIG_HOME").output().unwrap()
    }

    fn tools(&self, arguments: &[&str]) -> Output {
        self.banter(&[&["tools", "--config", "my.toml"], arguments].concat())
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn tools_are_listed_with_the_place_where_they_stand() {
    let home = Home::new(SETTINGS);
    let output = home.tools(&["list"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], "count  Counts the letters of a word.  (my.toml:5)");
    assert!(lines[3].starts_with("clock") && lines[3].ends_with("(built in)"));

    let text = stdout(&home.tools(&["list", "--json"]));
    let tool: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(tool["tool"]["parameters"]["required"], serde_json::json!(["word"]));
}

#[test]
fn a_tool_is_called_as_a_model_would_call_it() {
    let home = Home::new(SETTINGS);
    let output = home.tools(&["call", "count", r#"{"word": "tea", "loud": "true"}"#]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "{\"key\":\"sk-hush\",\"letters\":3}\n");
    assert!(stderr(&output).starts_with("count answered after "), "{output:?}");
    let heard = fs::read_to_string(home.path().join("heard.json")).unwrap();
    assert_eq!(heard, "{\"loud\":true,\"word\":\"tea\"}\n");

    let output = home.tools(&["call", "count", r#"{"word": 5}"#]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let expected = "the arguments of `count` do not fit: `/word`: expected string, found 5\n";
    assert_eq!(stdout(&output), expected);

    let output = home.tools(&["call", "break", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expected = "`break` failed: it ended with exit status: 7: no tea: [secret]";
    assert_eq!((told["content"].as_str(), &told["is_error"]), (Some(expected), &true.into()));
    assert!(told["took_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_must_not_be_reached_is_not() {
    let home = Home::new(SETTINGS);
    let output = home.tools(&["call", "inner", r#"{"path": "x"}"#]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("its address is not one of the public network"), "{text}");
    let output = home.tools(&["call", "other"]);
    assert_eq!(stdout(&output), "there is no tool named `other`\n");
}

#[test]
fn a_model_calls_the_tools_of_the_file() {
    let home = Home::new(SETTINGS);
    fs::write(home.path().join("said.txt"), "count tea\n").unwrap();
    let said = fs::File::open(home.path().join("said.txt")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.args(["chat", "--config", "my.toml"]).current_dir(home.path()).stdin(said);
    let output = command.env("COUNT_KEY", "sk-hush").env("HOME", home.path()).output().unwrap();
    assert_eq!(stdout(&output), "It has three letters.\n", "{output:?}");
}

#[test]
fn a_file_that_happens_to_lie_there_runs_nothing() {
    let home = Home::new("");
    fs::write(home.path().join("banter.toml"), SETTINGS).unwrap();
    let output = home.banter(&["tools", "call", "count", r#"{"word": "tea"}"#]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = stderr(&output);
    assert!(told.contains("banter.toml:5: the tool `count`: nobody named this file"), "{told}");
    assert!(!home.path().join("heard.json").exists());
}
