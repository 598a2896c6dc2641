//! HTTP tools against servers on this machine.

mod answers;
mod redirects;
mod requests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::net::{Addresses, Body, HttpFuture, Reach, Resolve};
use crate::tools::{ToolRegistry, run};
use crate::types::{Secret, ToolCall, ToolResult};

pub(super) const KEY: &str = "sk-very-secret";

/// A server that says to each request, which is the path, what a test wants.
pub(super) struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    pub(super) async fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (answer, hearing) = (Arc::new(answer), Arc::clone(&heard));
        let serving = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read(&mut socket).await;
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                hearing.lock().unwrap().push(request);
                let answer = answer(&path);
                // The client may be gone.
                let _sent = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, heard, serving }
    }

    /// What it was asked, as it was sent.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Below a name that only the tests know.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://api.test:{}{path}", self.port)
    }
}

async fn read(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

/// An answer with a body.
pub(super) fn said(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

pub(super) fn ok(body: &str) -> String {
    said("200 OK", "application/json", body)
}

pub(super) fn redirect(status: &str, to: &str) -> String {
    format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// Leads `api.test` and `other.test` to this machine; for all else it is as guarded as any.
#[derive(Debug)]
struct Way {
    here: GuardedClient,
    public: GuardedClient,
}

/// `inner.test` is in a private network.
#[derive(Debug)]
struct Names;

impl Resolve for Names {
    fn resolve(&self, host: &str) -> Addresses {
        let address = if host == "inner.test" { [10, 0, 0, 1] } else { [127, 0, 0, 1] };
        Box::pin(std::future::ready(Ok(vec![IpAddr::from(address)])))
    }
}

impl Http for Way {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        match request.uri().host() {
            Some("api.test" | "other.test") => self.here.send(request),
            _ => self.public.send(request),
        }
    }
}

pub(super) fn descriptor() -> ToolDescriptor {
    ToolDescriptor::new("ask", "Asks.", json!({ "type": "object" }))
}

pub(super) fn tool(call: HttpCall) -> HttpTool {
    let client = |reach| GuardedClient::resolving(reach, Arc::new(Names)).unwrap();
    let way = Way { here: client(Reach::Private), public: client(Reach::Public) };
    HttpTool::through(descriptor(), call.allow_plain(), Arc::new(way)).unwrap()
}

/// What the model is told.
pub(super) async fn told(call: HttpCall, arguments: Value) -> ToolResult {
    let mut tools = ToolRegistry::new();
    tools.register(tool(call)).unwrap();
    let call = ToolCall { id: "1".to_owned(), name: "ask".to_owned(), arguments };
    run(&tools, &call, ToolContext::detached()).await
}

pub(super) async fn answered(call: HttpCall, arguments: Value) -> String {
    let result = told(call, arguments).await;
    assert!(!result.is_error, "{}", result.content);
    result.content
}

pub(super) async fn refused(call: HttpCall, arguments: Value) -> String {
    let result = told(call, arguments).await;
    assert!(result.is_error, "{}", result.content);
    result.content
}

pub(super) fn key() -> Secret {
    Secret::new(format!("Bearer {KEY}"))
}
