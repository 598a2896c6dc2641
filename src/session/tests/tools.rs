//! Tools beside speech: while they run, wait for approval, or outlive their answers.
//!
//! A tool takes time on the wall, which is paused here.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::*;
use crate::providers::mock::MockAnswer;
use crate::session::PendingCalls;
use crate::time::SessionClock;
use crate::tools::{Filler, FunctionTool, Lifetime};
use crate::types::{Approval, ToolDescriptor};

fn named(name: &str) -> ToolDescriptor {
    ToolDescriptor::new(name, "A tool.", json!({}))
}

/// A tool that answers after so many seconds.
fn taking(name: &str, seconds: u64) -> FunctionTool {
    FunctionTool::new(named(name), move |_| async move {
        SessionClock::live().sleep(Duration::from_secs(seconds)).await;
        Ok(json!("done"))
    })
    .time_limit(Duration::from_secs(100))
}

/// A question, whose turn ends at 1,400 ms; then voice from 4,400 ms on, for 1 s.
fn with_a_second_turn() -> String {
    [voice(600), silence(3800), voice(1000), silence(9000)].concat()
}

/// A world whose model calls `name` once, and then says the answers.
fn calling(script: &str, said: &[&str], tool: FunctionTool, answers: &[&str]) -> World {
    use crate::tools::Tool;
    let mut world = World::new(script, said, &[]);
    world.provider.add_tool_call(tool.descriptor().name.clone(), json!({}));
    answers.iter().for_each(|answer| world.provider.add_response(*answer));
    world.tools.register(tool).unwrap();
    world
}

fn filler(after: u64, text: &str) -> Option<Filler> {
    Some(Filler { after: Duration::from_secs(after), text: text.to_owned() })
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_call_is_heard_while_the_tool_runs() {
    let script = [voice(600), silence(12_000)].concat();
    let mut world = World::new(&script, &["go"], &[]);
    world.provider.add(MockAnswer::text("I will look.").calling("slow", json!({})));
    world.provider.add_response("Found.");
    world.tools.register(taking("slow", 5)).unwrap();
    let told = world.run().await;
    let spoken = told.times(&["agent_speech_started"])[0].0;
    let finished = told.times(&["tool_finished"])[0].0;
    assert!(spoken <= 1420.0, "as soon as without a tool: {spoken}");
    assert!(finished > 6000.0, "{finished}");
    assert_eq!(told.said().last().unwrap(), "assistant: I will look. Found.");
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_longer_than_half_a_minute_for_a_tool_that_takes_so_long() {
    let script = [voice(600), silence(50_000)].concat();
    let told = calling(&script, &["go"], taking("slow", 40), &["Found."]).run().await;
    assert_eq!(told.count("turn_failed"), 0);
    assert_eq!(told.said().last().unwrap(), "assistant: Found.");
}

/// However long the tool might have taken.
#[tokio::test(start_paused = true)]
async fn once_a_tool_has_answered_the_model_is_waited_for_half_a_minute() {
    let script = [voice(600), silence(50_000)].concat();
    let world = calling(&script, &["go"], taking("slow", 1), &[]);
    world.provider.add(MockAnswer::text("Never heard.").hanging_after(0));
    let told = world.run().await;
    let finished = told.times(&["tool_finished"])[0].0;
    let failed = told.times(&["turn_failed"])[0].0;
    assert!((30_000.0..30_100.0).contains(&(failed - finished)), "{finished}, {failed}");
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_during_the_filler_cancels_the_tool_and_nothing_comes_late() {
    let tool = taking("slow", 8);
    let mut world = calling(&with_a_second_turn(), &["go", "no stop"], tool, &["Yes?"]);
    world.config.filler = filler(2, "One moment please, that may take a little while.");
    let told = world.run().await;
    assert_eq!((told.count("tool_called"), told.count("tool_finished")), (1, 0));
    let said = told.said();
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[1].starts_with("assistant: One moment") && said[1].ends_with('…'), "{said:?}");
    assert_eq!(said[2..], ["user: no stop", "assistant: Yes?"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_comes_after_the_answer_has_a_response_of_its_own() {
    let lifetime = Lifetime::Session { patience: Duration::from_secs(1) };
    let tool = taking("report", 6).lifetime(lifetime);
    let script = [voice(600), silence(12_000)].concat();
    let told = calling(&script, &["go"], tool, &["It is on its way.", "Here it is."]).run().await;
    let said = told.said();
    assert_eq!(said[0..2], ["user: go", "assistant: report({})"]);
    assert!(said[2].starts_with("tool: no result yet: the call is still running."), "{said:?}");
    let rest = [
        "assistant: It is on its way.",
        "assistant: report({})",
        "tool: done",
        "assistant: Here it is.",
    ];
    assert_eq!(said[3..], rest);
    assert_eq!((told.count("tool_pending"), told.count("tool_resolved")), (1, 1));
    let resolved = told.times(&["tool_resolved"])[0].0;
    let answered = told.times(&["response_started"])[1].0;
    assert!(answered - resolved < 21.0, "at once: {resolved} {answered}");
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_outlives_its_answer_survives_a_barge_in() {
    let lifetime = Lifetime::Session { patience: Duration::from_secs(60) };
    let tool = taking("report", 8).lifetime(lifetime);
    let mut world =
        calling(&with_a_second_turn(), &["go", "hello"], tool, &["Yes?", "Here it is."]);
    world.config.filler = filler(2, "One moment please, that may take a little while.");
    let told = world.run().await;
    let said = told.said();
    assert_eq!(said[1], "assistant: report({})");
    assert!(said[2].starts_with("tool: no result yet: the call is still running."), "{said:?}");
    assert!(said[3].ends_with('…'), "the filler was cut off: {said:?}");
    let rest = ["user: hello", "assistant: Yes?", "assistant: report({})", "tool: done"];
    assert_eq!(said[4..8], rest);
    assert_eq!(said[8], "assistant: Here it is.");
}

#[tokio::test(start_paused = true)]
async fn a_late_result_that_a_later_call_has_replaced_is_remembered_and_not_spoken_of() {
    let lifetime = Lifetime::Session { patience: Duration::from_secs(1) };
    let tool = FunctionTool::new(named("report"), |arguments: Value| async move {
        let seconds = arguments["seconds"].as_u64().unwrap();
        SessionClock::live().sleep(Duration::from_secs(seconds)).await;
        Ok(arguments)
    });
    let mut world = World::new(&with_a_second_turn(), &["go", "now"], &[]);
    world.provider.add_tool_call("report", json!({ "seconds": 7 }));
    world.provider.add_response("It is on its way.");
    world.provider.add_tool_call("report", json!({ "seconds": 0 }));
    world.provider.add_response("Here it is.");
    world.tools.register(tool.lifetime(lifetime)).unwrap();
    let told = world.run().await;
    assert_eq!(told.count("response_started"), 2, "{:?}", told.said());
    assert_eq!(told.said()[2], r#"tool: {"seconds":7}"#, "in the place of its call");
    assert_eq!(told.said().last().unwrap(), "assistant: Here it is.");
}

fn refund() -> FunctionTool {
    FunctionTool::sync(named("refund"), |_| Ok(json!("paid"))).approval(|_| {
        let (reason, message) = ("more than 100 EUR", "My supervisor has to agree to that.");
        Some(Approval { reason: reason.to_owned(), message: message.to_owned() })
    })
}

fn id(calls: &PendingCalls) -> String {
    calls.list()[0].call.id.clone()
}

#[tokio::test]
async fn the_user_hears_that_somebody_must_agree_and_the_agent_goes_on_when_somebody_has() {
    let script = [voice(600), silence(8000)].concat();
    let mut world = calling(&script, &["refund please"], refund(), &["It is paid."]);
    world.decide(1, "agent_speech_ended", |calls| {
        Box::pin(async move {
            let result = calls.approve(&id(&calls), None).await.unwrap();
            assert_eq!(result.content, "paid");
        })
    });
    let told = world.run().await;
    let expected = [
        "user: refund please",
        "assistant: My supervisor has to agree to that.",
        "assistant: refund({})",
        "tool: paid",
        "assistant: It is paid.",
    ];
    assert_eq!(told.said(), expected);
    assert_eq!(field(&told, "tool_pending", "waits_for")["reason"], json!("more than 100 EUR"));
    assert_eq!(field(&told, "response_ended", "outcome"), json!("awaiting_tools"));
}

#[tokio::test]
async fn a_barge_in_during_approval_leaves_it_open() {
    let mut world = calling(
        &[voice(600), silence(1800), voice(1000), silence(9000)].concat(),
        &["refund please", "what about the other thing"],
        refund(),
        &["It is fine.", "No refund, I am sorry."],
    );
    world.decide(2, "agent_speech_ended", |calls| {
        Box::pin(async move { calls.reject(&id(&calls), "too much").await.unwrap() })
    });
    let told = world.run().await;
    let said = told.said();
    assert_eq!(told.count("interrupted"), 1);
    assert!(said.iter().any(|line| line == "assistant: It is fine."), "{said:?}");
    assert!(said.iter().any(|line| line == "tool: refused by a person: too much"), "{said:?}");
    assert_eq!(said.last().unwrap(), "assistant: No refund, I am sorry.");
}
