//! What the program adds to a model that hears and speaks for itself, over a real socket with a mock of
//! OpenAI's protocol in another process: from the first sound that the service hands to its socket to the
//! first sample at the person's ear, and from where the service tells that it hears the user to silence
//! there.
//!
//! ```sh
//! cargo bench --bench duplex
//! ```

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;

use banter::bench::call::{Call, Record};
use banter::bench::person::Person;
use banter::bench::remote::{Launch, MockServer};
use banter::bench::scenario::Scenario;
use banter::bench::services::duplex::CallLog;
use banter::bench::services::{Profile, Script};
use banter::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use banter::duplex::{Detecting, ServerTurns, SocketDuplex};
use banter::net::{Endpoint, HttpClient, SocketClient};
use banter::session::DuplexEngines;
use banter::tools::ToolRegistry;
use banter::types::Secret;
use banter::vad::Earshot;
use banter::{EventKind, Session, SessionConfig};
use serde_json::json;
use tokio::runtime::Builder;

/// Calls of each scenario.
const CALLS: usize = 8;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let program = Some(env!("CARGO_BIN_EXE_banter").into());
        let launch = Launch { program, ..Launch::new(Profile::Realistic) };
        let server = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
        let (mut sounds, mut silences) = (Vec::new(), Vec::new());
        for number in 0..CALLS {
            for scenario in ["question", "barge_in"] {
                let caller = format!("{scenario}-{number}");
                let (record, log) = call(&server, scenario, &caller).await;
                sounds.extend(to_the_ear(&record, &log));
                silences.extend(to_silence(&record, &log));
            }
        }
        tell("first sound at the socket to the ear", sounds);
        tell("speech told to silence at the ear", silences);
    });
}

async fn call(server: &MockServer, scenario: &str, caller: &str) -> (Record, CallLog) {
    let scenario = Scenario::named(scenario).unwrap();
    let script: Script = scenario.services.script.clone();
    server.services().script(caller, &script).await.unwrap();
    let endpoint = Endpoint::new(server.services().url(), Some(Secret::new(caller))).unwrap();
    let options = json!({"model": "mock", "transcription": {"model": "mock"}});
    let options: OpenAiOptions = serde_json::from_value(options).unwrap();
    let protocol = Arc::new(OpenAiRealtime::new(endpoint, options));
    let dial = Arc::new(SocketClient::new().unwrap());
    let engines = DuplexEngines {
        vad: Box::new(Earshot::new()),
        provider: Arc::new(SocketDuplex::new(protocol, dial)),
        tools: Arc::new(ToolRegistry::new()),
    };
    let mut config = SessionConfig::default();
    config.duplex.detecting = Detecting::There(ServerTurns::default());
    let person = Person::new(scenario.utterances().await.unwrap());
    let record = Call::of(Session::duplex(engines, config), person).run().await.unwrap();
    let log = server.services().take_log(caller).await.unwrap().calls.remove(0);
    (record, log)
}

/// From each answer's first sound at the service's socket to where the person heard it begin.
fn to_the_ear(record: &Record, log: &CallLog) -> Vec<f64> {
    let zero = record.person.zero_nanos();
    let heard: Vec<_> =
        record.person.agent().iter().map(|sound| zero + sound.from.as_nanos()).collect();
    let firsts = log.responses.iter().filter_map(|response| response.first);
    let after = |first: u64| heard.iter().copied().find(|heard| *heard >= first);
    firsts.filter_map(|first| Some((after(first)? - first) as f64 / 1e6)).collect()
}

/// From where the service tells that it hears the user, over the agent, to silence at the ring.
fn to_silence(record: &Record, log: &CallLog) -> Vec<f64> {
    let zero = record.person.zero_nanos();
    let (mut held, mut silent) = (None, Vec::new());
    for event in &record.events {
        match &event.kind {
            EventKind::Held => held = Some(event.at),
            EventKind::Silenced { callback_ms, .. } => {
                if let Some(held) = held.take() {
                    silent.push(zero + held.as_nanos() + (callback_ms * 1e6) as u64);
                }
            }
            _ => {}
        }
    }
    let told = |silent: &u64| log.turns.iter().map(|turn| turn.began).rfind(|told| told <= silent);
    silent.iter().filter_map(|silent| Some((silent - told(silent)?) as f64 / 1e6)).collect()
}

fn tell(what: &str, mut ms: Vec<f64>) {
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms.get(((ms.len() as f64 - 1.0) * share).round() as usize).copied();
    let (p50, p95) = (at(0.5).unwrap_or(f64::NAN), at(0.95).unwrap_or(f64::NAN));
    println!("{what}: {p50:.2} ms p50, {p95:.2} ms p95, of {}", ms.len());
}
