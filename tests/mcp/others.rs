//! The servers of others, at the versions that `package.json` and `requirements.txt` pin.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use banter::tools::ToolContext;
use banter::tools::mcp::{McpClient, McpServer, McpStatus};
use banter::types::Role;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::lacking::lacking;
use crate::{LIMIT, call, connect, in_time, names, tool};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp"))
}

/// The program of a server, and its first argument; `None` where the machine lacks it.
fn installed(package: &str) -> Option<(PathBuf, String)> {
    let script = folder().join("node_modules/@modelcontextprotocol").join(package);
    let script = script.join("dist/index.js");
    if !script.exists() {
        lacking("npm", "tests/mcp is not installed; run scripts/setup.sh --tests");
        return None;
    }
    let modules = folder().join("node_modules").read_dir().unwrap();
    let newer = modules.map(|entry| entry.unwrap().path().join("bin/node"));
    let node = newer.filter(|node| node.exists()).last().unwrap_or_else(|| "node".into());
    if let Err(error) = Command::new(&node).arg("--version").output() {
        lacking("npm", &format!("node does not run: {error}"));
        return None;
    }
    Some((node, script.display().to_string()))
}

/// A server of the npm package `package`.
fn server(name: &str, package: &str) -> Option<McpServer> {
    let (node, script) = installed(package)?;
    Some(McpServer::stdio(name, node.display().to_string()).args([script]))
}

fn everything() -> Option<McpServer> {
    Some(server("all", "server-everything")?.args(["stdio"]))
}

fn introduction(client: &McpClient) -> String {
    match &client.status()[..] {
        [(_, McpStatus::Running { introduction })] => introduction.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_lists_its_tools_and_calls_them() {
    let Some(server) = everything() else { return };
    let client = connect(server).await;
    assert_eq!(introduction(&client), "mcp-servers/everything 2.0.0, MCP 2025-11-25");
    let names = names(&client, "all");
    assert_eq!(names.len(), 13, "{names:?}");
    // These want a client that asks its user, or its model.
    assert!(!names.iter().any(|name| name.contains("elicitation") || name.contains("sampling")));

    let echo = call(&client, "all", "echo", json!({ "message": "tea" })).await.unwrap();
    assert_eq!(echo, "Echo: tea");
    let sum = call(&client, "all", "get-sum", json!({ "a": 2, "b": 3 })).await.unwrap();
    assert_eq!(sum, "The sum of 2 and 3 is 5.");
    let wrong = call(&client, "all", "get-sum", json!({ "a": "two" })).await.unwrap_err();
    assert!(wrong.to_string().contains("Invalid arguments"), "{wrong}");
    client.close().await;
}

#[tokio::test]
async fn results_are_text_or_json_and_what_is_none_is_named() {
    let Some(server) = everything() else { return };
    let client = connect(server).await;
    let weather = tool(&client, "all", "get-structured-content");
    assert_eq!(weather.descriptor().output.as_ref().unwrap()["type"], "object");
    let given = json!({ "location": "Chicago" });
    let weather = call(&client, "all", "get-structured-content", given).await.unwrap();
    assert_eq!(weather["conditions"], "Light rain / drizzle");

    let image = call(&client, "all", "get-tiny-image", json!({})).await.unwrap();
    assert!(image.as_str().unwrap().contains("\n[image image/png, 4 kB]\n"), "{image}");
    let given = json!({ "resourceType": "Text", "resourceId": 1 });
    let embedded = call(&client, "all", "get-resource-reference", given).await.unwrap();
    assert!(embedded.as_str().unwrap().contains("Resource 1: This is a plaintext"), "{embedded}");
    let links = call(&client, "all", "get-resource-links", json!({ "count": 2 })).await.unwrap();
    assert_eq!(links.as_str().unwrap().matches("[resource demo://").count(), 2, "{links}");
    client.close().await;
}

#[tokio::test]
async fn a_long_operation_tells_of_its_progress_and_is_cancelled_by_dropping_it() {
    let Some(server) = everything() else { return };
    let client = connect(server).await;
    let given = json!({ "duration": 0.2, "steps": 20 });
    let done = call(&client, "all", "trigger-long-running-operation", given).await.unwrap();
    assert_eq!(done, "Long running operation completed. Duration: 0.2 seconds, Steps: 20.");

    let long = tool(&client, "all", "trigger-long-running-operation");
    let given = json!({ "duration": 60, "steps": 600 });
    let running = long.call(given, ToolContext::detached());
    assert!(tokio::time::timeout(Duration::from_millis(300), running).await.is_err());
    let echo = call(&client, "all", "echo", json!({ "message": "tea" })).await.unwrap();
    assert_eq!(echo, "Echo: tea");
    client.close().await;
}

#[tokio::test]
async fn resources_and_prompts_are_listed_and_read() {
    let Some(server) = everything() else { return };
    let client = connect(server).await;
    let resources = in_time(client.resources("all")).await.unwrap();
    let features = resources.iter().find(|it| it.uri.ends_with("features.md")).unwrap();
    assert_eq!(features.mime_type.as_deref(), Some("text/markdown"));
    let text = in_time(client.read_resource("all", &features.uri)).await.unwrap();
    assert!(text.contains("# Everything Server"), "{text}");
    let missing = in_time(client.read_resource("all", "demo://none")).await.unwrap_err();
    assert!(missing.to_string().contains("`all` refused"), "{missing}");

    let prompts = in_time(client.prompts("all")).await.unwrap();
    let with_arguments = prompts.iter().find(|it| it.name == "args-prompt").unwrap();
    let arguments: Vec<_> =
        with_arguments.arguments.iter().map(|it| (&*it.name, it.required)).collect();
    assert_eq!(arguments, [("city", true), ("state", false)]);
    let city = Map::from_iter([("city".to_owned(), json!("Bern"))]);
    let messages = in_time(client.get_prompt("all", "args-prompt", city)).await.unwrap();
    assert_eq!((messages.len(), messages[0].role), (1, Role::User));
    assert_eq!(messages[0].text, "What's weather in Bern?");

    let unknown = client.prompts("none").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no MCP server named `none`; there is `all`");
    client.close().await;
}

#[tokio::test]
async fn the_file_server_keeps_to_its_folder() {
    let Some(server) = server("files", "server-filesystem") else { return };
    let root = TempDir::new().unwrap();
    let root = root.path().canonicalize().unwrap();
    fs::write(root.join("note.txt"), "buy tea").unwrap();
    let client = connect(server.args([root.to_str().unwrap()]).allow(["read_*", "write_*"])).await;
    let names = names(&client, "files");
    assert!(names.iter().all(|name| name.contains("__read_") || name.contains("__write_")));

    let note = json!({ "path": root.join("note.txt") });
    let text = call(&client, "files", "read_text_file", note).await.unwrap();
    assert_eq!(text, json!({ "content": "buy tea" }));
    assert!(!tool(&client, "files", "read_text_file").has_side_effects());
    assert!(tool(&client, "files", "write_file").has_side_effects());

    let new = json!({ "path": root.join("new.txt"), "content": "done" });
    call(&client, "files", "write_file", new).await.unwrap();
    assert_eq!(fs::read_to_string(root.join("new.txt")).unwrap(), "done");

    let outside = json!({ "path": "/etc/hostname" });
    let refused = call(&client, "files", "read_text_file", outside).await.unwrap_err();
    assert!(refused.to_string().contains("Access denied"), "{refused}");
    client.close().await;
}

#[tokio::test]
async fn the_memory_server_keeps_a_graph() {
    let Some(server) = server("memory", "server-memory") else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("memory.jsonl");
    let server = server.env("MEMORY_FILE_PATH", file.to_str().unwrap());
    let client = connect(server.clone()).await;
    assert_eq!(names(&client, "memory").len(), 9);
    let ada = json!({ "name": "Ada", "entityType": "person", "observations": ["likes tea"] });
    call(&client, "memory", "create_entities", json!({ "entities": [ada] })).await.unwrap();
    client.close().await;

    let client = connect(server).await;
    let found = call(&client, "memory", "search_nodes", json!({ "query": "tea" })).await.unwrap();
    assert_eq!(found["entities"][0]["name"], "Ada", "{found}");
    client.close().await;
}

#[tokio::test]
async fn the_time_server_tells_the_time_of_a_zone() {
    let python = folder().join("python/bin/python");
    if !python.exists() {
        lacking("pip", "tests/mcp/python is not installed; run scripts/setup.sh --tests");
        return;
    }
    let server = McpServer::stdio("time", python.display().to_string()).args([
        "-m",
        "mcp_server_time",
        "--local-timezone",
        "Europe/Zurich",
    ]);
    let client = connect(server).await;
    assert!(introduction(&client).starts_with("mcp-time "), "{}", introduction(&client));
    assert_eq!(names(&client, "time"), ["mcp__time__get_current_time", "mcp__time__convert_time"]);
    let given = json!({
        "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Kathmandu",
    });
    let told = call(&client, "time", "convert_time", given).await.unwrap();
    let told: Value = match told {
        Value::String(text) => serde_json::from_str(&text).unwrap(),
        json => json,
    };
    assert!(told["target"]["datetime"].as_str().unwrap().contains("T17:45"), "{told}");
    let nowhere = json!({ "timezone": "Mars/Olympus" });
    assert!(call(&client, "time", "get_current_time", nowhere).await.is_err());
    client.close().await;
}

#[tokio::test]
async fn over_http_tools_are_called_and_a_lost_session_is_opened_anew() {
    let Some(mut service) = Service::start(0) else { return };
    let client = connect(McpServer::http("web", service.url())).await;
    assert_eq!(introduction(&client), "mcp-servers/everything 2.0.0, MCP 2025-11-25");
    let sum = async || call(&client, "web", "get-sum", json!({ "a": 2, "b": 3 })).await;
    assert_eq!(sum().await.unwrap(), "The sum of 2 and 3 is 5.");

    let port = service.port;
    drop(service);
    let missing = sum().await.unwrap_err().to_string();
    assert!(missing.contains("was not reached"), "{missing}");

    service = Service::start(port).unwrap();
    assert_eq!(sum().await.unwrap(), "The sum of 2 and 3 is 5.");
    in_time(client.close()).await;
    drop(service);
}

#[tokio::test]
async fn dropping_a_call_over_http_cancels_it_and_others_go_on() {
    let Some(service) = Service::start(0) else { return };
    let client = connect(McpServer::http("web", service.url())).await;
    let long = tool(&client, "web", "trigger-long-running-operation");
    let given = json!({ "duration": 60, "steps": 600 });
    let running = long.call(given, ToolContext::detached());
    assert!(tokio::time::timeout(Duration::from_millis(300), running).await.is_err());
    let echo = call(&client, "web", "echo", json!({ "message": "tea" })).await.unwrap();
    assert_eq!(echo, "Echo: tea");
    in_time(client.close()).await;
}

/// `server-everything` over HTTP. Dropping it ends it.
struct Service {
    process: Child,
    port: u16,
}

impl Service {
    /// Starts it at `port`, or at any, and waits until it serves.
    fn start(port: u16) -> Option<Self> {
        let (node, script) = installed("server-everything")?;
        let port = if port == 0 { free_port() } else { port };
        let mut process = Command::new(node)
            .args([script.as_str(), "streamableHttp"])
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = sync_channel(1);
        let output = process.stderr.take().unwrap();
        // What it tells must be read, or it stops.
        std::thread::spawn(move || watch(BufReader::new(output), &tell));
        let service = Self { process, port };
        told.recv_timeout(LIMIT).unwrap();
        Some(service)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

fn watch(output: impl BufRead, tell: &SyncSender<()>) {
    for line in output.lines().map_while(Result::ok) {
        if line.contains("listening on port") {
            let _told_already = tell.try_send(());
        }
    }
}

/// One that nobody has at the moment: the server takes no port of its choice.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
