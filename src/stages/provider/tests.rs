//! When tools run.

use serde_json::json;

use super::*;
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Node, PipelineBuilder, PipelineConfig};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::time::{SessionClock, SessionTime};
use crate::tools::FunctionTool;
use crate::types::{ToolDescriptor, ToolPolicy};

const FIRST: ResponseId = ResponseId::FIRST;

/// A response that calls a tool: what comes out of the stage up to one second after it began,
/// and, if it is committed then, after that.
async fn outcome(side_effects: bool, commit: bool) -> (Vec<&'static str>, Vec<&'static str>) {
    let (clock, mut stepper) = SessionClock::stepped();
    let context = Context::new(clock);
    let provider = MockProvider::new();
    provider.add_tool_call("light", json!({}));
    provider.add_response("Done.");
    let descriptor = ToolDescriptor::new("light", "Turns on the light.", json!({}));
    let tool = FunctionTool::sync(descriptor, |_| Ok(json!("on")));
    let mut tools = ToolRegistry::new();
    tools.register(if side_effects { tool } else { tool.without_side_effects() }).unwrap();
    let stage = ProviderStage::new(Arc::new(provider), Arc::new(tools), Facts::none());
    let builder = PipelineBuilder::new(PipelineConfig::default());
    let mut run = builder.chain([Node::stage(stage)]).build().unwrap().run(&context);
    let input = run.take_input().unwrap();
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("light please")]);
    input.send(Element::begin(SessionTime::ZERO, turn)).await.unwrap();

    stepper.advance_to(SessionTime::from_millis(1000)).await;
    let before = drain(&mut run);
    if commit {
        context.floor.commit(FIRST);
    } else {
        context.floor.cancel(FIRST);
    }
    stepper.advance_to(SessionTime::from_millis(2000)).await;
    (before, drain(&mut run))
}

fn drain(run: &mut crate::pipeline::Run) -> Vec<&'static str> {
    let mut seen = Vec::new();
    while let Some(element) = futures_util::FutureExt::now_or_never(run.output.recv()) {
        seen.push(match element.unwrap().unwrap().payload {
            Payload::Begin(_) => "begin",
            Payload::ToolCall(_) => "call",
            Payload::ToolResult(_) => "result",
            Payload::TextDelta(_) => "text",
            Payload::TurnEnd(Outcome::Completed) => "completed",
            Payload::TurnEnd(Outcome::Discarded) => "discarded",
            other => panic!("{other:?}"),
        });
    }
    seen
}

#[tokio::test]
async fn a_tool_with_side_effects_waits_until_its_response_is_meant() {
    let (before, after) = outcome(true, true).await;
    assert_eq!(before, ["begin", "call"]);
    assert_eq!(after, ["result", "text", "completed"]);
}

#[tokio::test]
async fn it_never_runs_in_a_response_that_is_discarded() {
    let (before, after) = outcome(true, false).await;
    assert_eq!(before, ["begin", "call"]);
    assert_eq!(after, ["discarded"]);
}

#[tokio::test]
async fn a_tool_without_side_effects_runs_ahead() {
    let (before, _) = outcome(false, true).await;
    assert_eq!(before, ["begin", "call", "result", "text", "completed"]);
}

/// What the model was asked in an answer under this policy, when it calls a tool, then two, then
/// answers.
async fn asked_under(tool_policy: ToolPolicy) -> Vec<ProviderRequest> {
    let provider = Arc::new(MockProvider::new());
    provider.add_tool_call("light", json!({}));
    provider.add(MockAnswer::text("").calling("light", json!({})).calling("light", json!({})));
    provider.add_response("Done.");
    let descriptor = ToolDescriptor::new("light", "Turns on the light.", json!({}));
    let mut tools = ToolRegistry::new();
    tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("on")))).unwrap();
    let model: Arc<dyn Provider> = Arc::<MockProvider>::clone(&provider);
    let stage = ProviderStage::new(model, Arc::new(tools), Facts::none());
    let builder = PipelineBuilder::new(PipelineConfig::default());
    let context = Context::new(SessionClock::live());
    let mut run = builder.chain([Node::stage(stage)]).build().unwrap().run(&context);
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("light please")]);
    let begin = Element::begin(SessionTime::ZERO, TurnContext { tool_policy, ..turn });
    context.floor.commit(FIRST);
    run.take_input().unwrap().send(begin).await.unwrap();
    while run.output.recv().await.unwrap().is_some_and(|element| !element.is_end()) {}
    provider.requests()
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_are_refused_and_the_model_is_told() {
    let asked = asked_under(ToolPolicy { max_calls: 2, ..ToolPolicy::default() }).await;
    let results = asked[2].messages.iter().filter_map(|message| message.tool_result.as_ref());
    let told: Vec<_> = results.map(|result| (result.content.as_str(), result.is_error)).collect();
    let refusal = "not called: this answer has had all the calls that it may have";
    assert_eq!(told, [("on", false), ("on", false), (refusal, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_must_call_a_tool_may_answer_when_it_has() {
    let choice = ToolChoice::Required;
    let asked = asked_under(ToolPolicy { choice, ..ToolPolicy::default() }).await;
    let choices: Vec<_> = asked.iter().map(|request| request.tool_choice.clone()).collect();
    assert_eq!(choices, [ToolChoice::Required, ToolChoice::Auto, ToolChoice::Auto]);
}
