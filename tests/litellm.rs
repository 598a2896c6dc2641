//! Our clients against a proxy that others wrote, and that speaks three vendors' protocols: `litellm`,
//! which answers as `tests/vendors/litellm.yaml` says.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use banter::net::{Endpoint, Http, HttpClient};
use banter::providers::{
    Anthropic, Gemini, OpenAi, Provider, ProviderError, ProviderErrorKind, ProviderEvent,
    ProviderRequest,
};
use banter::types::{FinishReason, Message, Secret};
use futures_util::StreamExt;

use crate::lacking::lacking;

/// One proxy for all: it takes some seconds to start.
#[tokio::test]
async fn three_protocols_are_spoken_with_a_proxy_of_others() {
    let Some(proxy) = Proxy::start() else { return };

    for model in proxy.clients("story", KEY) {
        let (events, error) = collect(&*model, asked()).await;
        assert!(error.is_none(), "{}: {error:?}", model.name());
        let said = "Once upon a time there was a lighthouse. It was never dark.";
        assert_eq!(text(&events), said, "{}", model.name());
        let Some(ProviderEvent::Finished { reason, usage }) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(*reason, FinishReason::Stop, "{}", model.name());
        assert!(usage.is_some(), "{}", model.name());
    }

    for (name, kind) in
        [("busy", ProviderErrorKind::RateLimited), ("broken", ProviderErrorKind::Failed)]
    {
        for model in proxy.clients(name, KEY) {
            let (events, error) = collect(&*model, asked()).await;
            assert_eq!(events, [], "{}", model.name());
            assert_eq!(error.unwrap().kind, kind, "{}", model.name());
        }
    }

    // It has no users, and takes all keys but its own for those of users.
    for model in proxy.clients("story", "sk-wrong") {
        let (events, error) = collect(&*model, asked()).await;
        assert_eq!(events, [], "{}", model.name());
        assert!(!format!("{error:?}").contains("sk-wrong"), "{error:?}");
        assert!(error.is_some(), "{}", model.name());
    }
}

/// A proxy of one's own. Dropping it ends it.
struct Proxy {
    process: Child,
    port: u16,
}

impl Proxy {
    /// Starts one, and waits until it serves; `None` where the machine lacks it.
    fn start() -> Option<Self> {
        let program = program()?;
        // It takes no port of the system's choice.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = program.parent().unwrap().to_owned();
        let process = Command::new(folder.join("python"))
            .arg(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors/litellm.yaml"))
            // Prices are asked for at its maker's otherwise.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // If it does not serve, it is dropped here, and ends.
        let mut proxy = Self { process, port };
        let (tell, told) = sync_channel(1);
        let output = proxy.process.stderr.take().unwrap();
        // What it tells must be read, or it stops.
        std::thread::spawn(move || watch(BufReader::new(output), &tell));
        told.recv_timeout(STARTS).unwrap();
        Some(proxy)
    }

    /// A client for each protocol that it speaks.
    fn clients(&self, model: &str, key: &str) -> Vec<Arc<dyn Provider>> {
        let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
        let at = |path: &str| {
            let base = format!("http://127.0.0.1:{}{path}", self.port);
            Endpoint::new(&base, Some(Secret::new(key))).unwrap()
        };
        vec![
            Arc::new(OpenAi::new(Arc::clone(&http), at("/v1"), model)),
            Arc::new(Anthropic::new(Arc::clone(&http), at(""), model)),
            Arc::new(Gemini::new(http, at(""), model)),
        ]
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _over = self.process.kill();
        let _over = self.process.wait();
    }
}

fn watch(output: impl BufRead, tell: &SyncSender<()>) {
    for line in output.lines().map_while(Result::ok) {
        if line.contains("Uvicorn running on") {
            let _gone = tell.send(());
        }
    }
}

fn program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors/python/bin/litellm");
    if program.exists() {
        return Some(program);
    }
    lacking("pip", "scripts/setup.sh --tests installs the proxy litellm");
    None
}

/// What comes of a request, and why there was no more.
async fn collect(
    model: &dyn Provider,
    request: ProviderRequest,
) -> (Vec<ProviderEvent>, Option<ProviderError>) {
    let all = model.stream(request).collect::<Vec<_>>();
    let (mut events, mut error) = (Vec::new(), None);
    for event in tokio::time::timeout(LIMIT, all).await.unwrap() {
        match event {
            Ok(event) => events.push(event),
            Err(failure) => error = Some(failure),
        }
    }
    (events, error)
}

fn asked() -> ProviderRequest {
    let messages = vec![Message::user("Tell me a story.")];
    ProviderRequest { messages, ..ProviderRequest::default() }
}

fn text(events: &[ProviderEvent]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        ProviderEvent::TextDelta(text) => Some(&**text),
        _ => None,
    });
    texts.collect()
}

const KEY: &str = "sk-of-the-tests";

/// Far more than it needs, also beside other work.
const STARTS: Duration = Duration::from_secs(120);
/// Far more than any answer needs.
const LIMIT: Duration = Duration::from_secs(30);
