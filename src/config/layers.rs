//! The layers that settings come from.

use std::collections::BTreeMap;
use std::fmt;

use super::file::{Entry, FileText, Read, unknown};
#[cfg(feature = "mcp")]
use super::mcp::NamedServer;
use super::providers::{ProviderSetting, check_name};
use super::table::{Setting, TABLE};
use super::tools::ToolSetting;
use super::value::Value;
use crate::text::nearest;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This flag.
    Flag(String),
    /// This environment variable.
    Variable(String),
    /// This line, as `FILE:LINE`.
    Line(String),
    /// This line, of a file that lies in the current folder and that nobody named: no key of
    /// another origin is sent to an address of it.
    Stray(String),
    /// Nobody set it.
    Default,
}

impl Origin {
    /// How high its layer lies: the highest counts.
    pub(super) fn height(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Line(_) | Self::Stray(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::Line(name) | Self::Stray(name) => {
                f.write_str(name)
            }
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting that is wrong: where, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SettingError {
    place: String,
    problem: String,
}

impl SettingError {
    pub(super) fn new(place: String, problem: String) -> Self {
        Self { place, problem }
    }
}

/// A value for each setting of the table, with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    values: BTreeMap<&'static str, (Value, Origin)>,
    #[cfg(feature = "mcp")]
    mcp: Vec<NamedServer>,
    warnings: Vec<String>,
    tools: Vec<ToolSetting>,
    pub(super) providers: Vec<ProviderSetting>,
}

impl Settings {
    /// Puts the layers on top of each other. `flags` are keys with their flag and value; a
    /// variable that is empty counts as not given.
    ///
    /// # Errors
    ///
    /// All that is wrong, in any layer; in the file in the order of its lines.
    pub fn layered(
        flags: &[(String, String, String)],
        variables: &[(String, String)],
        file: Option<&FileText>,
    ) -> Result<Self, Vec<SettingError>> {
        let read = file.map(FileText::read).unwrap_or_default();
        let Read { entries, mut tools, mut providers, mut wrong } = read;
        tools.iter_mut().for_each(|tool| tool.take_variables(variables));
        providers.iter_mut().for_each(|provider| provider.take_variables(variables));
        let mut settings = Self {
            values: BTreeMap::new(),
            #[cfg(feature = "mcp")]
            mcp: Vec::new(),
            warnings: strangers(variables),
            tools,
            providers,
        };
        #[cfg(feature = "mcp")]
        if let Some(file) = file.filter(|_| wrong.is_empty()) {
            let variable = |name: &str| {
                let found = variables.iter().find(|(other, _)| other == name);
                found.map(|(_, value)| value.clone())
            };
            let (servers, mistakes, warnings) = file.servers(&variable);
            settings.mcp = servers;
            settings.warnings.extend(warnings);
            wrong.extend(mistakes);
        }
        for setting in TABLE {
            settings.set(setting, setting.default, Origin::Default, &mut wrong);
        }
        for Entry { setting, value, origin } in entries {
            settings.values.insert(setting.key, (value, origin));
        }
        for setting in TABLE {
            let name = setting.variable();
            let given = variables.iter().find(|(other, value)| *other == name && !value.is_empty());
            if let Some((_, value)) = given {
                settings.set(setting, value, Origin::Variable(name), &mut wrong);
            }
        }
        for (flag, key, value) in flags {
            match Setting::of(key) {
                Some(setting) => {
                    settings.set(setting, value, Origin::Flag(flag.clone()), &mut wrong);
                }
                None => wrong.push(SettingError::new(flag.clone(), unknown(key))),
            }
        }
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    /// What the setting `key` holds, and why; nothing for a key that is not in the table.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<(&Value, &Origin)> {
        self.values.get(key).map(|(value, origin)| (value, origin))
    }

    /// The MCP servers that the settings file names, by name.
    #[cfg(feature = "mcp")]
    #[must_use]
    pub fn mcp(&self) -> &[NamedServer] {
        &self.mcp
    }

    /// Environment variables that look like settings but are none, and servers that a file names
    /// which nobody named.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The tools of the file, in its order.
    #[must_use]
    pub fn tool_settings(&self) -> &[ToolSetting] {
        &self.tools
    }

    fn set(
        &mut self,
        setting: &'static Setting,
        text: &str,
        origin: Origin,
        wrong: &mut Vec<SettingError>,
    ) {
        let value = setting.value(text);
        let value =
            value.and_then(|value| check_name(setting, &value, &self.providers).map(|()| value));
        match value {
            Ok(value) => {
                self.values.insert(setting.key, (value, origin));
            }
            Err(problem) => wrong.push(SettingError::new(origin.to_string(), problem)),
        }
    }
}

fn strangers(variables: &[(String, String)]) -> Vec<String> {
    let known: Vec<_> = TABLE.iter().map(Setting::variable).collect();
    let strange = variables.iter().map(|(name, _)| name).filter(|name| {
        name.starts_with("BANTER_") && !known.contains(name) && !OTHERS.contains(&name.as_str())
    });
    strange
        .map(|name| {
            let hint = nearest(name, known.iter().map(String::as_str));
            let hint = hint.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            format!("the environment variable {name} sets nothing{hint}")
        })
        .collect()
}

/// They are no settings, but the program and its tests know them.
const OTHERS: &[&str] = &[
    "BANTER_LOG",
    "BANTER_MODELS",
    "BANTER_MODELS_SOURCE",
    "BANTER_REQUIRE",
    "BANTER_SKIP_LOG",
    "BANTER_SPEECH_DATA",
    "BANTER_TEST_DEVICES",
];
