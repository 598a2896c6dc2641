//! Services that redirect, refuse, forget, flood or hang.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use banter::tools::mcp::{McpClient, McpServer};
use serde_json::{Value, json};

use crate::{call, connect, in_time};

/// A request as it came.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Value,
}

/// An answer: its status, further headers, its body.
type Answer = (u16, String, String);

/// A service on a port of its own, which answers by a function. It lives as long as the test.
struct Web {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    fn new(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || while serve(&stream, &log, &*answer).is_some() {});
            }
        });
        Self { port, seen }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// The requests so far, those that are posted.
    fn posted(&self) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| request.method == "POST").cloned().collect()
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, usize) -> Answer,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let len = headers.get("content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let request = Request { method, path, headers, body };
    let nth = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len()
    };
    let (status, more, body) = answer(&request, nth);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{more}\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

/// The answers of a server with one tool, `echo`.
fn well(request: &Request) -> Answer {
    let id = &request.body["id"];
    let result = match request.body["method"].as_str() {
        _ if request.method == "GET" => return (405, String::new(), String::new()),
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "web", "version": "1" },
        }),
        Some("tools/list") => json!({ "tools": [
            { "name": "echo", "inputSchema": { "type": "object" } },
        ]}),
        Some("tools/call") => json!({ "content": [{ "type": "text", "text": "tea" }] }),
        _ => return (202, String::new(), String::new()),
    };
    let type_and_session = "Content-Type: application/json\r\nMcp-Session-Id: s1\r\n";
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    (200, type_and_session.to_owned(), answer.to_string())
}

async fn refusal(server: McpServer) -> String {
    in_time(McpClient::connect([server])).await.unwrap_err().to_string()
}

#[tokio::test]
async fn its_headers_reach_it_and_follow_a_redirect_on_the_same_host() {
    let web = Web::new(|request, _| match request.path.as_str() {
        "/mcp" => (307, "Location: /mcp/\r\n".to_owned(), String::new()),
        _ => well(request),
    });
    let server = McpServer::http("web", web.url()).header("authorization", "Bearer sk-123456");
    let client = connect(server).await;
    assert_eq!(call(&client, "web", "echo", json!({})).await.unwrap(), "tea");
    let posted = web.posted();
    assert!(posted.iter().all(|it| it.headers["authorization"] == "Bearer sk-123456"));
    let version = |it: &&Request| it.headers.get("mcp-protocol-version").cloned();
    assert_eq!(posted.iter().rev().find_map(|it| version(&it)), Some("2025-11-25".to_owned()));
    client.close().await;
}

#[tokio::test]
async fn no_redirect_leads_to_another_host() {
    let other = Web::new(|request, _| well(request));
    let to = format!("Location: http://127.0.0.1:{}/mcp\r\n", other.port);
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let web = Web::new(move |_, _| (status, to.clone(), String::new()));
        let server = McpServer::http("web", web.url()).header("authorization", "Bearer sk-123456");
        let why = refusal(server).await;
        assert!(why.contains(&format!("HTTP {status}")), "{why}");
    }
    assert!(other.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_that_wants_a_key_says_so() {
    let web = Web::new(|_, _| (401, "WWW-Authenticate: Bearer\r\n".to_owned(), String::new()));
    let why = refusal(McpServer::http("web", web.url())).await;
    assert!(why.contains("give it an `authorization` header"), "{why}");
    let why = refusal(McpServer::http("web", "not an address")).await;
    assert!(why.contains("write it as http://HOST:PORT/mcp"), "{why}");
    let wrong = McpServer::http("web", web.url()).header("x-key", "two\nlines");
    let why = refusal(wrong).await;
    assert!(why.contains("`x-key` is no header") && !why.contains("lines"), "{why}");
}

#[tokio::test]
async fn a_session_that_it_forgets_is_opened_anew() {
    // With the status of the protocol, and as the official examples have it.
    for (status, body) in [
        (404, String::new()),
        (
            400,
            json!({ "jsonrpc": "2.0", "error": { "code": -32000, "message": "No session" } })
                .to_string(),
        ),
    ] {
        let calls = Mutex::new(0);
        let web = Web::new(move |request, _| {
            if request.body["method"] == "tools/call" {
                let mut calls = calls.lock().unwrap();
                *calls += 1;
                if *calls == 2 {
                    let json = "Content-Type: application/json\r\n".to_owned();
                    return (status, json, body.clone());
                }
            }
            well(request)
        });
        let client = connect(McpServer::http("web", web.url())).await;
        for _ in 0..3 {
            assert_eq!(call(&client, "web", "echo", json!({})).await.unwrap(), "tea");
        }
        let introduced = |it: &&Request| it.body["method"] == "initialize";
        assert_eq!(web.posted().iter().filter(introduced).count(), 2, "{status}");
        client.close().await;
    }
}

#[tokio::test]
async fn one_that_hangs_or_sends_too_much_is_refused() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", hanging.local_addr().unwrap());
    let limit = Duration::from_millis(500);
    let why = refusal(McpServer::http("web", url).init_timeout(limit)).await;
    assert!(why.contains("gave no answer within 500ms"), "{why}");

    let web = Web::new(|request, _| match request.body["method"].as_str() {
        Some("tools/call") => {
            let json = "Content-Type: application/json\r\n".to_owned();
            (200, json, " ".repeat(20 << 20))
        }
        _ => well(request),
    });
    let client = connect(McpServer::http("web", web.url())).await;
    let error = call(&client, "web", "echo", json!({})).await.unwrap_err().to_string();
    assert!(error.contains("maximum size"), "{error}");
    client.close().await;
}

#[tokio::test]
async fn a_failure_of_one_request_is_not_the_end() {
    let web = Web::new(|request, nth| match request.body["method"].as_str() {
        Some("tools/call") if nth % 2 == 0 => (503, String::new(), "busy".to_owned()),
        _ => well(request),
    });
    let client = connect(McpServer::http("web", web.url())).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(call(&client, "web", "echo", json!({})).await.map_err(|it| it.to_string()));
    }
    assert!(told.iter().any(Result::is_ok), "{told:?}");
    let busy = told.iter().filter_map(|it| it.as_ref().err()).collect::<Vec<_>>();
    assert!(!busy.is_empty() && busy.iter().all(|it| it.contains("HTTP 503")), "{busy:?}");
    client.close().await;
}
