//! What rules do to what is said, in writing.

use super::*;
use crate::state::{Entry, MemoryStore, Saved};
use crate::types::{Direction, ValidationAction};
use crate::validators::{Guardrail, OnViolation, ValidationMode};

fn rule(kind: &str, params: &Value) -> Guardrail {
    Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap()
}

fn banned() -> Guardrail {
    rule("banned_words", &json!({ "words": ["secret"], "message": "I cannot tell." }))
}

fn plain(model: &Arc<MockProvider>) -> Opening {
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(model);
    Conversation::plain("Be kind.").provider(provider)
}

/// A pack whose prompt has these validators.
fn ruled(validators: &Value) -> Pack {
    let pack = json!({
        "id": "ruled", "name": "Ruled", "version": "1.0.0",
        "template_engine": { "version": "v1", "syntax": "{{variable}}" },
        "prompts": { "talk": {
            "id": "talk", "name": "Talk", "version": "1.0.0", "system_template": "Talk.",
            "validators": validators,
        } },
    });
    Pack::load(pack.to_string().as_bytes(), SchemaCheck::Full).unwrap().pack
}

fn by_rules(model: &Arc<MockProvider>, validators: &Value) -> Opening {
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(model);
    Conversation::open(ruled(validators), "talk").provider(provider)
}

#[tokio::test]
async fn what_is_banned_is_replaced_and_told_with_the_response() {
    let model = model(&["Well. The SECRET is in the cellar."]);
    let rules =
        plain(&model).validator(banned()).validator(rule("max_length", &json!({ "max": 99 })));
    let conversation = rules.start().await.unwrap();
    let mut events = conversation.subscribe();

    let response = conversation.send("hello").await.unwrap();

    assert_eq!(response.text(), "Well. The I cannot tell.");
    assert_eq!(said(&conversation), ["user: hello", "assistant: Well. The I cannot tell."]);
    let [validation] = &*response.validations else { panic!("{:?}", response.validations) };
    assert_eq!(validation.action, Some(ValidationAction::Replaced));
    conversation.close().await.unwrap();
    drop(conversation);
    let mut told = String::new();
    while let Some(event) = events.next().await {
        told += &serde_json::to_string(&event.unwrap()).unwrap();
    }
    assert!(told.contains("validation_failed") && told.contains("I cannot tell."), "{told}");
    assert!(!told.to_lowercase().contains("secret") && !told.contains("cellar"), "{told}");
}

#[tokio::test]
async fn rules_that_are_kept_are_told_too() {
    let model = model(&["All is well."]);
    let conversation = plain(&model).validator(banned()).start().await.unwrap();
    let response = conversation.send("hello").await.unwrap();
    assert_eq!(response.text(), "All is well.");
    assert!(response.validations.len() == 1 && response.validations[0].passed);
}

#[tokio::test]
async fn what_the_user_may_not_say_reaches_no_model_and_is_kept_as_that() {
    let model = model(&["Good day."]);
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    let opening = || {
        let rule = banned().about(Direction::Input);
        plain(&model).validator(rule).store(Arc::clone(&store))
    };
    let conversation = opening().id(id("c1")).start().await.unwrap();
    let response = conversation.send("the secret please").await.unwrap();
    assert_eq!(response.text(), "I cannot tell.");
    assert_eq!(response.validations[0].direction, Direction::Input);
    assert!(model.requests().is_empty());
    conversation.close().await.unwrap();

    let conversation = opening().resume(id("c1")).await.unwrap();
    conversation.send("good day").await.unwrap();
    let lines: Vec<_> = model.requests()[0].messages.iter().map(line).collect();
    assert_eq!(lines, ["user: good day"]);
    assert_eq!(said(&conversation).len(), 4, "people see all of it");
    let saved = Saved::of(store.read(&id("c1")).await.unwrap().unwrap());
    assert!(saved.turns[0].withheld && !saved.turns[1].withheld);
    assert!(!saved.turns[0].validations[0].passed);
}

#[tokio::test]
async fn a_rule_may_fail_what_either_says() {
    let model = model(&["Well. The secret is out.", "Good day."]);
    let rule = banned().about(Direction::Both).on(OnViolation::Fail);
    let conversation = plain(&model).validator(rule).start().await.unwrap();

    let error = conversation.send("hello").await.unwrap_err();
    let ConversationError::Validation(error) = error else { panic!("{error}") };
    assert_eq!((&*error.validator, error.direction), ("banned_words", Direction::Output));

    let error = conversation.send("the secret").await.unwrap_err();
    let ConversationError::Validation(error) = error else { panic!("{error}") };
    assert_eq!(error.direction, Direction::Input);
    assert_eq!(model.requests().len(), 1);

    conversation.send("good day").await.unwrap();
    let lines: Vec<_> = model.requests()[1].messages.iter().map(line).collect();
    assert_eq!(lines, ["user: hello", "assistant: Well. The", "user: good day"]);
}

#[tokio::test]
async fn modes_say_how_much_rules_may_do() {
    let answer = "The secret is out.";
    let free = |opening: fn(Opening) -> Opening| async move {
        let model = model(&[answer]);
        let conversation = opening(plain(&model).validator(banned())).start().await.unwrap();
        let response = conversation.send("hello").await;
        response.map(|response| (response.text().to_owned(), response.validations.len()))
    };
    let told = free(|opening| opening.validation_mode(ValidationMode::Warn)).await.unwrap();
    assert_eq!(told, (answer.to_owned(), 1));
    let told = free(|opening| opening.validation_mode(ValidationMode::Disabled)).await.unwrap();
    assert_eq!(told, (answer.to_owned(), 0));
    let told = free(|opening| opening.disable_validator("banned_words")).await.unwrap();
    assert_eq!(told, (answer.to_owned(), 0));
    let strict = free(Opening::strict_validation).await;
    assert!(matches!(strict, Err(ConversationError::Validation(_))), "{strict:?}");
}

#[tokio::test]
async fn a_prompt_s_validators_are_its_rules() {
    let model = model(&["A secret.", "One. Two."]);
    let rules = json!([
        { "type": "banned_words", "params": { "words": ["secret"] }, "fail_on_violation": true },
        { "type": "max_sentences", "params": { "max": 1 } },
        { "type": "regex", "enabled": false, "params": { "pattern": "^x" } },
        { "type": "regex", "params": { "pattern": "(" } },
    ]);
    let conversation = by_rules(&model, &rules).start().await.unwrap();
    let failed = conversation.send("hello").await.unwrap_err();
    assert!(matches!(failed, ConversationError::Validation(_)), "{failed}");
    assert_eq!(conversation.send("hello").await.unwrap().text(), "One. ");
}

#[tokio::test]
async fn a_validator_that_is_not_known_is_an_error_unless_it_is_disabled() {
    let model = model(&["Well."]);
    let rules = json!([{ "type": "baned_words", "params": {} }]);
    let error = by_rules(&model, &rules).start().await.unwrap_err();
    assert!(matches!(error, ConversationError::Validator(_)));
    assert!(error.to_string().contains("is `banned_words` meant?"), "{error}");
    let conversation = by_rules(&model, &rules).disable_validator("baned_words").start().await;
    assert_eq!(conversation.unwrap().send("hello").await.unwrap().text(), "Well.");
}

#[tokio::test]
async fn calls_of_tools_are_looked_at_with_the_answer() {
    let model = model(&[]);
    model.add_tool_call("find_room", json!({}));
    model.add_response("It is upstairs.");
    let rule = rule("tools_not_called", &json!({ "tools": ["find_room"], "message": "No." }));
    let conversation = opening(&model).tools(rooms()).validator(rule).start().await.unwrap();
    assert_eq!(conversation.send("where?").await.unwrap().text(), "No.");
}

#[test]
fn records_from_before_there_were_rules_are_read() {
    let old = r#"{"kind":"turn","at":"2026-01-01T00:00:00Z","mode":"text"}"#;
    let Entry::Turn(record) = serde_json::from_str(old).unwrap() else { panic!("a turn") };
    assert!(!record.withheld && record.validations.is_empty());
    assert!(!serde_json::to_string(&record).unwrap().contains("withheld"));
}
