//! Tools as a settings file has them.

use super::*;
use crate::config::{FileText, Found};

const WEATHER: &str = r#"
[[tools.http]]
name = "weather"
description = "Tells the weather of a city."
url = "https://api.example.com/v1/{city}"
headers = { authorization = { env = "WEATHER_KEY", prefix = "Bearer " }, x-unit = "{unit}" }
pick = "/now"

[tools.http.parameters]
type = "object"
required = ["city"]
properties.city.type = "string"
properties.unit = { type = "string", enum = ["C", "F"] }
"#;

const LIGHTS: &str = r#"
[[tools.exec]]
name = "lights"
description = "Turns lights on and off."
command = "sh"
args = ["-c", "cat; echo $HOUSE"]
env = ["HOUSE"]
approve = true
timeout_ms = 2_500
"#;

fn file(text: &str, found: Found) -> FileText {
    FileText { name: "banter.toml".to_owned(), text: text.to_owned(), found }
}

fn settings(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let file = file(text, Found::Named);
    Settings::layered(&[], &variables, Some(&file))
        .map_err(|wrong| wrong.iter().map(|one| format!("{one}\n")).collect())
}

fn problem(text: &str) -> String {
    match settings(text, &[]) {
        Err(told) => told,
        Ok(settings) => settings.tools().unwrap_err().to_string(),
    }
}

#[cfg(all(unix, feature = "net"))]
fn call(name: &str, arguments: Value) -> crate::types::ToolCall {
    crate::types::ToolCall { id: "1".to_owned(), name: name.to_owned(), arguments }
}

#[cfg(all(unix, feature = "net"))]
#[tokio::test]
async fn a_file_has_tools_in_its_order() {
    let text = format!("language = \"de\"\n{LIGHTS}{WEATHER}");
    let variables = [("WEATHER_KEY", "sk-hush"), ("HOUSE", "blue"), ("OTHER", "x")];
    let settings = settings(&text, &variables).unwrap();
    assert!(!format!("{settings:?}").contains("sk-hush"));
    let listed: Vec<_> = settings
        .tool_settings()
        .iter()
        .map(|tool| format!("{} {} {}", tool.list(), tool.name(), tool.origin()))
        .collect();
    let expected = ["tools.exec lights banter.toml:3", "tools.http weather banter.toml:12"];
    assert_eq!(listed, expected);

    let tools = settings.tools().unwrap();
    let weather = tools.get("weather").unwrap();
    assert!(
        !weather.has_side_effects()
            && tools.approval(&call("weather", json!({ "city": "Ulm" }))).is_none()
    );
    assert_eq!(weather.descriptor().parameters["required"], json!(["city"]));
    assert!(!format!("{weather:?}").contains("hush"));
    let lights = tools.get("lights").unwrap();
    assert!(lights.has_side_effects() && tools.approval(&call("lights", json!({}))).is_some());
    assert_eq!(lights.time_limit(), std::time::Duration::from_millis(2_500));
    let said = lights.call(json!({}), crate::tools::ToolContext::detached()).await.unwrap();
    assert_eq!(said, json!("{}\nblue"));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, expected) in [
        ("[tools.http]\nname = \"a\"", "banter.toml:1: tools.http is a list: [[tools.http]]\n"),
        ("[[tools.http]]\nname = \"a\"\n", "banter.toml:1: tools.http: missing field "),
        (
            "[[tools.exec]]\nname = \"a\"\ndescription = \"\"\ncommand = \"a\"\nshell = true\n",
            "banter.toml:5: tools.exec: unknown field `shell`",
        ),
        (&format!("{LIGHTS}folder = 1\n"), "banter.toml:10: tools.exec: invalid type: integer"),
        (&LIGHTS.replace("2_500", "0"), "banter.toml:9: tools.exec: expected a whole number"),
        (&WEATHER.replace("prefix", "pre"), "banter.toml:6: tools.http: expected a text, { env ="),
        ("[tools]\napprove = [1]\n", "banter.toml:2: tools.approve: expected a list of texts"),
    ] {
        let told = problem(text);
        assert!(told.starts_with(expected), "{told}");
    }
    let secret =
        WEATHER.replace("{ env = \"WEATHER_KEY\", prefix = \"Bearer \" }", "{ secret = 1 }");
    assert!(problem(&secret).contains("tools.http: expected a text, { env ="));
}

#[cfg(feature = "net")]
#[test]
fn what_can_never_be_called_is_no_tool() {
    let expected = "banter.toml:2: the tool `weather`: set the environment variable WEATHER_KEY";
    assert!(problem(WEATHER).starts_with(expected));
    let plain = "headers = { authorization = { secret = \"hush\" } }";
    let text = WEATHER.replace(WEATHER.lines().nth(5).unwrap(), plain);
    assert!(settings(&text, &[]).unwrap().tools().is_ok());
    for (from, to, expected) in [
        ("https://api", "http://api", "or be allowed to do without"),
        ("{city}", "{town}", "`{town}` is none of the tool's parameters"),
        ("\"weather\"", "\"the weather\"", "is no name for a tool"),
        ("\"hush\"", "\"hu\\nsh\"", "must be one line of plain text"),
        ("type = \"object\"", "type = \"thing\"", "no schema to check by: `/type`"),
    ] {
        let told = problem(&text.replace(from, to));
        assert!(told.starts_with("banter.toml:2: the tool `"), "{told}");
        assert!(told.contains(expected) && !told.contains("hush"), "{told}");
    }
    let told = problem(&format!("{text}{text}"));
    assert!(told.contains("there is a tool named `weather` already"), "{told}");
}

#[test]
fn a_file_that_nobody_named_has_no_tools_for_use() {
    let file = file(LIGHTS, Found::Here);
    let variables = [("HOUSE".to_owned(), "blue".to_owned())];
    let settings = Settings::layered(&[], &variables, Some(&file)).unwrap();
    let told = settings.tools().unwrap_err().to_string();
    assert!(told.ends_with("name it with `--config banter.toml`"), "{told}");
}

#[test]
fn a_schema_stands_in_a_file_beside_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("banter.toml").display().to_string();
    let entry = "parameters = \"lights.json\"\nenv = []\n";
    let text = LIGHTS.replace("env = [\"HOUSE\"]\n", entry);
    let file = FileText { name, text, found: Found::Named };
    let settings = Settings::layered(&[], &[], Some(&file)).unwrap();
    let told = settings.tools().unwrap_err().to_string();
    assert!(told.contains("lights.json cannot be read"), "{told}");
    let schema = json!({ "type": "object", "properties": { "on": { "type": "boolean" } } });
    fs::write(folder.path().join("lights.json"), schema.to_string()).unwrap();
    let tools = settings.tools().unwrap();
    assert_eq!(tools.descriptors()[0].parameters, schema);
}

#[test]
fn who_must_allow_what_and_what_is_said_meanwhile() {
    let read = |text: &str| settings(text, &[]).unwrap();
    assert_eq!(read("").approve(), [""; 0]);
    assert_eq!(read("[tools]\napprove = \"a, b*,\"\n").approve(), ["a", "b*"]);
    assert_eq!(read("[tools]\napprove = [\"a\", \"mcp__*\"]\n").approve(), ["a", "mcp__*"]);
    let filler = read("").filler().unwrap();
    assert_eq!((filler.text.as_str(), filler.after.as_millis()), ("One moment.", 1_500));
    let filler = read("[tools]\nfiller = \"Moment.\"\nfiller_after_ms = 700\n").filler().unwrap();
    assert_eq!((filler.text.as_str(), filler.after.as_millis()), ("Moment.", 700));
    assert_eq!(read("[tools]\nfiller = \"\"\n").filler(), None);
}
