//! A settings file to start from.

use std::fmt::Write;

use super::table::TABLE;

/// A settings file with every setting as a comment: its help, what it takes, its variable and its
/// default.
#[must_use]
pub fn template() -> String {
    let mut text = HEAD.to_owned();
    let mut above = "";
    for setting in TABLE {
        let (table, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if table != above {
            above = table;
            let _infallible = write!(text, "\n[{table}]\n");
        }
        let allowed = setting.kind.allowed().map(|words| format!(": {words}")).unwrap_or_default();
        let _infallible = writeln!(text, "\n# {}{allowed}.", setting.help);
        let _infallible = writeln!(text, "# Variable: {}.", setting.variable());
        let _infallible = match (setting.kind.is_text(), setting.default) {
            (true, default) => writeln!(text, "#{name} = {default:?}"),
            // A number cannot be empty, so that there is no line to uncomment.
            (false, "") => writeln!(text, "# No default. Write it as {name} = NUMBER"),
            (false, default) => writeln!(text, "#{name} = {default}"),
        };
    }
    text + TOOLS
}

const HEAD: &str = "\
# Settings of banter, with their defaults. Remove the # before a name to change its setting.
# This file is read as ./banter.toml, else as ~/.config/banter/banter.toml, or from where
# --config says. The environment beats it, and flags beat both: `banter config` shows the result.
# If it is read as ./banter.toml, an address in it gets no key but one that stands in it too.
";

const TOOLS: &str = r#"
# Models by a name of yours: --llm fast, or engine = "fast" in [llm]. docs/providers.md says more.
#
# [providers.fast]
# type = "openai"                  # or responses, anthropic, gemini, ollama, vllm, llama-server, lm-studio
# model = "gpt-4o-mini"
# base_url = "https://openrouter.ai/api/v1"
# api_key_env = "OPENROUTER_API_KEY"   # or api_key_file = "FILE", or api_key = "…"
# temperature = 0.2

# Tools that the model may call, in a file that is the user's own or that --config names.
#
# [[tools.http]]
# name = "weather"
# description = "Tells the weather of a city."
# url = "https://api.example.com/v1/{city}"
# headers = { authorization = { env = "WEATHER_KEY", prefix = "Bearer " } }
# parameters = { type = "object", properties = { city = { type = "string" } }, required = ["city"] }
#
# [[tools.exec]]
# name = "lights"
# description = "Turns the lights of a room on or off."
# command = "/usr/local/bin/lights"
# parameters = "lights.json"
# approve = true
"#;
