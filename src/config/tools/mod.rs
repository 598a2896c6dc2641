//! Tools that a settings file has: requests to services, and programs of this machine.
//!
//! ```text
//! [[tools.http]]                      [[tools.exec]]
//! name = "weather"                    name = "lights"
//! url = "https://…/{city}"            command = "lights"
//! ```
//!
//! A file that lies in the current folder and that nobody named has none: whoever made that
//! folder could run programs. Nor has the environment, or a pack.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::file::FileText;
use super::{Origin, Settings};
use crate::tools::{ExecTool, Filler, RegisterError, ToolRegistry};
use crate::types::{Secret, ToolDescriptor};
use entry::{ExecEntry, HttpEntry, SchemaEntry};

/// A tool of a settings file, as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSetting {
    entry: Entry,
    origin: Origin,
    /// Of the file.
    folder: PathBuf,
    /// The variables of the environment that it names, as far as there are any.
    variables: BTreeMap<String, Secret>,
}

#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Http(Box<HttpEntry>),
    Exec(Box<ExecEntry>),
}

/// A tool of a settings file that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: the tool `{name}`: {problem}")]
pub struct ToolSettingError {
    origin: Origin,
    name: String,
    problem: String,
}

/// Whether `key` is that of a list of tools.
pub(super) fn is_list(key: &str) -> bool {
    [HTTP, EXEC].contains(&key)
}

impl ToolSetting {
    /// Reads one of the tables of the list `key`.
    pub(super) fn read(
        key: &str,
        value: toml::de::ValueDeserializer<'_>,
        origin: Origin,
        file: &FileText,
    ) -> Result<Self, toml::de::Error> {
        let entry = match key {
            HTTP => Entry::Http(serde::Deserialize::deserialize(value)?),
            _ => Entry::Exec(serde::Deserialize::deserialize(value)?),
        };
        let folder = Path::new(&file.name).parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { entry, origin, folder, variables: BTreeMap::new() })
    }

    /// Takes the variables that it names from `all`.
    pub(super) fn take_variables(&mut self, all: &[(String, String)]) {
        let named = match &self.entry {
            Entry::Http(entry) => entry.variables(),
            Entry::Exec(entry) => entry.env.clone(),
        };
        let found = all.iter().filter(|(name, _)| named.contains(name));
        self.variables = found.map(|(name, value)| (name.clone(), Secret::new(value))).collect();
    }

    /// What the model calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.entry {
            Entry::Http(entry) => &entry.name,
            Entry::Exec(entry) => &entry.name,
        }
    }

    /// The list that it is in: `tools.http` or `tools.exec`.
    #[must_use]
    pub fn list(&self) -> &'static str {
        match self.entry {
            Entry::Http(_) => HTTP,
            Entry::Exec(_) => EXEC,
        }
    }

    /// What its headers keep secret.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match &self.entry {
            Entry::Http(entry) => {
                entry.secrets().cloned().chain(self.variables.values().cloned()).collect()
            }
            // Its variables are whatever the program wants, as its home.
            Entry::Exec(_) => Vec::new(),
        }
    }

    fn is_approved(&self) -> bool {
        match &self.entry {
            Entry::Http(entry) => entry.approve,
            Entry::Exec(entry) => entry.approve,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    fn wrong(&self, problem: &dyn Display) -> ToolSettingError {
        let (origin, name) = (self.origin.clone(), self.name().to_owned());
        ToolSettingError { origin, name, problem: problem.to_string() }
    }

    fn register(&self, tools: &mut ToolRegistry) -> Result<(), ToolSettingError> {
        if let Origin::Stray(place) = &self.origin {
            let file = place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file);
            let problem = format!(
                "nobody named this file, so that its tools are not for use; name it with \
                 `--config {file}`"
            );
            return Err(self.wrong(&problem));
        }
        let added = match &self.entry {
            Entry::Http(entry) => self.http(entry, tools)?,
            Entry::Exec(entry) => tools.register(self.exec(entry)?),
        };
        added.map_err(|error| self.wrong(&error))
    }

    #[cfg(feature = "net")]
    fn http(
        &self,
        entry: &HttpEntry,
        tools: &mut ToolRegistry,
    ) -> Result<Result<(), RegisterError>, ToolSettingError> {
        let descriptor =
            self.descriptor(&entry.description, entry.parameters.as_ref(), entry.output.as_ref())?;
        let call = entry.call(|name| self.variable(name))?;
        let tool = crate::tools::HttpTool::new(descriptor, call);
        Ok(tools.register(tool.map_err(|error| self.wrong(&error))?))
    }

    #[cfg(not(feature = "net"))]
    fn http(
        &self,
        _entry: &HttpEntry,
        _tools: &mut ToolRegistry,
    ) -> Result<Result<(), RegisterError>, ToolSettingError> {
        Err(self.wrong(&"this build has no network; build with --features net"))
    }

    fn exec(&self, entry: &ExecEntry) -> Result<ExecTool, ToolSettingError> {
        let descriptor =
            self.descriptor(&entry.description, entry.parameters.as_ref(), entry.output.as_ref())?;
        let mut tool = ExecTool::new(descriptor, &entry.command, &entry.args)
            .time_limit(entry.timeout_ms.duration());
        for name in &entry.env {
            tool = tool.env(name, self.variable(name)?);
        }
        if let Some(folder) = &entry.folder {
            tool = tool.folder(self.folder.join(folder));
        }
        Ok(if entry.side_effects { tool } else { tool.without_side_effects() })
    }

    fn descriptor(
        &self,
        description: &str,
        parameters: Option<&SchemaEntry>,
        output: Option<&SchemaEntry>,
    ) -> Result<ToolDescriptor, ToolSettingError> {
        let parameters = parameters.map(|schema| self.schema(schema)).transpose()?;
        let parameters = parameters.unwrap_or_else(|| json!({ "type": "object" }));
        let mut descriptor = ToolDescriptor::new(self.name(), description, parameters);
        if let Some(output) = output {
            descriptor = descriptor.with_output(self.schema(output)?);
        }
        Ok(descriptor)
    }

    fn schema(&self, entry: &SchemaEntry) -> Result<Value, ToolSettingError> {
        let file = match entry {
            SchemaEntry::Table(schema) => return Ok(Value::Object(schema.clone())),
            SchemaEntry::File(file) => self.folder.join(file),
        };
        let name = file.display();
        let wrong = |problem: String| self.wrong(&format!("{name} {problem}"));
        let text =
            fs::read_to_string(&file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        serde_json::from_str(&text).map_err(|error| wrong(format!("is no JSON: {error}")))
    }

    fn variable(&self, name: &str) -> Result<Secret, ToolSettingError> {
        let missing = || self.wrong(&format!("set the environment variable {name}"));
        self.variables.get(name).cloned().ok_or_else(missing)
    }
}

impl Settings {
    /// The tools of the settings file, ready to be called. A registry that asks for the approval
    /// that the settings ask for, also of tools that are added to it.
    ///
    /// # Errors
    ///
    /// When one of them can be none, or names a variable of the environment that is not set, or
    /// when nobody named the file.
    pub fn tools(&self) -> Result<ToolRegistry, ToolSettingError> {
        let mut tools = ToolRegistry::new();
        tools.require_approval(self.approve());
        self.tool_settings().iter().try_for_each(|setting| setting.register(&mut tools))?;
        Ok(tools)
    }

    /// Names of tools of which somebody must allow every call; a `*` in them stands for anything.
    #[must_use]
    pub fn approve(&self) -> Vec<String> {
        let names = self.text("tools.approve").unwrap_or_default().split(',').map(str::trim);
        let own = self.tool_settings().iter().filter(|tool| tool.is_approved());
        let own = own.map(ToolSetting::name);
        names.filter(|name| !name.is_empty()).chain(own).map(str::to_owned).collect()
    }

    /// What the agent says while a tool is waited for, unless the tool says otherwise; nothing if
    /// the text is empty.
    #[must_use]
    pub fn filler(&self) -> Option<Filler> {
        let text = self.text("tools.filler")?.to_owned();
        let after = self.integer("tools.filler_after_ms").unwrap_or_default();
        Some(Filler { after: std::time::Duration::from_millis(after), text })
    }
}

const HTTP: &str = "tools.http";
const EXEC: &str = "tools.exec";
