//! `banter config`.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use clap::Args;

use super::Ending;
use super::settings::SettingFlags;
use crate::config::{Settings, TABLE, template};

/// Show all settings: what each holds, and where that comes from.
///
/// A flag beats the environment, which beats the file, which beats the default. Keys are shown as
/// `set` or `not set`. All that is wrong is told at once.
///
/// `banter config --template > banter.toml` makes a file to start from.
#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    /// Print a settings file with all settings as comments: what they are for, what they take,
    /// their variables and their defaults.
    #[arg(long)]
    template: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl ConfigCommand {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let text = match self.template {
            true => template(),
            false => listing(&self.settings.load(&[])?),
        };
        stdout().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }
}

/// A line each, in columns, with a gap between the tables.
fn listing(settings: &Settings) -> String {
    let of_table = TABLE.iter().filter_map(|setting| {
        let (value, origin) = settings.get(setting.key)?;
        Some((setting.key.to_owned(), value.shown(), origin.to_string()))
    });
    let of_servers = settings.mcp().iter().map(|named| {
        let shown = match &named.server {
            Ok(server) => server.shown(),
            Err(error) => error.to_string(),
        };
        (format!("mcp.{}", named.name), shown, named.origin.to_string())
    });
    let of_providers = settings.providers().iter().map(|provider| {
        let key = format!("providers.{}", provider.name());
        (key, provider.shown(), provider.origin().to_string())
    });
    let rows: Vec<_> = of_table.chain(of_servers).chain(of_providers).collect();
    let keys = rows.iter().map(|(key, ..)| key.len()).max().unwrap_or(0);
    let lengths = rows.iter().map(|(_, value, _)| value.chars().count());
    let values = lengths.filter(|&length| length <= COLUMN).max().unwrap_or(0);
    let mut text = String::new();
    let mut above = "";
    for (key, value, origin) in &rows {
        let table = key.split_once('.').map_or("", |(table, _)| table);
        if table != above {
            text.push('\n');
            above = table;
        }
        let _infallible = writeln!(text, "{key:keys$}  {value:values$}  {origin}");
    }
    let mut gap = "\n";
    for tool in settings.tool_settings() {
        let (list, name, origin) = (tool.list(), tool.name(), tool.origin());
        let name = format!("{name:?}");
        let _infallible = writeln!(text, "{gap}{list:keys$}  {name:values$}  {origin}");
        gap = "";
    }
    text
}

/// A longer value pushes its origin to the right, rather than those of all others.
const COLUMN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_of_a_file_stand_there_without_their_keys() {
        let text = "[providers.home]\ntype = \"ollama\"\nmodel = \"m\"\napi_key = \"sk-1234\"\n";
        let (name, text) = ("my.toml".to_owned(), text.to_owned());
        let file = crate::config::FileText { name, text, found: crate::config::Found::Named };
        let text = listing(&Settings::layered(&[], &[], Some(&file)).unwrap());
        let line = text.lines().find(|line| line.starts_with("providers.home")).unwrap();
        let words = line.split_whitespace().collect::<Vec<_>>();
        assert_eq!(words, ["providers.home", "ollama", "m", "my.toml:1"]);
        assert!(!text.contains("sk-1234"));
    }

    #[test]
    fn the_tools_of_a_file_stand_below() {
        let text = "[[tools.exec]]\nname = \"lights\"\ndescription = \"\"\ncommand = \"sh\"\n";
        let (name, text) = ("my.toml".to_owned(), text.to_owned());
        let file = crate::config::FileText { name, text, found: crate::config::Found::Named };
        let text = listing(&Settings::layered(&[], &[], Some(&file)).unwrap());
        let last = text.lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(last, ["tools.exec", "\"lights\"", "my.toml:1"]);
    }

    #[test]
    fn settings_stand_in_columns_and_keys_are_not_shown() {
        let variables = [("OPENAI_API_KEY".to_owned(), "sk-1234".to_owned())];
        let flags = [("--set".to_owned(), "tts.speed".to_owned(), "1.5".to_owned())];
        let text = listing(&Settings::layered(&flags, &variables, None).unwrap());

        let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
        let words = |key| line(key).split_whitespace().collect::<Vec<_>>();
        assert_eq!(words("openai.api_key"), ["openai.api_key", "set", "OPENAI_API_KEY"]);
        assert_eq!(words("stt.api_key"), ["stt.api_key", "not", "set", "default"]);
        assert_eq!(words("tts.speed"), ["tts.speed", "1.5", "--set"]);
        assert_eq!(line("tts.speed").find("--set"), line("stt.engine").find("default"));
        assert!(!text.contains("sk-1234"));
        assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), TABLE.len());
    }
}
