//! What a budget costs before each answer: the plan for a conversation that has grown by one
//! exchange, and the copy of what is sent.

mod support;

use std::sync::Arc;

use banter::Message;
use banter::context::{Asked, Budget, Planner, Relevance, Strategy, Summarise, Summary};
use banter::text::{Estimate, TokenCount};

fn talk(messages: usize) -> Arc<[Message]> {
    let message = |number: usize| match number % 2 {
        0 => Message::user("Could you tell me when the next train to the airport leaves, please?"),
        _ => Message::assistant("It leaves at a quarter past ten from platform seven."),
    };
    (0..messages).map(message).collect()
}

fn main() {
    let mut criterion = support::criterion();
    let text = "Could you tell me when the next train leaves, please? ".repeat(20);
    criterion.bench_function("estimate, 1,000 characters", |bencher| {
        bencher.iter(|| Estimate.text(&text));
    });
    for (messages, tokens) in [(101, 1_000), (10_001, 4_000)] {
        let all = talk(messages);
        let strategies = [
            ("sliding", Strategy::Sliding),
            ("fail", Strategy::Fail),
            ("relevance", Strategy::Relevance(Relevance::default())),
            ("summarise", Strategy::Summarise(Summarise::default())),
        ];
        for (name, strategy) in strategies {
            let covers = Summary { messages: messages as u64 - 21, text: "They met.".repeat(20) };
            let similarities: Vec<_> = (0..messages).map(|n| Some((n % 7) as f32 / 7.0)).collect();
            let mut planner =
                Planner::new(Budget::new(tokens).with(strategy.clone()), Arc::new(Estimate));
            let mut next = 0;
            criterion.bench_function(&format!("{name}, {messages} messages"), |bencher| {
                bencher.iter(|| {
                    // It grows by two, and begins anew: the last two are always to be counted.
                    next = (next + 2) % 4;
                    let messages = &all[..messages - next];
                    let asked = Asked { system: "Be brief.", tools: &[], messages };
                    let plan = planner.plan(&asked, Some(&covers), &similarities);
                    match (plan, &strategy) {
                        (Ok(plan), _) => plan.messages(&all).len(),
                        (Err(_), Strategy::Fail) => 0,
                        (Err(error), _) => panic!("{error}"),
                    }
                });
            });
        }
    }
    criterion.final_summary();
}
