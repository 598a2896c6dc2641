//! Turns that somebody else detects: a program, or its own detector.

use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::session::SessionHandle;
use crate::time::SessionTime;
use crate::turn::{Detection, Piece, TurnDetector, TurnSign};

fn of_a_client(script: &str, said: &[&str], answers: &[&str]) -> World {
    let mut world = World::new(script, said, answers);
    world.config.turn.detection = Detection::Told;
    world
}

#[tokio::test]
async fn a_program_begins_and_ends_turns_as_it_sees_fit() {
    // A pause of 2 s within the turn, and voice outside of it.
    let script = [voice(600), silence(400), voice(600), silence(2000), voice(600), silence(6000)];
    let mut world = of_a_client(&script.concat(), &["what time is it"], &["It is ten."]);
    world.at(1200, SessionHandle::speech_started);
    world.at(4300, SessionHandle::speech_ended);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten."]);
    assert_eq!(told.count("turn_started"), 1);
    assert_eq!(field(&told, "turn_ended", "reason"), json!("told"));
    assert_eq!(field(&told, "turn_ended", "speech_end_ms"), json!(4300.0));
    let latency = field(&told, "latency", "total_ms").as_f64().unwrap();
    assert!(latency < 50.0, "no silence is waited for: {latency}");
}

#[tokio::test]
async fn an_interruption_that_is_told_holds_the_agent_and_words_end_its_answer() {
    let mut world = of_a_client(&silence(9000), &["tell me a story", "stop"], &[]);
    world.provider.add_response("There was once a king. ".repeat(10));
    world.provider.add_response("Okay.");
    world.at(100, SessionHandle::speech_started);
    world.at(600, SessionHandle::speech_ended);
    world.at(2000, SessionHandle::speech_started);
    world.at(2500, SessionHandle::speech_ended);
    let told = world.run().await;
    let held = told.times(&["held"])[0].0;
    assert!((2000.0..2025.0).contains(&held), "{held}");
    assert_eq!((told.count("held"), told.count("interrupted")), (1, 1));
    assert!(told.said().ends_with(&["user: stop".into(), "assistant: Okay.".into()]));
}

#[tokio::test]
async fn a_turn_whose_end_is_never_told_ends_at_the_limit() {
    let mut world = of_a_client(&silence(9000), &["hello"], &["Hi."]);
    world.config.turn.max_turn = Duration::from_secs(4);
    world.at(1000, SessionHandle::speech_started);
    let told = world.run().await;
    assert_eq!(field(&told, "turn_ended", "reason"), json!("max_turn"));
    let ended = told.times(&["turn_ended"])[0].0;
    assert!((4975.0..5025.0).contains(&ended), "{ended}");
    assert_eq!(told.said(), ["user: hello", "assistant: Hi."]);
}

#[tokio::test]
async fn signals_mean_nothing_where_voice_and_silence_decide() {
    let mut world = World::new(&silence(3000), &["hello"], &["Hi."]);
    world.at(500, SessionHandle::speech_started);
    world.at(1500, SessionHandle::speech_ended);
    assert_eq!(world.run().await.count("turn_started"), 0);
}

/// Knows when the user speaks: from here to there, in milliseconds.
#[derive(Debug)]
struct Timetable(Vec<(u64, u64)>);

impl TurnDetector for Timetable {
    fn name(&self) -> &'static str {
        "timetable"
    }

    fn hear(&mut self, piece: Piece<'_>) -> Option<TurnSign> {
        let comes = |ms| (piece.at..piece.end()).contains(&SessionTime::from_millis(ms));
        self.0.iter().find_map(|&(from, to)| {
            let started = comes(from + 100).then(|| TurnSign::Started { at: time(from) });
            let ended = comes(to + 200).then(|| TurnSign::Ended { speech_end: time(to) });
            started.or(ended)
        })
    }
}

fn time(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

#[tokio::test]
async fn a_detector_of_the_programs_own_takes_the_place_of_the_rules() {
    let script = [silence(1000), voice(1000), silence(2000), voice(400), silence(6000)].concat();
    let mut world = World::new(&script, &["tell me a story", "stop"], &[]);
    world.provider.add_response("There was once a king. ".repeat(10));
    world.provider.add_response("Okay.");
    world.detector = Some(Box::new(Timetable(vec![(1000, 2000), (4000, 4400)])));
    let told = world.run().await;
    assert_eq!(field(&told, "session_started", "vad"), json!("timetable"));
    let ends = told.times(&["turn_ended"]);
    assert!((2200.0..2225.0).contains(&ends[0].0), "{ends:?}");
    assert_eq!(field(&told, "turn_started", "start_ms"), json!(1000.0));
    assert_eq!(field(&told, "turn_ended", "speech_end_ms"), json!(2000.0));
    let held = told.times(&["held"])[0].0;
    assert!((4100.0..4125.0).contains(&held), "{held}");
    assert!(told.said().ends_with(&["user: stop".into(), "assistant: Okay.".into()]));
}
