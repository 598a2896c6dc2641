//! What a model behind HTTP costs beside its service, over loopback, with a mock in another process: the
//! time to the first token beside that of a bare stream; and many answers at a time, each with a call of a
//! tool, in one process on one thread.
//!
//! ```sh
//! cargo bench --bench providers
//! ```

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;
use std::time::Duration;

use banter::bench::machine;
use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::{Profile, Script};
use banter::net::{Endpoint, Http, HttpClient};
use banter::providers::{OpenAi, Provider, ProviderEvent, ProviderRequest};
use banter::time::SessionClock;
use banter::types::{Message, Secret, ToolCall, ToolDescriptor, ToolResult};
use futures_util::StreamExt;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::interval;

/// Of the bare stream and of ours, in turn.
const ANSWERS: usize = 500;
/// At a time.
const STREAMS: [usize; 4] = [100, 500, 1_000, 2_000];

fn main() {
    // Each stream is a connection, and so it is at the server.
    machine::raise_open_files().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("{}", machine::name());
        let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
        first_token(&http).await;
        println!("| streams | requests a second | first token, p50 · p99, ms | memory a stream, KiB | CPU a request, µs |");
        println!("|---:|---:|---:|---:|---:|");
        for streams in STREAMS {
            many(&http, streams).await;
        }
    });
}

async fn start(http: &Arc<dyn Http>, profile: Profile) -> MockServer {
    let program = Some(env!("CARGO_BIN_EXE_banter").into());
    Launch { program, ..Launch::new(profile) }.start(Arc::clone(http)).await.unwrap()
}

/// The model that `caller` asks, by its key.
fn model(http: &Arc<dyn Http>, server: &MockServer, caller: &str) -> OpenAi {
    let key = Some(Secret::new(caller));
    OpenAi::new(Arc::clone(http), Endpoint::new(server.services().url(), key).unwrap(), "mock")
}

/// The time to the first token, beside that to the first bytes of a bare stream.
async fn first_token(http: &Arc<dyn Http>) {
    let server = start(http, Profile::Zero).await;
    let model = model(http, &server, "first-token");
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/chat/completions", server.services().url());
    let body = json!({
        "model": "mock", "messages": [{"role": "user", "content": "Hello."}], "stream": true,
        "stream_options": {"include_usage": true},
    });
    let clock = SessionClock::live();
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ANSWERS {
        let began = clock.now();
        let request = bare.post(&url).bearer_auth("first-token").json(&body);
        let mut answer = request.send().await.unwrap();
        answer.chunk().await.unwrap().unwrap();
        others.push(clock.now().millis_since(began));
        while answer.chunk().await.unwrap().is_some() {}

        let began = clock.now();
        let mut answer = model.stream(asked());
        answer.next().await.unwrap().unwrap();
        ours.push(clock.now().millis_since(began));
        while answer.next().await.is_some() {}
    }
    let (ours, others) = (sorted(ours), sorted(others));
    println!(
        "first token: {:.3} ms p50, {:.3} ms p95; bare: {:.3} and {:.3}; of {ANSWERS} each",
        at(&ours, 0.5),
        at(&ours, 0.95),
        at(&others, 0.5),
        at(&others, 0.95)
    );
}

/// So many answers at a time. Each calls a tool, and goes on with its result.
async fn many(http: &Arc<dyn Http>, streams: usize) {
    let server = start(http, Profile::Fast).await;
    let script = json!({"answers": [{"say": "One moment.", "calls": [{"tool": "clock"}]}]});
    let script: Script = serde_json::from_value(script).unwrap();
    let callers: Vec<_> = (0..streams).map(|number| format!("caller-{number}")).collect();
    for caller in &callers {
        server.services().script(caller, &script).await.unwrap();
    }
    let before = machine::resident_kib().unwrap();
    let clock = SessionClock::live();
    let (began, cpu) = (clock.now(), machine::cpu_time());
    let answers = callers.iter().map(|caller| answered(model(http, &server, caller)));
    let mut answers: JoinSet<_> = answers.collect();
    let (mut firsts, mut most) = (Vec::new(), before);
    let mut tick = interval(Duration::from_millis(10));
    while firsts.len() < streams {
        tokio::select! {
            Some(first) = answers.join_next() => firsts.push(first.unwrap()),
            _ = tick.tick() => most = machine::resident_kib().unwrap().max(most),
        }
    }
    let took = clock.now().since(began);
    let requests = 2 * streams;
    let cpu = (machine::cpu_time() - cpu).as_secs_f64() * 1e6 / requests as f64;
    let firsts = sorted(firsts);
    println!(
        "| {streams} | {:.0} | {:.0} · {:.0} | {:.1} | {cpu:.0} |",
        requests as f64 / took.as_secs_f64(),
        at(&firsts, 0.5),
        at(&firsts, 0.99),
        (most - before) / streams as f64,
    );
}

/// One answer: its first piece came so many ms after it was asked for.
async fn answered(model: OpenAi) -> f64 {
    let clock = ToolDescriptor::new("clock", "Tells the time.", json!({"type": "object"}));
    let mut request = ProviderRequest { tools: Arc::new([clock]), ..asked() };
    let clock = SessionClock::live();
    let began = clock.now();
    let mut first = None;
    loop {
        let mut stream = model.stream(request.clone());
        let mut called: Option<ToolCall> = None;
        while let Some(event) = stream.next().await {
            first.get_or_insert_with(|| clock.now().millis_since(began));
            if let ProviderEvent::ToolCall(call) = event.unwrap() {
                called = Some(call);
            }
        }
        let Some(call) = called else { return first.unwrap() };
        let (id, name, content) = (call.id.clone(), call.name.clone(), "noon".to_owned());
        request.messages.push(Message { tool_calls: vec![call], ..Message::assistant("") });
        let result = ToolResult { id, name, content, is_error: false };
        request.messages.push(Message::tool(result));
    }
}

fn asked() -> ProviderRequest {
    let messages = vec![Message::user("What time is it?")];
    ProviderRequest { messages, ..ProviderRequest::default() }
}

fn sorted(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
