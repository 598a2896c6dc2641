//! What holds of every plan.

use proptest::prelude::{Just, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Any;

use super::*;

fn script() -> impl Any<Value = String> {
    let word = (prop::sample::select(vec!["u", "a", "c", "r"]), 0..40_usize)
        .prop_map(|(who, size)| format!("{who}{size}"));
    prop::collection::vec(word, 1..40).prop_map(|words| words.join(" "))
}

fn strategy() -> impl Any<Value = Strategy> {
    let summarise = (0.0..1.0_f32, 0..8_usize).prop_map(|(threshold, keep_recent)| {
        Strategy::Summarise(Summarise { threshold, keep_recent, ..Summarise::default() })
    });
    let relevance = (0..8_usize, -1.0..1.0_f32).prop_map(|(min_recent, threshold)| {
        Strategy::Relevance(Relevance { min_recent, threshold, ..Relevance::default() })
    });
    prop_oneof![Just(Strategy::Sliding), Just(Strategy::Fail), summarise, relevance]
}

/// Where the result of each call stands, of those that have one.
fn pairs(messages: &[Message]) -> Vec<(usize, usize)> {
    let called = |id: &str| messages.iter().position(|m| m.tool_calls.iter().any(|c| c.id == id));
    let results = messages.iter().enumerate();
    let pair = |(at, message): (usize, &Message)| {
        let called = called(&message.tool_result.as_ref()?.id)?;
        (called < at).then_some((called, at))
    };
    results.filter_map(pair).collect()
}

proptest! {
    #[test]
    fn whatever_is_too_long(
        script in script(),
        strategy in strategy(),
        tokens in 0..600_u32,
        system in "[a-z]{0,40}",
        covers in prop::option::of(0..40_u64),
        similarities in prop::collection::vec(prop::option::of(-1.0..1.0_f32), 0..40),
    ) {
        let messages = conversation(&script);
        let asked = Asked { system: &system, tools: &[], messages: &messages };
        let mut planner = planner(tokens, strategy.clone());
        let summary = covers.map(summary);
        let summary = summary.as_ref();
        let whole: u32 = messages.iter().map(|message| Bytes.message(message)).sum();
        let whole = whole + system.len() as u32 + 3;
        let plan = match planner.plan(&asked, summary, &similarities) {
            Ok(plan) => plan,
            Err(ContextError::OverBudget { needed, budget }) => {
                prop_assert_eq!((needed, budget), (whole, tokens + 3));
                prop_assert_eq!(strategy, Strategy::Fail);
                return Ok(());
            }
            Err(ContextError::TooLarge { needed, budget }) => {
                prop_assert!(budget < needed && needed <= whole);
                return Ok(());
            }
        };
        let kept: Vec<usize> = plan.kept.iter().flat_map(Clone::clone).collect();
        prop_assert!(kept.is_sorted() && plan.kept.iter().all(|stretch| !stretch.is_empty()));
        prop_assert_eq!(kept.last(), Some(&(messages.len() - 1)));
        // It is as large as it says, and within the budget.
        let mut size: u32 = kept.iter().map(|at| Bytes.message(&messages[*at])).sum();
        let beside = summary.filter(|_| plan.summarised > 0).map(|it| it.beside(&system));
        size += beside.as_ref().unwrap_or(&system).len() as u32 + 3;
        prop_assert_eq!(plan.tokens, size);
        prop_assert!(size <= tokens + 3);
        // Each stretch begins with the user, and pairs are never split.
        for stretch in plan.kept.iter().filter(|stretch| stretch.start > 0) {
            prop_assert_eq!(messages[stretch.start].role, Role::User);
        }
        for (call, result) in pairs(&messages) {
            prop_assert_eq!(kept.contains(&call), kept.contains(&result));
        }
        match strategy {
            Strategy::Sliding | Strategy::Fail => prop_assert_eq!(plan.kept.len(), 1),
            Strategy::Summarise(_) => {
                prop_assert_eq!(plan.kept.len(), 1);
                let covers = summary.map_or(0, |summary| summary.messages as usize);
                prop_assert!(plan.summarised <= covers && plan.summarised <= kept[0]);
            }
            Strategy::Relevance(_) => prop_assert_eq!(plan.summarised, 0),
        }
        // What fits is sent, and asking again changes nothing.
        if whole <= tokens + 3 && plan.summarised == 0 {
            prop_assert_eq!(plan.len(), messages.len());
        }
        prop_assert_eq!(planner.plan(&asked, summary, &similarities), Ok(plan));
        if let Some(next) = planner.to_summarise(&asked, summary) {
            prop_assert!(!next.is_empty() && next.end < messages.len());
            prop_assert_eq!(messages[next.end].role, Role::User);
        }
    }

    /// When all summaries are made, what is not sent is told by the last one.
    #[test]
    fn nothing_falls_between_a_summary_and_what_is_sent(
        script in script(),
        threshold in 0.0..1.0_f32,
        keep_recent in 0..8_usize,
        tokens in 0..900_u32,
        system in "[a-z]{0,40}",
    ) {
        let how = Summarise { threshold, keep_recent, ..Summarise::default() };
        let messages = conversation(&script);
        let asked = Asked { system: &system, tools: &[], messages: &messages };
        let mut planner = planner(tokens, Strategy::Summarise(how));
        let longest = "x".repeat(planner.budget().longest_summary() as usize);
        let mut summary: Option<Summary> = None;
        while let Some(next) = planner.to_summarise(&asked, summary.as_ref()) {
            let before = summary.map_or(0, |summary| summary.messages);
            prop_assert_eq!(next.start as u64, before);
            summary = Some(Summary { messages: next.end as u64, text: longest.clone() });
        }
        if let Ok(plan) = planner.plan(&asked, summary.as_ref(), &[]) && plan.summarised > 0 {
            prop_assert_eq!(plan.kept[0].start, plan.summarised);
        }
    }

    /// Sizes are remembered as a conversation grows, is cleared and begins anew.
    #[test]
    fn a_planner_that_remembers_plans_as_one_that_does_not(
        scripts in prop::collection::vec(script(), 1..4),
        tokens in 0..600_u32,
    ) {
        let mut old = planner(tokens, Strategy::Sliding);
        for script in scripts {
            let messages = conversation(&script);
            for until in 1..=messages.len() {
                let mut new = planner(tokens, Strategy::Sliding);
                let asked = asked(&messages[..until]);
                prop_assert_eq!(old.plan(&asked, None, &[]), new.plan(&asked, None, &[]));
            }
        }
    }
}
