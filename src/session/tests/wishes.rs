//! What a program wishes of a session: to say something, to take typed text, to obey a key.

use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::audio::SampleRate;
use crate::device::{CapturePort, DeviceError, Microphone, NullSpeaker, Running};
use crate::events::EventKind;
use crate::session::{Pace, Session, SessionConfig, SessionHandle, WishError};
use crate::time::{SessionClock, SessionTime};
use crate::turn::{Detection, EndReason};

#[tokio::test]
async fn the_agent_speaks_first_if_it_is_told_to() {
    let mut world = World::new(&silence(4000), &[], &[]);
    world.at_start = Some(|session| session.say("Hello. Who is there?"));
    let told = world.run().await;
    assert_eq!(told.said(), ["assistant: Hello. Who is there?"]);
    assert_eq!(told.count("latency"), 0);
    assert!(told.times(&["agent_speech_started"])[0].0 < 50.0);
    assert_eq!(field(&told, "response_started", "turn"), json!(null), "there is no turn yet");
}

#[tokio::test]
async fn what_it_is_told_to_say_waits_for_its_answer_and_comes_before_the_next() {
    let script = [voice(600), silence(8000), voice(600), silence(6000)].concat();
    let mut world = World::new(&script, &["one", "two"], &["One it is.", "Two it is."]);
    world.on("agent_speech_started", |session| session.say("By the way."));
    let told = world.run().await;
    assert_eq!(
        told.said(),
        [
            "user: one",
            "assistant: One it is.",
            "assistant: By the way.",
            "user: two",
            "assistant: Two it is."
        ]
    );
}

#[tokio::test]
async fn a_line_can_be_interrupted_like_an_answer() {
    let script = [silence(1000), voice(900), silence(4000)].concat();
    let mut world = World::new(&script, &["wait"], &["Yes?"]);
    world.at_start = Some(|session| session.say("Here is a story. ".repeat(20)));
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert!(told.said()[0].ends_with('…'), "{:?}", told.said());
    assert_eq!(told.said()[1..], ["user: wait", "assistant: Yes?"]);
}

#[tokio::test]
async fn a_line_that_is_cancelled_before_the_model_saw_it_is_over() {
    let mut world = World::new(&silence(6000), &[], &["It is ten."]);
    world.at_start = Some(|session| {
        session.say("Hello.")?;
        session.hear("what time is it")
    });
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten."]);
    assert_eq!((told.count("response_started"), told.count("response_ended")), (2, 2));
}

#[tokio::test]
async fn typed_text_is_a_turn() {
    let mut world = World::new(&silence(6000), &[], &["It is ten."]);
    world.at_start = Some(|session| session.hear("what time is it"));
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten."]);
    assert_eq!(field(&told, "typed", "turn"), json!(1));
    assert_eq!((told.summary.turns, told.count("turn_started")), (1, 0));
}

#[tokio::test]
async fn typed_text_interrupts_the_agent() {
    let script = [voice(600), silence(9000)].concat();
    let world = World::new(&script, &["tell me a story"], &[]);
    world.provider.add_response("There was once a king. ".repeat(10));
    world.provider.add_response("Okay.");
    let mut world = world;
    world.on("agent_speech_started", |session| session.hear("stop"));
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert!(told.said().ends_with(&["user: stop".into(), "assistant: Okay.".into()]));
    let stopped = told.times(&["typed", "agent_speech_ended"]);
    assert!(stopped[1].0 - stopped[0].0 < 50.0, "{stopped:?}");
}

#[tokio::test]
async fn typed_text_joins_the_turn_that_is_being_spoken() {
    let script = [silence(200), voice(2000), silence(6000)].concat();
    let mut world = World::new(&script, &["the blue one"], &["Sure."]);
    world.on("turn_started", |session| session.hear("https://example.org"));
    let told = world.run().await;
    assert_eq!(
        told.said(),
        ["user: https://example.org", "user: the blue one", "assistant: Sure."]
    );
    assert_eq!(told.count("response_started"), 1);
}

#[tokio::test]
async fn the_key_ends_a_turn_at_once() {
    let script = [silence(200), voice(1000), silence(6000)].concat();
    let mut world = World::new(&script, &["hello"], &["Hi."]);
    world.config.turn.detection = Detection::Key;
    world.at(300, SessionHandle::press);
    world.at(1200, SessionHandle::release);
    let told = world.run().await;
    assert_eq!(field(&told, "turn_ended", "reason"), json!("released"));
    assert_eq!(told.said(), ["user: hello", "assistant: Hi."]);
    let latency = field(&told, "latency", "total_ms").as_f64().unwrap();
    assert!(latency < 50.0, "{latency}");
    assert_eq!(field(&told, "latency", "silence_ms"), json!(0.0));
}

#[tokio::test]
async fn a_key_that_is_released_on_a_dead_microphone_ends_the_turn_all_the_same() {
    let world = World::new("", &["hello"], &["Hi."]);
    let session = Session::new(world.engines(), SessionConfig::default());
    let (mut events, handle) = (session.subscribe(), session.handle());
    let watch = async {
        let mut ended = None;
        while let Some(Ok(event)) = events.next().await {
            if let EventKind::TurnEnded { reason, .. } = event.kind {
                ended = Some((event.at.as_millis(), reason));
                handle.stop();
            }
        }
        ended
    };
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let dead = Box::new(Dead(handle.clone()));
    let (summary, ended) = tokio::join!(session.run(dead, speaker, Pace::Max), watch);
    summary.unwrap();
    let (at, reason) = ended.expect("it ends");
    assert_eq!(reason, EndReason::Released);
    assert!((600.0..620.0).contains(&at), "{at}");
}

/// A microphone that gives no sample, and does not end. The key is pressed and released after
/// 100 ms of it.
#[derive(Debug)]
struct Dead(SessionHandle);

impl Microphone for Dead {
    fn name(&self) -> String {
        "dead".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Still { handle: Some(self.0), _port: port }))
    }
}

#[derive(Debug)]
struct Still {
    handle: Option<SessionHandle>,
    /// Held, so that the sound does not end.
    _port: CapturePort,
}

impl Running for Still {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        if let Some(handle) = self.handle.take_if(|_| now >= SessionTime::from_millis(100)) {
            handle.press().unwrap();
            handle.release().unwrap();
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

#[tokio::test]
async fn without_the_key_push_to_talk_hears_nothing() {
    let mut world = World::new(&[voice(2000), silence(2000)].concat(), &["hello"], &["Hi."]);
    world.config.turn.detection = Detection::Key;
    let told = world.run().await;
    assert_eq!((told.count("turn_started"), told.said().len()), (0, 0));
}

#[tokio::test]
async fn the_model_can_end_the_call_after_its_last_words() {
    let script = [voice(600), silence(60_000)].concat();
    let mut world = World::new(&script, &["goodbye"], &[]);
    world.config.end_call = true;
    world.provider.add_tool_call("end_call", json!({}));
    world.provider.add_response("Goodbye!");
    let told = world.run().await;
    assert_eq!(told.said().last().unwrap(), "assistant: Goodbye!");
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
    let ended = told.events.last().unwrap().at;
    assert!(ended < SessionTime::ZERO + Duration::from_secs(4), "{ended:?}");
}

#[tokio::test]
async fn who_speaks_over_the_goodbye_keeps_the_call() {
    let script = [voice(600), silence(1400), voice(1000), silence(20_000)].concat();
    let mut world = World::new(&script, &["goodbye", "one more thing"], &[]);
    world.config.end_call = true;
    world.provider.add_tool_call("end_call", json!({}));
    world.provider.add_response("Goodbye! It was very nice to talk to you about all of this.");
    world.provider.add_response("Yes?");
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert_eq!(told.said()[told.said().len() - 2..], ["user: one more thing", "assistant: Yes?"]);
    let ended = told.events.last().unwrap().at;
    assert!(ended > SessionTime::from_millis(22_000), "it ends with the microphone: {ended:?}");
}

#[tokio::test]
async fn noise_over_the_goodbye_does_not_keep_the_call() {
    let script = [voice(600), silence(1400), voice(1000), silence(60_000)].concat();
    let mut world = World::new(&script, &["goodbye", ""], &[]);
    world.config.end_call = true;
    world.provider.add_tool_call("end_call", json!({}));
    world.provider.add_response("Goodbye! It was very nice to talk to you about all of this.");
    let told = world.run().await;
    assert_eq!((told.count("held"), told.count("interrupted")), (1, 0));
    let ended = told.events.last().unwrap().at;
    assert!(ended < SessionTime::from_millis(12_000), "{ended:?}");
}

#[tokio::test]
async fn a_call_that_is_hung_up_does_not_answer_any_more() {
    let script = [voice(600), silence(1000), voice(1000), silence(60_000)].concat();
    let mut world = World::new(&script, &["goodbye", "one more thing"], &[]);
    world.provider.add_response("Goodbye! It was nice to talk to you.");
    world.on("agent_speech_started", SessionHandle::hang_up);
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert_eq!(told.count("response_started"), 1);
}

#[tokio::test]
async fn wishes_have_a_bound_and_an_end() {
    let mut world = World::new(&silence(1000), &[], &[]);
    world.at_start = Some(|session| {
        for _ in 0..16 {
            session.press()?;
        }
        assert_eq!(session.press(), Err(WishError::Busy));
        Ok(())
    });
    let handle = world.run().await.handle;
    assert_eq!(handle.say("Anybody there?"), Err(WishError::Over));
}
