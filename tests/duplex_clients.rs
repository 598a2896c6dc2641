//! `banter mock-server` on the telephone: clients that others wrote hold a call with it, each with
//! sound both ways, a tool, an answer that is interrupted, and what was not heard cut from it; and
//! what goes wrong with sockets, as our own client meets it.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/duplex_events.rs"]
mod events;
#[path = "support/lacking.rs"]
mod lacking;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use banter::audio::{Resampler, SampleRate, WavReader};
use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::duplex::{CallEnd, CallLog, Line};
use banter::bench::services::{Profile, Script};
use banter::net::{
    Connection, Dial, DialLimits, HttpClient, NetError, SocketClient, SocketMessage,
};
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::lacking::lacking;

#[tokio::test]
async fn openais_own_client_holds_a_call() {
    let Some(python) = python() else { return };
    let stage = Stage::set(&json!({})).await;
    let mut client = Command::new(python);
    client.arg("openai_call.py").args([stage.server.services().url(), KEY]);
    let seen = stage.run(client, 24_000).await;

    assert_eq!(seen["wrong"], json!([]), "each event is what the client's types say");
    assert_eq!(seen["heard"], json!(["what time is it", "hello"]));
    assert_eq!(seen["tool"], json!({"name": "clock", "arguments": {"zone": "UTC"}}));
    assert_eq!(seen["errors"], json!(["response_cancel_not_active"]), "it cancels too late");
    assert_eq!(seen["session"]["audio"]["output"]["voice"], "marin");
    let answers = seen["answers"].as_array().unwrap();
    let statuses: Vec<_> =
        answers.iter().map(|answer| answer["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["completed", "cancelled", "completed"]);
    assert_eq!(answers[2]["texts"], json!(["Fine."]));
    assert!(seen["usage"]["input_token_details"]["audio_tokens"].as_u64().unwrap() > 0);
    // What was heard of the long answer is what is left of it.
    let cut = seen["cut"].as_str().unwrap();
    let played = seen["played_ms"].as_u64().unwrap();
    assert!(ANSWER.starts_with(cut), "{cut}");
    assert!(cut.len().abs_diff(played as usize / 60) <= 1, "{played} ms: {cut}");

    let log = stage.call().await;
    assert_eq!(log.truncated.len(), 1);
    assert_eq!(log.truncated[0].audio_end_ms, played);
    assert_eq!(
        log.responses.iter().map(|it| &*it.status).collect::<Vec<_>>(),
        ["tools", "cancelled", "completed"]
    );
    assert_conversation(&log, "12:00", cut);
    assert_turns(&log, &seen);
}

#[tokio::test]
async fn openais_agents_for_javascript_hold_a_call() {
    let Some(node) = node() else { return };
    let stage = Stage::set(&json!({})).await;
    let url = stage.server.services().url().replace("http://", "ws://") + "/realtime?model=m";
    let mut client = Command::new(node);
    client.arg("agents_call.mjs").args([&url, KEY]);
    let seen = stage.run(client, 24_000).await;

    assert_eq!(seen["errors"], json!([]));
    assert_eq!(seen["tools"], json!([{"name": "clock", "result": "12:00"}]));
    assert_eq!(seen["interruptions"], 1);
    let log = stage.call().await;
    let truncated = &log.truncated[0];
    assert_eq!(seen["truncated_ms"], truncated.audio_end_ms);
    assert!(truncated.audio_end_ms < truncated.of_ms, "{truncated:?}");
    assert!(seen["sound_ms"].as_u64().unwrap() > 1_500);
    assert!(log.received["conversation.item.retrieve"] >= 1);
    let cut = &log.conversation[3].text;
    assert!(ANSWER.starts_with(cut.as_str()) && !cut.is_empty(), "{cut}");
    assert_conversation(&log, "12:00", cut);
    // What it keeps of the call is what was said.
    let history = seen["history"].as_array().unwrap();
    let texts: Vec<_> = history.iter().map(|item| item["text"].as_str().unwrap()).collect();
    for said in ["what time is it", "hello", "Fine."] {
        assert!(texts.contains(&said), "{said}: {texts:?}");
    }
    assert_eq!(log.ending, CallEnd::Left);
}

#[tokio::test]
async fn googles_own_client_holds_a_call_and_goes_on_with_it() {
    let Some(python) = python() else { return };
    let stage = Stage::set_with_tls(&python, &json!({})).await;
    let url = stage.server.services().url().replace("http://", "https://");
    let mut client = Command::new(python);
    client.arg("gemini_call.py").args([url.trim_end_matches("/v1"), KEY]);
    client.env("SSL_CERT_FILE", stage.folder.path().join("certificate.pem"));
    let seen = stage.run(client, 16_000).await;

    assert_eq!(seen["wrong"], json!([]), "each message is what the client's types say");
    assert_eq!(seen["heard"], "what time is ithello");
    assert_eq!(seen["tool"], json!({"name": "clock", "args": {"zone": "UTC"}}));
    assert_eq!((&seen["interrupted"], &seen["turns"]), (&json!(1), &json!(3)));
    assert_eq!(seen["said"][1], "Fine.");
    assert!(seen["usage"]["prompt_token_count"].as_u64().unwrap() > 0);

    let calls = stage.calls().await;
    let [first, second] = &calls[..] else { panic!("{calls:?}") };
    let cut = &first.conversation[3].text;
    assert!(ANSWER.starts_with(cut.as_str()), "{cut}");
    // The service counts by its own clock, and the client hears of it a little later.
    let played = seen["played_ms"].as_u64().unwrap() as usize;
    assert!((cut.len() * 60).saturating_sub(200) <= played, "{played} ms: {cut}");
    assert!(cut.len() < ANSWER.len() / 2, "{cut}");
    assert_conversation(first, r#"{"time":"12:00"}"#, cut);
    assert_turns(first, &seen);
    assert!(second.resumed);
    assert_eq!(second.conversation[..4], first.conversation[..4], "it goes on from there");
    let asked = line("user", "Are you still there?");
    assert!(second.conversation.contains(&asked), "{second:?}");
}

/// The calls above do not have everything in them.
#[tokio::test]
async fn every_event_of_the_service_is_what_openais_types_say() {
    let Some(python) = python() else { return };
    let mut me = events::Call::openai();
    me.whole_life();
    let mut kinds: Vec<_> = me.heard.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, events::OF_OPENAI);
    assert_eq!(wrong(&python, "openai", &me.heard).await, json!([]));
    // The check can fail.
    let mut other = me.heard[0].clone();
    other["session"]["audio"]["input"]["novelty"] = 1.into();
    let found = wrong(&python, "openai", &[other, json!({"type": "response.done"})]).await;
    assert_eq!(found[0], "session.created.session.audio.input.novelty");
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
}

#[tokio::test]
async fn every_message_of_the_service_is_what_googles_types_say() {
    let Some(python) = python() else { return };
    let mut me = events::Call::gemini();
    me.whole_life();
    let mut kinds: Vec<_> = me.heard.iter().flat_map(events::fields).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, events::OF_GEMINI);
    assert_eq!(wrong(&python, "google", &me.heard).await, json!([]));
    let found = wrong(&python, "google", &[json!({"serverContent": {"novelty": 1}})]).await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
}

#[tokio::test]
async fn browsers_give_their_key_among_the_protocols() {
    let stage = Stage::set(&json!({})).await;
    let url: http::Uri = stage.server.services().url().parse().unwrap();
    let mut socket = TcpStream::connect(url.authority().unwrap().as_str()).await.unwrap();
    let request = format!(
        "GET /v1/realtime?model=m HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: realtime, openai-insecure-api-key.{KEY}\r\n\r\n",
        url.authority().unwrap()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(socket).lines();
    let mut head = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
        head.push(line.to_lowercase());
    }
    assert!(head[0].contains(" 101 "), "{head:?}");
    assert!(head.contains(&"sec-websocket-protocol: realtime".to_owned()), "{head:?}");
    assert_eq!(stage.call().await.call, 1, "it is that caller's");
}

#[tokio::test]
async fn sockets_end_as_they_are_told() {
    for (fault, ends, log) in [
        ("cut", true, CallEnd::Cut),
        ("close:1000", false, CallEnd::Closed(1000)),
        ("close:1001", false, CallEnd::Closed(1001)),
        ("close:1007", true, CallEnd::Closed(1007)),
        ("close:1011", true, CallEnd::Closed(1011)),
    ] {
        let faults = json!([{"at": "first_audio", "after_ms": 20, "fault": fault}]);
        let stage = Stage::set(&json!({"answers": [ANSWER], "duplex": {"faults": faults}})).await;
        let mut call = stage.dial("realtime?model=m").await.unwrap();
        ask(&call).await;
        let end = rest(&mut call).await;
        assert_eq!(matches!(end, Some(NetError::BrokeOff { .. })), ends, "{fault}: {end:?}");
        if fault == "close:1011" {
            assert!(end.unwrap().to_string().contains("1011"));
        }
        assert_eq!(stage.call().await.ending, log);
    }
}

#[tokio::test]
async fn who_falls_silent_answers_no_ping() {
    let faults = json!([{"at": "first_audio", "fault": "silent"}]);
    let stage = Stage::set(&json!({"answers": [ANSWER], "duplex": {"faults": faults}})).await;
    let mut call = stage.dial("realtime?model=m").await.unwrap();
    ask(&call).await;
    let end = rest(&mut call).await;
    assert!(matches!(end, Some(NetError::TimedOut { .. })), "{end:?}");
    // Another one is alive however long nobody speaks.
    let mut other = stage.dial("realtime?model=m").await.unwrap();
    let silence = tokio::time::timeout(4 * ALIVE, rest(&mut other)).await;
    assert!(silence.is_err(), "pings are answered: {silence:?}");
}

#[tokio::test]
async fn new_calls_are_refused_for_a_while() {
    let faults = json!([{"call": 1, "at": "ready", "fault": "refuse:60000"}]);
    let stage = Stage::set(&json!({"answers": [ANSWER], "duplex": {"faults": faults}})).await;
    let mut call = stage.dial("realtime?model=m").await.unwrap();
    rest(&mut call).await;
    let refused = stage.dial("realtime?model=m").await.unwrap_err();
    let NetError::Refused { status, retry_after, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((status.as_u16(), retry_after.is_some()), (503, true));
}

#[tokio::test]
async fn a_server_may_speak_one_protocol_only() {
    for (only, openai, gemini) in [("openai", true, false), ("gemini", false, true)] {
        let more = vec!["--duplex".to_owned(), only.to_owned()];
        let stage = Stage::start(Launch { more, ..launch(Profile::Zero) }).await;
        assert_eq!(stage.dial("realtime?model=m").await.is_ok(), openai);
        let path = "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        assert_eq!(stage.dial(path).await.is_ok(), gemini);
    }
}

#[tokio::test]
async fn what_goes_wrong_by_chance_is_given_on_the_command_line() {
    let more = vec!["--duplex-fault".to_owned(), "ready/close:1011=1".to_owned()];
    let stage = Stage::start(Launch { more, ..launch(Profile::Zero) }).await;
    let mut call = stage.dial("realtime?model=m").await.unwrap();
    assert!(matches!(rest(&mut call).await, Some(NetError::BrokeOff { .. })));
    assert_eq!(stage.call().await.faults, ["close:1011"]);
}

#[tokio::test]
async fn what_is_no_certificate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    for content in [None, Some("nothing")] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let mut program = Command::new(env!("CARGO_BIN_EXE_banter"));
        program.arg("mock-server").arg("--tls-cert").arg(&file).arg("--tls-key").arg(&file);
        let ended = program.kill_on_drop(true).output();
        let ended = tokio::time::timeout(LIMIT, ended).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("certificate"), "{said}");
    }
}

/// A server, and what is to be said to it.
struct Stage {
    server: MockServer,
    folder: TempDir,
}

impl Stage {
    /// A server that says what the tests expect, and what else a script says.
    async fn set(more: &Value) -> Self {
        let stage = Self::start(launch(Profile::Realistic)).await;
        stage.script(more).await;
        stage
    }

    async fn set_with_tls(python: &Path, more: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) =
            (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        let mut make = Command::new(python);
        make.arg("certificate.py").args([&certificate, &key]).current_dir(clients());
        assert!(make.status().await.unwrap().success());
        let launch = Launch { tls: Some((certificate, key)), ..launch(Profile::Realistic) };
        let stage = Self { folder, ..Self::start(launch).await };
        stage.script(more).await;
        stage
    }

    async fn start(launch: Launch) -> Self {
        let http = Arc::new(HttpClient::new().unwrap());
        let server = launch.start(http).await.unwrap();
        Self { server, folder: tempfile::tempdir().unwrap() }
    }

    async fn script(&self, more: &Value) {
        let mut script = json!({
            "heard": ["what time is it", "hello"],
            "answers": [{"tool": "clock", "arguments": {"zone": "UTC"}}, ANSWER, "Fine."],
        });
        for (key, value) in more.as_object().unwrap() {
            script[key] = value.clone();
        }
        let script: Script = serde_json::from_value(script).unwrap();
        self.server.services().script(KEY, &script).await.unwrap();
    }

    /// Runs a client, with the sentences at this rate, and reads what it has seen.
    async fn run(&self, mut client: Command, rate: u32) -> Value {
        for sentence in ["01", "04"] {
            let file = self.folder.path().join(format!("{sentence}.pcm"));
            fs::write(file, sound(sentence, SampleRate::new(rate).unwrap())).unwrap();
        }
        client.arg(self.folder.path()).current_dir(clients()).kill_on_drop(true);
        let ended = tokio::time::timeout(LIMIT, client.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
        serde_json::from_str(said.lines().last().unwrap()).unwrap()
    }

    async fn dial(&self, path: &str) -> Result<Connection, NetError> {
        let url = self.server.services().url().replace("http://", "ws://");
        let request = Request::get(format!("{url}/{path}"));
        let request = request.header("authorization", format!("Bearer {KEY}")).body(()).unwrap();
        let limits = DialLimits { alive: ALIVE, ..DialLimits::default() };
        SocketClient::new().unwrap().dial(request, limits).await
    }

    async fn calls(&self) -> Vec<CallLog> {
        self.server.services().log(KEY).await.unwrap().calls
    }

    async fn call(&self) -> CallLog {
        self.calls().await.pop().unwrap()
    }
}

/// What a client's types have against these messages.
async fn wrong(python: &Path, whose: &str, messages: &[Value]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages");
    let lines: Vec<_> = messages.iter().map(Value::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let mut check = Command::new(python);
    check.args(["strict.py", whose]).arg(file).current_dir(clients()).kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, check.output()).await.unwrap().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

fn launch(profile: Profile) -> Launch {
    Launch { program: Some(env!("CARGO_BIN_EXE_banter").into()), ..Launch::new(profile) }
}

async fn ask(call: &Connection) {
    let ask = json!({"type": "response.create"});
    call.outgoing.send(SocketMessage::Text(ask.to_string())).await.unwrap();
}

/// How a call ends.
async fn rest(call: &mut Connection) -> Option<NetError> {
    let ending = async {
        loop {
            match call.incoming.receive().await? {
                Ok(_) => {}
                Err(error) => return Some(error),
            }
        }
    };
    tokio::time::timeout(LIMIT, ending).await.unwrap()
}

fn assert_conversation(log: &CallLog, result: &str, cut: &str) {
    let expected = [
        line("user", "what time is it"),
        line("call", r#"clock({"zone":"UTC"})"#),
        line("tool", result),
        line("assistant", cut),
        line("user", "hello"),
        line("assistant", "Fine."),
    ];
    assert_eq!(log.conversation, expected);
}

/// Turns were heard where the recordings have them.
fn assert_turns(log: &CallLog, seen: &Value) {
    let sentences: Value =
        serde_json::from_slice(&fs::read(in_project("assets/sentences.json")).unwrap()).unwrap();
    let sentences = sentences["sentences"].as_array().unwrap();
    assert_eq!(log.turns.len(), 2);
    for (number, name) in ["04", "01"].into_iter().enumerate() {
        let file = format!("sentences/{name}.wav");
        let truth = sentences.iter().find(|it| it["file"] == *file).unwrap();
        let began = seen["began_ms"][number].as_u64().unwrap();
        let end = began + truth["end_ms"].as_u64().unwrap();
        let heard = log.turns[number].ended_ms;
        assert!(heard.abs_diff(end) <= 100, "{name}: {heard} ms for {end} ms");
    }
}

fn line(role: &str, text: &str) -> Line {
    Line { role: role.to_owned(), text: text.to_owned() }
}

/// A sentence as bytes.
fn sound(sentence: &str, rate: SampleRate) -> Vec<u8> {
    let file = in_project(&format!("assets/sentences/{sentence}.wav"));
    let sound = WavReader::open(file).unwrap().read_all().unwrap();
    let mut resampler = Resampler::new(sound.rate(), rate).unwrap();
    let mut out = Vec::new();
    resampler.process(sound.samples(), &mut out);
    resampler.flush(&mut out);
    out.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn python() -> Option<PathBuf> {
    let python = clients().join("python/bin/python");
    if !python.exists() {
        lacking("pip", "tests/duplex/python is not installed; run scripts/setup.sh --tests");
        return None;
    }
    Some(python)
}

/// Node, of which the set-up may have put a newer one beside the package.
fn node() -> Option<PathBuf> {
    if !clients().join("node_modules/@openai/agents-realtime").exists() {
        lacking("npm", "tests/duplex is not installed; run scripts/setup.sh --tests");
        return None;
    }
    let modules = clients().join("node_modules").read_dir().unwrap();
    let newer = modules.map(|entry| entry.unwrap().path().join("bin/node"));
    let node = newer.filter(|node| node.exists()).last().unwrap_or_else(|| "node".into());
    if let Err(error) = std::process::Command::new(&node).arg("--version").output() {
        lacking("npm", &format!("node does not run: {error}"));
        return None;
    }
    Some(node)
}

fn clients() -> PathBuf {
    in_project("tests/duplex")
}

fn in_project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

const KEY: &str = "me";
/// 17 s of sound, sent in half the time: nobody is too late to interrupt it.
const ANSWER: &str = "It is noon, and I could go on to tell you all about the sun, the moon and the \
                      stars for a very long time: how they rise and set, how far away they are, and \
                      what people have made of them since there have been people to look up at the \
                      sky by night and to wonder.";
/// Silence after which our own client asks whether somebody is there.
const ALIVE: Duration = Duration::from_millis(500);
/// Far more than a call takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
