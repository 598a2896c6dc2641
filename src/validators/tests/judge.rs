//! What of an answer is said, when, and what is said instead.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::text::English;
use crate::types::{ToolCall, ValidationAction};
use crate::validators::{
    Guardrail, Guards, Judge, OnViolation, Portion, Ruling, Said, ValidationMode, Validator,
    Violation,
};

fn rule(kind: &str, params: &Value) -> Guardrail {
    Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap()
}

fn banned() -> Guardrail {
    rule("banned_words", &json!({ "words": ["secret plan"], "message": "No." }))
}

fn judge(rules: impl IntoIterator<Item = Guardrail>, pace: &Portion) -> Judge {
    let guards = Guards { rules: rules.into_iter().collect(), ..Guards::new() };
    Judge::new(&guards, pace)
}

/// What is said upon each piece of an answer and at its end; `|` if nothing more is wanted, `!`
/// if it has failed.
fn said(judge: &mut Judge, pieces: &[&str]) -> Vec<String> {
    let told = |ruling| match ruling {
        Ruling::Say(text) => text,
        Ruling::Stop(text) => text + "|",
        Ruling::Fail(text, _) => text + "!",
    };
    let mut said: Vec<_> = pieces.iter().map(|piece| told(judge.text(piece))).collect();
    said.push(told(judge.end()));
    said
}

fn by_words(rules: impl IntoIterator<Item = Guardrail>, pieces: &[&str]) -> Vec<String> {
    said(&mut judge(rules, &Portion::Words), pieces)
}

fn by_clauses(rules: impl IntoIterator<Item = Guardrail>, pieces: &[&str]) -> Vec<String> {
    said(&mut judge(rules, &Portion::Clauses(Arc::new(English))), pieces)
}

#[test]
fn without_rules_all_is_said_at_once() {
    assert_eq!(by_words([], &["He", "llo"]), ["He", "llo", ""]);
    let warns = banned().on(OnViolation::Warn);
    assert_eq!(by_words([warns], &["my sec", "ret plan"]), ["my sec", "ret plan", ""]);
}

#[test]
fn words_are_said_as_soon_as_they_are_safe() {
    assert_eq!(by_words([banned()], &["He", "llo the", "re."]), ["", "Hello ", "", "there."]);
    let pieces = ["my sec", "ret ", "diary ", "is ", "here"];
    assert_eq!(by_words([banned()], &pieces), ["my ", "", "secret diary ", "is ", "", "here"]);
}

#[test]
fn clauses_are_said_when_the_voice_would_begin_them() {
    let pieces = ["Well", ",", " it is ", "so. ", "And more.", " Bye"];
    assert_eq!(
        by_clauses([banned()], &pieces),
        ["", "", "Well, ", "it is so. ", "", "And more. ", "Bye"]
    );
}

#[test]
fn a_long_sentence_without_a_mark_is_not_kept_from_the_voice() {
    let text = "word ".repeat(30);
    let mut judge = judge([banned()], &Portion::Clauses(Arc::new(English)));
    let Ruling::Say(said) = judge.text(&text[..85]) else { panic!("nothing is wrong") };
    assert!(said.len() >= 80, "{said}");
}

#[test]
fn what_is_banned_is_replaced() {
    assert_eq!(by_words([banned()], &["My SECRET pl", "an is old.", "x"]), ["My ", "No.|", "", ""]);
    let pieces = ["Hello there. My secret ", "plan is"];
    assert_eq!(by_words([banned()], &pieces), ["Hello there. My ", "No.|", ""]);
    // A voice has not begun the sentence yet.
    assert_eq!(by_clauses([banned()], &pieces), ["Hello there. ", "No.|", ""]);
    assert_eq!(by_words([banned()], &["(secret plan"]), ["", "No.|"]);
}

#[test]
fn what_is_too_long_is_cut_behind_a_word_or_a_sentence() {
    let short = || rule("max_length", &json!({ "max": 12 }));
    assert_eq!(by_words([short()], &["Hello there, ", "Ann"]), ["Hello |", "", ""]);
    assert_eq!(by_words([short()], &["Hello there."]), ["Hello ", "there."]);
    let one = || rule("sentence_count", &json!({ "max": 1 }));
    let pieces = ["It is so", ". ", "\n", "And", " more."];
    assert_eq!(by_words([one()], &pieces), ["It is ", "so. ", "", "", "|", ""]);
    assert_eq!(by_clauses([one()], &["It is so. ", "\n "]), ["It is so. ", "", "\n "]);
}

#[test]
fn who_fails_says_nothing_more() {
    let pieces = ["Well, my ", "secret plan ", "is"];
    let mut judge = judge([banned().on(OnViolation::Fail)], &Portion::Words);
    assert_eq!(said(&mut judge, &pieces), ["Well, my ", "!", "", ""]);
    assert_eq!(judge.validations()[0].action, Some(ValidationAction::Failed));
}

#[test]
fn a_rule_that_must_have_all_holds_all_back() {
    let json = || rule("json_valid", &json!({ "message": "Sorry." }));
    assert_eq!(by_words([json()], &["{ ", "}"]), ["", "", "{ }"]);
    assert_eq!(by_words([json()], &["{ ", "]"]), ["", "", "Sorry.|"]);
    // What breaks another rule first is replaced with all that was held back.
    assert_eq!(by_words([json(), banned()], &["{ secret plan "]), ["No.|", ""]);
    // What is cut must still be as it should.
    let short = || rule("max_length", &json!({ "max": 4 }));
    assert_eq!(by_words([json(), short()], &["[1] ", "[2] "]), ["", "[1] |", ""]);
    assert_eq!(by_words([json(), short()], &["{ \"a\": 1 }"]), ["Sorry.|", ""]);
    let warns = json().on(OnViolation::Warn);
    assert_eq!(by_words([warns], &["{ ", "]"]), ["{ ", "]", ""]);
}

#[test]
fn the_rule_that_is_broken_first_in_the_text_counts() {
    let short = rule("max_length", &json!({ "max": 5 }));
    assert_eq!(by_words([short, banned()], &["a secret plan"]), ["a |", ""]);
}

#[test]
fn calls_are_looked_at_with_the_answer() {
    let none = rule("tools_not_called", &json!({ "tools": ["delete"], "message": "No." }));
    let mut judge = judge([none], &Portion::Words);
    judge.text("It is gone.");
    judge.call(&ToolCall { id: "1".to_owned(), name: "delete".to_owned(), arguments: json!({}) });
    assert_eq!(judge.end(), Ruling::Stop("No.".to_owned()));
}

#[test]
fn all_that_were_asked_are_told() {
    let rules = [
        rule("regex", &json!({ "pattern": "^x" })).on(OnViolation::Warn),
        banned().named("plans"),
        rule("max_length", &json!({ "max": 99 })),
    ];
    let mut fine = judge(rules.clone(), &Portion::Words);
    said(&mut fine, &["yes"]);
    let told = |judge: &Judge| -> Vec<_> {
        let each = judge.validations().iter();
        each.map(|one| (one.validator.clone(), one.passed, one.action)).collect()
    };
    assert_eq!(
        told(&fine),
        [
            ("regex".to_owned(), false, Some(ValidationAction::Warned)),
            ("plans".to_owned(), true, None),
            ("max_length".to_owned(), true, None),
        ]
    );
    let mut broken = judge(rules, &Portion::Words);
    said(&mut broken, &["my secret plan"]);
    assert_eq!(told(&broken), [("plans".to_owned(), false, Some(ValidationAction::Replaced))]);
}

#[test]
fn of_an_answer_that_broke_off_is_said_what_was_safe() {
    let mut judge = judge([banned()], &Portion::Words);
    judge.text("Hello my sec");
    assert_eq!(judge.broke_off(), "");
    assert_eq!(judge.end(), Ruling::Say(String::new()));
    assert!(judge.validations().is_empty());
}

#[test]
fn in_the_mode_that_warns_nothing_is_held_back() {
    let rules = vec![banned(), rule("json_valid", &json!({}))];
    let guards = Guards { rules, mode: ValidationMode::Warn, ..Guards::new() };
    let mut judge = Judge::new(&guards, &Portion::Words);
    assert_eq!(said(&mut judge, &["my secret plan"]), ["my secret plan", ""]);
    assert!(judge.validations().iter().all(|one| one.action == Some(ValidationAction::Warned)));
    assert_eq!(judge.validations().len(), 2);
}

#[test]
fn a_rule_of_one_s_own_is_asked_for_the_whole() {
    #[derive(Debug)]
    struct NoShouting;
    impl Validator for NoShouting {
        fn kind(&self) -> &str {
            "no_shouting"
        }
        fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
            said.text.find('!').map_or(Ok(()), |at| Err(Violation::new("it shouts", at)))
        }
    }
    let own = || Guardrail::new(Arc::new(NoShouting)).on(OnViolation::Truncate);
    assert_eq!(by_words([own()], &["Well ", "done! So"]), ["", "", "Well |"]);
    assert_eq!(by_words([own()], &["Well ", "done"]), ["", "", "Well done"]);
}
