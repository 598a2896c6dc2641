//! `banter serve --pcm` as its clients see it: the program, mock services, and a WebSocket client
//! that is none of ours.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/caller.rs"]
mod caller;
#[path = "support/sound.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod sound;

use std::sync::Arc;
use std::time::Duration;

use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::{Answer, Profile, Script, Service};
use banter::net::HttpClient;
use banter::time::SessionClock;
use rustix::process::Signal;
use serde_json::json;

use crate::caller::{Caller, Heard, Server, within};

/// Services without delay, told what this caller says and is told.
async fn services(sid: &str, heard: &[&str], answers: Vec<Answer>) -> MockServer {
    let heard = heard.iter().map(|&text| text.to_owned()).collect();
    services_with(&[(sid, Script { heard, answers, ..Script::default() })]).await
}

async fn services_with(scripts: &[(&str, Script)]) -> MockServer {
    let program = Some(env!("CARGO_BIN_EXE_banter").into());
    let launch = Launch { program, ..Launch::new(Profile::Zero) };
    let mock = launch.start(Arc::new(HttpClient::new().unwrap())).await.unwrap();
    for (sid, script) in scripts {
        mock.services().script(sid, script).await.unwrap();
    }
    mock
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

/// How many samples the services take for a text: 60 ms for a character, at 24 kHz.
fn samples(text: &str) -> usize {
    text.chars().count() * 1440
}

fn question() -> Vec<i16> {
    sound::samples(sound::sentence(5))
}

#[tokio::test]
async fn a_question_in_odd_frames_is_answered_to_the_last_sample() {
    let answer = "It is noon in the city.";
    let mock = services("odd-1", &["what is the time"], vec![text(answer)]).await;
    let server = Server::start(&["--base-url", mock.services().url()]).await;
    let mut caller = Caller::connect(&server, "odd-1").await;

    // 333 bytes: a sample lies across each two frames. Then the client falls silent.
    let begun = caller.say(&question(), 333).await;
    let (first, heard) = caller.listen(samples(answer)).await;

    assert!(heard.clears == 0 && heard.loudest > 1000, "{heard:?}");
    assert_eq!(heard.samples, samples(answer), "all of the answer, and nothing else");
    let took = first.since(begun) - Duration::from_millis(1155);
    println!("first sound {took:?} after the last word; 0.8 s of it are silence");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let log = mock.services().log("odd-1").await.unwrap();
    let asked: Vec<_> = log.entries.iter().map(|entry| entry.service).collect();
    assert_eq!(asked, [Service::Stt, Service::Llm, Service::Tts], "under the name of the caller");

    let (status, page) = server.page("GET /metrics").await;
    let model = "{model=\"openai:gpt-4o-mini\"";
    for line in [
        "banter_calls 1",
        "banter_calls_taken_total 1",
        &format!("banter_model_requests_total{model}}} 1"),
        &format!("banter_model_answered_total{model}}} 1"),
        &format!("banter_model_first_token_seconds_count{model}}} 1"),
    ] {
        assert!(page.lines().any(|one| one == line), "{line} in {page}");
    }
    assert!(status == 200 && !page.contains("odd-1"), "{page}");
}

#[tokio::test]
async fn who_speaks_over_the_agent_has_it_cleared_at_once() {
    let story = "Once upon a time there was a lighthouse keeper who had never seen the sea \
                 asleep and who told the ships about it every night until they came to love him";
    let next = "As you like.";
    let heard = ["tell me a story", "how much is ten plus five"];
    let mock = services("bold", &heard, vec![text(story), text(next)]).await;
    let server = Server::start(&["--base-url", mock.services().url()]).await;
    let mut caller = Caller::connect(&server, "bold").await;

    caller.say(&question(), 640).await;
    let (_, before) = caller.hear(24_000).await;
    assert_eq!(before.clears, 0);
    let cleared = caller.say_until_cleared(&sound::samples(sound::sentence(6))).await;
    assert!(cleared < samples(story) - before.samples, "the story is cut: {cleared}");
    let (_, after) = caller.listen(samples(next)).await;

    assert_eq!((after.clears, after.samples), (0, samples(next)), "only the next answer");
}

#[tokio::test]
async fn a_whole_file_at_once_is_heard_as_if_it_were_spoken() {
    let server = Server::start(&["--stt", "mock", "--llm", "mock", "--tts", "mock"]).await;
    let mut caller = Caller::connect(&server, "file").await;

    caller.send(&question()).await;
    // At 16 kHz the resampler may hold back or add a little.
    let answer = samples("You said:") + samples("hello");
    let (_, heard) = caller.listen(answer - 240).await;

    assert!(heard.samples <= answer + 240, "{heard:?}");
}

#[tokio::test]
async fn a_client_with_a_voice_detector_of_its_own_begins_and_ends_turns() {
    let (first, second) = ("It is noon in the city.", "As you like.");
    let heard = ["what is the time", "never mind"];
    let mock = services("own-vad", &heard, vec![text(first), text(second)]).await;
    let server = Server::start(&["--base-url", mock.services().url()]).await;
    let mut caller = Caller::connect_at(&server, "/ws?sid=own-vad&vad=client").await;

    // Voice alone begins nothing; what is out of order, or no signal, breaks nothing.
    caller.signal("speech_ended").await;
    caller.signal("speech_paused").await;
    caller.say(&question(), 640).await;
    caller.signal("speech_started").await;
    caller.signal("speech_started").await;
    let begun = caller.say(&question(), 640).await;
    caller.signal("speech_ended").await;
    let (answered, before) = caller.hear(24).await;
    let took = answered.since(begun) - Duration::from_millis(1155);
    println!("first sound {took:?} after the last word; no silence is waited for");
    assert!(took < Duration::from_secs(4) && before.clears == 0, "{took:?}, {before:?}");

    // It speaks over the agent: that is an interruption at once.
    caller.signal("speech_started").await;
    let cleared = caller.say_until_cleared(&question()).await;
    assert!(cleared < samples(first) - before.samples, "{cleared}");
    caller.say(&question(), 640).await;
    caller.signal("speech_ended").await;
    let (_, after) = caller.listen(samples(second)).await;
    assert_eq!((after.clears, after.samples), (0, samples(second)));
    let log = mock.services().log("own-vad").await.unwrap();
    let asked = log.entries.iter().filter(|entry| entry.service == Service::Stt).count();
    assert_eq!(asked, 2, "one for each turn that it told of");
}

#[tokio::test]
async fn signals_of_who_did_not_ask_are_nothing_and_a_turn_that_is_open_ends_with_its_call() {
    let mocks = ["--stt", "mock", "--llm", "mock", "--tts", "mock"];
    let server = Server::start(&mocks).await;
    // Who did not ask to be believed is not.
    let mut caller = Caller::connect(&server, "server").await;
    caller.signal("speech_started").await;
    caller.say(&question(), 640).await;
    let answer = samples("You said:") + samples("hello");
    let (_, heard) = caller.listen(answer - 240).await;
    assert!(heard.samples <= answer + 240, "its silence ended the turn: {heard:?}");
    caller.vanish();

    let mut caller = Caller::connect_at(&server, "/ws?vad=client").await;
    caller.signal("speech_started").await;
    caller.say(&question(), 640).await;
    caller.vanish();
    within(async { while server.health().await["calls"] != 0 {} }).await;
}

#[tokio::test]
async fn when_the_agent_hangs_up_its_goodbye_is_heard() {
    let end = Answer::Tool { name: "end_call".to_owned(), arguments: json!({}) };
    let answers = vec![end, text("Goodbye then.")];
    let mock = services("bye", &["that is all"], answers).await;
    let server = Server::start(&["--base-url", mock.services().url()]).await;
    let mut caller = Caller::connect(&server, "bye").await;

    caller.say(&question(), 640).await;
    let (heard, code) = caller.listen_to_the_end().await;

    assert_eq!((heard.samples, code), (samples("Goodbye then."), Some(1000)));
}

#[tokio::test]
async fn one_call_too_many_is_refused_until_another_is_over() {
    let mocks = ["--stt", "mock", "--llm", "mock", "--tts", "mock"];
    let server = Server::start(&[&mocks[..], &["--max-calls", "1"]].concat()).await;
    let caller = Caller::connect(&server, "first").await;
    assert_eq!(server.health().await["calls"], 1);

    let refused = Caller::try_connect(&server, "/ws?sid=second").await.unwrap_err();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.retry_after.as_deref(), Some("5"));
    assert_eq!(refused.error["code"], "full", "{}", refused.error);
    let health = server.health().await;
    assert_eq!((&health["taken"], &health["refused"]), (&1.into(), &1.into()), "{health}");

    // Without a goodbye: its machine has crashed.
    caller.vanish();
    within(async { while server.health().await["calls"] != 0 {} }).await;
    Caller::connect(&server, "third").await.vanish();
}

#[tokio::test]
async fn what_is_no_call_is_told_so() {
    let server = Server::start(&["--stt", "mock", "--llm", "mock", "--tts", "mock"]).await;
    let too_long = format!("/ws?sid={}", "x".repeat(65));
    for path in
        ["/ws?sid=", "/ws?sid=a.b", "/ws?sid=a%20b", "/ws?sid=a&sid=b", "/ws?vad=me", &too_long]
    {
        let refused = Caller::try_connect(&server, path).await.unwrap_err();
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.error["message"].is_string(), "{path}: {}", refused.error);
    }
    for (request, status) in
        [("GET /nowhere", 404), ("GET /ws?sid=a", 426), ("POST /health", 405), ("GET /health", 200)]
    {
        let (told, body) = server.ask(request).await;
        assert_eq!(told, status, "{request}: {body}");
        assert!(body["error"]["code"].is_string() || status == 200, "{request}: {body}");
    }
    let health = server.health().await;
    assert_eq!((&health["calls"], &health["refused"]), (&0.into(), &0.into()), "{health}");
    assert!(health["lateness_ms"]["p95"].is_number() && health["cpu"].is_number(), "{health}");
    // A call without a name is one as well.
    Caller::connect_at(&server, "/ws").await.vanish();
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_call_and_no_other_does() {
    let story = "and so on ".repeat(60);
    let mock = services("deaf", &["go on"], vec![text(&story)]).await;
    mock.services()
        .script("fine", &Script { answers: vec![text("Yes.")], ..Script::default() })
        .await
        .unwrap();
    let server = Server::start(&["--base-url", mock.services().url()]).await;
    let mut deaf = Caller::connect(&server, "deaf").await;
    let mut fine = Caller::connect(&server, "fine").await;

    deaf.say(&question(), 640).await;
    fine.say(&question(), 640).await;
    let (_, heard) = fine.listen(samples("Yes.")).await;
    assert_eq!(heard.samples, samples("Yes."));
    within(async { while server.health().await["calls"] != 1 {} }).await;
    fine.vanish();
}

#[tokio::test]
async fn the_end_of_the_server_is_told_to_its_callers() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 0)] {
        let server = Server::start(&["--stt", "mock", "--llm", "mock", "--tts", "mock"]).await;
        let caller = Caller::connect(&server, "last").await;
        server.signal(signal);
        let (heard, close) = caller.listen_to_the_end().await;
        assert_eq!((heard, close), (Heard::default(), Some(1001)));
        let (said, ended) = server.wait().await;
        assert_eq!((said.trim(), ended), ("served 1 calls, refused 0", Some(code)));
    }
}

/// Who speaks for itself, and who says there when the user has finished.
const MODELS: [(&str, &str); 4] =
    [("openai", "here"), ("openai", "there"), ("gemini", "here"), ("gemini", "there")];

/// A server whose calls are with a model that speaks for itself.
async fn with_model(url: &str, (provider, turns): (&str, &str)) -> Server {
    // The address of the one has a version in it.
    let url = if provider == "gemini" { url.trim_end_matches("/v1") } else { url };
    let settings = [
        "mode=asm".to_owned(),
        "duplex.model=m".to_owned(),
        format!("duplex.provider={provider}"),
        format!("duplex.turns={turns}"),
    ];
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    Server::start(&["--base-url", url].into_iter().chain(settings).collect::<Vec<_>>()).await
}

fn script(script: serde_json::Value) -> Script {
    serde_json::from_value(script).unwrap()
}

#[tokio::test]
async fn each_call_has_a_model_that_speaks_for_itself_under_its_own_name() {
    let one = script(json!({"heard": ["what time is it"], "answers": ["It is noon."]}));
    let other = script(json!({"heard": ["who are you"], "answers": ["I am the operator."]}));
    each(MODELS, async |model| {
        let mock = services_with(&[("one", one.clone()), ("other", other.clone())]).await;
        let server = with_model(mock.services().url(), model).await;
        let talk = async |sid, answer| {
            let mut caller = Caller::connect(&server, sid).await;
            caller.say(&question(), 640).await;
            let (_, heard) = caller.listen(samples(answer)).await;
            assert_eq!((heard.samples, heard.clears), (samples(answer), 0), "{model:?} {sid}");
        };
        tokio::join!(talk("one", "It is noon."), talk("other", "I am the operator."));
        for (sid, said) in [("one", "what time is it"), ("other", "who are you")] {
            let log = mock.services().log(sid).await.unwrap();
            let [call] = &log.calls[..] else { panic!("{model:?}: {:?}", log.calls) };
            assert_eq!(call.model.trim_start_matches("models/"), "m");
            assert_eq!((call.conversation[0].text.as_str(), &call.errors), (said, &vec![]));
        }
    })
    .await;
}

#[tokio::test]
async fn who_speaks_over_such_a_model_has_it_cleared_at_once() {
    let story = "Once upon a time there was a lighthouse keeper who had never seen the sea \
                 asleep and who told the ships about it every night until they came to love him";
    let next = "As you like.";
    let heard = ["tell me a story", "how much is ten plus five"];
    // One after the other: what comes late on a busy machine is silence to the server.
    for model in MODELS {
        let mock = services("bold", &heard, vec![text(story), text(next)]).await;
        let server = with_model(mock.services().url(), model).await;
        let mut caller = Caller::connect(&server, "bold").await;

        // What is late may break what is said: so it is said until it is answered.
        let clock = SessionClock::live();
        let before = loop {
            caller.say(&question(), 640).await;
            let heard = clock.timeout(Duration::from_secs(8), caller.hear(24_000)).await;
            if let Some((_, before)) = heard {
                break before;
            }
        };
        assert_eq!(before.clears, 0, "{model:?}");
        let cleared = caller.say_until_cleared(&sound::samples(sound::sentence(6))).await;
        assert!(
            cleared < samples(story) - before.samples,
            "{model:?}: the story is cut: {cleared}"
        );

        let is_answered = async || {
            let log = mock.services().log("bold").await.unwrap();
            log.calls[0].turns.len() >= 2 && log.calls[0].responses.len() >= 2
        };
        while !is_answered().await {
            caller.say_over(&question()).await;
            caller.say_over(&[0; 32_000]).await;
        }
        let log = mock.services().log("bold").await.unwrap();
        let cut = log.calls[0].truncated.iter().any(|cut| cut.audio_end_ms < cut.of_ms);
        assert_eq!(cut, model.0 == "openai", "it is told how much was heard: {log:?}");
    }
}

#[tokio::test]
async fn a_client_with_a_voice_detector_has_the_turns_of_such_a_model() {
    each([("openai", "here"), ("gemini", "here")], async |model| {
        let mock = services("own-vad", &["what is the time"], vec![text("Noon.")]).await;
        let server = with_model(mock.services().url(), model).await;
        let mut caller = Caller::connect_at(&server, "/ws?sid=own-vad&vad=client").await;
        // Voice alone begins nothing.
        caller.say(&question(), 640).await;
        caller.say(&[0; 24_000], 640).await;
        caller.signal("speech_started").await;
        caller.say(&question(), 640).await;
        caller.signal("speech_ended").await;
        let (_, heard) = caller.listen(samples("Noon.")).await;
        assert_eq!((heard.samples, heard.clears), (samples("Noon."), 0), "{model:?}");
        let log = mock.services().log("own-vad").await.unwrap();
        assert_eq!(log.calls[0].turns.len(), 1, "{model:?}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_with_such_a_model_that_is_lost_is_replaced_within_the_call() {
    let answer = "It is noon.";
    let faults = json!([
        {"call": 1, "at": "turn_ended", "nth": 1, "fault": "cut"},
        {"call": 2, "at": "response_begun", "nth": 1, "fault": "close:1011"},
    ]);
    let lossy = json!({
        "heard": ["what time is it"], "answers": [answer], "duplex": {"faults": faults},
    });
    each(MODELS, async |model| {
        let mock = services_with(&[("lost", script(lossy.clone()))]).await;
        let server = with_model(mock.services().url(), model).await;
        let mut caller = Caller::connect(&server, "lost").await;
        caller.say(&question(), 640).await;
        let (_, heard) = caller.listen(samples(answer)).await;
        assert_eq!((heard.samples, heard.clears), (samples(answer), 0), "{model:?}");
        let log = mock.services().log("lost").await.unwrap();
        let faults: Vec<_> = log.calls.iter().map(|call| call.faults.len()).collect();
        assert_eq!(faults, [1, 1, 0], "{model:?}");
        assert_eq!(server.health().await["calls"], 1, "{model:?}");
    })
    .await;
}

#[tokio::test]
async fn where_no_such_model_is_the_call_ends_and_says_so() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = with_model(&format!("http://{address}/v1"), ("openai", "here")).await;
    let caller = Caller::connect(&server, "lonely").await;
    let (heard, code) = caller.listen_to_the_end().await;
    assert_eq!((heard, code), (Heard::default(), Some(1011)));
    within(async { while server.health().await["calls"] != 0 {} }).await;
}

/// All at the same time: none of them works hard.
async fn each<const N: usize>(
    models: [(&'static str, &'static str); N],
    test: impl AsyncFn((&'static str, &'static str)),
) {
    futures_util::future::join_all(models.map(|model| test(model))).await;
}
