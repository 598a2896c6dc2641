//! What the talk cost when it was last looked at.

use std::path::PathBuf;
use std::{fmt, fs};

use serde::{Deserialize, Serialize};

/// Allocations and instructions are the same each time; dependencies and the place of the stack
/// make the small rest.
const EXACT: f64 = 0.01;
/// Another processor has another ratio.
const TIMES: f64 = 2.0;
const ABOUT: &str = "# What the talk of benches/gate costs. `make gate-update` writes this file:\n\
    # commit it with the change that it belongs to.\n";

/// The cost of the talk, and where it was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    /// On the heap, by one thread.
    pub allocations: u64,
    /// The processor time, in times of the fixed computation.
    pub time_ratio: f64,
    /// What `rustc --version` says.
    pub compiler: String,
    /// The processor's family.
    pub architecture: String,
    /// Whether the code was optimised.
    pub profile: String,
    pub instructions: Option<Instructions>,
}

/// What valgrind's processor executed, which other versions of it may count differently.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instructions {
    pub count: u64,
    /// What `valgrind --version` says.
    pub counted_by: String,
}

/// What became of one figure.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub ruling: Ruling,
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Same,
    Cheaper,
    Dearer,
    /// The baseline says nothing about what was measured here.
    Unknown,
}

impl Baseline {
    pub(crate) fn read() -> Self {
        let path = path();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("cannot read `{}` ({error}): `make gate-update` writes it", path.display())
        });
        toml::from_str(&text).unwrap_or_else(|error| {
            panic!("`{}`: {error}: `make gate-update` writes it anew", path.display())
        })
    }

    pub(crate) fn write(&self) {
        fs::write(path(), format!("{ABOUT}\n{}", toml::to_string(self).unwrap())).unwrap();
    }

    /// What `found` is by this baseline. Another compiler makes as many allocations, but other
    /// instructions; optimised code cannot be compared with code that is not.
    pub(crate) fn judge(&self, found: &Self) -> Vec<Verdict> {
        if self.profile != found.profile {
            return vec![unknown("the costs", &self.profile, &found.profile)];
        }
        let mut verdicts = vec![exact("allocations", self.allocations, found.allocations)];
        let (expected, here) = (self.built_by(), found.built_by());
        if expected != here {
            verdicts.push(unknown("instructions and time", &expected, &here));
            return verdicts;
        }
        if let (Some(expected), Some(found)) = (&self.instructions, &found.instructions) {
            verdicts.push(expected.judge(found));
        }
        verdicts.push(self.judge_time(found.time_ratio));
        verdicts
    }

    fn judge_time(&self, found: f64) -> Verdict {
        let dearer = found > TIMES * self.time_ratio;
        let words = format!(
            "time: {found:.2} times a fixed computation, {:.2} in the baseline (limit: {TIMES} of \
             it)",
            self.time_ratio
        );
        Verdict { ruling: if dearer { Ruling::Dearer } else { Ruling::Same }, words }
    }

    fn built_by(&self) -> String {
        format!("{}, {}", self.compiler, self.architecture)
    }
}

impl Instructions {
    fn judge(&self, found: &Self) -> Verdict {
        if self.counted_by != found.counted_by {
            return unknown("instructions", &self.counted_by, &found.counted_by);
        }
        exact("instructions", self.count, found.count)
    }
}

fn exact(name: &str, expected: u64, found: u64) -> Verdict {
    let change = (found as f64 - expected as f64) / expected as f64;
    let ruling = if change > EXACT {
        Ruling::Dearer
    } else if change < -EXACT {
        Ruling::Cheaper
    } else {
        Ruling::Same
    };
    let words = format!(
        "{name}: {found}, {expected} in the baseline: {:+.3} % (limit: {} %)",
        change * 100.0,
        EXACT * 100.0
    );
    Verdict { ruling, words }
}

fn unknown(what: &str, expected: &str, here: &str) -> Verdict {
    let words = format!("{what} are not compared: the baseline is of {expected}, this of {here}");
    Verdict { ruling: Ruling::Unknown, words }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ruling = match self.ruling {
            Ruling::Same => "ok",
            Ruling::Cheaper => "CHEAPER",
            Ruling::Dearer => "WRONG",
            Ruling::Unknown => "SKIPPED",
        };
        write!(formatter, "{ruling} {}", self.words)
    }
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "benches", "gate", "baseline.toml"].iter().collect()
}
