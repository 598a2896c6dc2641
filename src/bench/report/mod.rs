//! Shows a report's figures: as JSON for programs, as Markdown and as a page for people, as a
//! table in the terminal; and compares two reports.
//!
//! ```no_run
//! use banter::bench::report::{self, Percent, compare};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let new = report::read("out/report.json")?;
//! print!("{}", report::table(&new));
//! report::write("public", &new)?;
//! let comparison = compare(&new, &report::read("old.json")?, "10%".parse::<Percent>()?)?;
//! print!("{comparison}");
//! # Ok(())
//! # }
//! ```
//!
//! It measures nothing, and prints nothing itself.

mod compare;
mod files;
mod html;
mod interval;
mod markdown;
mod percent;
mod table;
mod taking;
mod wording;

use crate::bench::figures::Report;

pub use compare::{CompareError, Comparison, Figure, Paired, TurnName, Verdict, compare};
pub use files::{ReportError, Written, read, write};
pub use html::page;
pub use interval::Interval;
pub use markdown::markdown;
pub use percent::{Percent, PercentError};
pub use table::table;
pub(super) use table::{aligned, row};

/// What the figures that are there mean.
fn definitions(report: &Report) -> Vec<(&'static str, &'static str)> {
    let speed = (!taking::alone(report)).then_some(wording::DEFINITIONS);
    let taking = (!report.taking.is_empty()).then_some(taking::DEFINITIONS);
    speed.into_iter().flatten().chain(taking.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests;
