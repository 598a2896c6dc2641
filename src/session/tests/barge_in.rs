//! Speaking over the agent.

use serde_json::json;

use super::world::*;
use crate::turn::{BargeIn, Strategy};

/// 4.8 s of sound, from 1,400 ms on.
const LONG: &str =
    "The first sentence is this one. The second is that one. A third one follows it.";

/// A question, then voice over the answer from 2,400 ms on, for 1 s.
fn over_the_answer() -> String {
    [voice(600), silence(1800), voice(1000), silence(4000)].concat()
}

fn with(strategy: Strategy) -> BargeIn {
    BargeIn { strategy, ..BargeIn::default() }
}

#[tokio::test]
async fn it_falls_silent_at_the_rule_and_history_ends_at_what_was_heard() {
    let world = World::new(&over_the_answer(), &["go", "no stop"], &[LONG, "Yes?"]);
    let provider = std::sync::Arc::clone(&world.provider);
    let told = world.run().await;
    // 70 % of half a second of voice from 2,400 ms on.
    assert_eq!(told.times(&["held"])[0].0, 2760.0);
    let [(heard_ms, text)] = &interrupted(&told)[..] else { panic!("one interruption") };
    assert_eq!(*heard_ms, 1360.0, "from 1,400 ms to the hold, and the ramp after it");
    assert_eq!(text, "The first sentence is");
    assert_eq!(
        told.said(),
        ["user: go", "assistant: The first sentence is…", "user: no stop", "assistant: Yes?"]
    );
    assert!(provider.requests()[1].messages[1].interrupted, "the model is told");
    assert_eq!(told.peak(2766..4000), 0, "silence 5 ms after the hold, until the next answer");
    assert!(told.peak(2480..2750) < told.peak(1500..2400) / 3, "ducked at the first suspicion");
}

#[tokio::test]
async fn without_words_it_goes_on_and_no_sound_is_lost_or_skipped() {
    let told = World::new(&over_the_answer(), &["go", ""], &[LONG]).run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    assert_eq!(told.count("interrupted"), 0);
    assert_eq!(told.said(), ["user: go".to_owned(), format!("assistant: {LONG}")]);
    let heard_ms = field(&told, "agent_speech_ended", "heard_ms").as_f64().unwrap();
    // 60 ms a character; the spaces between the three sentences are not spoken.
    assert!((heard_ms - 60.0 * (LONG.len() - 2) as f64).abs() < 1.0, "{heard_ms}");
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
}

#[tokio::test]
async fn a_backchannel_does_not_stop_it() {
    let script = [voice(600), silence(1800), voice(240), silence(6000)].concat();
    let told = World::new(&script, &["go"], &[LONG]).run().await;
    assert_eq!((told.count("held"), told.count("turn_started")), (0, 1));
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
}

#[tokio::test]
async fn deferred_ends_it_with_the_sentence() {
    let mut world = World::new(&over_the_answer(), &["go", "no stop"], &[LONG, "Yes?"]);
    world.config.turn.barge_in = with(Strategy::Deferred);
    let told = world.run().await;
    let [(_, text)] = &interrupted(&told)[..] else { panic!("one interruption") };
    assert_eq!(text, "The first sentence is this one.");
    assert_eq!(told.said()[3], "assistant: Yes?");
}

#[tokio::test]
async fn ignored_it_goes_on_and_the_user_is_heard_afterwards() {
    let script = [voice(600), silence(1800), voice(5000), silence(3000)].concat();
    let mut world = World::new(&script, &["go", "still here"], &[LONG, "Yes?"]);
    world.config.turn.barge_in = with(Strategy::Ignore);
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 0);
    let expected = ["user: go".to_owned(), format!("assistant: {LONG}")];
    assert_eq!(told.said()[..2], expected);
    assert_eq!(told.said()[2..], ["user: still here", "assistant: Yes?"]);
}

/// A tool that works takes time on the wall: that is paused here.
#[tokio::test(start_paused = true)]
async fn a_barge_in_cancels_the_tools_of_the_answer() {
    let mut world = World::new(&over_the_answer(), &["go", "no stop"], &[]);
    world.provider.add(crate::providers::mock::MockAnswer::text(LONG).calling("slow", json!({})));
    world.provider.add_response("Yes?");
    let descriptor = crate::types::ToolDescriptor {
        name: "slow".to_owned(),
        description: "Never answers.".to_owned(),
        parameters: json!({ "type": "object" }),
        output: None,
    };
    let slow = crate::tools::FunctionTool::new(descriptor, |_| std::future::pending());
    world.tools.register(slow).unwrap();
    let told = world.run().await;
    assert_eq!((told.count("tool_called"), told.count("tool_finished")), (1, 0));
    assert_eq!(
        told.said(),
        ["user: go", "assistant: The first sentence is…", "user: no stop", "assistant: Yes?"],
        "a call without a result is not remembered"
    );
}
