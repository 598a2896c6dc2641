//! A call with a model that speaks for itself, and what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use banter::bench::services::duplex::{CallLog, DuplexMock};
use banter::bench::services::{Profile, Script, Services};
use banter::device::{NullSpeaker, WavMicrophone};
use banter::duplex::gemini::{GeminiLive, GeminiOptions};
use banter::duplex::openai::{OpenAiOptions, OpenAiRealtime};
use banter::duplex::{Detecting, Protocol, ServerTurns, SocketDuplex};
use banter::net::{Dial, DialFuture, DialLimits, Endpoint, NetError};
use banter::providers::mock::MockProvider;
use banter::session::{DuplexEngines, Fallback, Summary};
use banter::stt::mock::MockTranscriber;
use banter::time::SessionClock;
use banter::tools::ToolRegistry;
use banter::tts::MockSynthesizer;
use banter::types::{Message, Secret};
use banter::vad::Earshot;
use banter::{Event, EventKind, Pace, SampleRate, Session, SessionConfig};
use http::Request;
use serde_json::{Value, json};

use crate::sound;

const CALLER: &str = "me";

/// What came of a call.
pub(crate) struct Told {
    pub(crate) summary: Summary,
    pub(crate) events: Vec<Event>,
    pub(crate) calls: Vec<CallLog>,
}

pub(crate) struct World {
    pub(crate) protocol: fn() -> Arc<dyn Protocol>,
    /// Sentences of `assets/sentences`, by number, and the silence after each, in seconds.
    pub(crate) says: Vec<(usize, f64)>,
    pub(crate) script: Value,
    pub(crate) config: SessionConfig,
    pub(crate) tools: ToolRegistry,
    /// Others go on when the model is lost for good: what they understand, and answer.
    pub(crate) others: Option<([&'static str; 2], [&'static str; 2])>,
    /// How many connections there may be, and what becomes of others.
    pub(crate) connections: usize,
    pub(crate) refused: fn(host: String) -> NetError,
}

/// A way to the service, for so many connections.
#[derive(Debug)]
struct Way {
    mock: DuplexMock,
    left: AtomicUsize,
    why: fn(host: String) -> NetError,
}

impl Dial for Way {
    fn dial(&self, request: Request<()>, limits: DialLimits) -> DialFuture {
        let one_less = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            return self.mock.dial(request, limits);
        }
        let why = (self.why)("mock".to_owned());
        Box::pin(std::future::ready(Err(why)))
    }
}

impl World {
    pub(crate) fn new(says: &[(usize, f64)], script: Value) -> Self {
        let config = SessionConfig::default();
        let (says, tools) = (says.to_vec(), ToolRegistry::new());
        let refused = |host| NetError::BrokeOff { host, reason: "nobody is there".to_owned() };
        let (connections, others) = (usize::MAX, None);
        Self { protocol: openai, says, script, config, tools, others, connections, refused }
    }

    /// The same, in which the other side detects turns.
    pub(crate) fn there(mut self) -> Self {
        self.config.duplex.detecting = Detecting::There(ServerTurns::default());
        self
    }

    /// The same, in which the session's own rules do so as well.
    pub(crate) fn both(self) -> Self {
        let mut world = self.there();
        world.config.duplex.own_rules = true;
        world
    }

    /// The same in Gemini's protocol.
    pub(crate) fn by_gemini(self) -> Self {
        Self { protocol: gemini, ..self }
    }

    pub(crate) async fn call(self) -> Told {
        let services = Services::new(Profile::Realistic.delays(), 1);
        services.script(CALLER, serde_json::from_value::<Script>(self.script).unwrap());
        let services = Arc::new(services);
        let mock = DuplexMock::new(Arc::clone(&services), SessionClock::live());
        let dial = Way { mock, left: AtomicUsize::new(self.connections), why: self.refused };
        let provider = Arc::new(SocketDuplex::new((self.protocol)(), Arc::new(dial)));
        let (vad, tools) = (Box::new(Earshot::new()), Arc::new(self.tools));
        let session = Session::duplex(DuplexEngines { vad, provider, tools }, self.config);
        let session = match self.others {
            Some(others) => session.with_fallback(fallback(others)),
            None => session,
        };
        let mut subscription = session.subscribe();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("voice.wav");
        sound::compose(&file, self.says);
        let microphone = Box::new(WavMicrophone::open(&file).unwrap());
        let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
        let watching = tokio::spawn(async move {
            let mut events = Vec::new();
            while let Some(event) = subscription.next().await {
                events.push(event.unwrap());
            }
            events
        });
        let summary = session.run(microphone, speaker, Pace::Live).await.unwrap();
        let events = watching.await.unwrap();
        let calls = services.log(CALLER).calls;
        Told { summary, events, calls }
    }
}

fn fallback((hears, answers): ([&'static str; 2], [&'static str; 2])) -> Fallback {
    let provider = MockProvider::new();
    answers.into_iter().for_each(|answer| provider.add_response(answer));
    Fallback {
        transcriber: Arc::new(MockTranscriber::new(hears)),
        provider: Arc::new(provider),
        synthesizer: Arc::new(MockSynthesizer::default()),
    }
}

fn openai() -> Arc<dyn Protocol> {
    let endpoint = Endpoint::new("https://mock/v1", Some(Secret::new(CALLER))).unwrap();
    let options = json!({"model": "m", "transcription": {"model": "t"}});
    let options: OpenAiOptions = serde_json::from_value(options).unwrap();
    Arc::new(OpenAiRealtime::new(endpoint, options))
}

pub(crate) fn gemini() -> Arc<dyn Protocol> {
    let endpoint = Endpoint::new("https://mock", Some(Secret::new(CALLER))).unwrap();
    let options: GeminiOptions = serde_json::from_value(json!({"model": "m"})).unwrap();
    Arc::new(GeminiLive::new(endpoint, options))
}

/// The same, where the other side tells up to which message it knows what it was told.
pub(crate) fn transparent() -> Arc<dyn Protocol> {
    let endpoint = Endpoint::new("https://mock", Some(Secret::new(CALLER))).unwrap();
    let options = json!({"model": "m", "session_resumption": "transparent"});
    Arc::new(GeminiLive::new(endpoint, serde_json::from_value(options).unwrap()))
}

impl Told {
    pub(crate) fn said(&self) -> Vec<String> {
        self.summary.messages.iter().map(line).collect()
    }

    pub(crate) fn count(&self, what: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|event| what(&event.kind)).count()
    }

    /// The last call's history, as the service has it.
    pub(crate) fn there(&self) -> Vec<String> {
        let lines = &self.calls.last().unwrap().conversation;
        lines.iter().map(|line| format!("{}: {}", line.role, line.text)).collect()
    }
}

fn line(message: &Message) -> String {
    let who = format!("{:?}", message.role).to_lowercase();
    let cut = if message.interrupted { "…" } else { "" };
    match (&message.tool_result, message.tool_calls.first()) {
        (Some(result), _) => format!("{who}: {}", result.content),
        (_, Some(call)) => format!("{who}: {}({})", call.name, call.arguments),
        _ => format!("{who}: {}{cut}", message.text),
    }
}

/// Hello, then a question.
pub(crate) fn two_turns() -> World {
    let script = json!({
        "heard": ["hello there", "what time is it"],
        "answers": ["Hello. What can I do for you?", "It is noon."],
    });
    World::new(&[(2, 4.0), (4, 4.0)], script)
}

pub(crate) const TWO_TURNS: [&str; 4] = [
    "user: hello there",
    "assistant: Hello. What can I do for you?",
    "user: what time is it",
    "assistant: It is noon.",
];

/// A world in one protocol, in which turns are found here, or there.
pub(crate) fn either(world: World, by_gemini: bool, there: bool) -> World {
    let world = if by_gemini { world.by_gemini() } else { world };
    if there { world.there() } else { world }
}

/// Both protocols, and both ways to find turns.
pub(crate) const EITHER: [(bool, bool); 4] =
    [(false, false), (false, true), (true, false), (true, true)];

pub(crate) fn latency(event: &Event) -> Option<f64> {
    match &event.kind {
        EventKind::Latency(latency) => Some(latency.total_ms),
        _ => None,
    }
}

impl Told {
    /// From the end of a turn to the agent's voice, or to an event that says what is wrong, at most
    /// ten seconds pass.
    pub(crate) fn is_never_silent_without_a_word(&self) {
        let mut waits: Option<f64> = None;
        for event in &self.events {
            let at = event.at.as_millis();
            if let Some(since) = waits {
                assert!(at - since < 10_500.0, "nothing since {since} ms: {event:?}");
            }
            match &event.kind {
                EventKind::TurnEnded { .. } => waits = Some(at),
                EventKind::AgentSpeechStarted { .. }
                | EventKind::TurnFailed { .. }
                | EventKind::ConnectionLost { .. } => waits = None,
                _ => {}
            }
        }
    }
}

/// The moments of a turn, as the script names them.
pub(crate) const MOMENTS: [&str; 6] =
    ["ready", "speech_started", "turn_ended", "response_begun", "first_audio", "response_over"];
