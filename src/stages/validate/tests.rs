//! What the stage passes on, and that it stops the model.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::ids::TurnId;
use crate::pipeline::{Node, PipelineBuilder, PipelineConfig, TurnContext};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::stages::ProviderStage;
use crate::time::{SessionClock, SessionTime};
use crate::types::{Message, ValidationAction};
use crate::validators::{Guardrail, OnViolation};

/// What comes of an answer.
struct Played {
    said: String,
    outcome: Outcome,
    facts: Vec<Fact>,
    asked: Arc<MockProvider>,
}

fn rule(kind: &str, params: &Value) -> Guardrail {
    Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap()
}

/// The first answer of a model under these rules.
async fn play(rules: impl IntoIterator<Item = Guardrail>, provider: MockProvider) -> Played {
    play_of(rules, provider, TurnContext::new(TurnId::new(1), FIRST, [Message::user("hello")]))
        .await
}

async fn play_of(
    rules: impl IntoIterator<Item = Guardrail>,
    provider: MockProvider,
    turn: TurnContext,
) -> Played {
    let guards = Arc::new(Guards { rules: rules.into_iter().collect(), ..Guards::new() });
    let (facts_in, mut told) = mpsc::channel(64);
    let facts = Facts::to(facts_in);
    let provider = Arc::new(provider);
    let model = Arc::<MockProvider>::clone(&provider);
    let nodes = [
        Node::stage(ProviderStage::new(model, Arc::default(), Facts::none())),
        Node::stage(Validate::new(guards, Portion::Words, facts)),
    ];
    let context = Context::new(SessionClock::live());
    context.floor.commit(FIRST);
    let pipeline = PipelineBuilder::new(PipelineConfig::default()).chain(nodes).build().unwrap();
    let mut run = pipeline.run(&context);
    run.take_input().unwrap().send(Element::begin(SessionTime::ZERO, turn)).await.unwrap();
    let (mut said, mut outcomes) = (String::new(), Vec::new());
    while let Some(element) = run.output.recv().await.unwrap() {
        match element.payload {
            Payload::TextDelta(text) => said.push_str(&text),
            Payload::TurnEnd(outcome) => outcomes.push(outcome),
            _ => {}
        }
    }
    assert_eq!(outcomes.len(), 1, "a response has one end");
    let mut facts = Vec::new();
    while let Ok(fact) = told.try_recv() {
        facts.push(fact);
    }
    Played { said, outcome: outcomes.remove(0), facts, asked: provider }
}

/// What a rule did about the answer.
fn actions(played: &Played) -> Vec<Option<ValidationAction>> {
    let told = played.facts.iter().filter_map(|fact| match fact {
        Fact::Validated { validation, .. } => Some(validation.action),
        _ => None,
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn a_model_that_goes_on_for_ever_is_stopped_where_its_answer_is() {
    let provider = MockProvider::new();
    provider.add(MockAnswer::text("One. Two. Three is too many.").hanging_after(5));
    let played = play([rule("max_sentences", &json!({ "max": 2 }))], provider).await;
    assert_eq!((&*played.said, &played.outcome), ("One. Two. ", &Outcome::Completed));
    assert_eq!(actions(&played), [Some(ValidationAction::Truncated)]);
    assert_eq!(played.asked.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_banned_is_replaced_and_the_model_is_stopped() {
    let provider = MockProvider::new();
    provider.add(MockAnswer::text("Well, the secret is this.").hanging_after(3));
    let words = json!({ "words": ["secret"], "message": "I cannot tell." });
    let played = play([rule("banned_words", &words)], provider).await;
    assert_eq!((&*played.said, &played.outcome), ("Well, the I cannot tell.", &Outcome::Completed));
}

#[tokio::test(start_paused = true)]
async fn an_answer_fails_by_a_rule_that_says_so() {
    let provider = MockProvider::new();
    provider.add_response("Well, the secret is this.");
    let rule = rule("banned_words", &json!({ "words": ["secret"] })).on(OnViolation::Fail);
    let played = play([rule], provider).await;
    assert_eq!(played.said, "Well, the ");
    let Outcome::Failed { reason } = &played.outcome else { panic!("{:?}", played.outcome) };
    assert!(reason.starts_with("the validator `banned_words` refused the answer"), "{reason}");
    let failed = played.facts.iter().any(|fact| {
        matches!(fact, Fact::Failed { stage: StageName::Validate, error: Fault::Validation(_), .. })
    });
    assert!(failed, "{:?}", played.facts);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_only_warns_lets_all_pass() {
    let provider = MockProvider::new();
    provider.add_response("Well, the secret is this.");
    let rule = rule("banned_words", &json!({ "words": ["secret"] })).on(OnViolation::Warn);
    let played = play([rule], provider).await;
    assert_eq!(played.said, "Well, the secret is this.");
    assert_eq!(actions(&played), [Some(ValidationAction::Warned)]);
}

#[tokio::test(start_paused = true)]
async fn of_a_model_that_fails_is_said_what_was_safe() {
    let provider = MockProvider::new();
    let broken = crate::providers::ProviderError::failed("mock", "out of words");
    provider.add(MockAnswer::text("I think it").failing_after(2, broken));
    let rules = [rule("max_length", &json!({ "max": 99 }))];
    let played = play(rules, provider).await;
    assert_eq!(played.said, "I think ");
    assert!(matches!(played.outcome, Outcome::Failed { .. }) && actions(&played).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_program_has_said_is_not_judged() {
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("hello")]);
    let turn = TurnContext { script: Some("The secret.".into()), ..turn };
    let rules = [rule("banned_words", &json!({ "words": ["secret"] }))];
    let played = play_of(rules, MockProvider::new(), turn).await;
    assert_eq!((&*played.said, played.facts.len()), ("The secret.", 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_keeps_all_rules_is_told_at_its_end() {
    let provider = MockProvider::new().paced(
        SessionClock::live(),
        Duration::from_millis(100),
        Duration::from_millis(50),
    );
    provider.add_response("All is well.");
    let rules = [rule("max_length", &json!({ "max": 99 })), rule("json_valid", &json!({}))];
    let [short, json] = rules;
    let played = play([short, json.on(OnViolation::Warn)], provider).await;
    assert_eq!(played.said, "All is well.");
    assert_eq!(actions(&played), [Some(ValidationAction::Warned), None]);
}

const FIRST: ResponseId = ResponseId::FIRST;

/// An answer in words and sound, each piece of 100 ms behind its words; what is passed on, in order,
/// what is to be said instead, and how it ended.
async fn heard(
    rules: impl IntoIterator<Item = Guardrail>,
    words: &[&str],
) -> (Vec<String>, Option<String>, Outcome) {
    let guards = Arc::new(Guards { rules: rules.into_iter().collect(), ..Guards::new() });
    let (facts_in, mut told) = mpsc::channel(64);
    let stage = Validate::new(guards, Portion::Words, Facts::to(facts_in));
    let context = Context::new(SessionClock::live());
    context.floor.commit(FIRST);
    let nodes = [Node::stage(stage)];
    let pipeline = PipelineBuilder::new(PipelineConfig::default()).chain(nodes).build().unwrap();
    let mut run = pipeline.run(&context);
    let input = run.take_input().unwrap();
    let turn = TurnContext::new(TurnId::new(1), FIRST, [Message::user("hello")]);
    let turn = TurnContext { own_voice: true, ..turn };
    let begin = Element::begin(SessionTime::ZERO, turn);
    let of = |payload| begin.with(payload);
    let mut elements = vec![begin.clone()];
    for (number, word) in words.iter().enumerate() {
        elements.push(of(Payload::TextDelta((*word).into())));
        let audio = AudioChunk::new(vec![number as i16; 1_600], SampleRate::SPEECH);
        elements.push(of(Payload::Spoken { audio, mark: None }));
    }
    elements.push(of(Payload::TurnEnd(Outcome::Completed)));
    let giving = tokio::spawn(async move {
        for element in elements {
            input.send(element).await.unwrap();
        }
    });
    let (mut passed, mut outcome) = (Vec::new(), None);
    while let Some(element) = run.output.recv().await.unwrap() {
        match element.payload {
            Payload::TextDelta(text) => passed.push(text.to_string()),
            Payload::Spoken { audio, .. } => passed.push(format!("({})", audio.samples()[0])),
            Payload::TurnEnd(how) => outcome = Some(how),
            _ => {}
        }
    }
    giving.await.unwrap();
    let mut instead = None;
    while let Ok(fact) = told.try_recv() {
        if let Fact::Duplex(DuplexFact::Instead { text, .. }) = fact {
            instead = Some(text.to_string());
        }
    }
    (passed, instead, outcome.unwrap())
}

#[tokio::test(start_paused = true)]
async fn no_sound_is_heard_before_its_words_were_judged() {
    let banned = json!({ "words": ["secret"], "message": "I cannot tell." });
    let words = ["Well, ", "the ", "sec", "ret ", "is ", "this."];
    let (passed, instead, outcome) = heard([rule("banned_words", &banned)], &words).await;
    assert_eq!(passed, ["Well, ", "(0)", "the ", "(1)"]);
    assert_eq!((instead.as_deref(), outcome), (Some("I cannot tell."), Outcome::Completed));

    let words = ["All ", "is", " well."];
    let (passed, instead, _) = heard([rule("banned_words", &banned)], &words).await;
    assert_eq!(passed, ["All ", "(0)", "is ", "(1)", "well.", "(2)"]);
    assert_eq!(instead, None);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_needs_the_whole_of_an_answer_holds_its_sound() {
    let missing = json!({ "patterns": ["please"], "message": "Please." });
    let contains = || rule("contains", &missing);
    let (passed, instead, _) = heard([contains()], &["Go ", "away."]).await;
    assert_eq!((passed, instead), (vec![], Some("Please.".to_owned())));
    let (passed, instead, _) = heard([contains()], &["Go, ", "please."]).await;
    assert_eq!((passed.concat(), instead), ("Go, please.(0)(1)".to_owned(), None));
}

#[tokio::test(start_paused = true)]
async fn without_a_rule_that_acts_sound_waits_for_nothing() {
    let warns = rule("contains", &json!({ "patterns": ["please"] })).on(OnViolation::Warn);
    let (passed, instead, _) = heard([warns], &["Go ", "awa", "y."]).await;
    assert_eq!(passed, ["Go ", "(0)", "awa", "(1)", "y.", "(2)"]);
    assert_eq!(instead, None);
}
