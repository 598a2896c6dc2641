//! The flag by which a person must allow calls of tools.

use clap::Args;

use super::tools::tools;
use crate::config::Settings;
use crate::tools::ToolRegistry;

/// Whose calls wait for a person.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Tools")]
pub(super) struct ApproveFlags {
    /// Have somebody allow every call of these tools before it is done: a name, in which `*`
    /// stands for anything, as clock or mcp__files__write_*; may be given again. Those of the
    /// setting tools.approve are asked for as well.
    #[arg(long, value_name = "PATTERN")]
    approve: Vec<String>,
}

impl ApproveFlags {
    /// The tools of the settings and the clock, of which these ask, as do those that come later.
    ///
    /// # Errors
    ///
    /// When a tool of the settings can be none.
    pub(super) fn tools(&self, settings: &Settings) -> anyhow::Result<ToolRegistry> {
        let mut tools = tools(settings)?;
        tools.require_approval(self.approve.iter().cloned());
        Ok(tools)
    }
}
