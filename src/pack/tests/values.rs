//! Which values variables take, and where values come from.

use serde_json::{Value, json};

use super::*;
use crate::time::WallTime;

/// The prompt `{{a}}`, whose variable has these fields.
fn told(variable: &str, value: Value) -> Result<String, String> {
    let fields = format!(r#""variables": [{{"name": "a", "required": false, {variable}}}]"#);
    let mut pack = with_prompt(&fields);
    pack.prompts.get_mut("guide").unwrap().system_template = "{{a}}".to_owned();
    let prompt = pack.prompt("guide", None).unwrap();
    prompt.render(&values([("a", value)])).map_err(|error| error.to_string())
}

#[test]
fn a_value_must_be_of_its_kind() {
    for (kind, fits, not) in [
        ("string", json!("b"), json!([1])),
        ("number", json!(1.5), json!("one")),
        ("boolean", json!(true), json!(1)),
        ("object", json!({"b": 1}), json!("b")),
        ("array", json!([1, "b"]), json!({})),
    ] {
        let variable = format!(r#""type": "{kind}""#);
        assert!(told(&variable, fits).is_ok(), "{kind}");
        let error = told(&variable, not).unwrap_err();
        assert!(error.starts_with("`a`: ") && error.contains(kind), "{error}");
    }
    assert_eq!(told(r#""type": "place""#, json!({"b": 1})).unwrap(), r#"{"b":1}"#);
}

#[test]
fn text_that_reads_as_the_kind_is_taken() {
    for (kind, text, written) in [
        ("number", "5", "5"),
        ("number", " -2.5 ", "-2.5"),
        ("boolean", "true", "true"),
        ("object", r#"{"b": 1}"#, r#"{"b":1}"#),
        ("array", "[1, 2]", "[1,2]"),
    ] {
        assert_eq!(told(&format!(r#""type": "{kind}""#), json!(text)).unwrap(), written);
    }
    assert_eq!(told(r#""type": "string""#, json!(5)).unwrap(), "5");
    assert_eq!(told(r#""type": "string""#, json!("5")).unwrap(), "5");
}

#[test]
fn a_value_must_keep_its_rules() {
    let rules = |rules: &str| format!(r#""type": "string", "validation": {{{rules}}}"#);
    let pattern = rules(r#""pattern": "^[a-z]+$""#);
    assert!(told(&pattern, json!("abc")).is_ok());
    let error = told(&pattern, json!("ABC")).unwrap_err();
    assert_eq!(error, r#"`a`: "ABC" does not match "^[a-z]+$""#);
    // As JavaScript has them: what is not followed by.
    assert!(told(&rules(r#""pattern": "a(?!b)""#), json!("ab")).is_err());
    let length = rules(r#""min_length": 2, "max_length": 3"#);
    assert!(told(&length, json!("üü")).is_ok());
    assert!(told(&length, json!("ü")).is_err() && told(&length, json!("üüüü")).is_err());
    assert!(told(&rules(r#""enum": ["b", "c"]"#), json!("d")).is_err());
    let number = r#""type": "number", "validation": {"minimum": 1, "maximum": 2}"#;
    assert!(told(number, json!("1.5")).is_ok());
    assert!(told(number, json!(0)).is_err() && told(number, json!(3)).is_err());
}

#[test]
fn an_error_does_not_repeat_a_long_value() {
    let error = told(r#""type": "number""#, json!("x".repeat(10_000))).unwrap_err();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn bound_variables_are_filled_in_by_themselves() {
    let pack = load("valid/bindings.json").unwrap().pack;
    let variables = &pack.prompts["guide"].variables;
    let sources = Sources::from([
        ("env".to_owned(), values([("GUIDE_LOCALE", json!("DE")), ("PATH", json!("/bin"))])),
        ("session".to_owned(), values([("user_id", json!(" u1 "))])),
        ("context".to_owned(), values([("house", json!("north"))])),
    ]);
    let filled = bound(variables, &sources).unwrap();
    // What is not to be filled in by itself is not.
    assert_eq!(filled, values([("locale", json!("de")), ("user", json!("u1"))]));
    assert_eq!(bound(variables, &Sources::new()).unwrap(), Values::new());
    let text = pack.prompt("guide", None).unwrap().render(&filled).unwrap();
    assert_eq!(text, "Speak de with u1 of the house.");
}

#[test]
fn a_filter_that_is_not_known_is_an_error() {
    let mut pack = load("valid/bindings.json").unwrap().pack;
    let variables = &mut pack.prompts.get_mut("guide").unwrap().variables;
    variables[1].binding.as_mut().unwrap().filter = Some("rot13".to_owned());
    let sources = Sources::from([("session".to_owned(), values([("user_id", json!("u"))]))]);
    let error = bound(variables, &sources).unwrap_err();
    assert_eq!(error.to_string(), "`user`: filter `rot13` is none of lowercase, uppercase, trim");
}

#[derive(Debug)]
struct Broken;

impl VariableProvider for Broken {
    fn name(&self) -> &str {
        "customers"
    }

    fn provide(&self, _: Facts<'_>) -> Result<Values, ProviderError> {
        Err(ProviderError { provider: self.name().to_owned(), reason: "no answer".to_owned() })
    }
}

fn provided(provider: &dyn VariableProvider) -> Result<Values, ProviderError> {
    let now = WallTime::at((2026, 11, 21), (9, 5)).unwrap();
    provider.provide(Facts { now, state: &values([("city", json!("Bath")), ("seen", json!(3))]) })
}

#[test]
fn the_clock_gives_time_and_date() {
    let expected = values([
        ("current_time", json!("09:05")),
        ("current_date", json!("2026-11-21")),
        ("current_weekday", json!("Saturday")),
        ("current_hour", json!("9")),
        ("current_month", json!("November")),
        ("current_year", json!("2026")),
    ]);
    assert_eq!(provided(&Time).unwrap(), expected);
}

#[test]
fn the_environment_gives_what_has_the_prefix() {
    let variables = [("APP_CITY", "York"), ("APP_", "x"), ("HOME", "/root"), ("MYAPP_A", "b")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let provider = Environment::new("APP_", variables);
    assert_eq!(provided(&provider).unwrap(), values([("city", json!("York"))]));
}

#[test]
fn of_several_a_later_one_wins_and_one_that_fails_is_named() {
    let fixed = |city: &str| Box::new(Fixed(values([("city", json!(city))])));
    let chain = Chain(vec![fixed("Bonn"), Box::new(State), fixed("Rome")]);
    assert_eq!(provided(&chain).unwrap(), values([("city", json!("Rome")), ("seen", json!(3))]));
    let chain = Chain(vec![fixed("Bonn"), Box::new(State)]);
    assert_eq!(provided(&chain).unwrap()["city"], "Bath");
    let chain = Chain(vec![fixed("Bonn"), Box::new(Broken), Box::new(State)]);
    let error = provided(&chain).unwrap_err().to_string();
    assert_eq!(error, "the variables of `customers` are not to be had: no answer");
}
