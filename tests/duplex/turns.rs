//! Who has the floor, and what is left of an answer that is spoken over.

use banter::EventKind;
use banter::config::Settings;
use serde_json::{Value, json};

use crate::world::{TWO_TURNS, Told, World, latency, two_turns};

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_turns_are_found_here() {
    let told = two_turns().call().await;
    assert_eq!(told.said(), TWO_TURNS);
    assert_eq!(told.there(), TWO_TURNS);
    let latencies: Vec<_> = told.events.iter().filter_map(latency).collect();
    assert_eq!(latencies.len(), 2);
    assert_eq!(told.summary.under_runs, 0);
    assert_eq!(told.count(|kind| matches!(kind, EventKind::Warning { .. })), 0);
    assert_eq!(told.calls[0].errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_turns_are_found_there() {
    let told = two_turns().there().call().await;
    assert_eq!(told.said(), TWO_TURNS);
    assert_eq!(told.there(), TWO_TURNS);
    assert_eq!(told.events.iter().filter_map(latency).count(), 2);
    assert_eq!(told.calls[0].errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_in_the_protocol_of_gemini() {
    for world in [two_turns(), two_turns().there()] {
        let told = world.by_gemini().call().await;
        assert_eq!(told.said(), TWO_TURNS);
        assert_eq!(told.events.iter().filter_map(latency).count(), 2);
        assert_eq!(told.calls.len(), 1);
        assert_eq!(told.count(|kind| matches!(kind, EventKind::Warning { .. })), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_turns_are_found_on_both_sides() {
    let told = two_turns().both().call().await;
    assert_eq!(told.said(), TWO_TURNS);
    assert_eq!(told.there(), TWO_TURNS);
    assert_eq!(told.calls[0].errors, [""; 0]);
}

/// By the settings, as a user has them.
fn there_with(mut world: World, detection: &Value) -> World {
    let options = json!({"turn_detection": detection}).to_string();
    let flags = [("duplex.turns", "there"), ("duplex.options", &options)];
    let flags = flags.map(|(key, value)| ("--set".to_owned(), key.to_owned(), value.to_owned()));
    let settings = Settings::layered(&flags, &[], None).unwrap();
    world.config.duplex = settings.session().duplex;
    world
}

#[tokio::test(start_paused = true)]
async fn the_other_side_detects_turns_as_the_settings_say() {
    let waited = async |detection: Value| {
        let told = there_with(two_turns(), &detection).call().await;
        assert_eq!(told.said(), TWO_TURNS, "{detection}");
        assert_eq!(told.calls[0].errors, [""; 0], "{detection}");
        let ends = told.events.iter().filter_map(|event| match event.kind {
            EventKind::AgentSpeechStarted { start_ms } => Some(start_ms),
            _ => None,
        });
        ends.min_by(f64::total_cmp).unwrap()
    };
    let silence = |ms: u64| json!({"type": "server_vad", "silence_duration_ms": ms});
    let (short, long) = (waited(silence(300)).await, waited(silence(1_500)).await);
    assert!((long - short - 1_200.0).abs() < 150.0, "{short} ms, {long} ms");
    let eagerness = |how: &str| json!({"type": "semantic_vad", "eagerness": how});
    let (eager, patient) = (waited(eagerness("high")).await, waited(eagerness("low")).await);
    assert!(patient > eager + 100.0, "{eager} ms, {patient} ms");
    let sure = json!({"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 100});
    waited(sure).await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_nobody_answers_speaks_again() {
    let script = json!({"heard": ["hello there"], "answers": ["Hello.", "Are you there?"]});
    let world = World::new(&[(2, 12.0)], script);
    let idle = json!({"type": "server_vad", "idle_timeout_ms": 6_000});
    let told = there_with(world, &idle).call().await;
    let said = ["user: hello there", "assistant: Hello.", "assistant: Are you there?"];
    assert_eq!(told.said(), said);
}

/// A question, and another one over the answer.
fn barge_in() -> World {
    let script = json!({
        "heard": ["hello there", "what time is it"],
        "answers": [
            "This is a long story. It has many sentences. Each of them is as long as the last. \
             Nobody has ever heard its end. It goes on and on, and then some more.",
            "It is noon.",
        ],
    });
    World::new(&[(2, 3.0), (4, 5.0)], script)
}

fn is_cut_where_it_was_heard(told: &Told) {
    let heard: Vec<_> = told
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Interrupted { heard_ms, heard_text } => Some((*heard_ms, heard_text)),
            _ => None,
        })
        .collect();
    let [(heard_ms, heard_text)] = &heard[..] else { panic!("{heard:?}") };
    let [cut] = &told.calls[0].truncated[..] else { panic!("{:?}", told.calls[0].truncated) };
    assert!((cut.audio_end_ms as f64 - heard_ms).abs() <= 1.0, "{cut:?}, {heard_ms} ms");
    assert!(cut.of_ms > cut.audio_end_ms);
    let said = told.said();
    assert_eq!(said[1], format!("assistant: {heard_text}…"));
    assert_eq!(said[0], "user: hello there");
    assert_eq!(said[2..], ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(told.calls[0].errors, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_speaks_over_it_is_heard_and_it_is_cut_at_what_left_the_speaker() {
    is_cut_where_it_was_heard(&barge_in().call().await);
}

#[tokio::test(start_paused = true)]
async fn the_same_where_the_other_side_hears_it() {
    is_cut_where_it_was_heard(&barge_in().there().call().await);
}

/// It cannot be told to forget, but the conversation does.
#[tokio::test(start_paused = true)]
async fn in_the_protocol_of_gemini_history_ends_at_what_was_heard() {
    for world in [barge_in(), barge_in().there()] {
        let told = world.by_gemini().call().await;
        let said = told.said();
        assert!(said[1].starts_with("assistant: This is") && said[1].ends_with('…'), "{said:#?}");
        assert_eq!(said[0], "user: hello there");
        assert_eq!(said[2..], ["user: what time is it", "assistant: It is noon."]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_where_both_sides_hear_it() {
    is_cut_where_it_was_heard(&barge_in().both().call().await);
}
