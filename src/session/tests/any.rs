//! What holds of every conversation.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::world::*;
use crate::turn::{BargeIn, Strategy as OnBargeIn};
use crate::types::Role;

/// Voice and silence of any length, some of it over the agent.
fn script() -> impl Strategy<Value = String> {
    let stretch = (0..60_usize, prop::bool::ANY).prop_map(|(frames, voiced)| {
        if voiced { voice(20 * frames) } else { silence(40 * frames) }
    });
    prop::collection::vec(stretch, 1..20).prop_map(|stretches| stretches.concat())
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-z]{1,8}[.,!]?", 0..30).prop_map(|words| words.join(" "))
}

fn strategy() -> impl Strategy<Value = OnBargeIn> {
    prop::sample::select(vec![OnBargeIn::Immediate, OnBargeIn::Deferred, OnBargeIn::Ignore])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said(
        script in script(),
        said in prop::collection::vec(words(), 12),
        answers in prop::collection::vec(words(), 12),
        strategy in strategy(),
        min_words in 1_u32..4,
    ) {
        let said: Vec<_> = said.iter().map(String::as_str).collect();
        let lines: Vec<_> = answers.iter().map(String::as_str).collect();
        let mut world = World::new(&script, &said, &lines);
        // A model that says nothing is apologised for.
        let apology = Arc::clone(&world.config.apology.unanswered);
        world.config.turn.barge_in = BargeIn { strategy, min_words, ..BargeIn::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(60), world.run()).await.expect("it ends")
        });

        prop_assert_eq!(told.count("turn_started"), told.count("turn_ended"));
        prop_assert_eq!(told.count("response_started"), told.count("response_ended"));
        prop_assert_eq!(told.count("agent_speech_started"), told.count("agent_speech_ended"));
        prop_assert!(told.count("interrupted") <= told.count("agent_speech_ended"));
        prop_assert_eq!(told.events.last().map(name), Some("session_ended".to_owned()));
        let times: Vec<_> = told.events.iter().map(|event| event.at).collect();
        prop_assert!(times.is_sorted());
        // The agent said nothing that it was not given, and only up to where it was cut.
        for message in told.messages.iter().filter(|message| message.role == Role::Assistant) {
            let mut texts = answers.iter().map(|answer| answer.trim()).chain([&*apology]);
            prop_assert!(texts.clone().any(|text| text.starts_with(&message.text)));
            let whole = texts.any(|text| text == message.text);
            prop_assert!(message.interrupted || whole, "{:?} of {:?}", message, answers);
        }
        // Outside of what it is said to have said, there is silence.
        let heard: f64 = told.events.iter().filter_map(|event| match &event.kind {
            crate::events::EventKind::AgentSpeechEnded { heard_ms, .. } => Some(*heard_ms),
            _ => None,
        }).sum();
        let loud = told.heard.iter().filter(|sample| **sample != 0).count() as f64 / 16.0;
        prop_assert!(loud <= heard + 1000.0, "{loud} ms of sound, {heard} ms told");
    }
}
