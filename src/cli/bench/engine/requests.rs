//! Asks an engine, one request after the other, and shows how it goes on the standard error.

use std::error::Error;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::How;
use crate::bench::machine;
use crate::cli::Ending;
use crate::cli::bench::progress::CLEAR;
use crate::cli::screen::plain;
use crate::cli::talk::Ends;
use crate::time::SessionClock;

/// What came of all requests.
pub(super) struct Came<T> {
    pub(super) done: Vec<T>,
    pub(super) failures: Vec<String>,
    /// Processor time, of this program and of those that it started.
    pub(super) cpu: Duration,
    /// It was ended by Ctrl-C.
    interrupted: bool,
}

impl<T> Came<T> {
    pub(super) fn ending(&self) -> Ending {
        match (self.interrupted, self.failures.is_empty()) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Done,
            (false, false) => Ending::Failed,
        }
    }
}

impl How {
    /// Asks for the first of `items` to warm up, then for each as often as was wished. `ask` gives
    /// what was measured, and that in words. Ctrl-C ends it with what there is.
    pub(super) async fn ask<I, T, E: Error + Send + Sync + 'static>(
        &self,
        kind: &str,
        items: &[I],
        ends: &mut Ends,
        ask: impl AsyncFn(&I) -> Result<(T, String), E>,
    ) -> anyhow::Result<Came<T>> {
        let clock = SessionClock::live();
        let mut came =
            Came { done: Vec::new(), failures: Vec::new(), cpu: Duration::ZERO, interrupted: true };
        let Some(first) = items.first() else { bail!("there is nothing to ask for") };
        let progress = Progress { kind, is_terminal: stderr().is_terminal() };
        progress.tell("one request to warm up, which is not counted");
        let Some(warm) = ends.unless(clock.timeout(LIMIT, ask(first))).await else {
            progress.done();
            return Ok(came);
        };
        warm.with_context(no_end)?.context("the request to warm up failed")?;
        let before = cpu();
        let total = items.len() * self.repeat as usize;
        for (index, item) in items.iter().cycle().take(total).enumerate() {
            let Some(asked) = ends.unless(clock.timeout(LIMIT, ask(item))).await else {
                came.cpu = cpu().saturating_sub(before);
                progress.done();
                return Ok(came);
            };
            let number = format!("{} of {total}", index + 1);
            match asked {
                Some(Ok((one, words))) => {
                    progress.tell(&format!("{number}: {words}"));
                    came.done.push(one);
                }
                failed => {
                    let error = failed.and_then(Result::err).map(|error| error.to_string());
                    let failure = format!("{number}: {}", error.unwrap_or_else(no_end));
                    progress.tell(&format!("failed, {failure}"));
                    came.failures.push(failure);
                }
            }
        }
        progress.done();
        Ok(Came { cpu: cpu().saturating_sub(before), interrupted: false, ..came })
    }
}

fn no_end() -> String {
    format!("the answer has no end after {} s", LIMIT.as_secs())
}

fn cpu() -> Duration {
    machine::cpu_time() + machine::children_cpu_time()
}

/// A line that changes on a terminal, else a line for each request.
struct Progress<'a> {
    kind: &'a str,
    is_terminal: bool,
}

impl Progress<'_> {
    fn tell(&self, what: &str) {
        let (kind, what) = (self.kind, plain(what));
        // Nobody may be looking.
        let _unseen = if self.is_terminal {
            write!(stderr(), "{CLEAR}{kind}: {what}")
        } else {
            writeln!(stderr(), "{kind}: {what}")
        };
    }

    fn done(&self) {
        if self.is_terminal {
            let _unseen = write!(stderr(), "{CLEAR}");
        }
    }
}

/// Far more than a caller would wait: the engines have limits of their own for each step.
const LIMIT: Duration = Duration::from_secs(120);
