use std::sync::Arc;

use super::super::{Factory, FileText, Found, Settings};
use super::*;
use crate::net::mock::MockHttp;
use crate::providers::{Price, Prices, Provider};

fn layered(
    flags: &[(&str, &str)],
    variables: &[(&str, &str)],
    (found, text): (Found, &str),
) -> Result<Settings, String> {
    let owned = |text: &str| text.to_owned();
    let flags: Vec<_> =
        flags.iter().map(|(key, value)| (owned("--set"), owned(key), owned(value))).collect();
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (owned(name), owned(value))).collect();
    let file = FileText { name: owned("b.toml"), text: owned(text), found };
    Settings::layered(&flags, &variables, Some(&file))
        .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn factory(settings: &Settings) -> Factory<'_> {
    Factory::new(settings, || Ok(Arc::new(MockHttp::new())))
}

/// The spec of the table `a`.
fn spec(variables: &[(&str, &str)], file: (Found, &str)) -> Result<ProviderSpec, String> {
    let settings = layered(&[], variables, file)?;
    let (table, model) = settings.provider_named("a").unwrap();
    let spec = factory(&settings).spec_of_table(table, model);
    spec.map_err(|error| error.to_string())
}

const ALL: &str = "\
[llm]
engine = \"a\"
[providers.a]
type = \"openai\"
model = \"large\"
base_url = \"http://there/v1\"
api_key_env = \"THEIRS\"
headers = { x-title = \"banter\", x-key = { env = \"OTHER\", prefix = \"Key \" } }
temperature = 0.5
max_tokens = 300
top_p = 0.25
top_k = 40
frequency_penalty = 0.5
presence_penalty = -0.5
seed = 7
timeout_ms = 3000
retries = 4
at_once = 2
prices = { input = \"0.5/1M\", output = \"2/1M\", cached = \"0.05/1M\", audio_input = \"4/1M\" }
options = { x = [1, { y = true }] }
";

#[test]
fn a_table_is_a_spec() {
    let spec = spec(&[("THEIRS", "sk-1"), ("OTHER", "sk-2")], (Found::Named, ALL)).unwrap();
    let expected = ProviderSpec {
        patience: Some(Duration::from_secs(3)),
        retries: Some(4),
        at_once: Some(2),
        ..ProviderSpec::new("a", "openai")
            .model("large")
            .base_url("http://there/v1")
            .key("sk-1")
            .header("x-title", "banter")
            .header("x-key", "Key sk-2")
            .prices(Prices {
                cached: Some(Price::Item(0.05 / 1e6)),
                audio_input: Some(Price::Item(4.0 / 1e6)),
                ..Prices::new(Price::Item(0.5 / 1e6), Price::Item(2.0 / 1e6))
            })
            .option("x", serde_json::json!([1, { "y": true }]))
            .defaults(Parameters {
                temperature: Some(0.5),
                max_tokens: Some(300),
                top_p: Some(0.25),
                top_k: Some(40),
                frequency_penalty: Some(0.5),
                presence_penalty: Some(-0.5),
                seed: Some(7),
                format: None,
            })
    };
    assert_eq!(spec, expected);
}

#[test]
fn a_table_is_chosen_by_its_name_and_may_be_asked_for_another_model() {
    let text = ALL.replace("options = { x = [1, { y = true }] }\n", "");
    let prices = |settings: &Settings| factory(settings).provider().unwrap().prices().unwrap();
    let name = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        let all = [&[("THEIRS", "sk-1"), ("OTHER", "sk-2")], variables].concat();
        let settings = layered(flags, &all, (Found::OfUser, &text)).unwrap();
        let (factory, engine) = (factory(&settings), factory(&settings).provider().unwrap());
        assert_eq!(factory.name("llm"), engine.name());
        assert!(factory.is_service("llm"));
        engine.name().to_owned()
    };
    assert_eq!(name(&[], &[]), "a:large");
    assert_eq!(name(&[("llm.engine", "a:small")], &[]), "a:small");
    assert_eq!(name(&[], &[("BANTER_LLM_MODEL", "env")]), "a:env");
    assert_eq!(name(&[("llm.engine", "a")], &[("BANTER_LLM_MODEL", "env")]), "a:large");
    assert_eq!(name(&[], &[("BANTER_LLM_ENGINE", "ollama:m")]), "ollama:m");

    let all = [("THEIRS", "sk-1"), ("OTHER", "sk-2")];
    let settings = layered(&[], &all, (Found::OfUser, &text)).unwrap();
    assert_eq!(prices(&settings).cached, Some(Price::Item(0.05 / 1e6)));

    let settings = layered(&[], &[], (Found::OfUser, &text)).unwrap();
    let told = factory(&settings).provider().unwrap_err().to_string();
    assert!(told.contains("the provider `a`: set the environment variable "), "{told}");
}

#[test]
fn a_name_that_there_is_not_tells_the_nearest() {
    let told = layered(
        &[("llm.engine", "fsat")],
        &[],
        (Found::Named, "[providers.fast]\ntype = \"mock\""),
    );
    let told = told.unwrap_err();
    assert!(
        told.starts_with("--set: llm.engine: \"fsat\" is wrong; expected one of auto"),
        "{told}"
    );
    assert!(told.contains("mock, fast (did you mean fast?)"), "{told}");
    let text = "[context]\nsummariser = \"fast\"\n[providers.fats]\ntype = \"mock\"";
    let told = layered(&[], &[], (Found::Named, text)).unwrap_err();
    assert!(told.starts_with("b.toml:2: context.summariser: \"fast\" is wrong"), "{told}");
    // It is a language model, and nothing else.
    let text = "[stt]\nengine = \"fast\"\n[providers.fast]\ntype = \"mock\"";
    assert!(layered(&[], &[], (Found::Named, text)).unwrap_err().contains("stt.engine"));
}

#[test]
fn what_is_wrong_with_a_table_is_told_with_its_line() {
    for (name, table, told) in [
        ("openai", "type = \"mock\"", "`openai` is built in"),
        ("auto", "type = \"mock\"", "`auto` is built in"),
        ("replay", "type = \"mock\"", "`replay` is built in"),
        ("\"a:b\"", "type = \"mock\"", "its name may have letters"),
        ("a", "model = \"m\"", "missing field `type`"),
        ("a", "type = \"mock\"\napi_kee = \"sk-9\"", "unknown field `api_kee`"),
        ("a", "type = \"mock\"\napi_key = [\"sk-9\"]", "api_key: expected a text in quotes"),
        ("a", "type = \"mock\"\napi_key = 99", "api_key: expected a text in quotes"),
        ("a", "type = \"mock\"\napi_key = \"sk-9\"\napi_key_env = \"B\"", "give one of api_key"),
        ("a", "type = \"mock\"\nbase_url = \"me:sk-9@there\"", "has a user or password"),
        (
            "a",
            "type = \"mock\"\ntemperature = 3",
            "temperature: 3 is wrong; expected a number from 0",
        ),
        (
            "a",
            "type = \"mock\"\ntimeout_ms = 5",
            "timeout_ms: 5 is wrong; expected a number from 100",
        ),
        ("a", "type = \"mock\"\nprices = { input = \"1/1M\" }", "missing field `output`"),
        (
            "a",
            "type = \"mock\"\nprices = { input = \"$1/1M\", output = \"1/1M\" }",
            "prices.input: \"$1\" is no amount",
        ),
        (
            "a",
            "type = \"mock\"\nprices = { input = \"1/1M\", output = \"1/min\" }",
            "prices.output: \"1/min\" is for time",
        ),
        ("a", "type = \"mock\"\nretries = 11", "from 0 to 10"),
        ("a", "type = \"mock\"\nat_once = 0", "from 1 to 10000"),
        (
            "a",
            "type = \"mock\"\nheaders = { x = { env = \"B\", x = 1 } }",
            "expected a text, { env",
        ),
    ] {
        let error = layered(&[], &[], (Found::Named, &format!("[providers.{name}]\n{table}\n")));
        let error = error.unwrap_err();
        assert!(error.starts_with("b.toml:") && error.contains(told), "{told} is not in: {error}");
        assert!(error.contains("providers.") && !error.contains("sk-9"), "{error}");
    }
    let told = layered(&[], &[], (Found::Named, "providers = 1\n")).unwrap_err();
    assert_eq!(told, "b.toml:1: providers holds tables: [providers.NAME]");
    let told = layered(&[], &[], (Found::Named, "[providers]\na = 1\n")).unwrap_err();
    assert_eq!(told, "b.toml:2: providers.a is a table: [providers.a]");
    let told = layered(&[], &[], (Found::Named, "[provider.a]\ntype = \"mock\"\n")).unwrap_err();
    assert!(told.contains("did you mean `providers`?"), "{told}");
}

#[test]
fn a_file_that_nobody_named_sends_the_users_keys_nowhere() {
    let variables = [("MINE", "sk-1"), ("OPENAI_API_KEY", "sk-2")];
    for (table, named) in [
        ("base_url = \"http://evil/v1\"\napi_key_env = \"MINE\"", "MINE"),
        ("api_key_env = \"MINE\"", "MINE"),
        ("base_url = \"http://evil/v1\"\napi_key_file = \"/home/me/key\"", "/home/me/key"),
        ("base_url = \"http://evil/v1\"\nheaders = { x = { env = \"MINE\" } }", "MINE"),
    ] {
        let table = format!("[providers.a]\ntype = \"openai\"\nmodel = \"m\"\n{table}\n");
        let told = spec(&variables, (Found::Here, &table)).unwrap_err();
        let parts = ["b.toml:1 names ", named, "but nobody named that file", "`--config b.toml`"];
        for part in parts {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
        for found in [Found::Named, Found::OfUser] {
            spec(&variables, (found, &table)).unwrap();
        }
    }
    // The address of all is of the stray file as well.
    let table = "[openai]\nbase_url = \"http://evil/v1\"\n[providers.a]\ntype = \"openai\"\n";
    let told = spec(&variables, (Found::Here, table)).unwrap_err();
    assert!(told.contains("is not sent there"), "{told}");
}

#[test]
fn an_address_of_its_own_gets_no_key_but_its_own() {
    let variables = [("OPENAI_API_KEY", "sk-2"), ("BANTER_LLM_API_KEY", "sk-3")];
    for (table, found, base, key) in [
        ("base_url = \"http://own/v1\"", Found::Here, Some("http://own/v1"), None),
        ("base_url = \"http://own/v1\"", Found::Named, Some("http://own/v1"), None),
        (
            "base_url = \"http://own/v1\"\napi_key = \"sk-4\"",
            Found::Here,
            Some("http://own/v1"),
            Some("sk-4"),
        ),
        ("", Found::Here, Some("https://api.openai.com/v1"), Some("sk-2")),
        ("", Found::Named, Some("https://api.openai.com/v1"), Some("sk-2")),
        ("api_key = \"sk-4\"", Found::Here, Some("https://api.openai.com/v1"), Some("sk-4")),
    ] {
        let table = format!("[providers.a]\ntype = \"openai\"\n{table}\n");
        let spec = spec(&variables, (found, &table)).unwrap();
        let expected = key.map_or(Credential::None, |key| Credential::Key(Secret::new(key)));
        assert_eq!((spec.base_url.as_deref(), spec.credential), (base, expected), "{table}");
    }
    let ollama = spec(&variables, (Found::Here, "[providers.a]\ntype = \"ollama\"\n")).unwrap();
    assert_eq!((ollama.base_url, ollama.credential), (None, Credential::None));
}

#[test]
fn a_key_may_stand_in_a_file_beside_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk-5\n").unwrap();
    let name = folder.path().join("b.toml").display().to_string();
    let text = "[llm]\nengine = \"a\"\n[providers.a]\ntype = \"gemini\"\napi_key_file = \"key\"\n";
    let file = FileText { name, text: text.to_owned(), found: Found::Named };
    let settings = Settings::layered(&[], &[], Some(&file)).unwrap();
    let engine = factory(&settings).provider().unwrap();
    assert_eq!(engine.name(), "a:gemini-2.5-flash");
    assert!(engine.is_metered());
    std::fs::remove_file(folder.path().join("key")).unwrap();
    let told = factory(&settings).provider().unwrap_err().to_string();
    assert!(told.contains("its key in ") && told.contains("cannot be read"), "{told}");
}

#[test]
fn what_a_table_says_of_its_model_beats_what_the_file_says_of_all_but_no_flag() {
    let text = "[llm]\nengine = \"a\"\ntemperature = 0.75\nmax_tokens = 100\n\
                [providers.a]\ntype = \"mock\"\ntemperature = 0.25\n";
    let asked = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        let settings = layered(flags, variables, (Found::Named, text)).unwrap();
        let Parameters { temperature, max_tokens, .. } = settings.parameters();
        (temperature, max_tokens)
    };
    // The table's own is put in where a request says nothing.
    assert_eq!(asked(&[], &[]), (None, Some(100)));
    assert_eq!(asked(&[("llm.temperature", "1")], &[]), (Some(1.0), Some(100)));
    assert_eq!(asked(&[], &[("BANTER_LLM_TEMPERATURE", "1")]), (Some(1.0), Some(100)));
    assert_eq!(asked(&[("llm.engine", "scripted")], &[]), (Some(0.75), Some(100)));
}

#[test]
fn settings_fill_a_registry() {
    let text = "[llm]\nengine = \"a\"\n[providers.a]\ntype = \"mock\"\n[providers.b]\ntype = \"ollama\"\nmodel = \"m\"\n";
    let variables = [("GEMINI_API_KEY", "sk-6"), ("OPENAI_BASE_URL", "http://here/v1")];
    let settings = layered(&[], &variables, (Found::Here, text)).unwrap();
    let registry = factory(&settings).registry().unwrap();
    let names: Vec<_> = registry.list().map(|spec| spec.id.clone()).collect();
    assert_eq!(names, ["a", "b", "gemini", "openai"]);
    let name = |id: &str| registry.get(id).unwrap().name().to_owned();
    assert_eq!(
        ["a", "b", "gemini", "openai"].map(name),
        ["mock", "b:m", "gemini:gemini-2.5-flash", "openai:gpt-4o-mini"]
    );
    let first = factory(&settings).specs().into_iter().next().unwrap();
    assert_eq!(first.0, "a");
    let _named: Arc<dyn Provider> = registry.get("b").unwrap();
}

#[test]
fn the_secrets_of_a_table_are_among_those_that_nobody_may_see() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk-file").unwrap();
    let name = folder.path().join("b.toml").display().to_string();
    let text = "[providers.a]\ntype = \"openai\"\napi_key = \"sk-text\"\n\
                headers = { x = { secret = \"sk-header\" }, y = { env = \"OTHER\" } }\n\
                [providers.b]\ntype = \"openai\"\napi_key_env = \"MINE\"\n\
                [providers.c]\ntype = \"openai\"\napi_key_file = \"key\"\n";
    let file = FileText { name, text: text.to_owned(), found: Found::Named };
    let variables = [("MINE", "sk-mine"), ("OTHER", "sk-other")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let secrets = Settings::layered(&[], &variables, Some(&file)).unwrap().secrets();
    for secret in ["sk-text", "sk-header", "sk-other", "sk-mine", "sk-file"] {
        assert!(secrets.iter().any(|found| found.expose() == secret), "{secret}");
    }
}

#[test]
fn recorded_exchanges_are_a_provider_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("b.toml").display().to_string();
    let text = "[llm]\nengine = \"a\"\n[providers.a]\ntype = \"replay\"\noptions = { file = \"none.jsonl\" }\n";
    let file = FileText { name, text: text.to_owned(), found: Found::Named };
    let settings = Settings::layered(&[], &[], Some(&file)).unwrap();
    let factory = factory(&settings);
    assert!(!factory.is_service("llm"));
    let told = factory.provider().unwrap_err().to_string();
    let beside = folder.path().join("none.jsonl").display().to_string();
    assert!(told.contains("the provider `a`: ") && told.contains(&beside), "{told}");
    let chosen = layered(&[("llm.engine", "replay:x.jsonl")], &[], (Found::Named, "")).unwrap();
    let specs = super::super::Factory::new(&chosen, || Ok(Arc::new(MockHttp::new()))).specs();
    let spec = specs[0].1.as_ref().unwrap();
    assert_eq!((&*spec.kind, &spec.options["file"]), ("replay", &"x.jsonl".into()));
}
