//! The flags by which exchanges with models are recorded.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::bail;
use clap::Args;

use super::Ending;
use super::talk::named_twice;
use crate::config::Settings;
use crate::providers::exchanges::{ExchangeLog, KeptMedia};

/// Where exchanges with models are written.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Exchanges with the model")]
pub(super) struct RecordFlags {
    /// Write each request to the model and what it answers, with times, as a JSON object on a
    /// line, without keys: for `--llm replay:FILE`. A file that is there is overwritten.
    #[arg(long, value_name = "FILE")]
    pub(super) record_exchanges: Option<PathBuf>,
    /// With the bytes of images, sound and documents, which else have name, type and size only.
    #[arg(long, requires = "record_exchanges")]
    record_media: bool,
    #[arg(skip)]
    log: Arc<OnceLock<ExchangeLog>>,
}

impl RecordFlags {
    /// Makes the file, if one is wanted. What is recorded is all there once [`end`](Self::end) has
    /// returned.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or is one that is to be replayed.
    pub(super) fn open(&self, settings: &Settings) -> anyhow::Result<Option<ExchangeLog>> {
        let Some(path) = &self.record_exchanges else { return Ok(None) };
        for replayed in settings.replayed() {
            if named_twice([replayed.as_path(), path].into_iter()).is_some() {
                bail!(
                    "{} is to be replayed and recorded at once: name another file for \
                     --record-exchanges",
                    path.display()
                );
            }
        }
        let media = if self.record_media { KeptMedia::Bytes } else { KeptMedia::Names };
        let log = ExchangeLog::create(path, media, settings.secrets())?;
        let _opened_once = self.log.set(log.clone());
        Ok(Some(log))
    }

    /// The same for a call, in which a model that speaks for itself may be followed by others.
    ///
    /// # Errors
    ///
    /// When nobody would be asked in words: a flag that nobody would look at is an error.
    pub(super) fn open_for_call(
        &self,
        settings: &Settings,
        followed: bool,
    ) -> anyhow::Result<Option<ExchangeLog>> {
        let is_followed = followed && settings.text("duplex.fallback") == Some("vad");
        let speaks = settings.text("mode") == Some("asm") && !is_followed;
        if self.record_exchanges.is_some() && speaks {
            bail!(
                "--record-exchanges writes what a model is asked in words, which one that speaks \
                 for itself is not: leave it out"
            );
        }
        self.open(settings)
    }

    /// The file, if one is wanted.
    pub(super) fn file(&self) -> Option<&Path> {
        self.record_exchanges.as_deref()
    }

    /// How the command ended, if all that was said is to be in the file. Takes 10 s at most.
    pub(super) fn end(&self, ending: anyhow::Result<Ending>) -> anyhow::Result<Ending> {
        let Some(Err(error)) = self.log.get().map(ExchangeLog::finish) else { return ending };
        writeln!(stderr(), "banter: {error}")?;
        Ok(match ending? {
            Ending::Done | Ending::Interrupted | Ending::NotWhole => Ending::NotWhole,
            Ending::Failed => Ending::Failed,
        })
    }
}
