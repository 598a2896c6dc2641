//! `banter mcp`, and the servers of conversations, with a server that misbehaves when told to.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lacking::lacking;
use crate::program::{banter, run};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/hostile.py");

/// A folder with files that name the server, and a script by which a model calls it; `None` where
/// the machine lacks Python.
struct Home(TempDir);

impl Home {
    fn new(mode: &str) -> Option<Self> {
        if let Err(error) = Command::new("python3").arg("--version").output() {
            lacking("python", &format!("python3 does not run: {error}"));
            return None;
        }
        let home = Self(TempDir::new().unwrap());
        let notes = home.path("notes");
        let settings = format!(
            "[mcp.bad]\ncommand = \"python3\"\nargs = [{SCRIPT:?}, {mode:?}]\n\
             env = {{ NOTES = {notes:?}, KEY = \"${{BAD_KEY:-sk-123456}}\" }}\n"
        );
        fs::write(home.path("banter.toml"), settings).unwrap();
        let servers = json!({ "mcpServers": { "shared": {
            "command": "python3", "args": [SCRIPT, mode], "env": { "NOTES": notes },
        }}});
        fs::write(home.path("servers.json"), servers.to_string()).unwrap();
        fs::write(home.path("script.toml"), RULES).unwrap();
        Some(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arg(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// What the program says with the settings of this folder.
    fn mcp(&self, arguments: &[&str]) -> Output {
        let config = self.arg("banter.toml");
        run(banter([&["mcp"], arguments, &["--config", &config]].concat()))
    }

    /// What a chat answers to these lines.
    fn chat(&self, lines: &str, arguments: &[&str]) -> Output {
        fs::write(self.path("input"), lines).unwrap();
        let script = format!("scripted:{}", self.arg("script.toml"));
        let mut command = banter([&["chat", "--llm", &script], arguments].concat());
        command.stdin(fs::File::open(self.path("input")).unwrap());
        run(command)
    }

    /// Whether nobody runs of those that the server has noted, itself and what it started.
    fn is_quiet(&self) -> bool {
        let notes = fs::read_to_string(self.path("notes")).unwrap();
        assert!(!notes.is_empty());
        !notes.split_whitespace().any(|pid| {
            let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        })
    }
}

const RULES: &str = r#"
[[rule]]
hear = ["echo"]
tool = "mcp__bad__echo"
arguments = { text = "tea" }
then = ["It came back."]
otherwise = ["There is no echo."]
[[rule]]
hear = ["share"]
tool = "mcp__shared__echo"
arguments = { text = "tea" }
then = ["It was shared."]
otherwise = ["Nothing is shared."]
[[rule]]
hear = ["die"]
tool = "mcp__bad__die"
then = ["It lives."]
otherwise = ["It has died."]
[[rule]]
hear = ["*"]
say = ["Yes."]
"#;

fn out(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn tools_are_listed_with_what_they_take() {
    let Some(home) = Home::new("good") else { return };
    let output = home.mcp(&["list"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(out(&output).starts_with("bad  hostile 1, MCP 2025-11-25\n"), "{output:?}");
    assert!(out(&output).contains("\n  * mcp__bad__echo(text?: string)\n      A tool.\n"));

    let output = home.mcp(&["list", "bad", "--json"]);
    let told: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(told["tools"][0]["name"], "mcp__bad__echo");
    assert_eq!(told["tools"][0]["has_side_effects"], false);
    assert_eq!(told["tools"][0]["parameters"]["type"], "object");

    let output = home.mcp(&["list", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("`nobody`; there is: bad"), "{output:?}");
}

#[test]
fn one_that_no_file_names_is_tried_by_its_command() {
    let Some(home) = Home::new("good") else { return };
    let command = format!("python3 '{SCRIPT}' good");
    let told = "{\"text\": \"a\\u001b[2Jb\"}";
    let output = home.mcp(&["call", "--stdio", &command, "echo", told]);
    assert_eq!((out(&output), err(&output)), ("a[2Jb\n", ""), "what a terminal obeys is left out");

    let given = ["call", "--stdio", &command, "--env", "GIVEN=1", "environment"];
    let environment: Value = serde_json::from_str(out(&home.mcp(&given))).unwrap();
    assert_eq!(environment["GIVEN"], "1");

    let output = home.mcp(&["call", "--stdio", "python3 'x", "echo"]);
    assert!(err(&output).contains("a quote has no end"), "{output:?}");
    let output = home.mcp(&["list", "--stdio", "no-such-program"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "banter: the MCP server `server` (no-such-program) did not start: there is no such \
         program; install it, or give the path to it\n"
    );
}

#[test]
fn a_call_prints_what_a_model_would_get_and_fails_with_the_tool() {
    let Some(home) = Home::new("good") else { return };
    let output = home.mcp(&["call", "bad", "echo", "{\"text\": \"tea\"}"]);
    assert_eq!((out(&output), output.status.code()), ("tea\n", Some(0)));
    for (words, expected) in [
        (&["bad", "fail"][..], "`mcp__bad__fail` failed: no such file"),
        (&["bad", "echo", "{\"text\": [1]}"], "expected string"),
        (&["bad", "echo", "tea"], "are no JSON; write them as"),
        (&["bad", "sing"], "has no tool `sing`; there are `echo`"),
        (&["other", "echo"], "no MCP server is named `other`; there is: bad"),
        (&["bad"], "give SERVER TOOL and JSON"),
        (&["bad", "die"], "out of tea: [secret]"),
    ] {
        let output = home.mcp(&[&["call"], words].concat());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(err(&output).contains(expected), "{output:?}");
    }
}

#[test]
fn a_chat_has_the_tools_of_the_servers_that_files_name() {
    let Some(home) = Home::new("good") else { return };
    let [config, servers] = ["banter.toml", "servers.json"].map(|name| home.arg(name));
    let flags = ["--config", &config, "--mcp-config", &servers];
    let output = home.chat("echo\nshare\ndie\necho\n", &flags);
    assert!(output.status.success(), "{output:?}");
    let answers = "It came back.\nIt was shared.\nIt has died.\nIt came back.\n";
    assert_eq!(out(&output), answers, "{}", err(&output));
    assert!(err(&output).starts_with("starting 2 MCP servers…\n"), "{output:?}");

    let output = home.chat("echo\n", &["--config", &config, "--no-mcp"]);
    assert_eq!((out(&output), err(&output)), ("There is no echo.\n", ""));
}

#[test]
fn a_chat_does_not_begin_without_a_server_that_it_needs() {
    let Some(home) = Home::new("crash") else { return };
    let config = home.arg("banter.toml");
    let output = home.chat("hello\n", &["--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("MCP server `bad` (python3) did not start"), "{output:?}");

    let text = fs::read_to_string(&config).unwrap() + "required = false\n";
    fs::write(&config, text).unwrap();
    let output = home.chat("hello\n", &["--config", &config]);
    assert_eq!((out(&output), output.status.code()), ("Yes.\n", Some(0)));
    assert!(err(&output).contains("did not start"), "{output:?}");
}

#[test]
fn a_file_that_lies_in_the_folder_starts_nothing() {
    let Some(home) = Home::new("stubborn") else { return };
    let mut command = banter(["chat", "--llm", "scripted"]);
    command.current_dir(home.0.path()).stdin(Stdio::null());
    let output = run(command);
    assert!(output.status.success(), "{output:?}");
    assert!(err(&output).contains("`bad` is not started, for nobody named this file"));
    assert!(!home.path("notes").exists());
}

#[test]
fn settings_are_shown_without_what_servers_are_given() {
    let Some(home) = Home::new("good") else { return };
    let output = run(banter(["config", "--config", &home.arg("banter.toml")]));
    let line = out(&output).lines().find(|line| line.starts_with("mcp.bad")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["mcp.bad", "python3", &format!("{}:1", home.arg("banter.toml"))]);
    assert!(!out(&output).contains("sk-123456"));
}

#[test]
fn servers_end_with_the_chat() {
    let Some(home) = Home::new("stubborn") else { return };
    let output = home.chat("echo\n", &["--config", &home.arg("banter.toml")]);
    assert_eq!(out(&output), "It came back.\n", "{output:?}");
    wait_until(|| home.is_quiet());
}

#[test]
fn servers_end_with_ctrl_c_even_while_they_start() {
    // The one starts and will not end, the other starts for ever.
    for (mode, starts) in [("stubborn", true), ("silent", false)] {
        let Some(home) = Home::new(mode) else { return };
        let script = format!("scripted:{}", home.arg("script.toml"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_banter"))
            .args(["chat", "--llm", &script, "--config", &home.arg("banter.toml")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut told, &mut line).unwrap();
        assert_eq!(line, "starting 1 MCP server…\n");
        if starts {
            wait_until(|| home.path("notes").exists());
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        wait_until(|| child.try_wait().unwrap().is_some());
        if starts {
            wait_until(|| home.is_quiet());
        }
    }
}

/// Waits until `holds`, not for ever.
fn wait_until(mut holds: impl FnMut() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let waiting = async {
            while !holds() {
                tick.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    });
}
