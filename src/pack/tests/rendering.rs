//! What a model is told.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::types::ToolChoice;

fn rendered(file: &str, given: &Values) -> Result<String, PromptError> {
    load(file).unwrap().pack.prompt("guide", None)?.render(given)
}

#[test]
fn values_and_defaults_stand_in_the_template() {
    let given = values([("visitor", json!("Ann")), ("age", json!("40")), ("stairs", json!(false))]);
    assert_eq!(
        rendered("valid/variables.json", &given).unwrap(),
        r#"You guide Ann, aged 40, in English. Stairs: false. Seen: []. Ticket: {"kind":"day"}."#
    );
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let error = rendered("valid/variables.json", &values([("visitor", json!(null))])).unwrap_err();
    assert_eq!(error.to_string(), "no value for `age`, `visitor`");
    // Also what is given to the template alone, and what must be given and stands nowhere.
    let error = rendered("valid/undeclared.json", &Values::new()).unwrap_err();
    assert_eq!(error.to_string(), "no value for `hat`, `visitor`");
}

#[test]
fn an_optional_variable_without_default_is_missed_where_it_stands() {
    let fields = r#""variables": [{"name": "a", "type": "string", "required": false}]"#;
    let mut pack = with_prompt(fields);
    let render = |pack: &Pack| pack.prompt("guide", None).unwrap().render(&Values::new());
    assert_eq!(render(&pack).unwrap(), "x");
    pack.prompts.get_mut("guide").unwrap().system_template = "{{a}}".to_owned();
    assert_eq!(render(&pack), Err(PromptError::Missing(vec!["`a`".to_owned()])));
}

#[test]
fn fragments_are_templates_and_values_are_not() {
    assert_eq!(
        rendered("valid/fragments.json", &Values::new()).unwrap(),
        "Greet friend.\nBe brief. Be kind to friend."
    );
    let given = values([("visitor", json!("{{rules}} {{"))]);
    assert_eq!(
        rendered("valid/fragments.json", &given).unwrap(),
        "Greet {{rules}} {{.\nBe brief. Be kind to {{rules}} {{."
    );
}

#[test]
fn a_value_beats_a_fragment_and_a_fragment_beats_a_default() {
    let given = values([("manners", json!("{{greeting}}"))]);
    assert_eq!(
        rendered("valid/fragments.json", &given).unwrap(),
        "Greet friend.\nBe brief. {{greeting}}"
    );
    let mut pack = load("valid/fragments.json").unwrap().pack;
    pack.fragments.insert("visitor".to_owned(), "all".to_owned());
    let text = pack.prompt("guide", None).unwrap().render(&Values::new()).unwrap();
    assert_eq!(text, "Greet all.\nBe brief. Be kind to all.");
}

#[test]
fn a_model_may_have_words_and_parameters_of_its_own() {
    let pack = load("valid/model_overrides.json").unwrap().pack;
    let told = |model| {
        let prompt = pack.prompt("guide", model).unwrap();
        (prompt.render(&Values::new()).unwrap(), *prompt.parameters())
    };
    let own =
        Parameters { temperature: Some(0.4), top_k: Some(TopK::Of(40)), ..Parameters::default() };
    let text = "You guide people through a museum.";
    assert_eq!(told(None), (text.to_owned(), own));
    assert_eq!(told(Some("unknown")), (text.to_owned(), own));
    assert_eq!(told(Some("small")), (format!("Think first. {text} Be brief."), own));
    let other = Parameters { temperature: Some(1.5), top_k: Some(TopK::All), ..own };
    assert_eq!(told(Some("other")), ("You are a guide.".to_owned(), other));
}

#[test]
fn every_parameter_is_read() {
    let pack = load("valid/parameters.json").unwrap().pack;
    let all = Parameters {
        temperature: Some(0.4),
        max_tokens: Some(300),
        top_p: Some(0.9),
        top_k: Some(TopK::Of(40)),
        frequency_penalty: Some(-0.5),
        presence_penalty: Some(1.0),
    };
    assert_eq!(*pack.prompt("guide", None).unwrap().parameters(), all);
}

#[test]
fn forbidden_tools_are_not_offered() {
    let pack = load("valid/tools.json").unwrap().pack;
    let prompt = pack.prompt("guide", None).unwrap();
    let [tool] = prompt.tools() else { panic!("not one tool") };
    assert_eq!((tool.name.as_str(), &tool.parameters["required"]), ("find_room", &json!(["name"])));
    let none = pack.tools["open_door"].descriptor().parameters;
    assert_eq!(none, json!({ "type": "object", "properties": {} }));
    let policy = pack.prompts["guide"].tool_policy.as_ref().unwrap();
    assert_eq!((&policy.tool_choice, policy.max_rounds), (&ToolChoice::Auto, 3));
    assert_eq!(policy.max_tool_calls_per_turn, 4);
}

#[test]
fn a_prompt_that_is_not_there_is_an_error() {
    let pack = load("valid/minimal.json").unwrap().pack;
    let error = pack.prompt("sales", None).unwrap_err();
    assert_eq!(error.to_string(), "the pack has no prompt `sales`; it has guide");
}

#[test]
fn a_pack_with_other_braces_has_no_prompts() {
    let error = rendered("valid/other_syntax.json", &Values::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "templates of the form `${variable}` are not understood, only `{{variable}}`"
    );
}

#[test]
fn fragments_that_double_each_other_are_made_once_each() {
    let mut pack = with_prompt(r#""name": "x""#);
    pack.fragments.insert("f0".to_owned(), String::new());
    for number in 1..100 {
        let before = format!("{{{{f{}}}}}", number - 1);
        pack.fragments.insert(format!("f{number}"), before.repeat(2));
    }
    pack.prompts.get_mut("guide").unwrap().system_template = "a{{f99}}b".to_owned();
    let text = pack.prompt("guide", None).unwrap().render(&Values::new()).unwrap();
    assert_eq!(text, "ab");
}

#[test]
fn fragments_are_nested_up_to_a_hundred_deep() {
    let chain = |length: usize| {
        let mut pack = with_prompt(r#""name": "x""#);
        for number in 1..length {
            pack.fragments.insert(format!("f{number:05}"), format!(".{{{{f{:05}}}}}", number + 1));
        }
        pack.fragments.insert(format!("f{length:05}"), "end".to_owned());
        pack.prompts.get_mut("guide").unwrap().system_template = "{{f00001}}".to_owned();
        pack.prompt("guide", None)?.render(&Values::new())
    };
    assert_eq!(chain(100).unwrap(), ".".repeat(99) + "end");
    assert_eq!(chain(101), Err(PromptError::TooDeep("f00001".to_owned())));
    assert!(chain(10_000).is_err());
}

proptest! {
    #[test]
    fn whatever_a_value_is_it_stands_there_as_it_is(
        value in "(\\{\\{(visitor|manners|rules)\\}\\}|[{}%]|.){0,40}",
    ) {
        static PROMPT: LazyLock<SystemPrompt> = LazyLock::new(|| {
            load("valid/fragments.json").unwrap().pack.prompt("guide", None).unwrap()
        });
        let text = PROMPT.render(&values([("visitor", json!(value))]));
        prop_assert_eq!(text.unwrap(), format!("Greet {value}.\nBe brief. Be kind to {value}."));
    }
}
