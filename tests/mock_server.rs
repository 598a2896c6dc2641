//! `banter mock-server`, the program itself, asked by the clients that a session has.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use banter::audio::{AUDIBLE, AudioChunk, SampleRate};
use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::{Entry, FAULT_HEADER, LARGEST, Outcome, Profile, Script, Service};
use banter::net::{Body, Endpoint, Http, HttpClient, Limits, NetError};
use banter::providers::{
    OpenAi, Provider, ProviderError, ProviderErrorKind, ProviderEvent, ProviderRequest, RetryAdvice,
};
use banter::stt::{OpenAiTranscriber, SttError, SttEvent, SttInput, Transcriber};
use banter::time::Work;
use banter::tts::{OpenAiSynthesizer, SpeakRequest, SpeechEvent, Synthesizer, TtsError};
use banter::types::{Message, Secret};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn our_clients_are_answered_in_the_time_of_the_profile() {
    let server = start(Profile::Realistic).await;
    let me = Caller::new(&server, "me");

    assert_eq!(me.hears().await.unwrap(), "Can you tell me how this works?");
    let said = me.answers().await.unwrap();
    assert!(said.starts_with("That is a good question, and"), "{said}");
    let sound = me.speaks("ten chars!").await.unwrap();
    assert_eq!(sound.len(), 14_400);
    assert!(sound[0].unsigned_abs() >= AUDIBLE);

    let log = server.services().log("me").await.unwrap();
    let [stt, llm, tts] = &log.entries[..] else { panic!("{log:?}") };
    assert_eq!([stt.service, llm.service, tts.service], [Service::Stt, Service::Llm, Service::Tts]);
    assert_eq!(llm.texts.concat(), said);
    assert_times(stt, 150, &[0]);
    let mut tokens = vec![30; 31];
    (tokens[0], tokens[30]) = (0, 0);
    assert_times(llm, 200, &tokens);
    assert_times(tts, 80, &[0, 50, 50, 50, 50, 50]);
    assert!(stt.sent[0] <= llm.arrived && llm.sent[30] <= tts.arrived, "one after the other");
    assert_eq!(server.services().log("you").await.unwrap().entries, []);

    assert_eq!(server.services().take_log("me").await.unwrap(), log);
    assert_eq!(server.services().log("me").await.unwrap().entries, []);
    assert_eq!(server.stop().await.unwrap(), "served 3 requests");
}

/// Each step was sent when it was due, or later: by how much is the machine's affair.
fn assert_times(entry: &Entry, first_ms: u64, between_ms: &[u64]) {
    assert_eq!(entry.outcome, Outcome::Finished);
    assert_eq!(entry.sent.len(), between_ms.len());
    let mut due = entry.arrived + first_ms * 1_000_000;
    let mut before = entry.arrived;
    for (&sent, after) in entry.sent.iter().zip(between_ms) {
        due += after * 1_000_000;
        assert!(sent >= due && sent >= before, "{} ns early: {entry:?}", due.saturating_sub(sent));
        before = sent;
    }
}

#[tokio::test]
async fn a_step_does_not_wait_for_the_next_one() {
    let mut launch = launch(Profile::Zero);
    launch.overrides.chunk_every_ms = Some(3_600_000);
    let server = launch.start(http()).await.unwrap();
    let me = Caller::new(&server, "me");
    let body = json!({"model": "m", "input": "ten chars!", "response_format": "pcm"});
    let request = me.endpoint.post("audio/speech").body(whole(&body)).unwrap();

    let answer = me.endpoint.send(&*me.http, request, Limits::default()).await.unwrap();
    let first = answer.into_body().next().await.unwrap().unwrap();

    assert_eq!(first.len(), 4_800);
    assert_eq!(server.services().log("me").await.unwrap().entries[0].sent.len(), 1);
}

#[tokio::test]
async fn without_delays_nothing_waits() {
    let server = start(Profile::Zero).await;
    let me = Caller::new(&server, "me");
    me.answers().await.unwrap();
    me.speaks("ten chars!").await.unwrap();
    let log = server.services().log("me").await.unwrap();
    assert_eq!((log.entries[0].sent.len(), log.entries[1].sent.len()), (31, 6));
    assert!(log.entries.iter().all(|entry| entry.outcome == Outcome::Finished));
}

#[tokio::test]
async fn a_script_says_what_a_caller_is_told() {
    let server = start(Profile::Zero).await;
    let (me, you) = (Caller::new(&server, "me"), Caller::new(&server, "you"));
    let script = script(json!({
        "heard": ["What time is it?"],
        "answers": [{"tool": "clock", "arguments": {"zone": "Europe/Bern"}}, "It is noon."],
    }));
    server.services().script("me", &script).await.unwrap();

    assert_eq!(me.hears().await.unwrap(), "What time is it?");
    let events: Vec<_> = me.model().stream(asked()).collect().await;
    let Ok(ProviderEvent::ToolCall(call)) = &events[0] else { panic!("{events:?}") };
    assert_eq!((&*call.name, &call.arguments), ("clock", &json!({"zone": "Europe/Bern"})));
    assert_eq!(me.answers().await.unwrap(), "It is noon.");
    assert_ne!(you.hears().await.unwrap(), "What time is it?");
    assert_ne!(you.answers().await.unwrap(), "It is noon.");
}

#[tokio::test]
async fn a_script_says_what_goes_wrong() {
    let server = start(Profile::Zero).await;
    let me = Caller::new(&server, "me");
    let script = script(json!({"faults": [
        {"service": "llm", "request": 1, "fault": "429:2"},
        {"service": "llm", "request": 2, "fault": "cut"},
        {"service": "llm", "request": 3, "fault": "malformed"},
        {"service": "tts", "request": 1, "fault": "cut"},
        {"service": "tts", "request": 2, "fault": "cut:0"},
        {"service": "tts", "request": 3, "fault": "malformed"},
        {"service": "stt", "request": 1, "fault": "500"},
        {"service": "stt", "request": 2, "fault": "malformed"},
    ]}));
    server.services().script("me", &script).await.unwrap();

    let busy = me.answers().await.unwrap_err();
    assert_eq!(busy.kind, ProviderErrorKind::RateLimited, "{busy:?}");
    assert_eq!(busy.advice, RetryAdvice::After(Duration::from_secs(2)));
    let cut = me.answers().await.unwrap_err();
    assert!(cut.to_string().contains("broke off"), "{cut}");
    let nonsense = me.answers().await.unwrap_err();
    assert!(nonsense.to_string().contains("could be read"), "{nonsense}");
    assert!(me.answers().await.unwrap().ends_with('.'));

    for _ in 0..2 {
        let cut = me.speaks("ten chars!").await.unwrap_err();
        let TtsError::Service { error, .. } = &cut else { panic!("{cut:?}") };
        assert!(matches!(error, NetError::BrokeOff { .. }), "{error:?}");
    }
    let nonsense = me.speaks("ten chars!").await.unwrap_err();
    assert!(nonsense.to_string().contains("a web page"), "{nonsense}");
    assert_eq!(me.speaks("ten chars!").await.unwrap().len(), 14_400);

    // The recogniser asks again after the first one.
    let nonsense = me.hears().await.unwrap_err();
    assert!(nonsense.to_string().contains("no text"), "{nonsense}");
    assert!(me.hears().await.unwrap().ends_with('?'));

    let outcomes = |service| {
        let entries = async { server.services().log("me").await.unwrap().entries };
        async move {
            let of = entries.await.into_iter().filter(|entry| entry.service == service);
            of.map(|entry| entry.outcome).collect::<Vec<_>>()
        }
    };
    use Outcome::{Cut, Finished, Refused};
    assert_eq!(outcomes(Service::Llm).await, [Refused, Cut, Finished, Finished]);
    assert_eq!(outcomes(Service::Tts).await, [Cut, Cut, Finished, Finished]);
    assert_eq!(outcomes(Service::Stt).await, [Refused, Finished, Finished]);
}

#[tokio::test]
async fn a_request_may_ask_for_a_fault() {
    let server = start(Profile::Zero).await;
    let me = Caller::new(&server, "me");
    let body = json!({"model": "m", "input": "Hello.", "response_format": "pcm"});
    let ask = |fault: &str, limits| {
        let request = me.endpoint.post("audio/speech").header(FAULT_HEADER, fault);
        me.send(request.body(whole(&body)).unwrap(), limits)
    };
    let refused = |answer| match answer {
        Err(NetError::Refused { status, retry_after, message, .. }) => {
            (status.as_u16(), retry_after, message)
        }
        other => panic!("{other:?}"),
    };

    let (status, retry_after, _) = refused(ask("503:0.5", Limits::default()).await);
    assert_eq!((status, retry_after), (503, Some(Duration::from_millis(500))));
    let (status, _, message) = refused(ask("nothing", Limits::default()).await);
    assert_eq!(status, 400);
    assert!(message.contains("\"nothing\" is no fault"), "{message}");
    let limits = Limits { piece: Duration::from_millis(300), ..Limits::default() };
    let stalled = ask("stall", limits).await.unwrap_err();
    assert!(matches!(stalled, NetError::TimedOut { .. }), "{stalled:?}");
    let stalled = ask("stall:0", Limits { head: limits.piece, ..limits }).await.unwrap_err();
    assert!(matches!(stalled, NetError::TimedOut { .. }), "{stalled:?}");
    assert_eq!(ask("slow:2", Limits::default()).await.unwrap().len(), 6 * 2_880);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let server = start(Profile::Zero).await;
    let me = Caller::new(&server, "me");
    let status = |path: &str, body: Body| {
        let sent = me.send(me.endpoint.post(path).body(body).unwrap(), Limits::default());
        async move {
            match sent.await {
                Err(NetError::Refused { status, .. }) => status.as_u16(),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(status("chat/completions", whole(&json!({}))).await, 400);
    assert_eq!(status("images", whole(&json!({}))).await, 404);
    let large = vec![b' '; LARGEST + 1];
    assert_eq!(status("audio/speech", Body::Whole(large.into())).await, 413);
    let large = vec![b' '; LARGEST];
    assert_eq!(status("audio/speech", Body::Whole(large.into())).await, 400);

    let base = server.services().url().trim_end_matches("/v1");
    let root = Endpoint::new(base, Some(Secret::new("me"))).unwrap();
    let wrong = root.post("script").body(whole(&json!({"herd": []}))).unwrap();
    let Err(NetError::Refused { status, message, .. }) = me.send(wrong, Limits::default()).await
    else {
        panic!("accepted")
    };
    assert_eq!(status.as_u16(), 400);
    assert!(message.contains("herd"), "{message}");
    let health = root.get("health").body(Body::empty()).unwrap();
    assert_eq!(me.send(health, Limits::default()).await.unwrap(), b"ok\n");
    // The log and the script of somebody else.
    let named = root.post("script?caller=you").body(whole(&json!({"heard": ["Hi."]}))).unwrap();
    me.send(named, Limits::default()).await.unwrap();
    assert_eq!(Caller::new(&server, "you").hears().await.unwrap(), "Hi.");
    let named = root.get("log?caller=you").body(Body::empty()).unwrap();
    let log: Value =
        serde_json::from_slice(&me.send(named, Limits::default()).await.unwrap()).unwrap();
    assert_eq!((&log["entries"][0]["service"], &log["forgotten"]), (&json!("stt"), &json!(0)));
}

#[tokio::test]
async fn whoever_leaves_is_noted() {
    let server = start(Profile::Realistic).await;
    let me = Caller::new(&server, "me");
    let mut answer = me.model().stream(asked());
    answer.next().await.unwrap().unwrap();
    drop(answer);
    // It is noticed at the latest when a later piece cannot be sent.
    let left = async {
        while server.services().log("me").await.unwrap().entries[0].outcome == Outcome::Open {}
        server.services().log("me").await.unwrap().entries.remove(0)
    };
    let left = tokio::time::timeout(LIMIT, left).await.unwrap();
    assert_eq!(left.outcome, Outcome::Left);
    assert!(left.sent.len() < 31, "{left:?}");
}

#[tokio::test]
async fn many_callers_are_served_side_by_side() {
    let server = start(Profile::Fast).await;
    let callers: Vec<_> = (0..50).map(|n| Caller::new(&server, &format!("caller-{n}"))).collect();
    let spoken =
        join_all(callers.iter().map(|caller| caller.speaks("a sentence of 25 letters."))).await;
    for (caller, sound) in callers.iter().zip(spoken) {
        assert_eq!(sound.unwrap().len(), 25 * 1_440);
        let log = server.services().log(&caller.name).await.unwrap();
        assert_times(&log.entries[0], 10, &[[0].as_slice(), &[10; 14]].concat());
    }
    assert_eq!(server.stop().await.unwrap(), "served 50 requests");
}

#[tokio::test]
async fn each_delay_can_be_set_and_chance_comes_from_the_seed() {
    let mut launch = launch(Profile::Zero);
    launch.overrides.first_token_ms = Some(20);
    launch.overrides.tokens = Some(4);
    launch.overrides.jitter = Some(0.0);
    launch.risks = vec!["tts/500=0.5".parse().unwrap()];
    let statuses = |seed| {
        let launch = Launch { seed, ..launch.clone() };
        async move {
            let server = launch.start(http()).await.unwrap();
            let me = Caller::new(&server, "me");
            me.answers().await.unwrap();
            for _ in 0..20 {
                let _either = me.speaks("a").await;
            }
            let entries = server.services().log("me").await.unwrap().entries;
            assert_times(&entries[0], 20, &[0; 5]);
            entries.iter().map(|entry| entry.status).collect::<Vec<_>>()
        }
    };
    let first = statuses(3).await;
    assert_eq!(first, statuses(3).await);
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
}

#[tokio::test]
async fn signals_end_it_in_order() {
    for (signal, code) in [("-TERM", 0), ("-INT", 130)] {
        let mut child = tokio::process::Command::new(PROGRAM)
            .args(["mock-server", "--profile", "zero"])
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = {
            use tokio::io::AsyncBufReadExt;
            tokio::io::BufReader::new(child.stdout.take().unwrap()).lines()
        };
        let limited = async {
            let first = lines.next_line().await.unwrap().unwrap();
            assert!(first.starts_with("listening on http://127.0.0.1:"), "{first}");
            let pid = child.id().unwrap().to_string();
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            assert_eq!(lines.next_line().await.unwrap().unwrap(), "served 0 requests");
            child.wait().await.unwrap()
        };
        assert_eq!(tokio::time::timeout(LIMIT, limited).await.unwrap().code(), Some(code));
    }
}

#[test]
fn wrong_flags_are_told() {
    let run = |arguments: &[&str]| -> Output {
        Command::new(PROGRAM).arg("mock-server").args(arguments).output().unwrap()
    };
    for (arguments, code, why) in [
        (&["--profile", "quick"][..], 2, "realistic"),
        (&["--fault", "429"], 2, "is no fault"),
        (&["--tokens", "0"], 1, "give 1 to 10000"),
        (&["--jitter", "2"], 1, "0.1 is 10 %"),
        (&["--pin", "100000"], 1, "core 100000"),
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

/// Somebody with a client for each service.
struct Caller {
    name: String,
    http: Arc<dyn Http>,
    endpoint: Endpoint,
}

impl Caller {
    fn new(server: &MockServer, name: &str) -> Self {
        let endpoint = Endpoint::new(server.services().url(), Some(Secret::new(name))).unwrap();
        Self { name: name.to_owned(), http: http(), endpoint }
    }

    async fn hears(&self) -> Result<String, SttError> {
        let http = Arc::clone(&self.http);
        let mut utterance = OpenAiTranscriber::new(http, self.endpoint.clone(), "w").open()?;
        let chunk = AudioChunk::new([0; 320], SampleRate::SPEECH);
        utterance.send(SttInput::Audio(chunk), Work::default()).await;
        utterance.send(SttInput::End, Work::default()).await;
        loop {
            if let SttEvent::Final(text) = utterance.next().await.unwrap()? {
                return Ok(text);
            }
        }
    }

    fn model(&self) -> OpenAi {
        OpenAi::new(Arc::clone(&self.http), self.endpoint.clone(), "m")
    }

    async fn answers(&self) -> Result<String, ProviderError> {
        let mut said = String::new();
        let mut answer = self.model().stream(asked());
        while let Some(event) = answer.next().await {
            if let ProviderEvent::TextDelta(delta) = event? {
                said += &delta;
            }
        }
        Ok(said)
    }

    async fn speaks(&self, text: &str) -> Result<Vec<i16>, TtsError> {
        let http = Arc::clone(&self.http);
        let engine = OpenAiSynthesizer::new(http, self.endpoint.clone(), "t", "v");
        let mut sound = Vec::new();
        let mut speech = engine.speak(SpeakRequest::new(text));
        while let Some(event) = speech.next().await {
            if let SpeechEvent::Audio(chunk) = event? {
                sound.extend_from_slice(chunk.samples());
            }
        }
        Ok(sound)
    }

    /// The body of the answer.
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<Vec<u8>, NetError> {
        let mut body = self.endpoint.send(&*self.http, request, limits).await?.into_body();
        let mut all = Vec::new();
        while let Some(piece) = body.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }
}

fn asked() -> ProviderRequest {
    ProviderRequest { messages: vec![Message::user("Hello.")], ..ProviderRequest::default() }
}

fn script(script: Value) -> Script {
    serde_json::from_value(script).unwrap()
}

fn whole(body: &Value) -> Body {
    Body::Whole(body.to_string().into())
}

fn http() -> Arc<dyn Http> {
    Arc::new(HttpClient::new().unwrap())
}

fn launch(profile: Profile) -> Launch {
    Launch { program: Some(PROGRAM.into()), ..Launch::new(profile) }
}

async fn start(profile: Profile) -> MockServer {
    launch(profile).start(http()).await.unwrap()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_banter");
/// Far more than is needed, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What the documentation promises of the profiles is what they do.
#[test]
fn the_documentation_has_the_delays_of_the_profiles() {
    let text = include_str!("../docs/mock-server.md");
    for name in Profile::NAMES {
        let delays = name.parse::<Profile>().unwrap().delays();
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        let numbers: Vec<u128> = row
            .split('|')
            .skip(2)
            .filter_map(|cell| cell.split(|c: char| !c.is_ascii_digit()).find(|n| !n.is_empty()))
            .map(|number| number.parse().unwrap())
            .collect();
        let ms = [delays.stt, delays.first_token, delays.token].map(|delay| delay.as_millis());
        let sound = [delays.first_byte, delays.chunk, delays.chunk_every, delays.tool];
        let expected =
            [&ms[..], &[delays.tokens as u128], &sound.map(|delay| delay.as_millis())].concat();
        assert_eq!(numbers, expected, "{row}");
    }
}
