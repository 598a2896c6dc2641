//! Conversations with a budget, by voice and in writing.

use std::sync::Arc;

use serde_json::json;

use super::world::*;
use crate::context::{Budget, Relevance, Strategy, Summarise};
use crate::events::EventKind;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::{Provider, ProviderRequest};
use crate::session::{TextConfig, TextSession};
use crate::stages::ContextConfig;
use crate::text::{Estimate, TokenCount};
use crate::tools::{FunctionTool, ToolRegistry};
use crate::types::{Role, ToolDescriptor};

const SYSTEM: &str = "You are a guide in a museum. Be brief.";

/// What the person says.
fn said() -> Vec<String> {
    let words = ["the vase", "the clock", "that old ship", "the painting", "the clock once more"];
    let turn = |number: usize| format!("please tell me about {} now", words[number % words.len()]);
    (0..8).map(turn).collect()
}

/// Answers, looks into a catalogue each third time, and summarises.
fn model() -> Arc<MockProvider> {
    Arc::new(MockProvider::answering(|request| {
        let last = request.messages.last().unwrap();
        if request.system.starts_with("You keep the record") {
            return MockAnswer::text("They talked of what there is to see.");
        }
        if last.tool_result.is_some() {
            return MockAnswer::text("It is from the catalogue.");
        }
        match last.text.contains("ship") {
            true => MockAnswer::default().calling("catalogue", json!({ "of": "ship" })),
            false => MockAnswer::text("It is old, it is fine."),
        }
    }))
}

fn tools() -> ToolRegistry {
    let descriptor = ToolDescriptor::new("catalogue", "Looks up.", json!({ "type": "object" }));
    let mut tools = ToolRegistry::new();
    let catalogue = FunctionTool::sync(descriptor, |_| Ok(json!("Built in 1788 of oak.")));
    tools.register(catalogue.without_side_effects()).unwrap();
    tools
}

fn budget(tokens: u32, strategy: Strategy) -> ContextConfig {
    ContextConfig::new(Budget::new(tokens).with(strategy))
}

async fn by_voice(config: &ContextConfig) -> (Vec<ProviderRequest>, Told) {
    let said = said();
    let script = [voice(600), silence(4_400)].concat().repeat(said.len());
    let said: Vec<_> = said.iter().map(String::as_str).collect();
    let mut world = World::new(&script, &said, &[]);
    let provider = model();
    world.provider = Arc::clone(&provider);
    world.tools = tools();
    world.config.system = SYSTEM.to_owned();
    world.config.context = Some(config.clone());
    let told = world.run().await;
    (provider.requests(), told)
}

async fn in_writing(config: &ContextConfig) -> Vec<ProviderRequest> {
    let provider = model();
    let config = TextConfig {
        system: SYSTEM.to_owned(),
        context: Some(config.clone()),
        ..TextConfig::default()
    };
    let shared: Arc<dyn Provider> = Arc::<MockProvider>::clone(&provider);
    let mut session = TextSession::new(shared, Arc::new(tools()), config);
    let clock = crate::time::SessionClock::live();
    for line in said() {
        let mut reply = session.send(line.as_str());
        while reply.next().await.is_some() {}
        clock.sleep(std::time::Duration::from_secs(4)).await;
    }
    provider.requests()
}

/// What a request says, in short.
fn lines(request: &ProviderRequest) -> (String, Vec<String>) {
    (request.system.clone(), request.messages.iter().map(line).collect())
}

#[tokio::test(start_paused = true)]
async fn the_same_is_sent_by_voice_and_in_writing() {
    let summarise = Summarise { keep_recent: 2, threshold: 0.6, ..Summarise::default() };
    for (tokens, strategy) in [
        (130, Strategy::Sliding),
        (160, Strategy::Summarise(summarise)),
        (130, Strategy::Relevance(Relevance::default())),
    ] {
        let config = budget(tokens, strategy);
        let (voice, told) = by_voice(&config).await;
        let writing = in_writing(&config).await;
        let voice: Vec<_> = voice.iter().map(lines).collect();
        let writing: Vec<_> = writing.iter().map(lines).collect();
        assert_eq!(voice, writing, "{config:?}");
        assert!(told.count("context_cut") >= 4, "{config:?}");
        assert_eq!(told.count("agent_speech_ended"), 8, "every turn has an answer");
        assert_eq!((told.count("turn_failed"), told.count("warning")), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_call_is_answered_to_its_end_and_nothing_is_forgotten_here() {
    let (requests, told) = by_voice(&budget(130, Strategy::Sliding)).await;
    assert_eq!(told.messages.len(), 8 * 2 + 2 * 2, "the history is whole");
    let asked =
        requests.iter().filter(|request| request.messages.last().unwrap().role == Role::User);
    assert_eq!(asked.clone().count(), 8);
    for request in asked {
        let messages = request.messages.iter().map(|message| Estimate.message(message));
        let tools = request.tools.iter().map(|tool| Estimate.tool(tool));
        let tokens: u32 = messages.chain(tools).sum::<u32>() + Estimate.text(&request.system);
        assert!(tokens <= 130, "{tokens}: {:?}", lines(request));
    }
}

#[tokio::test(start_paused = true)]
async fn a_summary_serves_in_a_call() {
    let how = Summarise { keep_recent: 2, threshold: 0.6, ..Summarise::default() };
    let (requests, told) = by_voice(&budget(160, Strategy::Summarise(how))).await;
    let mut answers = requests.iter().map(lines).filter(|(system, _)| system.starts_with(SYSTEM));
    let (system, _) = answers.next_back().unwrap();
    assert!(system.contains("They talked of what there"), "{system}");
    let summarised = told.events.iter().any(|event| {
        matches!(event.kind, EventKind::ContextCut { left_out, summarised, .. } if left_out == summarised)
    });
    assert!(summarised);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_long_says_so_and_goes_on() {
    let (requests, told) = by_voice(&budget(120, Strategy::Fail)).await;
    let failed = told.count("turn_failed");
    assert!(failed > 2 && !requests.is_empty());
    assert_eq!(field(&told, "turn_failed", "stage"), json!("context"));
    let error = field(&told, "turn_failed", "error");
    assert!(error.as_str().unwrap().contains("more than the budget of 120"), "{error}");
    let outcomes = told
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::ResponseEnded { outcome: "failed" }));
    assert_eq!(outcomes.count(), failed);
    assert!(
        told.said().iter().any(|line| line.starts_with("assistant: Sorry")),
        "{:?}",
        told.said()
    );
}
