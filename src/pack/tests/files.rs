//! The project's own packs: one for each feature, one for each error.

use std::collections::BTreeMap;
use std::fs;

use super::*;

/// The packs that are valid, with their warnings.
const VALID: &[(&str, &[&str])] = &[
    ("agents_and_skills", &[]),
    ("all_the_rest", &[]),
    ("bindings", &[]),
    ("evals", &[]),
    ("fragments", &[]),
    ("loops", &["$.template_engine.features: templates have no loops here"]),
    (
        "lost_states",
        &[
            "$.workflow.entry: there is no state `a`",
            "$.workflow.states.b.prompt_task: there is no prompt `c`",
            "$.workflow.states.b.on_event.Go: there is no state `d`",
        ],
    ),
    ("media", &[]),
    ("minijinja", &[]),
    (
        "minijinja_as_version",
        &[r#"$.template_engine.version: `syntax` names the engine: write `"syntax": "minijinja"`"#],
    ),
    (
        "minijinja_names",
        &[
            r#"$.fragments["house-rules"]: no template of minijinja can say `house-rules`"#,
            "$.prompts.guide.system_template: `town` is no variable and no fragment: it must be given",
            "$.prompts.guide.system_template: `visitor` is no variable and no fragment: it must be \
             given",
        ],
    ),
    ("minimal", &[]),
    ("model_overrides", &[]),
    (
        "newer_than_its_schema",
        &[
            "$.evals: this came with schema 1.2.0; the pack names 1.1.0",
            "$.workflow: this came with schema 1.3.0; the pack names 1.1.0",
        ],
    ),
    (
        "of_a_schema_to_come",
        &["$.$schema: the pack names schema 1.9.0; it is read as 1.4.0, the newest that is known"],
    ),
    (
        "other_syntax",
        &[
            "$.template_engine.syntax: only `{{variable}}` is understood; prompts of this pack cannot \
           be used",
        ],
    ),
    ("parameters", &[]),
    ("promptkit", &[]),
    ("schema_1_0", &[]),
    ("tools", &[]),
    (
        "undeclared",
        &[
            "$.prompts.guide.system_template: `visitor` is no variable and no fragment: it must be \
             given",
            "$.prompts.guide.variables[0].type: `place` is not known: values are taken as they are",
            "$.prompts.guide.variables[1].default: not used: the variable must be given",
            "$.prompts.guide.tools[0]: the pack describes no tool `fly`: a program must bring it",
        ],
    ),
    (
        "unknown_fields",
        &[
            "$.prompts.guide.parameter: the format has no such field; is `parameters` meant?",
            "$.template_engine.featurs: the format has no such field; is `features` meant?",
            "$.provider: the format has no such field",
        ],
    ),
    ("validators", &[]),
    ("variables", &[]),
    ("workflow", &[]),
];

/// The packs that are not valid, with all that is told of each.
const WRONG: &[(&str, &[&str])] = &[
    (
        "bad_id",
        &[
            r#"$.id: expected lower-case letters, digits and hyphens, with a letter first, found "My Pack""#,
        ],
    ),
    (
        "bad_pattern",
        &["$.prompts.guide.variables[0].validation.pattern: `(` is no regular expression"],
    ),
    (
        "bad_version",
        &[r#"$.version: expected a version as in `1.0.0` or `v1.2.0-beta.1`, found "1.0""#],
    ),
    ("circle", &["$.prompts.guide.system_template: fragments contain one another: a → b → a"]),
    (
        "default_against_its_rule",
        &[r#"$.prompts.guide.variables[0].default: "green" is not one of "red""#],
    ),
    (
        "default_of_another_type",
        &[r#"$.prompts.guide.variables[0].default: "many" is not of type "number""#],
    ),
    (
        "minijinja_circle",
        &["$.prompts.guide.system_template: fragments contain one another: a → a"],
    ),
    (
        "minijinja_fragment",
        &[
            "$.fragments.a: line 1, column 6: syntax error: unexpected identifier, expected end of variable block",
        ],
    ),
    (
        "minijinja_include",
        &[
            "$.prompts.guide.system_template: line 1, column 1: there is no `include` here, only `if`, \
           `for` and `raw`",
        ],
    ),
    (
        "minijinja_set",
        &["$.prompts.guide.system_template: line 2, column 2: there is no `set` here, only `if`, \
           `for` and `raw`"],
    ),
    (
        "minijinja_unclosed",
        &[
            "$.prompts.guide.system_template: line 2, column 11: syntax error: unexpected end of input, expected end of block",
        ],
    ),
    ("no_prompt_in_prompts", &["$.prompts: expected at least 1 entry, found none"]),
    ("no_prompts", &["$: lacks `prompts`"]),
    (
        "no_such_choice",
        &[
            r#"$.prompts.guide.tool_policy.tool_choice: expected one of "auto", "required", "none", found "always""#,
        ],
    ),
    ("no_template", &["$.prompts.guide: lacks `system_template`"]),
    (
        "not_a_name",
        &[
            "$.prompts.guide.system_template: line 1, column 1: `{{#if a}}` is no name: write {{name}}, \
           without spaces; there is nothing else",
        ],
    ),
    ("not_an_object", &["$: expected object, found an array"]),
    ("same_name_twice", &["$.prompts.guide.variables[1].name: there is another variable `a`"]),
    ("skill_of_a_number", &["$.skills[0]: expected string, found 5"]),
    ("skill_without_path", &["$.skills[0]: lacks `instructions`"]),
    ("state_without_composition", &["$.workflow.states.door: lacks `composition`"]),
    (
        "temperature_too_high",
        &[r#"$.prompts["vision-guide"].parameters.temperature: expected at most 2, found 3"#],
    ),
    ("tokens_not_whole", &["$.prompts.guide.parameters.max_tokens: expected integer, found 1.5"]),
    ("tool_without_description", &["$.tools.a: lacks `description`"]),
    ("unclosed_braces", &["$.prompts.guide.system_template: line 2, column 5: `{{` has no `}}`"]),
    ("unclosed_fragment", &["$.fragments.a: line 1, column 1: `{{` has no `}}`"]),
    (
        "unclosed_override",
        &["$.prompts.guide.model_overrides.m: line 1, column 36: `{{` has no `}}`"],
    ),
    ("wrong_type", &["$.prompts.guide.variables[1].name: expected string, found 5"]),
];

#[test]
fn packs_of_every_feature_are_valid() {
    let table: BTreeMap<_, _> =
        VALID.iter().copied().filter(|(name, _)| is_built_in(name)).collect();
    assert_eq!(stems("valid"), table.keys().copied().collect::<Vec<_>>());
    for (name, warnings) in table {
        let loaded =
            load(&format!("valid/{name}.json")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(told(&loaded.warnings), warnings, "{name}");
    }
}

#[test]
fn errors_name_their_place_and_what_was_expected() {
    let built_in = |(name, _): &(&str, _)| is_built_in(name);
    let mut table: BTreeMap<_, _> = WRONG.iter().copied().filter(built_in).collect();
    table.insert("not_json", &[]);
    assert_eq!(stems("wrong"), table.keys().copied().collect::<Vec<_>>());
    for (name, problems) in WRONG.iter().filter(|(name, _)| is_built_in(name)) {
        match load(&format!("wrong/{name}.json")) {
            Err(PackError::Invalid(found)) => assert_eq!(told(&found), *problems, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_json_is_told_with_its_line() {
    let error = load("wrong/not_json.json").unwrap_err();
    assert_eq!(error.to_string(), "the pack cannot be read: expected value at line 2 column 11");
    let error = Pack::load(b"{\"id\": \"\xff\"}", SchemaCheck::Full).unwrap_err();
    assert!(matches!(error, PackError::NotText(_)), "{error}");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let bytes = [b"\xef\xbb\xbf".to_vec(), fs::read(file("valid/minimal.json")).unwrap()].concat();
    assert_eq!(Pack::load(&bytes, SchemaCheck::Full).unwrap().pack.id, "minimal");
}

#[test]
fn without_the_schema_only_what_is_needed_must_be_there() {
    let load = |text: &str| Pack::load(text.as_bytes(), SchemaCheck::Skipped);
    let pack =
        load(r#"{"prompts": {"a": {"system_template": "b"}}, "id": "Not An Id"}"#).unwrap().pack;
    assert_eq!(pack.prompt("a", None).unwrap().render(&Values::new()).unwrap(), "b");
    let error = load("{\"prompts\": {\n\"a\": {}}}").unwrap_err().to_string();
    assert!(error.contains("missing field `system_template` at line 2"), "{error}");
    // Templates are read all the same.
    let error = load(r#"{"prompts": {"a": {"system_template": "{{"}}}"#).unwrap_err();
    assert!(matches!(error, PackError::Invalid(_)), "{error}");
}

#[test]
fn a_thousand_errors_are_cut() {
    let prompts: Vec<_> = (0..1000).map(|number| format!("\"p{number}\": {{}}")).collect();
    let text = format!(r#"{{"prompts": {{{}}}}}"#, prompts.join(", "));
    let Err(PackError::Invalid(problems)) = Pack::load(text.as_bytes(), SchemaCheck::Full) else {
        panic!("it is valid");
    };
    assert_eq!(problems.len(), 100);
    let told = PackError::Invalid(problems).to_string();
    assert!(told.ends_with("; and 95 more"), "{told}");
}

#[test]
fn all_of_a_pack_is_kept() {
    let pack = load("valid/validators.json").unwrap().pack;
    let [words, length] = &pack.prompts["guide"].validators[..] else { panic!("not two") };
    assert_eq!(
        (words.kind.as_str(), words.enabled, words.fail_on_violation),
        ("banned_words", true, false)
    );
    assert_eq!(words.params["words"][0], "darn");
    assert_eq!(words.message.as_deref(), Some("Let us speak of the pictures."));
    assert_eq!((length.enabled, length.fail_on_violation), (false, true));

    let pack = load("valid/evals.json").unwrap().pack;
    assert!(!pack.evals[0].enabled);
    assert_eq!(pack.evals[0].sample_percentage, 5.0);
    let eval = &pack.prompts["guide"].evals[0];
    assert_eq!((eval.trigger.as_str(), eval.sample_percentage), ("sample_turns", 20.0));
    assert_eq!(eval.threshold.as_ref().unwrap()["value"], 0.8);
    assert_eq!(eval.groups, ["tone"]);

    let pack = load("valid/media.json").unwrap().pack;
    let media = pack.prompts["guide"].media.as_ref().unwrap();
    assert_eq!(
        media.limits.keys().collect::<Vec<_>>(),
        ["audio", "document", "image", "scan", "video"]
    );
    assert_eq!(media.limits["image"].max_images_per_msg, Some(2));
    assert!(media.limits["image"].require_caption);
    assert_eq!(media.limits["audio"].max_duration_sec, Some(60));
    assert_eq!(media.limits["scan"].validation_params["points"], 100_000);
    assert_eq!(media.examples.len(), 1);

    let pack = load("valid/workflow.json").unwrap().pack;
    assert_eq!(pack.workflow.unwrap()["engine"]["budget"]["max_total_visits"], 20);
    let pack = load("valid/promptkit.json").unwrap().pack;
    assert!(pack.compositions.contains_key("tour"));
    let pack = load("valid/agents_and_skills.json").unwrap().pack;
    assert_eq!((pack.skills.len(), pack.agents.is_some()), (4, true));
    let pack = load("valid/all_the_rest.json").unwrap().pack;
    assert_eq!(pack.metadata["language"], "en");
    assert_eq!(pack.prompts["guide"].tested_models.len(), 1);
    assert!(pack.compilation.is_some() && pack.prompts["guide"].pipeline.is_some());
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

/// The names of the packs in a folder, in order.
fn stems(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(file(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut stems: Vec<_> =
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    stems.retain(|name| is_built_in(name));
    stems.sort();
    stems
}

/// Whether this build has the engine of the pack of that name.
fn is_built_in(name: &str) -> bool {
    cfg!(feature = "minijinja") || !name.starts_with("minijinja")
}

#[cfg(not(feature = "minijinja"))]
#[test]
fn without_its_engine_a_pack_has_no_prompts_and_the_feature_is_named() {
    let loaded = load("valid/minijinja.json").unwrap();
    let error = loaded.pack.prompt("guide", None).unwrap_err().to_string();
    assert!(error.contains("without the feature `minijinja`"), "{error}");
    assert!(told(&loaded.warnings)[0].contains(&error), "{:?}", loaded.warnings);
}
