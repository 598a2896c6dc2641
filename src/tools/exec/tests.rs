//! Programs that answer, fail, hang, flood, and leave others behind.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Command;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::tools::{ToolRegistry, run};
use crate::types::{ToolCall, ToolResult};

fn tool(program: &str, args: &[&str]) -> ExecTool {
    let descriptor = ToolDescriptor::new("do", "Does.", json!({ "type": "object" }));
    ExecTool::new(descriptor, program, args).time_limit(LONG)
}

fn script(text: &str) -> ExecTool {
    tool("sh", &["-c", text, "sh"])
}

async fn told(tool: ExecTool, arguments: Value) -> ToolResult {
    let mut tools = ToolRegistry::new();
    tools.register(tool).unwrap();
    let call = ToolCall { id: "1".to_owned(), name: "do".to_owned(), arguments };
    run(&tools, &call, ToolContext::detached()).await
}

async fn answered(tool: ExecTool, arguments: Value) -> String {
    let result = told(tool, arguments).await;
    assert!(!result.is_error, "{}", result.content);
    result.content
}

async fn failed(tool: ExecTool) -> String {
    let result = told(tool, json!({})).await;
    assert!(result.is_error, "{}", result.content);
    result.content
}

/// A pipe with a name, which programs of a test hold open as long as they live.
struct Alive {
    began: oneshot::Receiver<()>,
    gone: oneshot::Receiver<String>,
}

impl Alive {
    fn at(path: &Path) -> Self {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        let path = path.to_owned();
        let ((begin, began), (go, gone)) = (oneshot::channel(), oneshot::channel());
        tokio::task::spawn_blocking(move || {
            let mut pipe = BufReader::new(std::fs::File::open(path).unwrap());
            let mut said = String::new();
            pipe.read_line(&mut said).unwrap();
            let _nobody_waits = begin.send(());
            pipe.read_to_string(&mut said).unwrap();
            let _nobody_waits = go.send(said);
        });
        Self { began, gone }
    }

    /// A script that says that it lives, starts another program that hangs, and then does this.
    fn script(path: &Path, then: &str) -> ExecTool {
        let path = path.display();
        script(&format!("exec 9>'{path}'; sleep 1000 & echo here >&9; {then}"))
    }
}

async fn soon<T>(event: oneshot::Receiver<T>) -> T {
    timeout(LONG, event).await.expect("it does not come").unwrap()
}

#[tokio::test]
async fn json_goes_in_and_json_or_text_comes_out() {
    assert_eq!(answered(tool("cat", &[]), json!({ "a": ["é", 1] })).await, r#"{"a":["é",1]}"#);
    assert_eq!(answered(tool("echo", &["two words"]), json!({})).await, "two words");
    assert_eq!(answered(tool("true", &[]), json!({ "big": "x".repeat(200_000) })).await.len(), 17);
}

#[tokio::test]
async fn what_the_model_writes_is_never_a_command() {
    let arguments = json!({ "text": "$(touch /tmp/x); `id` && \"'\n" });
    let expected = arguments.to_string();
    assert_eq!(answered(script("cat"), arguments).await, expected);
}

#[tokio::test]
async fn a_failure_tells_its_status_and_what_was_complained_of_last() {
    let told = failed(script("echo no tea >&2; exit 3")).await;
    assert_eq!(told, "`do` failed: it ended with exit status: 3: no tea");
    assert_eq!(failed(tool("false", &[])).await, "`do` failed: it ended with exit status: 1");
    let told = failed(script("yes line | head -c 1000000 >&2; echo last >&2; exit 1")).await;
    assert!(told.len() < 2_200 && told.ends_with("line\nlast"), "{told}");
    let told = failed(script("echo $KEY >&2; exit 1").env("KEY", Secret::new("sk-secret"))).await;
    assert!(told.ends_with(": [secret]"), "{told}");
    let told = failed(tool("no-such-program", &[])).await;
    assert!(told.contains("no-such-program does not start") && told.contains("installed"));
}

#[tokio::test]
async fn a_program_knows_of_the_environment_what_it_must() {
    let env = answered(tool("env", &[]).env("TEA", Secret::new("green")), json!({})).await;
    let mut names: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).collect();
    names.retain(|(name, _)| !["PATH", "HOME", "LANG"].contains(name));
    assert_eq!(names, [("TEA", "green")]);
    // Cargo has set many for this test.
    assert!(std::env::vars_os().count() > 5);
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().canonicalize().unwrap();
    let said = answered(tool("pwd", &["-P"]).folder(&there), json!({})).await;
    assert_eq!(Path::new(&said), there);
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("alive");
    let alive = Alive::at(&pipe);
    let limit = Duration::from_millis(1_500);
    let told = failed(Alive::script(&pipe, "wait").time_limit(limit)).await;
    assert_eq!(told, "`do` gave no answer within 1.5s");
    assert_eq!(soon(alive.gone).await, "here\n");
}

#[tokio::test]
async fn a_program_that_ends_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("alive");
    let alive = Alive::at(&pipe);
    assert_eq!(answered(Alive::script(&pipe, "echo done"), json!({})).await, "done");
    assert_eq!(soon(alive.gone).await, "here\n");
}

#[tokio::test]
async fn whom_nobody_waits_for_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("alive");
    let alive = Alive::at(&pipe);
    let hanging = Alive::script(&pipe, "wait");
    let call = hanging.call(json!({}), ToolContext::detached());
    tokio::select! {
        biased;
        _ = call => panic!("it ended"),
        () = soon(alive.began) => {}
    }
    assert_eq!(soon(alive.gone).await, "here\n");
}

#[tokio::test]
async fn a_flood_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("alive");
    let alive = Alive::at(&pipe);
    let told = failed(Alive::script(&pipe, "yes | head -c 1073741824")).await;
    assert_eq!(told, "`do` failed: it said more than 1048576 bytes, and was ended");
    assert_eq!(soon(alive.gone).await, "here\n");
}

const LONG: Duration = Duration::from_secs(20);
