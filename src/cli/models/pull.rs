//! `banter models pull`.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::{chosen, megabytes};
use crate::cli::Ending;
use crate::cli::talk::Ends;
use crate::models::{Fetcher, Folder, Manifest, Model, Progress, SOURCE_VARIABLE};
use crate::net::HttpClient;

/// Fetch models, and check them. What was begun goes on.
#[derive(Debug, Args)]
pub(super) struct Pull {
    /// The models, as `banter models list` names them.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Fetch from this address instead of their makers': URL/FILE of each archive. By default
    /// what BANTER_MODELS_SOURCE names.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

impl Pull {
    pub(super) fn run(self, manifest: &Manifest, folder: Folder) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let ending = runtime.block_on(self.pull(manifest, folder));
        // What hashes a file is left behind.
        runtime.shutdown_timeout(Duration::from_secs(1));
        ending
    }

    async fn pull(self, manifest: &Manifest, folder: Folder) -> anyhow::Result<Ending> {
        let mut ends = Ends::new()?;
        let wanted = chosen(manifest, &self.names)?;
        let source = self.source.or_else(|| std::env::var(SOURCE_VARIABLE).ok());
        let mut fetcher = Fetcher::new(Arc::new(HttpClient::new()?), folder);
        if let Some(source) = source.filter(|source| !source.is_empty()) {
            fetcher = fetcher.from_mirror(&source)?;
        }
        for (model, build) in wanted {
            let mut shown = Shown::new(model);
            let pulled = ends.unless(fetcher.pull(build, |progress| shown.see(progress))).await;
            shown.done();
            let Some(pulled) = pulled else {
                writeln!(stderr(), "{}: stopped; the next pull goes on from there", model.name)?;
                return Ok(Ending::Interrupted);
            };
            let path = pulled.with_context(|| format!("cannot fetch {}", model.name))?;
            writeln!(stdout(), "{} {}  {}", model.name, model.version, path.display())?;
        }
        Ok(Ending::Done)
    }
}

/// Shows how far it is: a line that changes on a terminal, else a line for each quarter.
struct Shown<'a> {
    model: &'a Model,
    is_terminal: bool,
    /// Of the steps in which it is shown.
    last: Option<u64>,
}

impl<'a> Shown<'a> {
    fn new(model: &'a Model) -> Self {
        Self { model, is_terminal: stderr().is_terminal(), last: None }
    }

    fn see(&mut self, Progress { done, size }: Progress) {
        let steps = if self.is_terminal { 100 } else { 4 };
        let step = done * steps / size.max(1);
        if self.last == Some(step) {
            return;
        }
        self.last = Some(step);
        let (done, size) = (megabytes(done), megabytes(size));
        let line = format!("{} {}  {done} of {size}", self.model.name, self.model.version);
        // Nobody may be looking.
        let _unseen = if self.is_terminal {
            write!(stderr(), "{CLEAR}{line}")
        } else {
            writeln!(stderr(), "{line}")
        };
    }

    /// Leaves the line to what is said next.
    fn done(&self) {
        if self.is_terminal && self.last.is_some() {
            let _unseen = write!(stderr(), "{CLEAR}");
        }
    }
}

/// To the line's start, and all of it is forgotten.
const CLEAR: &str = "\r\x1b[K";
