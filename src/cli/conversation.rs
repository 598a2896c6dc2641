//! The flags by which a conversation has a pack and is kept.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;

use super::pack::pair;
use super::settings::hidden;
use crate::config::{self, Factory, Origin, Settings};
use crate::ids::ConversationId;
use crate::pack::{Environment, Time, Values};
use crate::providers::Provider;
use crate::session::{Conversation, Opening};
use crate::state::{Retention, StateStore};
use crate::time::UtcTime;
use crate::tools::ToolRegistry;
use crate::types::Secret;

/// The prompt of a pack in place of instructions.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Pack")]
pub(super) struct PackFlags {
    /// Talk by a prompt of this pack, a JSON file: its words, variables, tools and parameters.
    #[arg(long, value_name = "FILE", requires = "prompt")]
    pub(super) pack: Option<PathBuf>,
    /// The prompt of the pack.
    #[arg(long, value_name = "NAME", requires = "pack")]
    pub(super) prompt: Option<String>,
    /// Do without the validators of this name or kind; may be given again.
    #[arg(long, value_name = "NAME", requires = "pack")]
    pub(super) disable_validator: Vec<String>,
    /// The value of a variable of the prompt; may be given again.
    #[arg(long, value_name = "NAME=VALUE", requires = "pack", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    /// Take values from environment variables that begin so: with `APP_`, `APP_CITY` is `city`.
    /// A pack's own bindings to the environment see these variables alone.
    #[arg(long, value_name = "PREFIX", requires = "pack")]
    pub(super) env: Option<String>,
}

/// Where a conversation is kept.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Memory")]
pub(super) struct KeepFlags {
    /// Keep the conversation under this name, and go on with it if there is one. `banter sessions`
    /// shows those that there are.
    #[arg(long, value_name = "ID")]
    session: Option<ConversationId>,
    /// Where it is kept: files (default), files:DIR, sqlite:FILE, redis://HOST.
    #[arg(long, value_name = "STORE", requires = "session", value_parser = hidden)]
    store: Option<Secret>,
}

impl PackFlags {
    /// A conversation by these flags and settings, with the model of the settings and `tools`.
    ///
    /// # Errors
    ///
    /// When there is no such model, or the flags are at odds with each other.
    pub(super) fn opening(
        &self,
        settings: &Settings,
        factory: &Factory<'_>,
        tools: ToolRegistry,
    ) -> anyhow::Result<Opening> {
        let model = (factory.provider()?, &*factory.name("llm"));
        let opening = self.opening_with(settings, model, Arc::new(tools))?;
        Ok(match factory.context()? {
            Some(context) => opening.context(context),
            None => opening,
        })
    }

    /// The same with a model of the caller's own, called `openai:MODEL` or the like.
    ///
    /// # Errors
    ///
    /// When the flags are at odds with each other.
    pub(super) fn opening_with(
        &self,
        settings: &Settings,
        (provider, name): (Arc<dyn Provider>, &str),
        tools: Arc<ToolRegistry>,
    ) -> anyhow::Result<Opening> {
        let opening = match (&self.pack, &self.prompt) {
            (Some(pack), Some(prompt)) => {
                check_system(settings)?;
                self.with_values(Conversation::open(pack.as_path(), prompt))
            }
            _ => Conversation::plain(settings.text("llm.system").unwrap_or_default()),
        };
        let model = name.split_once(':').map_or(name, |(_, model)| model);
        let opening = opening.provider(provider).model(model).tools(tools);
        let opening = self.disable_validator.iter().fold(opening, Opening::disable_validator);
        let opening = opening.validation_mode(settings.validation_mode());
        Ok(opening.refuse_missing_tools().parameters(settings.parameters()))
    }

    fn with_values(&self, opening: Opening) -> Opening {
        let mut opening = opening;
        if let Some(prefix) = &self.env {
            let allowed = || config::variables().filter(|(name, _)| name.starts_with(prefix));
            let whole: Values = allowed().map(|(name, value)| (name, value.into())).collect();
            opening =
                opening.variable_provider(Environment::new(prefix, allowed())).source("env", whole);
        }
        let given = self.var.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        opening.variable_provider(Time).vars(given.collect())
    }
}

impl KeepFlags {
    /// How somebody can decide about a call that a conversation leaves open.
    pub(super) fn advice(&self) -> String {
        match (&self.session, &self.store) {
            (Some(id), None) => {
                format!("to decide: `banter chat --session {id}`, with the same flags")
            }
            (Some(id), Some(_)) => {
                format!("to decide: `banter chat --session {id}` with the same --store and flags")
            }
            (None, _) => {
                "to decide, talk on a terminal with its screen, or keep the conversation by \
                          --session and decide in `banter chat`"
                    .to_owned()
            }
        }
    }

    /// Begins the conversation, or goes on with the one that is kept under the name.
    ///
    /// # Errors
    ///
    /// When the store cannot be used, and as [`Opening::start`].
    pub(super) async fn begin(
        &self,
        opening: Opening,
        settings: &Settings,
    ) -> anyhow::Result<Conversation> {
        let Some(id) = &self.session else { return Ok(opening.start().await?) };
        let store = match &self.store {
            Some(name) => crate::state::by_name(name.expose())?,
            None => settings.store()?,
        };
        forget(&*store, settings.retention(), id).await?;
        Ok(opening.store(store).resume_or_start(id.clone()).await?)
    }
}

/// Forgets what is not to be kept any more, but not what is to be taken up.
async fn forget(
    store: &dyn StateStore,
    retention: Retention,
    id: &ConversationId,
) -> anyhow::Result<()> {
    if retention == Retention::default() {
        return Ok(());
    }
    for gone in retention.expired(store.list().await?, UtcTime::now()) {
        if gone != *id {
            store.delete(&gone).await?;
        }
    }
    Ok(())
}

/// A flag that nobody would look at is an error.
fn check_system(settings: &Settings) -> anyhow::Result<()> {
    match settings.get("llm.system") {
        Some((_, Origin::Flag(flag))) => {
            bail!("the pack has the instructions: give either --pack or {flag}")
        }
        _ => Ok(()),
    }
}
