//! A session over connections that come and go, in a protocol of one word a frame.

use std::sync::Mutex;

use http::Request;

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::mock::MockDuplex;
use crate::duplex::{DuplexSettings, Past, Refusal, RefusalKind, ReplyEnd, ReplyId, ServerTurns};
use crate::ids::TurnId;
use crate::net::Far;
use crate::net::mock::MockDial;
use crate::time::SessionClock;
use crate::types::Message;

/// `open N` says how many messages there were, `ready` agrees; `reply`, `sound`, `end` are an
/// answer, `bye` is a warning, `speech` the user's voice, `no` a refusal.
#[derive(Debug)]
struct Words;

#[derive(Debug, Default)]
struct WordCodec {
    ready: bool,
    last: Option<ReplyId>,
    replying: bool,
}

impl Protocol for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn capabilities(&self) -> DuplexCapabilities {
        let lasts = Some(Duration::from_secs(3_600));
        DuplexCapabilities { lasts, ..MockDuplex::new().capabilities() }
    }

    fn is_metered(&self) -> bool {
        false
    }

    fn codec(&self) -> Box<dyn Codec> {
        Box::new(WordCodec::default())
    }

    fn request(&self) -> Request<()> {
        Request::get("wss://there/words").body(()).unwrap()
    }
}

impl WordCodec {
    fn end(&mut self, how: ReplyEnd, decoded: &mut Decoded) {
        if let Some(reply) = self.last.filter(|_| std::mem::take(&mut self.replying)) {
            decoded.events.push(DuplexEvent::ReplyEnded { reply, how, usage: None });
        }
    }
}

impl Codec for WordCodec {
    fn open(&mut self, settings: &DuplexSettings, past: &[Message], frames: &mut Vec<String>) {
        self.ready = false;
        frames.push(format!("open {} {}", past.len(), settings.system));
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn encode(&mut self, input: &DuplexInput, frames: &mut Vec<String>) {
        frames.push(match input {
            DuplexInput::Text(text) => text.to_string(),
            DuplexInput::Sound { audio, .. } => format!("sound {}", audio.samples()[0]),
            DuplexInput::TurnBegan { .. } => "began".to_owned(),
            DuplexInput::TurnEnded { .. } => "ended".to_owned(),
            _ => "other".to_owned(),
        });
    }

    fn decode(&mut self, frame: &[u8], decoded: &mut Decoded) {
        let reply = self.last.unwrap_or(ReplyId::FIRST);
        match frame {
            b"ready" => {
                self.ready = true;
                decoded.events.push(DuplexEvent::Ready { resumed: false });
            }
            b"reply" => {
                let reply = self.last.map_or(ReplyId::FIRST, ReplyId::next);
                (self.last, self.replying) = (Some(reply), true);
                decoded.events.push(DuplexEvent::ReplyStarted { reply, asked: true });
            }
            b"word" => {
                decoded.events.push(DuplexEvent::Text { reply, delta: "word".to_owned() });
            }
            b"end" => self.end(ReplyEnd::Completed, decoded),
            b"bye" => {
                decoded.events.push(DuplexEvent::GoingAway { left: Duration::from_secs(50) });
            }
            b"no" => {
                let message = "not you".to_owned();
                let kind = RefusalKind::Unauthorized;
                decoded.refused = Some(Refusal { kind, code: None, message });
            }
            other => panic!("{other:?}"),
        }
    }

    fn lost(&mut self, decoded: &mut Decoded) {
        self.ready = false;
        self.end(ReplyEnd::Lost, decoded);
    }

    fn skipped(&self) -> u64 {
        0
    }
}

/// What was said before: as many messages as there are now.
#[derive(Debug, Default)]
struct Said(Mutex<Vec<Message>>);

impl Past for Said {
    fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }
}

struct World {
    dial: MockDial,
    past: Arc<Said>,
    session: DuplexSession,
}

/// A session whose connections are `dial`'s, which has some.
fn open(dial: &MockDial, detecting: crate::duplex::Detecting) -> World {
    let past = Arc::new(Said::default());
    let settings = DuplexSettings { system: "be kind".into(), detecting, ..Default::default() };
    let opening = Opening {
        settings: Arc::new(settings),
        past: Arc::<Said>::clone(&past),
        clock: SessionClock::live(),
    };
    let provider = SocketDuplex::new(Arc::new(Words), Arc::new(dial.clone()));
    World { dial: dial.clone(), past, session: provider.open(opening) }
}

const HERE: crate::duplex::Detecting = crate::duplex::Detecting::Here;

impl World {
    async fn tell(&self, text: &str) {
        self.session.inputs.send(DuplexInput::Text(text.into())).await.unwrap();
    }

    async fn event(&mut self) -> DuplexEvent {
        self.session.events.recv().await.expect("the session goes on")
    }

    /// The next event, which is that a connection was lost.
    async fn lost(&mut self) -> Duration {
        match self.event().await {
            DuplexEvent::Lost { again_in, .. } => again_in,
            other => panic!("{other:?}"),
        }
    }
}

async fn heard(far: &mut Far) -> String {
    match far.receive().await {
        Some(SocketMessage::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

async fn say(far: &Far, words: &[&str]) {
    for word in words {
        assert!(far.send(SocketMessage::Text((*word).to_owned())).await);
    }
}

/// A tenth of a second of sound, known by its number.
fn sound(number: i16) -> DuplexInput {
    let at = SessionTime::ZERO + Duration::from_millis(100) * u32::from(number.unsigned_abs());
    DuplexInput::Sound { at, audio: AudioChunk::new(vec![number; 1_600], SampleRate::SPEECH) }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_before_the_other_side_is_ready_waits() {
    let dial = MockDial::new();
    let mut far = dial.accept();
    let mut world = open(&dial, HERE);
    world.tell("one").await;
    assert_eq!(heard(&mut far).await, "open 0 be kind");
    world.tell("two").await;
    say(&far, &["ready"]).await;
    assert_eq!(world.event().await, DuplexEvent::Ready { resumed: false });
    assert_eq!((heard(&mut far).await, heard(&mut far).await), ("one".into(), "two".into()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_replaced_and_told_what_was_said_and_not_answered() {
    let dial = MockDial::new();
    let (mut first, mut second) = (dial.accept(), dial.accept());
    let mut world = open(&dial, HERE);
    heard(&mut first).await;
    say(&first, &["ready"]).await;
    world.event().await;
    world.tell("answered").await;
    heard(&mut first).await;
    say(&first, &["reply", "word", "end"]).await;
    for _ in 0..3 {
        world.event().await;
    }
    world.past.0.lock().unwrap().push(Message::user("answered"));
    for input in [DuplexInput::TurnBegan { turn: TurnId::new(1) }, sound(1)] {
        world.session.inputs.send(input).await.unwrap();
    }
    assert_eq!(
        (heard(&mut first).await, heard(&mut first).await),
        ("began".into(), "sound 1".into())
    );
    drop(first);
    assert_eq!(world.lost().await, Duration::ZERO);
    world.session.inputs.send(sound(2)).await.unwrap();
    assert_eq!(heard(&mut second).await, "open 1 be kind");
    say(&second, &["ready"]).await;
    assert_eq!(world.event().await, DuplexEvent::Ready { resumed: false });
    for frame in ["began", "sound 1", "sound 2"] {
        assert_eq!(heard(&mut second).await, frame);
    }
    assert_eq!(world.dial.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_with_its_connection() {
    let dial = MockDial::new();
    let (mut first, _second) = (dial.accept(), dial.accept());
    let mut world = open(&dial, HERE);
    heard(&mut first).await;
    say(&first, &["ready", "reply", "word"]).await;
    drop(first);
    for _ in 0..3 {
        world.event().await;
    }
    let ended = DuplexEvent::ReplyEnded { reply: ReplyId::FIRST, how: ReplyEnd::Lost, usage: None };
    assert_eq!(world.event().await, ended);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_will_end_is_replaced_in_a_silence() {
    let dial = MockDial::new();
    let (mut first, mut second) = (dial.accept(), dial.accept());
    let mut world = open(&dial, HERE);
    heard(&mut first).await;
    say(&first, &["ready", "reply", "bye"]).await;
    for _ in 0..3 {
        world.event().await;
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(world.dial.attempts().len(), 1, "an answer is under way");
    say(&first, &["end"]).await;
    world.event().await;
    assert_eq!(first.receive().await, None, "it is closed");
    drop(first);
    assert_eq!(heard(&mut second).await, "open 0 be kind");
    say(&second, &["ready"]).await;
    assert_eq!(world.event().await, DuplexEvent::Ready { resumed: false }, "nothing was lost");
}

#[tokio::test(start_paused = true)]
async fn one_that_will_end_is_replaced_before_it_does_even_in_an_answer() {
    let dial = MockDial::new();
    let (mut first, mut second) = (dial.accept(), dial.accept());
    let mut world = open(&dial, HERE);
    let clock = SessionClock::live();
    heard(&mut first).await;
    say(&first, &["ready", "reply", "bye"]).await;
    assert_eq!(first.receive().await, None, "it is closed");
    let waited = clock.now().since(SessionTime::ZERO);
    assert!((45..=50).contains(&waited.as_secs()), "{waited:?}");
    drop(first);
    heard(&mut second).await;
    for _ in 0..4 {
        world.event().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_ready_in_time_is_lost_and_too_many_are_the_end() {
    let dial = MockDial::new();
    let far: Vec<_> = (0..7).map(|_| dial.accept()).collect();
    let mut world = open(&dial, HERE);
    for pause in [0, 250, 500, 1_000, 2_000, 4_000] {
        assert_eq!(world.lost().await, Duration::from_millis(pause));
    }
    let DuplexEvent::Closed(DuplexError::GaveUp { attempts: 7, .. }) = world.event().await else {
        panic!("it goes on")
    };
    assert!(world.session.events.recv().await.is_none());
    drop(far);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_not_tried_again() {
    let dial = MockDial::new();
    let mut far = dial.accept();
    let mut world = open(&dial, HERE);
    heard(&mut far).await;
    say(&far, &["no"]).await;
    let DuplexEvent::Closed(DuplexError::Refused { refusal, .. }) = world.event().await else {
        panic!("it goes on")
    };
    assert_eq!(refusal.message, "not you");
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_the_newest_sound_is_kept_and_the_rest_is_counted() {
    let dial = MockDial::new();
    let detecting = crate::duplex::Detecting::There(ServerTurns::default());
    dial.hang();
    let mut far = dial.accept();
    let mut world = open(&dial, detecting);
    let mut forgotten = Duration::ZERO;
    for number in 0..310 {
        world.session.inputs.send(sound(number)).await.unwrap();
        while let Ok(event) = world.session.events.try_recv() {
            let DuplexEvent::Forgotten(sound) = event else { panic!("{event:?}") };
            forgotten += sound;
        }
    }
    let mut next = world.event().await;
    while let DuplexEvent::Forgotten(sound) = next {
        forgotten += sound;
        next = world.event().await;
    }
    assert_eq!(forgotten, Duration::from_secs(1));
    assert!(matches!(next, DuplexEvent::Lost { .. }), "nobody answered: {next:?}");
    heard(&mut far).await;
    say(&far, &["ready"]).await;
    assert_eq!(heard(&mut far).await, "sound 10");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_wants_closes_its_connection() {
    let dial = MockDial::new();
    let mut far = dial.accept();
    let world = open(&dial, HERE);
    heard(&mut far).await;
    drop(world);
    assert_eq!(far.receive().await, None);
}
