//! `banter bench stt|tts|llm`, the program itself: over mock services with known delays, and with
//! the embedded engines.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
mod program;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use banter::bench::remote::{Launch, MockServer};
use banter::bench::scenario::Sentence;
use banter::bench::services::{Profile, Script, Service};
use banter::net::{Http, HttpClient};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use self::program::{banter, can_talk, run};

#[tokio::test]
async fn a_recogniser_is_timed_and_makes_no_errors_if_it_hears_what_was_said() {
    let services = Services::start(Profile::Realistic).await;
    let mut heard: Vec<_> = texts().into_iter().map(|text| format!("{text}.")).collect();
    // The first is asked for twice: once to warm up.
    heard.insert(0, heard[0].clone());
    services.say(json!({ "heard": heard })).await;

    let told = services.measure("stt", &["--price", "0.006/min"]).await;

    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.figures["engine"], "openai:gpt-4o-mini-transcribe");
    assert_eq!((told.count("/sentences"), told.count("/without_text")), (12, 0));
    assert_eq!((told.count("/word_errors"), told.count("/words")), (0, 45));
    assert_eq!(told.number("/word_error_rate"), 0.0);
    told.assert_late("/final_ms", 150.0);
    // What is waited for is in it, and the pace of speech is not.
    let factor = told.number("/real_time_factor");
    assert!(factor > 0.08 && factor < 0.9, "{told:?}");
    assert!(told.number("/sound_minutes") > 0.2, "{told:?}");
    assert!((told.number("/cost/per_hour") - 0.36).abs() < 1e-9, "{told:?}");
    assert!(told.progress.contains("stt: 12 of 12: "), "{told:?}");
    assert_eq!(services.asked(Service::Stt).await, 13);
}

#[tokio::test]
async fn a_recogniser_that_hears_something_else_makes_errors() {
    let services = Services::start(Profile::Zero).await;
    services.say(json!({"heard": ["", "what dime is it", "what is time"]})).await;
    let files = ["assets/sentences/04.wav", "assets/sentences/05.wav"];

    let told = services.measure("stt", &files).await;

    // "what time is it", "what is the time"
    assert_eq!((told.count("/word_errors"), told.count("/words")), (2, 8), "{told:?}");
    assert_eq!(told.number("/word_error_rate"), 0.25);
    assert_eq!(told.figures.get("cost"), None);
}

#[tokio::test]
async fn a_model_is_timed_to_its_first_token_and_its_first_clause() {
    let services = Services::start(Profile::Realistic).await;
    let prices = ["--price-in", "0.15/1M", "--price-out", "0.60/1M"];

    let told = services.measure("llm", &[&prices[..], &["One?", "And two?"]].concat()).await;

    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.count("/answers"), 2);
    told.assert_late("/first_token_ms", 200.0);
    // "That is a good question," ends with the space of the seventh token.
    told.assert_late("/first_clause_ms", 200.0 + 6.0 * 30.0);
    assert_eq!(told.count("/output_tokens"), 60);
    let input = told.count("/input_tokens");
    assert!(input >= 5, "{told:?}");
    let speed = told.number("/tokens_per_second");
    assert!(speed > 10.0 && speed < 34.0, "a token each 30 ms: {told:?}");
    let total = (input as f64 * 0.15 + 60.0 * 0.60) / 1e6;
    assert!((told.number("/cost/total") - total).abs() < 1e-12, "{told:?}");
    assert_eq!(services.asked(Service::Llm).await, 3);
}

#[tokio::test]
async fn a_synthesizer_is_timed_to_its_first_sound() {
    let services = Services::start(Profile::Realistic).await;

    let told = services.measure("tts", &["--repeat", "3", "--price", "15/1M", "ten chars!"]).await;

    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!((told.count("/texts"), told.count("/characters")), (3, 30));
    told.assert_late("/first_byte_ms", 80.0);
    told.assert_late("/first_audible_ms", 80.0);
    // 60 ms of sound for each character: six pieces, 50 ms apart.
    assert!((told.number("/speech_minutes") - 0.03).abs() < 1e-6, "{told:?}");
    assert!(told.number("/real_time_factor") >= 330.0 / 600.0, "{told:?}");
    assert!((told.number("/cost/total") - 450e-6).abs() < 1e-12, "{told:?}");
    assert_eq!(services.asked(Service::Tts).await, 4);
}

#[tokio::test]
async fn what_fails_is_counted_and_told() {
    let services = Services::start(Profile::Zero).await;
    services.say(json!({"faults": [{"service": "tts", "request": 3, "fault": "400"}]})).await;

    let told = services.measure("tts", &["One.", "Two.", "Three."]).await;

    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!(told.count("/texts"), 2);
    let failures = told.figures["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{told:?}");
    assert!(failures[0].as_str().unwrap().starts_with("2 of 3: "), "{told:?}");
    assert!(told.progress.contains("tts: failed, 2 of 3: "), "{told:?}");
}

#[tokio::test]
async fn what_fails_at_once_is_not_measured() {
    let services = Services::start(Profile::Zero).await;
    services.say(json!({"faults": [{"service": "llm", "request": 1, "fault": "401"}]})).await;
    let output = services.command("llm", &["Hello?"]).output();
    let output = timeout(LIMIT, output).await.unwrap().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("the request to warm up failed"), "{error}");
    assert!(error.contains("check the key"), "{error}");
    assert!(!error.contains(CALLER), "{error}");
    assert_eq!(services.asked(Service::Llm).await, 1);
}

#[tokio::test]
async fn ctrl_c_ends_it_and_what_there_is_is_told() {
    let services = Services::start(Profile::Realistic).await;
    let mut command = services.command("tts", &["--repeat", "1000", "One."]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
    let measured = async {
        while let Some(line) = progress.next_line().await.unwrap() {
            if line.contains("1 of 1000: ") {
                return;
            }
        }
        panic!("nothing was measured");
    };
    timeout(LIMIT, measured).await.unwrap();
    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let mut told = String::new();
    timeout(LIMIT, child.stdout.take().unwrap().read_to_string(&mut told)).await.unwrap().unwrap();
    let status = timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(told.contains("; 0 failed") && told.contains("first byte"), "{told}");
}

#[test]
fn embedded_engines_are_measured_without_a_network() {
    if !can_talk() {
        return;
    }
    let stt = embedded(&["stt", "--stt", "pocketsphinx"]);
    assert_eq!(stt["engine"], "pocketsphinx");
    assert_eq!((stt["sentences"].as_u64(), stt["words"].as_u64()), (Some(12), Some(45)));
    let number = |told: &Value, at: &str| told.pointer(at).and_then(Value::as_f64).unwrap();
    // Its model knows these sentences, spoken by the synthesizer here.
    assert!(number(&stt, "/word_error_rate") < 0.25, "{stt}");
    assert!(number(&stt, "/final_ms/p50") > 0.0, "{stt}");
    // It computes here, and each second of it counts.
    assert!(number(&stt, "/cpu_s_per_minute") > 0.5, "{stt}");

    let tts = embedded(&["tts", "--tts", "flite", "--repeat", "2"]);
    assert_eq!((tts["engine"].as_str(), tts["texts"].as_u64()), (Some("flite"), Some(12)));
    assert!(number(&tts, "/first_byte_ms/p50") <= number(&tts, "/first_audible_ms/p50"), "{tts}");
    assert!(number(&tts, "/real_time_factor") < 1.0, "{tts}");
    assert!(number(&tts, "/cpu_s_per_minute") > 0.0, "a program of its own computes: {tts}");
}

#[test]
fn the_table_tells_people_what_json_tells_programs() {
    let prices = ["--price-in", "0.15/1M", "--price-out", "0.60/1M"];
    let output = run(banter(["bench", "llm", "--llm", "scripted", "Hello!"].iter().chain(&prices)));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    for line in [
        "llm scripted, on ",
        "1 measured after one to warm up; 0 failed",
        "first token",
        "first clause",
        "tokens of the answers",
        "cost of 1,000 such requests",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn mistakes_are_told_before_any_request() {
    for (arguments, told) in [
        (&["stt", "--price", "3"][..], "write it as in 0.006/min or 15/1M"),
        (&["stt", "--price", "15/1M"], "it is sound that is paid"),
        (&["llm", "--price-in", "1/1M"], "--price-out"),
        (&["llm", "--price-in", "1/min", "--price-out", "1/1M"], "it is tokens that are paid"),
        (&["tts", "--price", "$15/1M"], "without a currency"),
        (&["tts", "--tts", "flute"], "did you mean flite?"),
        (&["stt", "no.wav"], "no.wav"),
        (&["sst"], "\"sst\" is no address, and no engine"),
        (&["--scenario", "question", "stt"], "stands before its flags"),
    ] {
        let output = run(banter(["bench"].iter().chain(arguments)));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(told), "{arguments:?}: {error}");
    }
}

/// What the program told.
#[derive(Debug)]
struct Told {
    code: Option<i32>,
    figures: Value,
    progress: String,
}

impl Told {
    fn number(&self, at: &str) -> f64 {
        self.figures.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("{at}: {self:?}"))
    }

    fn count(&self, at: &str) -> u64 {
        self.figures.pointer(at).and_then(Value::as_u64).unwrap_or_else(|| panic!("{at}: {self:?}"))
    }

    /// It is as late as the services are, and not much later, however busy the machine is.
    fn assert_late(&self, at: &str, ms: f64) {
        let median = self.number(&format!("{at}/p50"));
        assert!(median >= ms && median < ms + BUSY, "{at} is not {ms} ms: {self:?}");
        assert!(self.number(&format!("{at}/p99")) >= median, "{self:?}");
    }
}

/// Mock services, and the program that uses them.
struct Services(MockServer);

impl Services {
    async fn start(profile: Profile) -> Self {
        let program = Some(env!("CARGO_BIN_EXE_banter").into());
        let http: Arc<dyn Http> = Arc::new(HttpClient::new().unwrap());
        Self(Launch { program, ..Launch::new(profile) }.start(http).await.unwrap())
    }

    async fn say(&self, script: Value) {
        let script: Script = serde_json::from_value(script).unwrap();
        self.0.services().script(CALLER, &script).await.unwrap();
    }

    fn command(&self, engine: &str, arguments: &[&str]) -> Command {
        let address = format!("openai.base_url={}", self.0.services().url());
        let key = format!("openai.api_key={CALLER}");
        let chosen = format!("--{engine}");
        let own = ["bench", engine, &chosen, "openai", "-s", &address, "-s", &key];
        banter(own.iter().chain(arguments))
    }

    async fn measure(&self, engine: &str, arguments: &[&str]) -> Told {
        let output = self.command(engine, &[&["--json"], arguments].concat()).output();
        let output = timeout(LIMIT, output).await.unwrap().unwrap();
        let progress = String::from_utf8(output.stderr).unwrap();
        let figures = serde_json::from_slice(&output.stdout);
        let figures = figures.unwrap_or_else(|error| panic!("{error}: {progress}"));
        Told { code: output.status.code(), figures, progress }
    }

    /// How many requests this service had.
    async fn asked(&self, service: Service) -> usize {
        let log = self.0.services().log(CALLER).await.unwrap();
        log.entries.iter().filter(|entry| entry.service == service).count()
    }
}

fn embedded(arguments: &[&str]) -> Value {
    let output = run(banter(["bench"].iter().chain(arguments).chain(&["--json"])));
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn texts() -> Vec<String> {
    Sentence::built_in().unwrap().into_iter().map(|one| one.text.unwrap()).collect()
}

/// Who asks: the services take the key for a name.
const CALLER: &str = "engines-test";
/// In milliseconds: a busy machine is that late at the median, at most.
const BUSY: f64 = 250.0;
/// Far more than is needed, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
