//! A server that hangs, floods, dies or lies does no harm but to itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use banter::time::{SessionClock, SessionTime};
use banter::tools::mcp::{McpClient, McpServer, McpStatus};
use banter::tools::{ToolContext, ToolRegistry, ToolSource};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lacking::lacking;
use crate::{call, connect, eventually, in_time, names, tool};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/hostile.py");

/// The server that misbehaves in this way; `None` where the machine lacks Python.
pub(crate) fn hostile(mode: &str) -> Option<McpServer> {
    if let Err(error) = Command::new("python3").arg("--version").output() {
        lacking("python", &format!("python3 does not run: {error}"));
        return None;
    }
    Some(McpServer::stdio("bad", "python3").args([SCRIPT, mode]))
}

fn short() -> Duration {
    Duration::from_millis(500)
}

/// Why the server does not start.
async fn refusal(server: McpServer) -> String {
    in_time(McpClient::connect([server])).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_that_does_not_start_is_named_with_its_last_words() {
    let Some(server) = hostile("crash") else { return };
    let why = refusal(server.env("DB_KEY", "sk-123456")).await;
    assert!(why.contains("`bad` (python3) did not start: it ended (exit status: 1)"), "{why}");
    assert!(why.ends_with("no such database: [secret]"), "{why}");

    let why = refusal(McpServer::stdio("none", "no-such-program")).await;
    assert!(why.contains("`none` (no-such-program)") && why.contains("install it"), "{why}");
    let why = refusal(McpServer::stdio("none", "python3").cwd("/no/such")).await;
    assert!(why.contains("no folder /no/such"), "{why}");
}

#[tokio::test]
async fn a_server_that_hangs_at_its_start_is_given_up() {
    let limit = Duration::from_secs(5);
    let (Some(silent), Some(hiding)) = (hostile("silent"), hostile("hide")) else { return };
    let silent = refusal(silent.init_timeout(limit));
    let (silent, hiding) = tokio::join!(silent, refusal(hiding.init_timeout(limit)));
    assert!(silent.contains("gave no answer within 5s"), "{silent}");
    assert!(silent.contains("waiting for the moon"), "{silent}");
    assert!(hiding.contains("did not tell its tools within 5s"), "{hiding}");
}

#[tokio::test]
async fn a_server_of_no_known_revision_is_refused() {
    let Some(server) = hostile("ancient") else { return };
    let why = refusal(server).await;
    assert!(why.contains("revision `1999-01-01`"), "{why}");
}

#[tokio::test]
async fn a_server_of_the_revision_without_a_handshake_works() {
    let Some(server) = hostile("modern") else { return };
    let client = connect(server).await;
    let [(_, status)] = &client.status()[..] else { panic!() };
    let McpStatus::Running { introduction } = status else { panic!("{status:?}") };
    assert!(introduction.contains("MCP 2026-07-28"), "{introduction}");
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    client.close().await;
}

#[tokio::test]
async fn one_that_is_not_required_is_only_missed() {
    let (Some(bad), Some(good)) = (hostile("crash"), hostile("good")) else { return };
    let missing = McpServer::stdio("gone", "no-such-program").required(false);
    let other = McpServer::stdio("also", "python3").args([SCRIPT, "crash"]).required(false);
    drop(bad);
    let client = in_time(McpClient::connect([missing, good, other])).await.unwrap();
    assert!(names(&client, "gone").is_empty());
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    let ended = |status: &McpStatus| matches!(status, McpStatus::Ended { .. });
    let ended: Vec<_> = client.status().iter().map(|(_, status)| ended(status)).collect();
    assert_eq!(ended, [true, false, true]);
    client.close().await;
}

#[tokio::test]
async fn two_of_one_name_are_refused() {
    let servers = [McpServer::stdio("a b", "x"), McpServer::http("a_b", "http://localhost")];
    let why = McpClient::connect(servers).await.unwrap_err().to_string();
    assert!(why.contains("`a b` and `a_b`"), "{why}");
    let nameless = McpClient::connect([McpServer::stdio("…", "x")]).await.unwrap_err();
    assert!(nameless.to_string().contains("is no name"), "{nameless}");
}

#[tokio::test]
async fn its_environment_is_what_it_was_given() {
    let Some(server) = hostile("good") else { return };
    let folder = TempDir::new().unwrap();
    let client = connect(server.env("GIVEN", "yes").cwd(folder.path())).await;
    let told = call(&client, "bad", "environment", json!({})).await.unwrap();
    let environment: Value = serde_json::from_str(told.as_str().unwrap()).unwrap();
    assert_eq!(environment["GIVEN"], "yes");
    // Python may be a script that puts itself before.
    let path = std::env::var("PATH").unwrap();
    assert!(environment["PATH"].as_str().unwrap().ends_with(&path));
    assert_eq!(environment["CWD"], folder.path().canonicalize().unwrap().to_str().unwrap());
    let cargo: Vec<_> =
        environment.as_object().unwrap().keys().filter(|key| key.starts_with("CARGO")).collect();
    assert!(cargo.is_empty() && std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "{cargo:?}");
    client.close().await;
}

#[tokio::test]
async fn a_tool_that_hangs_is_cancelled_and_others_go_on() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    let hanging = tool(&client, "bad", "wait");
    let hung =
        tokio::time::timeout(short(), hanging.call(json!({}), ToolContext::detached())).await;
    assert!(hung.is_err());
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    let told = async || call(&client, "bad", "cancelled", json!({})).await.unwrap();
    let mut cancelled = told().await;
    while cancelled == "[]" {
        cancelled = in_time(told()).await;
    }
    let ids: Vec<Value> = serde_json::from_str(cancelled.as_str().unwrap()).unwrap();
    assert_eq!(ids.len(), 1, "{ids:?}");
    client.close().await;
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_at_once_and_is_started_again() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server.env("KEY", "sk-123456")).await;
    let waiting = tool(&client, "bad", "wait");
    let waiting =
        tokio::spawn(async move { waiting.call(json!({}), ToolContext::detached()).await });
    let error = call(&client, "bad", "die", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("it ended (exit status: 3)"), "{error}");
    assert!(error.contains("out of tea: [secret]"), "{error}");
    let other = in_time(waiting).await.unwrap().unwrap_err().to_string();
    assert!(other.contains("ended while it was asked"), "{other}");

    // A call meanwhile waits for the new one.
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    client.close().await;
}

#[tokio::test]
async fn a_server_that_dies_again_and_again_is_given_up() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server.reconnects(2)).await;
    let kept = tool(&client, "bad", "echo");
    for _ in 0..3 {
        let died = call(&client, "bad", "die", json!({})).await;
        assert!(died.is_err());
    }
    eventually("no tools are left", || names(&client, "bad").is_empty()).await;
    let error = in_time(kept.call(json!({}), ToolContext::detached())).await.unwrap_err();
    assert!(error.to_string().contains("started again 2 times, and given up"), "{error}");
    client.close().await;
}

#[tokio::test]
async fn a_server_that_closes_its_output_is_ended() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server.reconnects(0)).await;
    let error = call(&client, "bad", "close", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("it closed its standard output"), "{error}");
    client.close().await;
}

#[tokio::test]
async fn a_line_without_end_ends_the_server() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server.reconnects(0)).await;
    let error = call(&client, "bad", "flood_line", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("a line of more than 16 MiB"), "{error}");
    let Some(server) = hostile("flood_at_once") else { return };
    let why = refusal(server).await;
    assert!(why.contains("a line of more than 16 MiB"), "{why}");
}

#[tokio::test]
async fn a_flood_of_notes_is_taken_at_its_pace_while_others_go_on() {
    let Some(server) = hostile("good") else { return };
    let folder = TempDir::new().unwrap();
    let notes = folder.path().join("notes");
    let server = server.env("NOTES", notes.to_str().unwrap());
    let other = McpServer::stdio("other", "python3").args([SCRIPT, "good"]);
    let client = in_time(McpClient::connect([server, other])).await.unwrap();
    let flood = tool(&client, "bad", "flood_notes");
    let flooding = tokio::spawn(async move {
        flood.call(json!({ "count": 1_000_000 }), ToolContext::detached()).await
    });
    let late = tokio::time::timeout(Duration::from_secs(3), flooding).await;
    assert!(late.is_err());
    // 4,000 are taken, and some wait in pipes; it would have sent hundreds of thousands.
    let thousands = fs::read_to_string(&notes).unwrap_or_default().lines().count();
    assert!(thousands < 10, "{thousands}");
    let told = call(&client, "other", "echo", json!({ "text": "tea" })).await.unwrap();
    assert_eq!(told, "tea");
    client.close().await;
}

#[tokio::test]
async fn a_flood_of_requests_is_not_remembered() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    let told = call(&client, "bad", "flood_requests", json!({ "count": 3000 })).await.unwrap();
    assert_eq!(told, "done");
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    client.close().await;
}

#[tokio::test]
async fn a_flood_on_standard_error_is_read_and_forgotten() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server.reconnects(0)).await;
    let told = call(&client, "bad", "flood_stderr", json!({ "count": 50_000 })).await.unwrap();
    assert_eq!(told, "done");
    let error = call(&client, "bad", "die", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("the last line\n  line one\n  out of tea") && error.len() < 8000);
    client.close().await;
}

#[tokio::test]
async fn garbage_is_passed_over() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    assert_eq!(call(&client, "bad", "garbage", json!({})).await.unwrap(), "done");
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    let error = call(&client, "bad", "odd", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("something else than was asked for"), "{error}");
    client.close().await;
}

#[tokio::test]
async fn a_tool_that_fails_says_why() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    let error = call(&client, "bad", "fail", json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "`mcp__bad__fail` failed: no such file");
    client.close().await;
}

#[tokio::test]
async fn changed_tools_are_listed_anew() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    let mut registry = ToolRegistry::new();
    registry.add_source(std::sync::Arc::new(client.clone()));
    assert!(registry.get("mcp__bad__more_0").is_none());
    call(&client, "bad", "change", json!({})).await.unwrap();
    eventually("there are more tools", || registry.get("mcp__bad__more_0").is_some()).await;
    client.close().await;
    assert!(client.tools().is_empty() && registry.get("mcp__bad__echo").is_none());
}

#[tokio::test]
async fn a_server_that_changes_all_the_time_is_asked_once_a_second() {
    let Some(server) = hostile("restless") else { return };
    let notes = TempDir::new().unwrap();
    let notes = notes.path().join("notes");
    let clock = SessionClock::live();
    let client = connect(server.env("NOTES", notes.to_str().unwrap())).await;
    let listed = || fs::read_to_string(&notes).unwrap_or_default().lines().count();
    eventually("it was listed again", || listed() >= 3).await;
    assert_eq!(call(&client, "bad", "echo", json!({ "text": "tea" })).await.unwrap(), "tea");
    // At its start, at once when it says so, and a second later.
    assert!(clock.now().since(SessionTime::ZERO) >= Duration::from_secs(1));
    client.close().await;
}

#[tokio::test]
async fn lists_have_an_end_and_large_schemas_are_left_out() {
    let Some(server) = hostile("pages") else { return };
    let client = connect(server).await;
    assert_eq!(client.tools().len(), 1000);
    client.close().await;
    let Some(server) = hostile("large") else { return };
    let client = connect(server.allow(["large", "e*"])).await;
    assert_eq!(names(&client, "bad"), ["mcp__bad__echo", "mcp__bad__environment"]);
    let echo = tool(&client, "bad", "echo");
    assert_eq!(echo.descriptor().parameters["type"], "object", "as models want it");
    assert!(!echo.has_side_effects());
    assert!(tool(&client, "bad", "environment").has_side_effects());
    client.close().await;
}

#[tokio::test]
async fn what_it_asks_is_refused_in_order() {
    let Some(server) = hostile("good") else { return };
    let client = connect(server).await;
    let told = call(&client, "bad", "ask", json!({})).await.unwrap();
    let answers: Value = serde_json::from_str(told.as_str().unwrap()).unwrap();
    assert_eq!(answers[0]["action"], "decline");
    assert_eq!(answers[1]["code"], -32601);
    assert_eq!(answers[2]["roots"], json!([]));
    client.close().await;
}

#[tokio::test]
async fn a_server_that_will_not_end_is_killed_with_all_that_it_started() {
    for dropped in [false, true] {
        let Some(server) = hostile("stubborn") else { return };
        let folder = TempDir::new().unwrap();
        let notes = folder.path().join("notes");
        let client = connect(server.env("NOTES", notes.to_str().unwrap())).await;
        let told = fs::read_to_string(&notes).unwrap();
        let pids: Vec<&str> = told.split_whitespace().collect();
        assert_eq!(pids.len(), 2);
        let lives = |pid: &&&str| is_running(pid);
        assert_eq!(pids.iter().filter(lives).count(), 2);
        if dropped {
            drop(client);
        } else {
            in_time(client.close()).await;
        }
        eventually("they are gone", || pids.iter().filter(lives).count() == 0).await;
    }
}

#[tokio::test]
async fn a_program_that_ends_takes_its_servers_along() {
    let Some(server) = hostile("stubborn") else { return };
    let folder = TempDir::new().unwrap();
    let notes = folder.path().join("notes");
    let server = server.env("NOTES", notes.to_str().unwrap());
    // A runtime that is dropped under way.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let client = runtime.spawn(McpClient::connect([server]));
    let client = client.await.unwrap().unwrap();
    runtime.shutdown_background();
    let told = fs::read_to_string(&notes).unwrap();
    eventually("they are gone", || !told.split_whitespace().any(is_running)).await;
    drop(client);
}

/// Whether a process is there, and no corpse.
pub(crate) fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
