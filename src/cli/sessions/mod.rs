//! `banter sessions`.

mod delete;
mod show;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::Ending;
use super::harmless::{harmless, harmless_json};
use super::settings::{SettingFlags, hidden};
use crate::config::Settings;
use crate::state::{Listing, StateStore};
use crate::types::Secret;

/// List, show and delete the conversations that are kept.
#[derive(Debug, Args)]
pub(super) struct Sessions {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    Show(show::Show),
    Delete(delete::Delete),
}

/// Where the conversations are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
struct Place {
    /// The store: files (default: ~/.local/share/banter/sessions), files:DIR, sqlite:FILE,
    /// redis://HOST.
    #[arg(long, value_name = "STORE", value_parser = hidden, global = true)]
    store: Option<Secret>,
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = hidden, global = true)]
    set: Vec<Secret>,
}

/// List the conversations, the one last changed first.
#[derive(Debug, Args)]
struct List {
    /// Write each as a JSON object on a line.
    #[arg(long)]
    json: bool,
}

impl Sessions {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let Place { store, config, set } = self.place;
        let own = [("--store", "state.store", store.as_ref().map(Secret::expose))];
        let settings = SettingFlags::bare(config, set).load(&own)?;
        let store = settings.store()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let ending = runtime.block_on(self.action.run(&settings, store));
        runtime.shutdown_timeout(Duration::from_secs(1));
        ending
    }
}

impl Action {
    async fn run(self, settings: &Settings, store: Arc<dyn StateStore>) -> anyhow::Result<Ending> {
        match self {
            Self::List(list) => list.run(&*store).await,
            Self::Show(show) => show.run(&*store).await,
            Self::Delete(delete) => delete.run(settings, &*store).await,
        }
    }
}

impl List {
    async fn run(self, store: &dyn StateStore) -> anyhow::Result<Ending> {
        let mut listings = store.list().await?;
        listings.sort_by(|one, other| (other.changed, &one.id).cmp(&(one.changed, &other.id)));
        let mut text = String::new();
        for listing in &listings {
            text += &match self.json {
                true => harmless_json(&serde_json::to_string(listing)?),
                false => harmless(&line(listing, &listings)),
            };
            text.push('\n');
        }
        stdout().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }
}

/// A conversation in a line, in columns with all the others.
fn line(listing: &Listing, all: &[Listing]) -> String {
    let width = all.iter().map(|listing| listing.id.as_str().len()).max().unwrap_or(0);
    let Listing { id, changed, turns, first_words, damage, .. } = listing;
    let plural = if *turns == 1 { "turn " } else { "turns" };
    let damage = damage.as_ref().map(|damage| format!("  ! {damage}")).unwrap_or_default();
    let told = format!(
        "{:width$}  {}  {turns:>4} {plural}  {first_words}{damage}",
        id.as_str(),
        changed.on_the_wall(),
    );
    told.trim_end().to_owned()
}
