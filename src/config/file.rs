//! What a settings file says: its text in, its values with their lines out.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::{Origin, SettingError};
use super::providers::{ProviderSetting, check_name};
use super::table::{Setting, TABLE};
use super::tools::{self, ToolSetting};
use super::value::{Kind, Value};
use crate::text::nearest;

/// A settings file that has been read.
#[derive(Clone, PartialEq, Eq)]
pub struct FileText {
    /// Its name, for errors.
    pub name: String,
    /// What is in it. There may be keys.
    pub text: String,
    /// How it was found.
    pub found: Found,
}

/// How a settings file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Somebody named it.
    Named,
    /// It is the user's own, in the home.
    OfUser,
    /// It lies in the current folder. Whoever made that folder may be anybody.
    Here,
}

impl fmt::Debug for FileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, text, found } = self;
        write!(f, "FileText({name:?}, {} bytes, {found:?})", text.len())
    }
}

/// A value as it stands in a file.
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What a file says.
#[derive(Default)]
pub(super) struct Read {
    pub(super) entries: Vec<Entry>,
    pub(super) tools: Vec<ToolSetting>,
    /// By name.
    pub(super) providers: Vec<ProviderSetting>,
    /// All that is wrong with it, in the order of its lines.
    pub(super) wrong: Vec<SettingError>,
}

impl FileText {
    /// All that it sets.
    pub(super) fn read(&self) -> Read {
        let (entries, tools, wrong) = (Vec::new(), Vec::new(), Vec::new());
        let mut reading = Reading { file: self, entries, tools, providers: Vec::new(), wrong };
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.complain(at, error.message().to_owned());
        }
        // What stands around a mistake may be read wrongly.
        if reading.wrong.is_empty() {
            reading.collect("", table.get_ref());
            reading.check_names();
        }
        let Reading { entries, mut tools, providers, mut wrong, .. } = reading;
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        tools.sort_by_key(|(line, _)| *line);
        wrong.sort_by_key(|(line, _)| *line);
        let tools = tools.into_iter().map(|(_, tool)| tool).collect();
        Read {
            entries,
            tools,
            providers,
            wrong: wrong.into_iter().map(|(_, error)| error).collect(),
        }
    }

    fn origin(&self, place: String) -> Origin {
        match self.found {
            Found::Named | Found::OfUser => Origin::Line(place),
            Found::Here => Origin::Stray(place),
        }
    }

    pub(super) fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
    }
}

struct Reading<'a> {
    file: &'a FileText,
    /// By their places in the text.
    entries: Vec<(usize, Entry)>,
    /// By line.
    tools: Vec<(usize, ToolSetting)>,
    providers: Vec<ProviderSetting>,
    /// By line.
    wrong: Vec<(usize, SettingError)>,
}

impl Reading<'_> {
    fn collect(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let at = name.span().start;
            let inside = format!("{key}.");
            let is_table = TABLE.iter().any(|setting| setting.key.starts_with(&inside));
            if tools::is_list(&key) {
                self.tools(&key, value);
                continue;
            }
            if key == PROVIDERS {
                self.providers(value.get_ref(), at);
                continue;
            }
            if key == MCP {
                self.servers(value.get_ref(), at);
                continue;
            }
            match (value.get_ref(), Setting::of(&key)) {
                (DeValue::Table(table), None) if is_table => self.collect(&inside, table),
                (_, Some(setting)) => match value_of(setting, value) {
                    Ok(value) => {
                        let origin = self.file.origin(self.place(at));
                        self.entries.push((at, Entry { setting, value, origin }));
                    }
                    Err(problem) => self.complain(at, problem),
                },
                (_, None) if is_table => self.complain(at, format!("{key} is a table: [{key}]")),
                (_, None) => self.complain(at, unknown(&key)),
            }
        }
    }

    /// Models may be named that the file has further below.
    fn check_names(&mut self) {
        let providers = &self.providers;
        let wrong = self.entries.iter().filter_map(|(at, entry)| {
            Some((*at, check_name(entry.setting, &entry.value, providers).err()?))
        });
        let wrong: Vec<_> = wrong.collect();
        wrong.into_iter().for_each(|(at, problem)| self.complain(at, problem));
    }

    fn tools(&mut self, key: &str, list: &Spanned<DeValue<'_>>) {
        let DeValue::Array(items) = list.get_ref() else {
            return self.complain(list.span().start, format!("{key} is a list: [[{key}]]"));
        };
        for item in items {
            let at = item.span().start;
            let origin = self.file.origin(self.place(at));
            match ToolSetting::read(key, item.clone().into(), origin, self.file) {
                Ok(tool) => self.tools.push((self.file.line(at), tool)),
                Err(error) => {
                    let at = error.span().map_or(at, |span| span.start);
                    self.complain(at, format!("{key}: {}", error.message()));
                }
            }
        }
    }

    fn providers(&mut self, value: &DeValue<'_>, at: usize) {
        let DeValue::Table(tables) = value else {
            return self.complain(at, format!("{PROVIDERS} holds tables: [{PROVIDERS}.NAME]"));
        };
        for (name, table) in tables {
            let (name, at) = (name.get_ref(), name.span().start);
            let key = format!("{PROVIDERS}.{name}");
            if !matches!(table.get_ref(), DeValue::Table(_)) {
                self.complain(at, format!("{key} is a table: [{key}]"));
                continue;
            }
            let origin = self.file.origin(self.place(at));
            match ProviderSetting::read(name, table.clone().into(), origin, self.file) {
                Ok(provider) => self.providers.push(provider),
                Err(error) => {
                    let at = error.span().map_or(at, |span| span.start);
                    self.complain(at, format!("{key}: {}", error.message()));
                }
            }
        }
    }

    /// The tables of servers are read elsewhere.
    fn servers(&mut self, value: &DeValue<'_>, at: usize) {
        let DeValue::Table(servers) = value else {
            return self.complain(at, format!("{MCP} holds tables: [{MCP}.NAME]"));
        };
        for (name, server) in servers {
            let DeValue::Table(_) = server.get_ref() else {
                let (name, at) = (name.get_ref(), server.span().start);
                self.complain(at, format!("{MCP}.{name} is a table: [{MCP}.{name}]"));
                continue;
            };
        }
        if cfg!(not(feature = "mcp")) {
            self.complain(at, "this build knows no MCP servers: build it with `mcp`".to_owned());
        }
    }

    fn complain(&mut self, at: usize, problem: String) {
        self.wrong.push((self.file.line(at), SettingError::new(self.place(at), problem)));
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.file.name, self.file.line(at))
    }
}

/// The table of tables for language models.
const PROVIDERS: &str = "providers";
/// The table of tables for servers of the Model Context Protocol.
const MCP: &str = "mcp";

/// Says that there is no such setting or table, and what was likely meant.
pub(super) fn unknown(key: &str) -> String {
    let tables = TABLE.iter().filter_map(|setting| setting.key.split_once('.')).map(|(t, _)| t);
    let tables = tables.chain([PROVIDERS, MCP]);
    let hint = nearest(key, TABLE.iter().map(|setting| setting.key).chain(tables));
    let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    format!("there is no setting `{key}`{hint}")
}

fn value_of(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    let quoted = setting.kind.is_text();
    match value.get_ref() {
        DeValue::String(text) if quoted => setting.value(text),
        DeValue::Array(names) if matches!(setting.kind, Kind::Names | Kind::Phrases) => {
            let names: Option<Vec<_>> = names.iter().map(|name| name.get_ref().as_str()).collect();
            let wrong = || format!("{}: expected a list of texts in quotes", setting.key);
            setting.value(&names.ok_or_else(wrong)?.join(","))
        }
        // `stream = true` reads better than `stream = "true"`.
        DeValue::Boolean(yes) if !quoted || setting.key == "stt.stream" => {
            setting.value(&yes.to_string())
        }
        DeValue::Integer(number) if !quoted || matches!(setting.kind, Kind::Amount(..)) => {
            setting.value(number.as_str())
        }
        DeValue::Float(number) if !quoted => setting.value(number.as_str()),
        other => {
            let expected = match setting.kind {
                Kind::Amount(..) => "a word in quotes, or a whole number",
                _ if quoted => "a text in quotes",
                _ => "a value without quotes",
            };
            Err(format!("{}: expected {expected}, found: {}", setting.key, other.type_str()))
        }
    }
}
