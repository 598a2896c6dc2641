//! Packs that name minijinja as the engine of their templates.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rendered(file: &str, given: &Values) -> Result<String, PromptError> {
    load(file).unwrap().pack.prompt("guide", None)?.render(given)
}

/// A pack with this template, and these fragments.
fn pack(template: &str, fragments: &[(&str, &str)]) -> Pack {
    let fragments: serde_json::Map<_, _> =
        fragments.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    let pack = json!({
        "template_engine": { "version": "3", "syntax": "minijinja" },
        "fragments": fragments,
        "prompts": { "guide": { "system_template": template } }
    });
    Pack::load(pack.to_string().as_bytes(), SchemaCheck::Skipped).unwrap().pack
}

fn told(template: &str, fragments: &[(&str, &str)], given: &Values) -> Result<String, String> {
    let prompt = pack(template, fragments).prompt("guide", None).unwrap();
    prompt.render(given).map_err(|error| error.to_string())
}

#[test]
fn conditions_loops_filters_and_fragments_are_rendered() {
    let rooms = json!([{"name": "Egypt", "closed": false}, {"name": "Rome", "closed": true}]);
    let given = values([("visitor", json!("Ann")), ("rooms", rooms), ("brief", json!("true"))]);
    assert_eq!(
        rendered("valid/minijinja.json", &given).unwrap(),
        "You guide ANN through 2 rooms:\n1. Egypt\n2. Rome (closed)\nBe kind to Ann. Be brief.\n"
    );
    let given = values([("visitor", json!("Ann"))]);
    assert_eq!(
        rendered("valid/minijinja.json", &given).unwrap(),
        "You guide ANN through 0 rooms:\nBe kind to Ann. Take your time.\n"
    );
}

#[test]
fn only_who_names_the_engine_has_it() {
    let given = values([("visitor", json!("Ann"))]);
    let text = rendered("valid/minijinja_as_version.json", &given).unwrap();
    assert_eq!(text, "You guide Ann. {% if a %}");
}

#[test]
fn a_value_beats_a_fragment() {
    let text = told("{{ a }}", &[("a", "{{ b }}")], &values([("a", json!("x"))]));
    assert_eq!(text.unwrap(), "x");
}

#[test]
fn all_that_is_missing_is_told_at_once_with_its_place() {
    let error = rendered("valid/minijinja.json", &Values::new()).unwrap_err();
    assert_eq!(error.to_string(), "no value for `visitor`");
    let error =
        told("{{ a }}\n{{ b }} {{ f }} {{ d|default(1) }}", &[("f", "{{ c }}")], &Values::new());
    assert_eq!(
        error.unwrap_err(),
        "no value for `a` (the template, line 1, column 4), `b` (the template, line 2, column 4), \
         `c` (fragment `f`, line 1, column 4)"
    );
    // A name that is looked up only under a condition is missed only then.
    let fragments = [("f", "{{ nobody }}")];
    assert_eq!(told("{% if false %}{{ f }}{% endif %}x", &fragments, &Values::new()).unwrap(), "x");
}

#[test]
fn what_must_be_given_is_missed_though_it_stands_nowhere() {
    let mut pack = pack("{{ b }}", &[]);
    let variable = json!([{ "name": "a", "type": "string", "required": true }]);
    pack.prompts.get_mut("guide").unwrap().variables = serde_json::from_value(variable).unwrap();
    let error = pack.prompt("guide", None).unwrap().render(&Values::new()).unwrap_err();
    assert_eq!(error.to_string(), "no value for `a`, `b` (the template, line 1, column 4)");
}

#[test]
fn an_error_names_its_text() {
    let given = values([("a", json!({}))]);
    let error = told("{{ f }}", &[("f", "\n{{ a.b }}")], &given).unwrap_err();
    assert_eq!(error, "fragment `f`, line 2, column 4: `a.b` is undefined");
}

#[test]
fn fragments_are_nested_up_to_a_hundred_deep() {
    let chain = |length: usize| {
        let fragments: Vec<_> = (1..=length)
            .map(|number| (format!("f{number}"), format!(".{{{{ f{} }}}}", number + 1)))
            .chain([(format!("f{}", length + 1), "end".to_owned())])
            .collect();
        let mut pack = pack("{{ f1 }}", &[]);
        pack.fragments = fragments.into_iter().collect();
        pack.prompt("guide", None)?.render(&Values::new())
    };
    assert_eq!(chain(99).unwrap(), ".".repeat(99) + "end");
    assert_eq!(chain(100), Err(PromptError::TooDeep("f1".to_owned())));
    assert!(chain(10_000).is_err());
}

#[test]
fn fragments_that_grow_have_a_bound() {
    let mut pack = pack("{{ f30 }}", &[("f0", "0123456789abcdef")]);
    for number in 1..=30 {
        let inner = format!("{{{{ f{} }}}}", number - 1);
        pack.fragments.insert(format!("f{number}"), inner.repeat(2));
    }
    let error = pack.prompt("guide", None).unwrap().render(&Values::new()).unwrap_err();
    assert!(error.to_string().contains("longer than 64 MiB"), "{error}");
}

proptest! {
    #[test]
    fn a_value_is_never_expanded(value in "([{}%#'\" ~|a-z]|\\{\\{ (manners|visitor) \\}\\}){0,20}") {
        static PROMPT: LazyLock<SystemPrompt> = LazyLock::new(|| {
            let text = "{% for n in [1] %}{{ visitor }}{% endfor %}|{{ visitor ~ '' }}|{{ manners }}";
            let text = text.replace("[1]", "range(1)");
            pack(&text, &[("manners", "<{{ visitor }}>")]).prompt("guide", None).unwrap()
        });
        let text = PROMPT.render(&values([("visitor", json!(value))]));
        prop_assert_eq!(text.unwrap(), format!("{value}|{value}|<{value}>"));
    }

    #[test]
    fn any_text_is_rendered_or_refused(text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|if|for|in|raw|end|[a-c|~ '\"\\n-]){0,12}") {
        let pack = json!({
            "template_engine": { "version": "3", "syntax": "minijinja" },
            "prompts": { "guide": { "system_template": text } }
        });
        if let Ok(loaded) = Pack::load(pack.to_string().as_bytes(), SchemaCheck::Skipped) {
            let _ = loaded.pack.prompt("guide", None).unwrap().render(&Values::new());
        }
    }
}
