//! What rules do to what is said, by voice.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::*;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::session::SessionConfig;
use crate::time::SessionClock;
use crate::types::Direction;
use crate::validators::{Guardrail, Guards, OnViolation};

fn rule(kind: &str, params: &Value) -> Guardrail {
    Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap()
}

fn banned() -> Guardrail {
    rule("banned_words", &json!({ "words": ["secret"], "message": "I cannot tell." }))
}

fn config(rules: impl IntoIterator<Item = Guardrail>) -> SessionConfig {
    let guards = Guards { rules: rules.into_iter().collect(), ..Guards::new() };
    SessionConfig { guards, ..SessionConfig::default() }
}

/// One question, and time for the answer.
fn question() -> String {
    [voice(600), silence(20_000)].concat()
}

async fn asked(rules: impl IntoIterator<Item = Guardrail>, answer: &str) -> Told {
    let mut world = World::new(&question(), &["tell me"], &[answer]);
    world.config = config(rules);
    world.run().await
}

/// All that anybody was told, as one text.
fn all(told: &Told) -> String {
    let events = serde_json::to_string(&told.events).unwrap();
    format!("{events}\n{:?}", told.messages)
}

#[tokio::test]
async fn a_banned_word_is_never_said_and_what_is_before_it_is_said_at_once() {
    let answer = "Good day to you, Ann. The SECRET is in the cellar. Do go on.";
    let free = asked([], answer).await;
    let told = asked([banned()], answer).await;

    assert_eq!(told.said()[1], "assistant: Good day to you, Ann. I cannot tell.");
    assert!(!all(&told).to_lowercase().contains("secret"), "{}", all(&told));
    assert!(!all(&told).contains("cellar"));
    let first = |told: &Told| told.times(&["agent_speech_started"])[0].0;
    assert_eq!(first(&told), first(&free), "the voice begins as early");
    assert_eq!(field(&told, "validation_failed", "action"), json!("replaced"));
    assert_eq!(field(&told, "response_ended", "outcome"), json!("completed"));
}

/// When each piece of an answer goes to the synthesizer, of a model that takes its time for every
/// word.
async fn spoken_at(rules: impl IntoIterator<Item = Guardrail>, answer: &str) -> Vec<u64> {
    let mut world = World::new(&question(), &["tell me"], &[]);
    let (first, between) = (Duration::from_millis(300), Duration::from_millis(40));
    let model = MockProvider::new().paced(SessionClock::live(), first, between);
    model.add_response(answer);
    world.model = Some(Arc::new(model));
    world.config = config(rules);
    let told = world.run().await;
    assert_eq!(told.said()[1], format!("assistant: {answer}"));
    let times = told.times(&["synthesis_started", "agent_speech_started"]);
    times.into_iter().map(|(ms, _)| ms.round() as u64).collect()
}

#[tokio::test(start_paused = true)]
async fn no_clause_waits_for_rules_that_are_kept() {
    let rules = || [banned(), rule("max_sentences", &json!({ "max": 9 }))];
    for answer in [
        "Well, it depends on what you would like. It may be this, or that. I do not know!",
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
         sixteen seventeen eighteen. And so on.",
    ] {
        let (free, ruled) = (spoken_at([], answer).await, spoken_at(rules(), answer).await);
        assert_eq!(free.len(), ruled.len());
        let late = ruled.iter().zip(&free).map(|(ruled, free)| ruled.saturating_sub(*free));
        assert!(late.clone().max() < Some(10), "{free:?} {ruled:?}");
    }
}

#[tokio::test]
async fn the_voice_begins_as_early_under_rules_that_are_kept() {
    let keeps = || [banned(), rule("max_sentences", &json!({ "max": 9 }))];
    for answer in [
        "Yes.",
        "Well, it depends on what you would like to do with it.",
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
         sixteen seventeen eighteen. And so on.",
        "你好。我很好。",
    ] {
        let (free, told) = (asked([], answer).await, asked(keeps(), answer).await);
        let first = |told: &Told| told.times(&["agent_speech_started"])[0].0;
        assert_eq!((first(&told), told.said()), (first(&free), free.said()), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn behind_the_last_sentence_that_it_may_say_the_model_is_stopped() {
    let mut world = World::new(&question(), &["tell me"], &[]);
    // It would go on for ever: without a stop, the call would wait for it.
    world.provider.add(MockAnswer::text("One. Two. Three four five.").hanging_after(4));
    world.config = config([rule("sentence_count", &json!({ "max": 2 }))]);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: tell me", "assistant: One. Two."]);
    assert_eq!(told.count("turn_failed"), 0);
    assert!(told.times(&["response_ended"])[0].0 < 10_000.0);
    assert_eq!(field(&told, "validation_failed", "action"), json!("truncated"));
}

#[tokio::test]
async fn what_the_user_may_not_say_reaches_no_model_in_this_turn_or_later() {
    let script = [voice(600), silence(9000), voice(600), silence(9000)].concat();
    let mut world = World::new(&script, &["the secret please", "good day"], &["Good day."]);
    world.config = config([banned().about(Direction::Input)]);
    let provider = Arc::clone(&world.provider);
    let told = world.run().await;
    assert_eq!(
        told.said(),
        [
            "user: the secret please",
            "assistant: I cannot tell.",
            "user: good day",
            "assistant: Good day."
        ]
    );
    let requests = provider.requests();
    assert_eq!(requests.len(), 1);
    let lines: Vec<_> = requests[0].messages.iter().map(line).collect();
    assert_eq!(lines, ["user: good day"]);
    assert_eq!(field(&told, "validation_failed", "direction"), json!("input"));
}

#[tokio::test]
async fn what_is_refused_is_apologised_for() {
    const SORRY: &str = "assistant: Sorry, something went wrong. Please ask me again.";
    let fails = |direction| banned().about(direction).on(OnViolation::Fail);

    let told = asked([fails(Direction::Output)], "Well then. The secret is out.").await;
    assert_eq!(told.said(), ["user: tell me", "assistant: Well then.", SORRY]);
    assert_eq!(field(&told, "turn_failed", "stage"), json!("validate"));
    assert!(!all(&told).contains("secret is out"));

    let mut world = World::new(&question(), &["the secret"], &["Never."]);
    world.config = config([fails(Direction::Input)]);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: the secret", SORRY]);
    assert_eq!(field(&told, "turn_failed", "stage"), json!("validate"));
}

#[tokio::test]
async fn a_rule_that_warns_changes_nothing() {
    let answer = "The secret is in the cellar.";
    let told = asked([banned().on(OnViolation::Warn)], answer).await;
    assert_eq!(told.said()[1], format!("assistant: {answer}"));
    assert_eq!(field(&told, "validation_failed", "action"), json!("warned"));
}

#[tokio::test]
async fn a_rule_that_must_have_the_whole_answer_is_warned_of() {
    let whole = || rule("contains", &json!({ "patterns": ["Ann"], "message": "One moment." }));
    let told = asked([whole()], "Good day. I am here.").await;
    assert_eq!(told.said()[1], "assistant: One moment.");
    let warning = field(&told, "warning", "message").to_string();
    assert!(warning.contains("`contains` must have the whole of an answer"), "{warning}");
    assert_eq!(asked([whole().on(OnViolation::Warn)], "Good day.").await.count("warning"), 0);
}
