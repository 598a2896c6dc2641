//! When tools run, and what bounds them.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::hooks::{Hook, HookFuture, ModelAnswer, Verdict};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Context, Node, PipelineBuilder, PipelineConfig};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::{Price, ProviderRequest};
use crate::time::{SessionClock, SessionTime};
use crate::tools::{FunctionTool, Lifetime};
use crate::types::{Message, ToolCall, ToolChoice, ToolDescriptor, ToolPolicy, ToolResult, Usage};

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
    let offered = tools.descriptors().into();
    let stage = ProviderStage::new(Arc::new(provider), Arc::new(tools), Facts::none());
    let builder = PipelineBuilder::new(PipelineConfig::default());
    let mut run = builder.chain([Node::stage(stage)]).build().unwrap().run(&context);
    let input = run.take_input().unwrap();
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("light please")]);
    let turn = TurnContext { tools: offered, ..turn };
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
    let two = MockAnswer::text("").calling("light", json!({ "on": 1 }));
    provider.add(two.calling("light", json!({ "on": 2 })));
    provider.add_response("Done.");
    let descriptor = ToolDescriptor::new("light", "Turns on the light.", json!({}));
    let mut tools = ToolRegistry::new();
    tools.register(FunctionTool::sync(descriptor, |_| Ok(json!("on")))).unwrap();
    let offered = tools.descriptors().into();
    let model: Arc<dyn Provider> = Arc::<MockProvider>::clone(&provider);
    let stage = ProviderStage::new(model, Arc::new(tools), Facts::none());
    let builder = PipelineBuilder::new(PipelineConfig::default());
    let context = Context::new(SessionClock::live());
    let mut run = builder.chain([Node::stage(stage)]).build().unwrap().run(&context);
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("light please")]);
    let begin =
        Element::begin(SessionTime::ZERO, TurnContext { tool_policy, tools: offered, ..turn });
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

#[tokio::test(start_paused = true)]
async fn after_its_rounds_a_model_must_answer() {
    let asked = asked_under(ToolPolicy { max_rounds: 2, ..ToolPolicy::default() }).await;
    let choices: Vec<_> = asked.iter().map(|request| request.tool_choice.clone()).collect();
    assert_eq!(choices, [ToolChoice::Auto, ToolChoice::Auto, ToolChoice::None]);
}

/// A stage whose model calls, and what it was told.
struct Play {
    provider: Arc<MockProvider>,
    tools: ToolRegistry,
    policy: ToolPolicy,
}

impl Play {
    fn new(tool: FunctionTool) -> Self {
        let mut tools = ToolRegistry::new();
        tools.register(tool).unwrap();
        let provider = Arc::new(MockProvider::new());
        Self { provider, tools, policy: ToolPolicy::default() }
    }

    /// Runs one answer of the stage that `make` makes of it. Gives its text and how it ended.
    async fn run(&self, make: impl FnOnce(ProviderStage) -> ProviderStage) -> (String, Outcome) {
        let model: Arc<dyn Provider> = Arc::<MockProvider>::clone(&self.provider);
        let stage = ProviderStage::new(model, Arc::new(self.tools.clone()), Facts::none());
        let builder = PipelineBuilder::new(PipelineConfig::default());
        let context = Context::new(SessionClock::live());
        let pipeline = builder.chain([Node::stage(make(stage))]).build().unwrap();
        let mut run = pipeline.run(&context);
        let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("light please")]);
        let (tools, tool_policy) = (self.tools.descriptors().into(), self.policy.clone());
        let begin = TurnContext { tools, tool_policy, ..turn };
        context.floor.commit(FIRST);
        let input = run.take_input().unwrap();
        input.send(Element::begin(SessionTime::ZERO, begin)).await.unwrap();
        let mut text = String::new();
        loop {
            match run.output.recv().await.unwrap().unwrap().payload {
                Payload::TextDelta(delta) => text.push_str(&delta),
                Payload::TurnEnd(outcome) => return (text, outcome),
                _ => {}
            }
        }
    }

    /// What the model was told of its calls by the last request.
    fn told(&self) -> Vec<String> {
        let requests = self.provider.requests();
        let messages = &requests.last().unwrap().messages;
        let results = messages.iter().filter_map(|message| message.tool_result.as_ref());
        results.map(|result| result.content.clone()).collect()
    }
}

fn named(name: &str) -> ToolDescriptor {
    ToolDescriptor::new(name, "A tool.", json!({}))
}

fn on() -> FunctionTool {
    FunctionTool::sync(named("light"), |_| Ok(json!("on")))
}

/// A tool that takes two seconds.
fn slow() -> FunctionTool {
    FunctionTool::new(named("light"), |_| async {
        SessionClock::live().sleep(Duration::from_secs(2)).await;
        Ok(json!("on"))
    })
}

#[tokio::test(start_paused = true)]
async fn a_model_that_calls_the_same_for_ever_is_stopped_at_the_third_time() {
    let play = Play::new(on());
    (0..3).for_each(|_| play.provider.add_tool_call("light", json!({})));
    play.provider.add_response("It is on.");
    assert_eq!(play.run(|stage| stage).await, ("It is on.".to_owned(), Outcome::Completed));
    let requests = play.provider.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[3].tool_choice, ToolChoice::None);
    let told = play.told();
    assert_eq!(told[..2], ["on", "on"]);
    assert!(told[2].starts_with("not called: it was called 2 times with these"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_calls_on_though_it_must_answer_fails() {
    let mut play = Play::new(on());
    play.policy.max_rounds = 2;
    (0..3).for_each(|n| play.provider.add_tool_call("light", json!({ "n": n })));
    let (_, outcome) = play.run(|stage| stage).await;
    let Outcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(&*reason, "mock failed: it called tools 2 times without answering");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_is_not_called_though_it_is_there() {
    let play = Play::new(on());
    let mut with_door = play.tools.clone();
    with_door.register(FunctionTool::sync(named("door"), |_| panic!("it is blocked"))).unwrap();
    play.provider.add_tool_call("door", json!({}));
    play.provider.add_response("No.");
    let make = |stage: ProviderStage| ProviderStage { tools: Arc::new(with_door), ..stage };
    play.run(make).await;
    assert_eq!(play.told(), ["there is no tool named `door`"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_must_be_called_has_to_be_there() {
    let mut play = Play::new(on());
    play.policy.choice = ToolChoice::Named("lamp".to_owned());
    let (_, outcome) = play.run(|stage| stage).await;
    let Outcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("the policy asks for the tool `lamp`"), "{reason}");
    assert!(play.provider.requests().is_empty());

    play.policy.choice = ToolChoice::Named("light".to_owned());
    play.provider.add_tool_call("light", json!({}));
    play.provider.add_response("It is on.");
    play.run(|stage| stage).await;
    let choices: Vec<_> =
        play.provider.requests().into_iter().map(|asked| asked.tool_choice).collect();
    assert_eq!(choices, [ToolChoice::Named("light".to_owned()), ToolChoice::Auto]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_cost_what_it_may_ends_before_the_next_request() {
    let prices = Some(Prices::new(Price::Item(1.0), Price::Item(1.0)));
    let usage = Usage::of_text(1, 1);
    for (text, expected) in [("", None), ("Moment.", Some("Moment."))] {
        let mut play = Play::new(on());
        play.policy.max_cost_usd = Some(1.5);
        play.provider.add(MockAnswer::text(text).calling("light", json!({})).using(usage));
        let (said, outcome) = play.run(|stage| stage.with_prices(prices)).await;
        match expected {
            Some(expected) => assert_eq!((&*said, outcome), (expected, Outcome::Completed)),
            None => {
                let Outcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
                let told = "the answer has cost 2.0000 USD of the 1.5 USD that it may cost";
                assert!(reason.starts_with(told), "{reason}");
            }
        }
        assert_eq!(play.provider.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_tool_is_waited_for_something_is_said_but_only_in_a_call() {
    let filler = || Filler { after: Duration::from_secs(1), text: "One moment.".to_owned() };
    let answer = |play: &Play, before: &str| {
        play.provider.add(MockAnswer::text(before).calling("light", json!({})));
        play.provider.add_response("It is on.");
    };
    let play = Play::new(slow());
    answer(&play, "");
    let (said, _) = play.run(|stage| stage.spoken(Some(filler()))).await;
    assert_eq!(said, "One moment. It is on.");

    answer(&play, "I look.");
    let (said, _) = play.run(|stage| stage.spoken(Some(filler()))).await;
    assert_eq!(said, "I look. It is on.", "something was said");

    answer(&play, "");
    assert_eq!(play.run(|stage| stage).await.0, "It is on.");

    let own = Filler { after: Duration::ZERO, text: "Let me see.".to_owned() };
    let play = Play::new(slow().filler(own));
    answer(&play, "");
    assert_eq!(play.run(|stage| stage.spoken(None)).await.0, "Let me see. It is on.");
}

#[derive(Debug, Default)]
struct Late(std::sync::Mutex<Vec<LateResult>>);

impl LateResults for Late {
    fn late(&self, late: LateResult) {
        self.0.lock().unwrap().push(late);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_a_lasting_tool_as_long_as_it_has_patience() {
    for (patience, in_time) in [(3, true), (1, false)] {
        let lifetime = Lifetime::Session { patience: Duration::from_secs(patience) };
        let play = Play::new(slow().lifetime(lifetime));
        play.provider.add_tool_call("light", json!({}));
        play.provider.add_response("Good.");
        let late = Arc::new(Late::default());
        let taker: Arc<dyn LateResults> = Arc::<Late>::clone(&late);
        play.run(|stage| stage.with_late_results(taker)).await;
        let told = play.told();
        if in_time {
            assert_eq!(told, ["on"]);
            assert!(late.0.lock().unwrap().is_empty());
        } else {
            assert!(told[0].starts_with("no result yet: the call is still running"), "{told:?}");
            // The stage has ended with its run, and its tools with it.
            SessionClock::live().sleep(Duration::from_millis(1)).await;
            let late = std::mem::take(&mut *late.0.lock().unwrap());
            assert!(matches!(&late[..], [LateResult { result: None, .. }]), "{late:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_see_change_and_refuse_what_passes() {
    let play = Play::new(FunctionTool::sync(named("light"), Ok));
    play.provider.add_tool_call("light", json!({ "on": 1 }));
    play.provider.add_response("Done.");
    let (hook, mut hooks) = (Arc::new(Watching::default()), Hooks::new());
    hooks.add(Arc::<Watching>::clone(&hook));
    let (said, _) = play.run(|stage| stage.with_hooks(hooks.clone())).await;
    assert_eq!(said, "Done.");
    let requests = play.provider.requests();
    assert_eq!(requests[0].system, "Be brief.");
    assert_eq!(play.told(), [r#"seen {"on":1,"room":"hall"}"#]);
    let seen = std::mem::take(&mut *hook.seen.lock().unwrap());
    assert_eq!(seen, ["request", "called light", "light", "result", "request", "said Done."]);

    play.provider.add_tool_call("light", json!({ "on": 1 }));
    play.provider.add_response("Done.");
    *hook.denies.lock().unwrap() = Some("light");
    play.run(|stage| stage.with_hooks(hooks.clone())).await;
    assert_eq!(play.told(), ["the hook `watching` said no: not light"]);

    *hook.denies.lock().unwrap() = Some("request");
    let (_, outcome) = play.run(|stage| stage.with_hooks(hooks)).await;
    let reason = "the hook `watching` said no: not request".into();
    assert_eq!(outcome, Outcome::Failed { reason });
}

#[derive(Debug, Default)]
struct Watching {
    seen: std::sync::Mutex<Vec<String>>,
    denies: std::sync::Mutex<Option<&'static str>>,
}

impl Watching {
    fn see(&self, what: impl Into<String>) -> Verdict {
        let what = what.into();
        let denied = self.denies.lock().unwrap().is_some_and(|denied| denied == what);
        let reason = format!("not {what}");
        self.seen.lock().unwrap().push(what);
        if denied { Verdict::Deny { reason } } else { Verdict::Allow }
    }
}

impl Hook for Watching {
    fn name(&self) -> &str {
        "watching"
    }

    fn before_provider<'a>(&'a self, request: &'a mut ProviderRequest) -> HookFuture<'a, Verdict> {
        request.system = "Be brief.".to_owned();
        Box::pin(std::future::ready(self.see("request")))
    }

    fn after_provider<'a>(&'a self, answer: ModelAnswer<'a>) -> HookFuture<'a, ()> {
        let said = answer.said;
        self.see(match said.tool_calls.first() {
            Some(call) => format!("called {}", call.name),
            None => format!("said {}", said.text),
        });
        Box::pin(std::future::ready(()))
    }

    fn before_tool<'a>(&'a self, call: &'a mut ToolCall) -> HookFuture<'a, Verdict> {
        call.arguments["room"] = json!("hall");
        Box::pin(std::future::ready(self.see(&*call.name)))
    }

    fn after_tool<'a>(&'a self, _: &'a ToolCall, result: &'a mut ToolResult) -> HookFuture<'a, ()> {
        result.content.insert_str(0, "seen ");
        self.see("result");
        Box::pin(std::future::ready(()))
    }
}
