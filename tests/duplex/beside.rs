//! What happens beside speech: tools, and rules for what is said.

use banter::EventKind;
use banter::tools::FunctionTool;
use banter::types::ToolDescriptor;
use banter::validators::Guardrail;
use serde_json::json;

use crate::world::{EITHER, World, either, latency, two_turns};

fn with_clock(mut world: World) -> World {
    let descriptor = ToolDescriptor::new("clock", "Tells the time.", json!({"type": "object"}));
    let clock = FunctionTool::new(descriptor, async |_| Ok(json!("12:00")));
    world.tools.register(clock).unwrap();
    world
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_and_its_result_is_answered() {
    let script = json!({
        "heard": ["what time is it"],
        "answers": [{"say": "Let me see.", "calls": [{"tool": "clock"}]}, "It is noon."],
    });
    for (there, by_gemini) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = with_clock(World::new(&[(4, 6.0)], script.clone()));
        let world = if there { world.there() } else { world };
        let told = if by_gemini { world.by_gemini() } else { world }.call().await;
        assert_eq!(
            told.said(),
            [
                "user: what time is it",
                "assistant: clock({})",
                "tool: 12:00",
                "assistant: Let me see. It is noon.",
            ]
        );
        assert_eq!(told.calls[0].errors, [""; 0]);
    }
}

/// A rule that replaces what is banned.
fn with_rule(mut world: World) -> World {
    let params = json!({"words": ["secret"], "message": "I cannot tell."});
    let rule = Guardrail::by_kind("banned_words", params.as_object().unwrap()).unwrap();
    world.config.guards.rules.push(rule);
    world
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_bans_is_not_heard_and_what_stands_in_its_place_is_said() {
    for (by_gemini, there) in EITHER {
        let script = json!({
            "heard": ["what is it"],
            "answers": ["It is here, and the secret is that it has been here.", "I cannot tell."],
        });
        let world = with_rule(either(World::new(&[(4, 9.0)], script), by_gemini, there));
        let told = world.call().await;
        let case = format!("gemini: {by_gemini}, there: {there}: {:#?}", told.said());
        let said =
            ["user: what is it", "assistant: It is here, and the", "assistant: I cannot tell."];
        assert_eq!(told.said(), said, "{case}");
        let failed = told.count(|kind| matches!(kind, EventKind::ValidationFailed { .. }));
        assert_eq!(failed, 1, "{case}");
        let heard_ms = told.events.iter().find_map(|event| match event.kind {
            EventKind::AgentSpeechEnded { heard_ms, .. } => Some(heard_ms),
            _ => None,
        });
        // Each character takes 60 ms, and comes in pieces of 100 ms.
        let safe = "It is here, and the ".len() as f64 * 60.0;
        assert!(heard_ms.unwrap() <= safe + 100.0, "{heard_ms:?} of {safe}: {case}");
        if !by_gemini {
            assert!(!told.there().join(" ").contains("secret"), "{:?}", told.there());
        }
    }
}

/// Sound waits for the next word alone.
#[tokio::test(start_paused = true)]
async fn a_rule_that_judges_word_by_word_costs_next_to_no_latency() {
    let first = async |world: World| {
        let told = world.call().await;
        told.events.iter().find_map(latency).unwrap()
    };
    let (without, with) = (first(two_turns()).await, first(with_rule(two_turns())).await);
    println!("latency {without} ms without rules, {with} ms with one");
    assert!(with - without < 250.0, "{without} ms, {with} ms");
}
