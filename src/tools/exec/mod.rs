//! Tools that are programs of this machine.
//!
//! ```text
//! arguments ─▶ JSON on its standard input ─▶ the program ─▶ JSON or text on its standard output
//! ```
//!
//! No shell is in between: what the model writes is never read as a command, and is in no
//! argument of the program. What the program starts ends with it, also when nobody waits for it
//! any more.

mod child;
#[cfg(unix)]
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolError, ToolFuture};
use crate::types::{Secret, ToolDescriptor};
use child::{Child, Ended};

/// A [`Tool`] that runs a program.
///
/// It gets the arguments as one line of JSON, and says JSON or any other text. It has 10 s, 1 MiB
/// for what it says, and of the environment `PATH`, `HOME` and `LANG`. A status other than 0 is a
/// failure, of which the model is told the last 2 KiB of the standard error.
///
/// ```
/// use banter::tools::ExecTool;
/// use banter::types::ToolDescriptor;
/// use serde_json::json;
///
/// let parameters = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
/// let count = ToolDescriptor::new("count", "Counts words.", parameters);
/// let tool = ExecTool::new(count, "count-words", ["--json"]).without_side_effects();
/// # drop(tool);
/// ```
pub struct ExecTool {
    descriptor: ToolDescriptor,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(String, Secret)>,
    folder: Option<PathBuf>,
    time_limit: Duration,
    side_effects: bool,
}

impl ExecTool {
    /// A tool that runs `program`, which is looked for in `PATH` unless it is a path, with these
    /// arguments.
    pub fn new<A: Into<OsString>>(
        descriptor: ToolDescriptor,
        program: impl Into<OsString>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            descriptor,
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            folder: None,
            time_limit: Duration::from_secs(10),
            side_effects: true,
        }
    }

    /// With a variable in its environment. The value is taken out of what is told of a failure.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.env.push((name.into(), value));
        self
    }

    /// In this folder; in that of this program by default.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How long it may take; 10 s by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Running it changes nothing, so it may run for an answer that is not given yet.
    #[must_use]
    pub fn without_side_effects(mut self) -> Self {
        self.side_effects = false;
        self
    }

    async fn run(&self, arguments: &Value) -> Result<Value, String> {
        let mut child = Child::start(self).map_err(|error| {
            format!("{} does not start: {error}; is it installed?", self.program.display())
        })?;
        let ended = child.finish(format!("{arguments}\n").into_bytes()).await?;
        match ended.status.success() {
            true => Ok(said(&ended)),
            false => Err(self.complaint(&ended)),
        }
    }

    fn complaint(&self, ended: &Ended) -> String {
        let said = String::from_utf8_lossy(&ended.complaint);
        let said = self.env.iter().fold(said.into_owned(), |said, (_, value)| {
            // A short one would be found in any text.
            if value.expose().len() < SHORTEST_SECRET { said } else { value.removed_from(&said) }
        });
        let said = said.replace(|c: char| c.is_control() && c != '\n', " ");
        match said.trim() {
            "" => format!("it ended with {}", ended.status),
            said => format!("it ended with {}: {said}", ended.status),
        }
    }
}

impl Tool for ExecTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.side_effects
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn call(&self, arguments: Value, _context: ToolContext) -> ToolFuture<'_> {
        Box::pin(async move {
            let ran = self.run(&arguments).await;
            ran.map_err(|reason| ToolError::failed(&self.descriptor.name, reason))
        })
    }
}

impl fmt::Debug for ExecTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments of programs hold keys all too often.
        f.debug_struct("ExecTool")
            .field("name", &self.descriptor.name)
            .field("program", &self.program)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

fn said(ended: &Ended) -> Value {
    let text = String::from_utf8_lossy(&ended.output);
    match text.trim_end() {
        "" => json!({ "exit_status": 0 }),
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

const SHORTEST_SECRET: usize = 6;
