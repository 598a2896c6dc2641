//! `banter sessions delete`.

use std::io::{Write, stderr, stdout};
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::cli::Ending;
use crate::config::Settings;
use crate::ids::ConversationId;
use crate::state::{Retention, StateStore};

/// Delete conversations, and say which.
#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    which: Which,
    /// Yes, all of them.
    #[arg(long, conflicts_with_all = ["ids", "older_than", "expired"])]
    yes: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// These conversations.
    #[arg(value_name = "ID")]
    ids: Vec<ConversationId>,
    /// Those that nobody has added to for so long: 30d, 12h, 90m.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Those that nobody has added to for longer than the setting `state.keep_days` says.
    #[arg(long)]
    expired: bool,
    /// All conversations of the store; needs --yes.
    #[arg(long)]
    all: bool,
}

impl Delete {
    pub(super) async fn run(
        self,
        settings: &Settings,
        store: &dyn StateStore,
    ) -> anyhow::Result<Ending> {
        let Self { which: Which { ids, older_than, expired, all }, yes } = self;
        let retention = match (older_than, all) {
            (Some(_), _) => Retention { older_than, at_most: None },
            (None, true) if !yes => {
                let count = store.list().await?.len();
                bail!(
                    "this deletes all {count} conversations of {}; if so, add --yes",
                    store.name()
                )
            }
            (None, true) => Retention { older_than: None, at_most: Some(0) },
            (None, false) if expired => settings.retention(),
            (None, false) => return named(&ids, store).await,
        };
        if retention == Retention::default() {
            bail!(
                "the setting state.keep_days is not set, so that nothing expires; set it, or say --older-than"
            );
        }
        for id in store.prune(retention).await? {
            writeln!(stdout(), "deleted {id}")?;
        }
        Ok(Ending::Done)
    }
}

async fn named(ids: &[ConversationId], store: &dyn StateStore) -> anyhow::Result<Ending> {
    let mut ending = Ending::Done;
    for id in ids {
        if store.delete(id).await? {
            writeln!(stdout(), "deleted {id}")?;
        } else {
            writeln!(stderr(), "banter: there is no conversation {id} in {}", store.name())?;
            ending = Ending::Failed;
        }
    }
    Ok(ending)
}

fn age(text: &str) -> anyhow::Result<Duration> {
    let units = [("d", 24 * 3_600), ("h", 3_600), ("m", 60)];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds).map(Duration::from_secs)
    });
    match read {
        Some(age) => Ok(age),
        None => bail!("write a number of days, hours or minutes, as 30d, 12h or 90m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_hours_or_minutes() {
        let seconds = |text| age(text).ok().map(|age| age.as_secs());
        assert_eq!(
            ["30d", "12h", "90m", "0d"].map(seconds),
            [2_592_000, 43_200, 5_400, 0].map(Some)
        );
        for wrong in ["", "d", "30", "-1d", "1.5h", "30 d", "18446744073709551615d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
