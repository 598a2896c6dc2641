//! Where a phrase wakes the agent: what is said while it sleeps is for nobody.

use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::session::SessionHandle;
use crate::stt::mock::{MockFault, MockTranscriber};
use crate::text::Phrases;
use crate::turn::{Detection, Wake};

/// Each of `said` is a turn, every five seconds.
fn world(said: &[&str], answers: &[&str]) -> World {
    let script = [voice(600), silence(4400)].concat().repeat(said.len());
    let mut world = World::new(&script, said, answers);
    let phrases = Phrases::new(["hey friday", "hello machine"]).unwrap();
    world.config.wake = Some(Wake { awake: Duration::from_secs(8), ..Wake::new(phrases) });
    world
}

/// All that events tell.
fn all(told: &Told) -> String {
    told.events.iter().map(|event| json!(event).to_string()).collect()
}

#[tokio::test]
async fn asleep_what_is_said_reaches_no_model_no_history_and_no_event() {
    let world = world(&["our secret plan is this", "and the friday after that"], &["Never said."]);
    let provider = std::sync::Arc::clone(&world.provider);
    let told = world.run().await;
    assert_eq!((told.said().len(), provider.requests().len()), (0, 0));
    assert_eq!((told.count("woken"), told.count("response_started")), (0, 0));
    assert_eq!(told.times(&["asleep"]).len(), 1, "it begins so");
    let events = all(&told);
    for word in ["secret", "our", "friday", "and the"] {
        assert!(!events.contains(&format!("{word} ")), "{word}: {events}");
    }
    assert_eq!(told.count("transcript"), 2, "each turn is told to have no words");
}

#[tokio::test]
async fn what_follows_the_phrase_in_the_same_breath_is_the_question() {
    let told = world(&["Hey Friday, what time is it?"], &["It is ten."]).run().await;
    assert_eq!(told.said(), ["user: what time is it?", "assistant: It is ten."]);
    assert_eq!(field(&told, "woken", "phrase"), json!("hey friday"));
    assert_eq!(field(&told, "transcript", "text"), json!("what time is it?"));
}

#[tokio::test]
async fn the_phrase_alone_has_it_listen_for_the_question() {
    let said = ["hello machine", "what time is it", "thanks"];
    let told = world(&said, &["It is ten.", "Gladly."]).run().await;
    assert_eq!(
        told.said(),
        ["user: what time is it", "assistant: It is ten.", "user: thanks", "assistant: Gladly."]
    );
    assert_eq!(told.count("woken"), 1, "it stays awake from answer to answer");
}

#[tokio::test]
async fn a_phrase_without_a_question_may_be_acknowledged() {
    let mut world = world(&["hey friday", "what time is it"], &["It is ten."]);
    if let Some(wake) = &mut world.config.wake {
        wake.acknowledgement = "Yes?".into();
    }
    let told = world.run().await;
    assert_eq!(told.said(), ["assistant: Yes?", "user: what time is it", "assistant: It is ten."]);
}

#[tokio::test]
async fn it_falls_asleep_when_nobody_has_spoken_to_it_for_some_time() {
    let script = [voice(600), silence(14_400), voice(600), silence(4400)].concat();
    let mut world = world(&["hey friday what time is it", "let us go home"], &["It is ten."]);
    world.script = script;
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten."]);
    let (spoke, asleep) = (told.times(&["agent_speech_ended"]), told.times(&["asleep"]));
    let slept = asleep[1].0 - spoke[0].0;
    assert!((8000.0..8050.0).contains(&slept), "{slept}");
}

#[tokio::test]
async fn to_interrupt_the_agent_nobody_needs_a_phrase() {
    let script = [voice(600), silence(2400), voice(1000), silence(6000)].concat();
    let story = "There was once a king. ".repeat(10);
    let mut world = world(&["hey friday tell me a story", "stop"], &[&story, "Okay."]);
    world.script = script;
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert!(told.said().ends_with(&["user: stop".into(), "assistant: Okay.".into()]));
}

#[tokio::test]
async fn a_key_or_a_typed_line_is_meant_and_wakes() {
    let mut typed = world(&["and then this"], &["It is ten.", "I see."]);
    typed.at(100, |session| session.hear("what time is it"));
    let told = typed.run().await;
    assert_eq!(field(&told, "woken", "phrase"), json!(null));
    assert!(told.said().contains(&"user: what time is it".into()), "{:?}", told.said());

    let mut pressed = world(&["what time is it"], &["It is ten."]);
    pressed.config.turn.detection = Detection::Key;
    pressed.at(100, SessionHandle::press);
    pressed.at(900, SessionHandle::release);
    assert_eq!(pressed.run().await.said(), ["user: what time is it", "assistant: It is ten."]);
}

#[tokio::test]
async fn the_agents_own_words_wake_it() {
    let mut world = world(&["who are you"], &["A machine."]);
    world.script = [silence(2000), voice(600), silence(4400)].concat();
    world.at_start = Some(|session| session.say("Hello there."));
    let told = world.run().await;
    assert_eq!(told.said()[1..], ["user: who are you", "assistant: A machine."]);
}

#[tokio::test]
async fn a_recogniser_that_fails_while_it_sleeps_is_not_apologised_for() {
    let mut world = world(&["whatever"], &[]);
    let failing = MockTranscriber::new(["whatever"]).with_fault(MockFault::End);
    world.transcriber = std::sync::Arc::new(failing);
    let told = world.run().await;
    assert_eq!((told.count("turn_failed"), told.said().len()), (1, 0));
}
