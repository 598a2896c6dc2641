//! The flag by which a person must allow calls of tools.

use clap::Args;

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
    /// Has `tools` ask, also those that come later.
    pub(super) fn add(&self, settings: &Settings, tools: &mut ToolRegistry) {
        tools.require_approval(settings.approve());
        tools.require_approval(self.approve.iter().cloned());
    }
}
