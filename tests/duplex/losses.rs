//! Connections that are lost, wherever that is.

use std::sync::Arc;

use banter::EventKind;
use banter::duplex::Protocol;
use banter::types::{Message, Role};
use serde_json::json;

use crate::world::{
    EITHER, MOMENTS, TWO_TURNS, Told, World, either, gemini, transparent, two_turns,
};

#[tokio::test(start_paused = true)]
async fn wherever_the_connection_is_cut_the_call_goes_on_and_knows_what_was_said() {
    for (moment, after_ms, (by_gemini, there)) in MOMENTS
        .iter()
        .flat_map(|moment| [0, 150].map(|after| (*moment, after)))
        .flat_map(|(moment, after)| EITHER.map(|world| (moment, after, world)))
        // Who does not detect turns hears no speech.
        .filter(|(moment, _, (_, there))| *there || *moment != "speech_started")
    {
        let mut world = either(two_turns(), by_gemini, there);
        world.script["duplex"] = json!({"faults": [{"call": 1, "at": moment, "nth": 1, "after_ms": after_ms, "fault": "cut"}]});
        let told = world.call().await;
        let case =
            format!("{moment}+{after_ms}, gemini: {by_gemini}, there: {there}: {:#?}", told.said());
        let lost = told.count(|kind| matches!(kind, EventKind::ConnectionLost { .. }));
        assert_eq!((lost, told.calls.len()), (1, 2), "{case}");
        let users = |message: &&Message| message.role == Role::User;
        assert_eq!(told.summary.messages.iter().filter(users).count(), 2, "{case}");
        assert_eq!(told.said().last().unwrap(), TWO_TURNS[3], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_lost_one_after_the_other_lose_nothing_that_was_said() {
    for (by_gemini, there) in EITHER {
        for second in ["turn_ended", "response_begun"] {
            let mut world = either(two_turns(), by_gemini, there);
            // Each connection writes down anew what it is told again.
            let (hello, what) = ("hello there", "what time is it");
            world.script["heard"] = json!([hello, hello, hello, what]);
            world.script["duplex"] = json!({"faults": [
                {"call": 1, "at": "turn_ended", "nth": 1, "fault": "cut"},
                {"call": 2, "at": second, "nth": 1, "fault": "close:1011"},
            ]});
            let told = world.call().await;
            let case = format!("{second}, gemini: {by_gemini}, there: {there}");
            assert_eq!(told.said(), TWO_TURNS, "{case}");
            assert_eq!(told.calls.len(), 3, "{case}");
        }
    }
}

/// The first connection says that it will end; the next one knows what was said, and is not told.
#[tokio::test(start_paused = true)]
async fn a_connection_that_will_end_is_replaced_and_the_next_one_goes_on() {
    for there in [false, true] {
        let world = two_turns().by_gemini();
        let mut world = if there { world.there() } else { world };
        world.script["duplex"] = json!({"faults": [
            {"call": 1, "at": "response_over", "nth": 1, "fault": "go_away:5000"},
        ]});
        let told = world.call().await;
        assert_eq!(told.said(), TWO_TURNS, "there: {there}");
        assert_eq!(told.calls.len(), 2);
        assert!(told.calls[1].resumed, "there: {there}");
        let lost = told.count(|kind| matches!(kind, EventKind::ConnectionLost { .. }));
        let ending = told.count(|kind| matches!(kind, EventKind::ConnectionEnding { .. }));
        assert_eq!((lost, ending), (0, 1), "there: {there}");
    }
}

/// How much sound was told of a call whose connection is lost in the middle of the first say, in
/// milliseconds, and whether the second one went on with it.
async fn lost_in_a_say(protocol: fn() -> Arc<dyn Protocol>, there: bool) -> (u64, bool) {
    let mut world = either(two_turns(), false, there);
    world.protocol = protocol;
    world.says = vec![(6, 4.0), (4, 4.0)];
    world.script["duplex"] = json!({"faults": [
        {"call": 1, "at": "speech_started", "nth": 1, "after_ms": 1_000, "fault": "cut"},
    ]});
    let told = world.call().await;
    assert_eq!(told.said(), TWO_TURNS, "there: {there}");
    let [first, second] = &told.calls[..] else { panic!("{} calls", told.calls.len()) };
    (first.heard_ms + second.heard_ms, second.resumed)
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_in_the_middle_of_a_say_is_not_told_twice_what_it_knows() {
    for there in [false, true] {
        let (once, resumed) = lost_in_a_say(transparent, there).await;
        let (again, anew) = lost_in_a_say(gemini, there).await;
        assert_eq!((resumed, anew), (true, false), "there: {there}");
        println!("there: {there}: {once} ms of sound were told, without it {again} ms");
        assert!(once + 300 < again, "there: {there}: {once} ms, without it {again} ms");
    }
}

/// Minutes of talk, a turn each seven seconds, and losses at any point of it.
async fn losses(minutes: usize, losses: u64, by_gemini: bool) -> Told {
    let turns = minutes * 60 / 7;
    let says: Vec<_> = (0..turns).map(|turn| (1 + turn % 12, 6.0)).collect();
    let heard: Vec<_> = (0..turns).map(|turn| format!("question {turn}")).collect();
    let answers: Vec<_> = (0..turns).map(|turn| format!("Answer {turn}.")).collect();
    let moments = ["turn_ended", "response_begun", "first_audio", "audio", "response_over"];
    let faults: Vec<_> = (0..losses)
        .map(|loss| {
            let at = moments[loss as usize % moments.len()];
            let nth = 1 + turns as u64 / (losses + 1) * u64::from(loss % 3 != 0);
            let (call, after_ms) = (loss + 1, loss * 37 % 400);
            json!({"call": call, "at": at, "nth": nth, "after_ms": after_ms, "fault": "cut"})
        })
        .collect();
    let script = json!({"heard": heard, "answers": answers, "duplex": {"faults": faults}});
    either(World::new(&says, script), by_gemini, false).call().await
}

fn keeps_its_history(told: &Told, losses: usize) {
    let lost = told.count(|kind| matches!(kind, EventKind::ConnectionLost { .. }));
    assert_eq!((lost, told.calls.len()), (losses, losses + 1));
    let turns = told.count(|kind| matches!(kind, EventKind::TurnEnded { .. }));
    let of = |role| told.summary.messages.iter().filter(|message| message.role == role).count();
    assert_eq!(of(Role::User), turns, "each turn is in the history");
    told.is_never_silent_without_a_word();
    // The last connection was told all that was said before it. Of an hour the mock keeps the last lines.
    let before = told.calls.last().unwrap().conversation.len();
    assert!(before + 8 >= told.summary.messages.len().min(KEPT), "{before} lines there");
}

#[tokio::test(start_paused = true)]
async fn minutes_with_a_loss_each_eighteen_seconds_keep_their_history() {
    for (minutes, number, by_gemini) in [(6, 20, false), (3, 10, true)] {
        let told = losses(minutes, number as u64, by_gemini).await;
        keeps_its_history(&told, number);
    }
}

/// Minutes of work, unoptimised.
#[tokio::test(start_paused = true)]
#[ignore = "an hour of talk: `make slow`"]
async fn an_hour_with_twenty_losses_keeps_its_history() {
    let told = losses(60, 20, false).await;
    keeps_its_history(&told, 20);
}

/// How many lines of a conversation the mock logs.
const KEPT: usize = 1_024;
