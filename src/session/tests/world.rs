//! A person, mock engines and what came of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::audio::SampleRate;
use crate::device::{
    CapturePort, Comes, DeviceError, Microphone, Refused, RenderPort, Rendering, Running, Speaker,
};
use crate::duplex::DuplexProvider;
use crate::events::{Event, EventKind};
use crate::providers::Provider;
use crate::providers::mock::MockProvider;
use crate::session::{
    DuplexEngines, Engines, Fallback, Pace, PendingCalls, Session, SessionConfig, SessionError,
    SessionHandle, Summary, WishError,
};
use crate::stt::Transcriber;
use crate::stt::mock::MockTranscriber;
use crate::time::{SessionClock, SessionTime};
use crate::tools::ToolRegistry;
use crate::tts::MockSynthesizer;
use crate::tts::Synthesizer;
use crate::turn::{Endpointer, TurnDetector};
use crate::types::Message;
use crate::vad::Scripted;

/// A conversation to come: one symbol of the script is a frame of 20 ms, `s` with voice.
pub(super) struct World {
    pub(super) script: String,
    pub(super) transcriber: Arc<dyn Transcriber>,
    pub(super) provider: Arc<MockProvider>,
    /// Answers in place of `provider`, if it is there.
    pub(super) model: Option<Arc<dyn Provider>>,
    pub(super) synthesizer: Arc<dyn Synthesizer>,
    pub(super) tools: ToolRegistry,
    pub(super) config: SessionConfig,
    /// Detects turns, if it is there.
    pub(super) detector: Option<Box<dyn TurnDetector>>,
    /// Says how much silence ends a turn, if it is there.
    pub(super) endpointer: Option<Box<dyn Endpointer>>,
    /// Hears, answers and speaks for itself, if it is there.
    pub(super) duplex: Option<Arc<dyn DuplexProvider>>,
    /// Its other engines go on when that is lost for good.
    pub(super) falls_back: bool,
    /// Stop when this event comes, if one is named.
    pub(super) stop_at: Option<&'static str>,
    /// What is wished for before the session runs.
    pub(super) at_start: Option<Wish>,
    /// What is wished for when an event of this type first comes.
    on: Option<(&'static str, Wish)>,
    /// What is wished for at these times.
    at: Vec<(SessionTime, Wish)>,
    /// What somebody decides about the calls that wait, when an event of this type comes for
    /// so many times.
    decide: Option<(&'static str, usize, Decide)>,
}

/// What somebody decides about the calls that wait.
pub(super) type Decide = fn(PendingCalls) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that is wished for.
pub(super) type Wish = fn(&SessionHandle) -> Result<(), WishError>;

/// What came of it.
pub(super) struct Told {
    pub(super) events: Vec<Event>,
    pub(super) messages: Vec<Message>,
    /// What left the speaker, from the session's start.
    pub(super) heard: Vec<i16>,
    pub(super) summary: Summary,
    pub(super) handle: SessionHandle,
}

impl World {
    /// What the person says, turn by turn, and what the model answers.
    pub(super) fn new(script: &str, said: &[&str], answers: &[&str]) -> Self {
        let provider = MockProvider::new();
        answers.iter().for_each(|answer| provider.add_response(*answer));
        Self {
            script: script.to_owned(),
            transcriber: Arc::new(MockTranscriber::new(said.iter().copied())),
            provider: Arc::new(provider),
            model: None,
            synthesizer: Arc::new(MockSynthesizer::default()),
            tools: ToolRegistry::new(),
            config: SessionConfig::default(),
            detector: None,
            endpointer: None,
            duplex: None,
            falls_back: false,
            stop_at: None,
            at_start: None,
            on: None,
            at: Vec::new(),
            decide: None,
        }
    }

    /// Wishes for something when an event of this type first comes.
    pub(super) fn on(&mut self, kind: &'static str, wish: Wish) {
        self.on = Some((kind, wish));
    }

    /// Has somebody decide about the calls that wait when the `nth` event of this type comes.
    pub(super) fn decide(&mut self, nth: usize, on: &'static str, decide: Decide) {
        self.decide = Some((on, nth, decide));
    }

    /// Wishes for something so many milliseconds into the session.
    pub(super) fn at(&mut self, ms: u64, wish: Wish) {
        self.at.push((SessionTime::from_millis(ms), wish));
    }

    /// Its engines alone, for a session on other devices.
    pub(super) fn engines(&self) -> Engines {
        let mock: Arc<dyn Provider> = Arc::<MockProvider>::clone(&self.provider);
        Engines {
            vad: Box::new(Scripted::new(&self.script)),
            transcriber: Arc::clone(&self.transcriber),
            provider: self.model.clone().unwrap_or(mock),
            synthesizer: Arc::clone(&self.synthesizer),
            tools: Arc::new(self.tools.clone()),
        }
    }

    pub(super) async fn run(self) -> Told {
        self.try_run().await.expect("it goes well")
    }

    pub(super) async fn try_run(mut self) -> Result<Told, SessionError> {
        let samples = self.script.len() * 320;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let engines = self.engines();
        let mut session = match self.duplex.take() {
            Some(provider) => {
                let Engines { vad, tools, transcriber, provider: model, synthesizer } = engines;
                let session = Session::duplex(DuplexEngines { vad, provider, tools }, self.config);
                match self.falls_back {
                    true => session.with_fallback(Fallback {
                        transcriber,
                        provider: model,
                        synthesizer,
                    }),
                    false => session,
                }
            }
            None => Session::new(engines, self.config),
        };
        if let Some(detector) = self.detector.take() {
            session = session.with_turn_detector(detector);
        }
        if let Some(endpointer) = self.endpointer.take() {
            session = session.with_endpointer(endpointer);
        }
        let mut subscription = session.subscribe();
        let handle = session.handle();
        if let Some(wish) = self.at_start {
            wish(&handle).unwrap();
        }
        let watching = handle.clone();
        let (mut on, mut decide) = (self.on, self.decide);
        let calls = session.pending_calls();
        let watch = tokio::spawn(async move {
            let mut events = Vec::new();
            while let Some(event) = subscription.next().await {
                let event = event.expect("no event is lost");
                if self.stop_at == Some(&*name(&event)) {
                    watching.stop();
                }
                if let Some((_, nth, _)) = decide.as_mut().filter(|(on, ..)| *on == name(&event)) {
                    *nth -= 1;
                }
                if let Some((.., decide)) = decide.take_if(|(_, nth, _)| *nth == 0) {
                    tokio::spawn(decide(calls.clone()));
                }
                if let Some((_, wish)) = on.take_if(|(kind, _)| *kind == name(&event)) {
                    wish(&watching).unwrap();
                }
                events.push(event);
            }
            events
        });
        let wishes = Arc::new(Mutex::new((self.at, handle.clone())));
        let microphone = Box::new(Counting { samples, wishes });
        let speaker = Box::new(Listening(Arc::clone(&heard)));
        let summary = session.run(microphone, speaker, Pace::Max).await?;
        let events = watch.await.unwrap();
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        Ok(Told { events, messages: summary.messages.clone(), heard, summary, handle })
    }
}

impl Told {
    /// The events of these types, as `(ms, type)`.
    pub(super) fn times(&self, types: &[&str]) -> Vec<(f64, String)> {
        let named = self.events.iter().map(|event| (event.at.as_millis(), name(event)));
        named.filter(|(_, name)| types.contains(&&**name)).collect()
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.times(&[name]).len()
    }

    /// The messages as `who: text`, with `…` where one was interrupted.
    pub(super) fn said(&self) -> Vec<String> {
        self.messages.iter().map(line).collect()
    }

    /// The loudest sample between two times.
    pub(super) fn peak(&self, ms: std::ops::Range<usize>) -> u16 {
        let samples = &self.heard[ms.start * 16..(ms.end * 16).min(self.heard.len())];
        samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
    }
}

pub(in crate::session) fn line(message: &Message) -> String {
    let who = format!("{:?}", message.role).to_lowercase();
    let cut = if message.interrupted { "…" } else { "" };
    match (&message.tool_result, message.tool_calls.first()) {
        (Some(result), _) => format!("{who}: {}", result.content),
        (_, Some(call)) => format!("{who}: {}({})", call.name, call.arguments),
        _ => format!("{who}: {}{cut}", message.text),
    }
}

pub(in crate::session) fn name(event: &Event) -> String {
    let value = serde_json::to_value(event).unwrap();
    value["type"].as_str().map(str::to_owned).unwrap()
}

/// A field of the first event of a type.
pub(super) fn field(told: &Told, kind: &str, field: &str) -> Value {
    let event = told.events.iter().find(|event| name(event) == kind);
    serde_json::to_value(event.unwrap_or_else(|| panic!("no {kind}"))).unwrap()[field].clone()
}

pub(super) fn silence(ms: usize) -> String {
    ".".repeat(ms / 20)
}

pub(super) fn voice(ms: usize) -> String {
    "s".repeat(ms / 20)
}

/// A microphone whose samples count, so that each can be told from the others.
#[derive(Debug)]
struct Counting {
    samples: usize,
    wishes: Wishes,
}

/// What is wished for, and when: the microphone moves in the session's time.
type Wishes = Arc<Mutex<(Vec<(SessionTime, Wish)>, SessionHandle)>>;

impl Microphone for Counting {
    fn name(&self) -> String {
        "counting".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let Self { samples, wishes } = *self;
        Ok(Box::new(Counted { samples, wishes, moved: 0, port: Some(port) }))
    }
}

#[derive(Debug)]
struct Counted {
    samples: usize,
    wishes: Wishes,
    moved: usize,
    port: Option<CapturePort>,
}

impl Running for Counted {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let mut wishes = self.wishes.lock().unwrap();
        let handle = wishes.1.clone();
        for (_, wish) in wishes.0.extract_if(.., |(at, _)| *at <= now) {
            wish(&handle).unwrap();
        }
        drop(wishes);
        let due = SampleRate::SPEECH.samples(now.since(SessionTime::ZERO)) as usize;
        let until = due.min(self.samples);
        if let Some(port) = &mut self.port {
            let samples: Vec<i16> = (self.moved..until).map(|n| (n % 30_000) as i16).collect();
            port.push(&samples);
        }
        self.moved = until;
        if until == self.samples {
            self.port = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        Comes::OnTime
    }
}

/// A speaker that remembers.
#[derive(Debug)]
struct Listening(Arc<Mutex<Vec<i16>>>);

impl Speaker for Listening {
    fn name(&self) -> String {
        "listening".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Remembering { port, heard: self.0 }))
    }
}

#[derive(Debug)]
struct Remembering {
    port: RenderPort,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Rendering for Remembering {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let due = SampleRate::SPEECH.samples(now.since(SessionTime::ZERO)) as usize;
        let mut heard = self.heard.lock().unwrap();
        let from = heard.len();
        heard.resize(due, 0);
        let at = SessionTime::ZERO + SampleRate::SPEECH.duration(from as u64);
        self.port.fill(&mut heard[from..], at);
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// Events that carry what a test asks for most.
pub(super) fn interrupted(told: &Told) -> Vec<(f64, String)> {
    let told = told.events.iter().filter_map(|event| match &event.kind {
        EventKind::Interrupted { heard_ms, heard_text } => Some((*heard_ms, heard_text.clone())),
        _ => None,
    });
    told.collect()
}
