//! Whose words, and what is done.

use serde_json::{Value, json};

use crate::types::{Direction, ValidationAction};
use crate::validators::{
    Admitted, Guardrail, Guards, OnViolation, ValidationMode, ValidatorError, admit,
};

fn made(kind: &str, params: &Value) -> Result<Guardrail, ValidatorError> {
    Guardrail::by_kind(kind, params.as_object().unwrap())
}

fn guards(rules: impl IntoIterator<Item = Guardrail>) -> Guards {
    Guards { rules: rules.into_iter().collect(), ..Guards::new() }
}

fn banned(params: &Value) -> Guardrail {
    let mut all = json!({ "words": ["secret"] });
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    made("banned_words", &all).unwrap()
}

#[test]
fn what_is_too_long_is_cut_and_the_rest_replaced() {
    let rule = banned(&json!({}));
    assert_eq!((rule.name.as_str(), rule.direction), ("banned_words", Direction::Output));
    assert_eq!(rule.on_violation, OnViolation::Replace(Guardrail::MESSAGE.to_owned()));
    let rule = banned(&json!({ "message": "No.", "direction": "both" }));
    assert_eq!(
        (rule.direction, &rule.on_violation),
        (Direction::Both, &OnViolation::Replace("No.".to_owned()))
    );
    for kind in ["length", "max_sentences"] {
        let rule = made(kind, &json!({ "max": 7, "message": "Too long." })).unwrap();
        assert_eq!(rule.on_violation, OnViolation::Truncate);
    }
}

#[test]
fn wrong_common_parameters_are_named() {
    for (kind, params, told) in [
        ("regex", json!({ "pattern": "a", "direction": "up" }), "`direction`: unknown variant"),
        ("regex", json!({ "pattern": "a", "min_score": 0.5 }), "`min_score` has no meaning"),
        ("tools_called", json!({ "tools": ["a"], "direction": "input" }), "users call no tools"),
        ("regexp", json!({ "pattern": "a", "min_score": 0.5 }), "is `regex` meant?"),
    ] {
        let error = made(kind, &params).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn the_user_s_words_are_admitted_answered_or_refused() {
    let rule = |on| banned(&json!({ "direction": "input" })).on(on);
    let told = |on| admit(&guards([rule(on)]), "the secret");
    let (admitted, validations) = told(OnViolation::Replace("No.".to_owned()));
    assert_eq!(admitted, Admitted::Answered("No.".to_owned()));
    assert_eq!(validations[0].action, Some(ValidationAction::Replaced));
    assert_eq!((validations[0].direction, validations[0].passed), (Direction::Input, false));
    assert_eq!(
        (&*validations[0].validator, &*validations[0].kind),
        ("banned_words", "content_excludes")
    );

    assert_eq!(told(OnViolation::Truncate).0, Admitted::Answered(Guardrail::MESSAGE.to_owned()));
    let (admitted, validations) = told(OnViolation::Warn);
    assert_eq!((admitted, validations[0].action), (Admitted::Yes, Some(ValidationAction::Warned)));
    let Admitted::Refused(error) = told(OnViolation::Fail).0 else { panic!("it is refused") };
    assert_eq!(
        error.to_string(),
        "the validator `banned_words` refused what the user said: it says phrase 1 of those that are banned"
    );

    let (admitted, validations) = admit(&guards([rule(OnViolation::Fail)]), "all is well");
    assert!(admitted == Admitted::Yes && validations[0].passed && validations[0].action.is_none());
    // Rules for the agent do not look at the user.
    assert!(admit(&guards([banned(&json!({}))]), "the secret").1.is_empty());
}

#[test]
fn modes_say_how_much_a_rule_may_do() {
    let rule = || banned(&json!({ "direction": "both" }));
    let of = |change: &dyn Fn(&mut Guards)| {
        let mut guards = guards([rule()]);
        change(&mut guards);
        let action = guards.in_force(Direction::Output).next().map(|(_, on)| on);
        (action, guards.are_idle(), guards.holding_back().count())
    };
    let replaced = OnViolation::Replace(Guardrail::MESSAGE.to_owned());
    assert_eq!(of(&|_| {}), (Some(replaced), false, 0));
    assert_eq!(of(&|g| g.mode = ValidationMode::Warn), (Some(OnViolation::Warn), false, 0));
    assert_eq!(of(&|g| g.mode = ValidationMode::Disabled), (None, true, 0));
    assert_eq!(of(&|g| g.strict = true), (Some(OnViolation::Fail), false, 0));
    let quiet = |g: &mut Guards| (g.strict, g.mode) = (true, ValidationMode::Warn);
    assert_eq!(of(&quiet).0, Some(OnViolation::Warn));
    for name in ["banned_words", "content_excludes"] {
        assert!(of(&|g| g.disabled = [name.to_owned()].into()).1, "{name}");
    }
    assert!(!of(&|g| g.disabled = ["regex".to_owned()].into()).1);
}

#[test]
fn a_rule_that_must_have_all_and_acts_holds_the_answer_back() {
    let holds = |rule: Guardrail| rule.holds_back();
    let whole = || made("json_valid", &json!({})).unwrap();
    assert!(holds(whole()) && !holds(banned(&json!({}))));
    assert!(!holds(whole().on(OnViolation::Warn)) && !holds(whole().about(Direction::Input)));
    let strict = Guards { strict: true, ..guards([whole().on(OnViolation::Warn)]) };
    assert_eq!(strict.holding_back().count(), 1);
}
