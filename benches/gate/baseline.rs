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
    /// As valgrind counts them.
    pub instructions: Option<u64>,
    /// The processor time, in times of the fixed computation.
    pub time_ratio: f64,
    /// What `rustc --version` says.
    pub compiler: String,
    /// The processor's family.
    pub architecture: String,
    /// Whether the code was optimised.
    pub profile: String,
}

/// What became of one figure.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub passed: bool,
    words: String,
}

impl Baseline {
    pub(crate) fn read() -> Self {
        let path = path();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("cannot read `{}` ({error}): `make gate-update` writes it", path.display())
        });
        toml::from_str(&text).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
    }

    pub(crate) fn write(&self) {
        fs::write(path(), format!("{ABOUT}\n{}", toml::to_string(self).unwrap())).unwrap();
    }

    /// What `found` is by this baseline. Instructions and times of another compiler, processor or
    /// profile cannot be compared, and pass with a word about it.
    pub(crate) fn judge(&self, found: &Self) -> Vec<Verdict> {
        let mut verdicts =
            vec![exact("allocations", self.allocations as f64, found.allocations as f64)];
        let (expected, here) = (self.built_by(), found.built_by());
        if expected != here {
            let words = format!(
                "instructions and time are not compared: the baseline was built by {expected}, \
                 this by {here}"
            );
            verdicts.push(Verdict { passed: true, words });
            return verdicts;
        }
        if let (Some(expected), Some(found)) = (self.instructions, found.instructions) {
            verdicts.push(exact("instructions", expected as f64, found as f64));
        }
        let words = format!(
            "time: {:.2} times a fixed computation, {:.2} in the baseline (limit: {TIMES} of it)",
            found.time_ratio, self.time_ratio
        );
        verdicts.push(Verdict { passed: found.time_ratio <= TIMES * self.time_ratio, words });
        verdicts
    }

    fn built_by(&self) -> String {
        format!("{}, {}, {}", self.compiler, self.architecture, self.profile)
    }
}

/// More is worse; less is a gain that the next change must not lose unseen, or less of a talk.
fn exact(name: &str, expected: f64, found: f64) -> Verdict {
    let change = (found - expected) / expected;
    let limit = EXACT * 100.0;
    let words = format!(
        "{name}: {found}, {expected} in the baseline: {:+.3} % (limit: {limit} %)",
        change * 100.0
    );
    Verdict { passed: change.abs() <= EXACT, words }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", if self.passed { "ok" } else { "WRONG" }, self.words)
    }
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "benches", "gate", "baseline.toml"].iter().collect()
}
