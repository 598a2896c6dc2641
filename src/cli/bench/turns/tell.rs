//! Tells how turns were taken, and how far the work is.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use crate::bench::figures::{Report, Taking};
use crate::bench::machine;
use crate::bench::report;
use crate::bench::turns::score::{Criterion, Score, criteria};
use crate::cli::Ending;
use crate::cli::bench::empty;
use crate::cli::bench::progress::CLEAR;
use crate::time::WallTime;

/// What is told of the figures.
#[derive(Debug, Args)]
pub(super) struct Tell {
    /// Say whether all is as it should be, line by line; what is not makes the exit code 1.
    #[arg(long)]
    check: bool,
    /// List every fault, with its scenario and time.
    #[arg(long)]
    detail: bool,
    /// Write the figures as JSON, an object a line for each detector.
    #[arg(long)]
    json: bool,
    /// Write the report into this folder: JSON, Markdown, and a page for the browser.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// The figures of a detector for programs.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'static str,
    engine: &'a str,
    endpoint: &'a str,
    set: &'a str,
    banter: &'static str,
    machine: &'a str,
    at: &'a str,
    score: &'a Score,
    criteria: Vec<Kept>,
}

#[derive(Serialize)]
struct Kept {
    name: &'static str,
    limit: String,
    was: String,
    holds: Option<bool>,
}

impl Tell {
    /// What can fail before there are any figures.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        let Some(folder) = &self.report else { return Ok(()) };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))
    }

    pub(super) fn tell(&self, takings: Vec<Taking>) -> anyhow::Result<Ending> {
        let report = Report { taking: takings, ..empty("turn taking") };
        let mut out = stdout().lock();
        if self.json {
            write_json(&mut out, &report.taking)?;
        } else {
            write!(out, "{}", report::table(&report))?;
        }
        if self.detail && !self.json {
            for taking in &report.taking {
                for fault in &taking.score.faults {
                    writeln!(out, "{}, {fault}", taking.name())?;
                }
            }
        }
        if let Some(folder) = &self.report {
            let written = report::write(folder, &report)?;
            for path in [written.json, written.markdown, written.html] {
                writeln!(stderr(), "wrote {}", path.display())?;
            }
        }
        if self.check && !self.holds(&mut out, &report.taking)? {
            return Ok(Ending::Failed);
        }
        Ok(Ending::Done)
    }

    /// Whether all detectors keep all criteria for which there is something to judge.
    fn holds(&self, out: &mut impl Write, takings: &[Taking]) -> anyhow::Result<bool> {
        let (mut passed, mut failed) = (0, 0);
        for taking in takings {
            for criterion in criteria(&taking.score) {
                let verdict = match criterion.holds() {
                    Some(true) => "ok",
                    Some(false) => "FAILED",
                    None => "nothing to judge",
                };
                passed += usize::from(criterion.holds() == Some(true));
                failed += usize::from(criterion.holds() == Some(false));
                if !self.json {
                    writeln!(out, "{}, {criterion} ... {verdict}", taking.name())?;
                }
            }
        }
        if passed + failed == 0 {
            bail!("these scenarios have nothing that --check judges");
        }
        if !self.json {
            let verdict = if failed == 0 { "ok" } else { "FAILED" };
            writeln!(out, "\nchecks: {verdict}. {passed} passed; {failed} failed")?;
        }
        Ok(failed == 0)
    }
}

fn write_json(out: &mut impl Write, takings: &[Taking]) -> anyhow::Result<()> {
    let (machine, at) = (&*machine::name(), &*WallTime::timestamp());
    for Taking { engine, endpoint, set, score } in takings {
        let kept = |criterion: &Criterion| Kept {
            name: criterion.name,
            limit: criterion.limit(),
            was: criterion.was(),
            holds: criterion.holds(),
        };
        let criteria = criteria(score).iter().map(kept).collect();
        let banter = env!("CARGO_PKG_VERSION");
        let told =
            Told { kind: "turns", engine, endpoint, set, banter, machine, at, score, criteria };
        writeln!(out, "{}", serde_json::to_string(&told)?)?;
    }
    Ok(())
}

/// Counts on the standard error: a line that changes on a terminal, else one when all is done.
pub(super) struct Count {
    of: String,
    is_done: &'static str,
    is_terminal: bool,
}

impl Count {
    /// As in `earshot: 12 of 129 heard`.
    pub(super) fn of(of: &str, is_done: &'static str) -> Self {
        Self { of: of.to_owned(), is_done, is_terminal: stderr().is_terminal() }
    }

    pub(super) fn tell(&self, done: usize, all: usize) {
        let line = format!("{}: {done} of {all} {}", self.of, self.is_done);
        // Nobody may be looking.
        let _unseen = if self.is_terminal {
            write!(stderr(), "{CLEAR}{line}")
        } else if done == all {
            writeln!(stderr(), "{line}")
        } else {
            Ok(())
        };
    }

    pub(super) fn done(&self) {
        if self.is_terminal {
            let _unseen = write!(stderr(), "{CLEAR}");
        }
    }
}
