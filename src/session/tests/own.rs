//! A model that hears and speaks for itself.

mod words;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::mock::MockDuplex;
use crate::duplex::{
    Detecting, DuplexCapabilities, DuplexEngine, DuplexError, DuplexEvent, DuplexInput,
    DuplexProvider, DuplexSession, Opening, Refusal, RefusalKind, ReplyEnd, ReplyId, ServerTurns,
};
use crate::ids::TurnId;
use crate::session::SessionError;
use crate::time::{SessionClock, SessionTime};
use crate::tools::FunctionTool;
use crate::types::{ToolCall, ToolDescriptor, ToolResult, Usage};

/// A provider whose other side is played by a function.
pub(super) struct Puppet {
    pub(super) play: Play,
    pub(super) told: Inputs,
}

/// How the other side is played.
pub(super) type Play = fn(Side) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the other side was told, but for sound.
pub(super) type Inputs = Arc<Mutex<Vec<DuplexInput>>>;

impl fmt::Debug for Puppet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Puppet")
    }
}

impl DuplexProvider for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn capabilities(&self) -> DuplexCapabilities {
        MockDuplex::new().capabilities()
    }

    fn open(&self, opening: Opening) -> DuplexSession {
        let (session, engine) = DuplexSession::channel();
        let clock = opening.clock.clone();
        let side = Side { engine, clock: clock.clone(), told: Arc::clone(&self.told), last: None };
        tokio::spawn(clock.track((self.play)(side)));
        session
    }
}

/// The other side.
pub(super) struct Side {
    engine: DuplexEngine,
    pub(super) clock: SessionClock,
    told: Inputs,
    last: Option<ReplyId>,
}

impl Side {
    /// The next thing that it is told, but for sound.
    pub(super) async fn input(&mut self) -> Option<DuplexInput> {
        loop {
            let input = self.engine.inputs.recv().await?;
            if !matches!(input, DuplexInput::Sound { .. }) {
                self.told.lock().unwrap().push(input.clone());
                return Some(input);
            }
        }
    }

    /// Waits until an answer is asked for.
    pub(super) async fn asked(&mut self) -> bool {
        while let Some(input) = self.input().await {
            if matches!(input, DuplexInput::Respond { .. } | DuplexInput::ToolResults(_)) {
                return true;
            }
        }
        false
    }

    pub(super) async fn rest(mut self) {
        while self.input().await.is_some() {}
    }

    pub(super) async fn tell(&mut self, event: DuplexEvent) {
        let _ended = self.engine.events.send(event).await;
    }

    pub(super) async fn words(&mut self, turn: u32, text: &str) {
        let (turn, text) = (TurnId::new(turn), text.into());
        self.tell(DuplexEvent::Transcript { turn, text, is_final: true }).await;
    }

    pub(super) async fn begin(&mut self, asked: bool) -> ReplyId {
        let reply = self.last.map_or(ReplyId::FIRST, ReplyId::next);
        self.last = Some(reply);
        self.tell(DuplexEvent::ReplyStarted { reply, asked }).await;
        reply
    }

    /// Its words, and a second of its voice for each ten characters, all at once.
    pub(super) async fn say(&mut self, reply: ReplyId, text: &str) {
        self.tell(DuplexEvent::Text { reply, delta: text.to_owned() }).await;
        let rate = SampleRate::new(24_000).unwrap();
        for _ in 0..text.len() {
            let audio = AudioChunk::new(vec![8_000; 2_400], rate);
            self.tell(DuplexEvent::Sound { reply, audio }).await;
        }
    }

    pub(super) async fn end(&mut self, reply: ReplyId, how: ReplyEnd) {
        let usage = Some(Usage::of_text(10, 5));
        self.tell(DuplexEvent::ReplyEnded { reply, how, usage }).await;
    }

    pub(super) async fn answer(&mut self, asked: bool, text: &str) {
        let reply = self.begin(asked).await;
        self.say(reply, text).await;
        self.end(reply, ReplyEnd::Completed).await;
    }
}

fn world(script: &str, play: Play) -> (World, Inputs) {
    let told = Inputs::default();
    let mut world = World::new(script, &[], &[]);
    world.duplex = Some(Arc::new(Puppet { play, told: Arc::clone(&told) }));
    (world, told)
}

/// What it was told, without what tells nothing.
pub(super) fn kinds(told: &Inputs) -> Vec<String> {
    let told = told.lock().unwrap();
    told.iter().map(|input| format!("{input:?}").replace("TurnId", "")).collect()
}

fn question() -> String {
    [voice(600), silence(4000)].concat()
}

#[tokio::test]
async fn a_turn_is_answered_when_it_is_over_and_its_words_are_written_down_before_the_answer() {
    let (world, inputs) = world(&question(), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.answer(true, "It is noon.").await;
            side.clock.sleep(Duration::from_millis(1_500)).await;
            side.words(1, "what time is it").await;
            side.rest().await;
        })
    });
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(
        kinds(&inputs)[..3],
        ["TurnBegan { turn: (1) }", "TurnEnded { turn: (1) }", "Respond { say: None }"]
    );
    let latency = field(&told, "latency", "total_ms").as_f64().unwrap();
    let ended = told.times(&["turn_ended"])[0].0;
    let sounded = field(&told, "agent_speech_started", "start_ms").as_f64().unwrap();
    assert!((sounded - ended).abs() < 30.0, "at once: {ended}, {sounded}");
    assert!((latency - (sounded - 600.0)).abs() < 60.0, "{latency}");
    assert_eq!(told.summary.messages.len(), 2);
}

#[tokio::test]
async fn who_speaks_over_it_stops_it_and_it_learns_what_was_heard() {
    let script = [voice(600), silence(1800), voice(1000), silence(4000)].concat();
    let (world, inputs) = world(&script, |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.answer(true, "One two three four five six seven eight nine ten.").await;
            side.words(1, "count").await;
            side.asked().await;
            side.answer(true, "Yes?").await;
            side.words(2, "no stop").await;
            side.rest().await;
        })
    });
    let told = world.run().await;
    assert_eq!((told.count("held"), told.count("interrupted")), (1, 1));
    let heard_ms = field(&told, "interrupted", "heard_ms").as_f64().unwrap();
    let text = field(&told, "interrupted", "heard_text");
    let Some(DuplexInput::Heard { reply, sound, text: words, whole }) = inputs
        .lock()
        .unwrap()
        .iter()
        .find(|input| matches!(input, DuplexInput::Heard { .. }))
        .cloned()
    else {
        panic!("it was told nothing")
    };
    assert_eq!((reply, whole), (ReplyId::FIRST, false));
    assert!((sound.as_secs_f64() * 1e3 - heard_ms).abs() < 0.01, "{sound:?}, {heard_ms}");
    assert_eq!(json!(&*words), text);
    assert_eq!(told.said()[0], "user: count");
    assert_eq!(told.said()[1], format!("assistant: {words}…"));
    assert_eq!(told.said()[2..], ["user: no stop", "assistant: Yes?"]);
}

#[tokio::test]
async fn a_listener_does_not_stop_it() {
    let script = [voice(600), silence(1800), voice(440), silence(8000)].concat();
    let (mut world, inputs) = world(&script, |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.answer(true, "One two three four five six.").await;
            side.words(1, "count").await;
            while let Some(input) = side.input().await {
                if matches!(input, DuplexInput::TurnEnded { .. }) {
                    side.words(2, "mm-hm").await;
                }
            }
        })
    });
    world.config.turn.language = "en".to_owned();
    let told = world.run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    assert_eq!(told.count("interrupted"), 0);
    let asked = |input: &String| input.starts_with("Respond");
    assert_eq!(kinds(&inputs).iter().filter(|input| asked(input)).count(), 1);
}

#[tokio::test]
async fn the_other_side_may_detect_turns_and_begin_answers() {
    let script = [voice(600), silence(1400), voice(1000), silence(6000)].concat();
    let (mut world, inputs) = world(&script, |mut side| {
        Box::pin(async move {
            let at = |ms| SessionTime::from_millis(ms);
            let heard = side.clock.clone();
            heard.sleep_until(at(200)).await;
            side.tell(DuplexEvent::SpeechStarted { at: at(0) }).await;
            heard.sleep_until(at(1_100)).await;
            side.tell(DuplexEvent::SpeechStopped { at: at(600) }).await;
            let first = side.begin(false).await;
            side.say(first, "One two three four five six seven.").await;
            heard.sleep_until(at(2_200)).await;
            side.tell(DuplexEvent::SpeechStarted { at: at(2_000) }).await;
            side.end(first, ReplyEnd::Interrupted).await;
            heard.sleep_until(at(3_500)).await;
            side.words(1, "count").await;
            side.tell(DuplexEvent::SpeechStopped { at: at(3_000) }).await;
            side.answer(false, "Yes?").await;
            side.words(2, "stop").await;
            side.rest().await;
        })
    });
    world.config.duplex.detecting = Detecting::There(ServerTurns::default());
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert!(told.times(&["held"])[0].0 - 2_200.0 < 15.0, "{:?}", told.times(&["held"]));
    let silent = field(&told, "silenced", "callback_ms").as_f64().unwrap();
    assert!(
        (0.0..15.0).contains(&silent),
        "the speaker obeys, though all is over by then: {silent}"
    );
    assert_eq!(told.said()[0], "user: count");
    assert!(told.said()[1].ends_with('…'), "{:?}", told.said());
    assert_eq!(told.said()[2..], ["user: stop", "assistant: Yes?"]);
    assert!(!kinds(&inputs).iter().any(|input| input.starts_with("Respond")), "it was not asked");
    let heard =
        kinds(&inputs).into_iter().filter(|input| input.starts_with("Heard")).collect::<Vec<_>>();
    assert_eq!(heard.len(), 2);
    assert!(heard[0].contains("whole: false") && heard[1].contains("whole: true"), "{heard:?}");
}

#[tokio::test]
async fn tools_are_called_and_what_is_said_before_and_after_is_one_answer() {
    let (mut world, inputs) = world(&question(), |mut side| {
        Box::pin(async move {
            side.asked().await;
            let reply = side.begin(true).await;
            side.say(reply, "Let me see.").await;
            let call = ToolCall {
                id: "call_1".to_owned(),
                name: "clock".to_owned(),
                arguments: json!({}),
            };
            side.tell(DuplexEvent::ToolCall { reply, call }).await;
            side.end(reply, ReplyEnd::AwaitsTools).await;
            side.asked().await;
            side.answer(true, "Noon.").await;
            side.words(1, "what time is it").await;
            side.rest().await;
        })
    });
    let descriptor = ToolDescriptor::new("clock", "Tells the time.", json!({"type": "object"}));
    let clock = FunctionTool::new(descriptor, async |_| Ok(json!("12:00")));
    world.tools.register(clock).unwrap();
    let told = world.run().await;
    let result = ToolResult {
        id: "call_1".to_owned(),
        name: "clock".to_owned(),
        content: "12:00".to_owned(),
        is_error: false,
    };
    assert!(inputs.lock().unwrap().contains(&DuplexInput::ToolResults(vec![result])));
    assert_eq!(told.count("response_started"), 1);
    assert_eq!(
        told.said(),
        [
            "user: what time is it",
            "assistant: clock({})",
            "tool: 12:00",
            "assistant: Let me see. Noon."
        ]
    );
}

/// The model is told that somebody must allow the call, and goes on; what comes of it later is told in
/// words.
#[tokio::test]
async fn a_call_that_waits_for_approval_holds_nothing_up() {
    let script = [voice(600), silence(12_000)].concat();
    let (mut world, inputs) = world(&script, |mut side| {
        Box::pin(async move {
            side.asked().await;
            let reply = side.begin(true).await;
            let (id, name) = ("call_1".to_owned(), "refund".to_owned());
            let call = ToolCall { id, name, arguments: json!({}) };
            side.tell(DuplexEvent::ToolCall { reply, call }).await;
            side.end(reply, ReplyEnd::AwaitsTools).await;
            side.asked().await;
            side.answer(true, "I asked.").await;
            side.words(1, "refund please").await;
            side.asked().await;
            side.answer(true, "It is paid.").await;
            side.rest().await;
        })
    });
    let descriptor = ToolDescriptor::new("refund", "Pays it back.", json!({"type": "object"}));
    world.tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("paid")))).unwrap();
    world.tools.require_approval(["refund"]);
    world.decide(1, "agent_speech_ended", |calls| {
        Box::pin(async move {
            let id = calls.list()[0].call.id.clone();
            calls.approve(&id, None).await.unwrap();
        })
    });
    let told = world.run().await;
    let texts: Vec<_> =
        kinds(&inputs).into_iter().filter(|input| input.contains("given")).collect();
    assert_eq!(
        texts,
        ["Text(\"The tool `refund`, which you called before, has now given: paid\")"]
    );
    let said = told.said();
    assert_eq!(said[..2], ["user: refund please", "assistant: refund({})"]);
    assert!(said.contains(&"assistant: I asked.".to_owned()), "{said:#?}");
    assert_eq!(said.last().unwrap(), "assistant: It is paid.");
}

/// What is typed interrupts the other side, which waits for its tools no longer.
#[tokio::test]
async fn an_answer_whose_calls_are_cancelled_before_anybody_heard_of_it_is_none() {
    let (mut world, _) = world(&question(), |mut side| {
        Box::pin(async move {
            side.clock.clone().sleep_until(SessionTime::from_millis(900)).await;
            side.words(1, "what time is it").await;
            let reply = side.begin(false).await;
            let (id, name) = ("call_1".to_owned(), "clock".to_owned());
            let call = ToolCall { id: id.clone(), name, arguments: json!({}) };
            side.tell(DuplexEvent::ToolCall { reply, call }).await;
            side.end(reply, ReplyEnd::AwaitsTools).await;
            side.asked().await;
            side.tell(DuplexEvent::ToolsCancelled { ids: vec![id] }).await;
            side.answer(true, "Hello.").await;
            side.rest().await;
        })
    });
    world.config.duplex.detecting = Detecting::There(ServerTurns::default());
    world.config.duplex.own_rules = true;
    let descriptor = ToolDescriptor::new("clock", "Tells the time.", json!({"type": "object"}));
    world.tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("12:00")))).unwrap();
    world.at(700, |handle| handle.hear("hi there"));
    let told = world.run().await;
    assert_eq!((told.count("tool_called"), told.count("turn_failed")), (0, 0));
    let said = ["user: what time is it", "user: hi there", "assistant: Hello."];
    assert_eq!(told.said(), said);
}

#[tokio::test]
async fn what_is_typed_is_asked_in_words() {
    let (mut world, inputs) = world(&silence(6000), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.answer(true, "Hello.").await;
            side.rest().await;
        })
    });
    world.at(500, |handle| handle.hear("hi there"));
    let told = world.run().await;
    assert_eq!(told.said(), ["user: hi there", "assistant: Hello."]);
    assert_eq!(kinds(&inputs)[..2], ["Text(\"hi there\")", "Respond { say: None }"]);
}

#[tokio::test]
async fn what_is_to_be_said_it_is_asked_to_say() {
    let (mut world, inputs) = world(&silence(6000), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.answer(true, "Welcome.").await;
            side.rest().await;
        })
    });
    world.at_start = Some(|handle| handle.say("Welcome."));
    let told = world.run().await;
    assert_eq!(told.said(), ["assistant: Welcome."]);
    assert_eq!(kinds(&inputs)[0], "Respond { say: Some(\"Welcome.\") }");
}

#[tokio::test]
async fn an_answer_that_is_lost_before_it_was_heard_is_asked_for_once_more() {
    let (world, inputs) = world(&question(), |mut side| {
        Box::pin(async move {
            side.asked().await;
            let reply = side.begin(true).await;
            side.end(reply, ReplyEnd::Lost).await;
            side.asked().await;
            side.answer(true, "It is noon.").await;
            side.words(1, "what time is it").await;
            side.rest().await;
        })
    });
    let told = world.run().await;
    assert_eq!((told.count("retried"), told.count("turn_failed")), (1, 0));
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(kinds(&inputs).iter().filter(|input| input.starts_with("Respond")).count(), 2);
}

#[tokio::test]
async fn so_is_one_to_what_was_typed_where_the_other_side_begins_answers() {
    let (mut world, _) = world(&silence(6000), |mut side| {
        Box::pin(async move {
            side.asked().await;
            let reply = side.begin(true).await;
            side.end(reply, ReplyEnd::Lost).await;
            side.asked().await;
            side.answer(true, "Hello.").await;
            side.rest().await;
        })
    });
    world.config.duplex.detecting = Detecting::There(ServerTurns::default());
    world.at(500, |handle| handle.hear("hi there"));
    let told = world.run().await;
    assert_eq!(told.said(), ["user: hi there", "assistant: Hello."]);
}

#[tokio::test]
async fn a_session_that_cannot_be_kept_ends_the_call_and_says_why() {
    let (world, _) = world(&question(), |mut side| {
        Box::pin(async move {
            side.asked().await;
            let message = "no such key".to_owned();
            let refusal = Refusal { kind: RefusalKind::Unauthorized, code: None, message };
            let provider = "puppet".to_owned();
            side.tell(DuplexEvent::Closed(DuplexError::Refused { provider, refusal })).await;
        })
    });
    match world.try_run().await {
        Err(SessionError::Left(reason)) => assert!(reason.contains("no such key"), "{reason}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it goes on without anybody"),
    }
}
