//! Judges what turn taking decided by what the scenarios expect.
//!
//! ```
//! use banter::bench::turns::manifest::Manifest;
//! use banter::bench::turns::score::{criteria, score};
//!
//! let score = score(&Manifest::default(), &[]);
//! assert_eq!(score.turns, 0);
//! assert!(criteria(&score).iter().all(|criterion| criterion.holds().is_none()));
//! ```
//!
//! A pure function of values: it reads no file and hears no sound. The rules, with their
//! tolerances (`docs/turn-taking.md` tells why):
//!
//! | what | when |
//! |---|---|
//! | a turn is found | a start from 300 ms before its speech on, at most 2.4 s after its end, and before the next turn |
//! | it is cut off | an end within its speech, more than 20 ms before its end |
//! | it is ended | the first end after that, as long as it may be found; else it is unended |
//! | a false turn | without an agent that speaks: a start outside all turns |
//! | an interruption is met | from 50 ms before its speech on, at most 500 ms after its end or after its first 500 ms |
//! | it is pre-empted | the agent had been silenced before, in the same utterance |
//! | a false interruption | any other, more than 1 s after an expected one; at most one is counted for each probe |
//!
//! A turn over the agent's speech is judged as an interruption only.

mod criteria;
mod rules;
mod spread;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use criteria::{Criterion, criteria};
pub use rules::score;
pub use spread::Latency;

/// A decision that fell in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The scenario's name.
    pub scenario: String,
    /// How much sound had been heard by then.
    pub t_ms: u64,
    /// What was decided.
    #[serde(rename = "type")]
    pub kind: EventKind,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The user has begun to speak.
    TurnStart,
    /// The user's turn has ended.
    TurnEnd,
    /// The agent falls silent.
    Interrupt,
}

/// How well turns were taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Turns while the agent was silent.
    pub turns: usize,
    /// Of them, those that were never found.
    pub missed_turns: usize,
    /// Of those found, the ones that nothing ended.
    pub unended: usize,
    /// Of those found, the ones that were ended within their speech.
    pub cut_off: usize,
    /// From the first sound of a turn to its start.
    pub start_ms: Option<Latency>,
    /// From the last sound of a turn to its end.
    pub end_ms: Option<Latency>,
    /// By the length of the pause in ms: how many turns with one were cut off.
    pub hesitations_cut: BTreeMap<u64, Share>,
    /// Of turns with a pause in scenarios of the kind `slow`, by fives in their order: how many
    /// were cut off. Who is known to pause is cut off less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_cut: Vec<Share>,
    /// By the probe's kind: turns that began in one while the agent was silent.
    pub idle_false_turns: BTreeMap<String, Share>,
    /// Turns that began elsewhere without speech.
    pub false_turns_elsewhere: usize,
    /// By the scenario's kind.
    pub barge_ins: BTreeMap<String, BargeIns>,
    /// From the first sound of an interruption to the agent's silence.
    pub barge_in_ms: Option<Latency>,
    /// The same for those over echo alone.
    pub echo_barge_in_ms: Option<Latency>,
    /// The same for those without any.
    #[serde(default)]
    pub plain_barge_in_ms: Option<Latency>,
    /// By the probe's kind: how many silenced an agent.
    pub false_interrupts: BTreeMap<String, Share>,
    /// Interruptions that neither the user nor a probe explains.
    pub spurious_interrupts: usize,
    /// Each thing that went wrong, in the order of the scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The scenario's name.
    pub scenario: String,
    /// What it was, as in `cut off` or `interrupted by echo-20`.
    pub what: String,
    /// When it happened; of what did not happen, when it was due.
    pub t_ms: u64,
}

/// As in `012-hesitate300 at 5420 ms: cut off`.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {} ms: {}", self.scenario, self.t_ms, self.what)
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// So many.
    pub count: usize,
    /// Of so many.
    pub of: usize,
}

/// What came of interruptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BargeIns {
    /// All.
    pub of: usize,
    /// Those that silenced the agent.
    pub met: usize,
    /// Of them, those that took more than a second.
    pub late: usize,
    /// Those before which something false had silenced it already.
    pub pre_empted: usize,
}

impl BargeIns {
    /// Those over which the agent spoke on.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.of - self.met - self.pre_empted
    }
}

impl Score {
    /// The share of the turns found that were cut off.
    #[must_use]
    pub fn cut_off_share(&self) -> Share {
        Share { count: self.cut_off, of: self.turns - self.missed_turns }
    }

    /// All interruptions together.
    #[must_use]
    pub fn all_barge_ins(&self) -> BargeIns {
        total_of(self.barge_ins.values())
    }

    /// Those over the agent's own voice in the microphone.
    #[must_use]
    pub fn echo_barge_ins(&self) -> BargeIns {
        total_of(self.barge_ins.iter().filter(|(kind, _)| over_echo(kind)).map(|(_, each)| each))
    }

    /// Those without it.
    #[must_use]
    pub fn plain_barge_ins(&self) -> BargeIns {
        total_of(self.barge_ins.iter().filter(|(kind, _)| !over_echo(kind)).map(|(_, each)| each))
    }

    /// All probes, those in echo too.
    #[must_use]
    pub fn all_false_interrupts(&self) -> Share {
        Share::total(self.false_interrupts.values())
    }

    /// The agent's own voice in the microphone, which silenced it.
    #[must_use]
    pub fn echo_holds(&self) -> Share {
        let echo = self.false_interrupts.iter().filter(|(kind, _)| kind.starts_with("echo"));
        Share::total(echo.map(|(_, share)| share))
    }

    /// All probes without an agent that speaks.
    #[must_use]
    pub fn all_idle_false_turns(&self) -> Share {
        Share::total(self.idle_false_turns.values())
    }
}

impl Share {
    fn add(&mut self, counts: bool) {
        self.of += 1;
        self.count += usize::from(counts);
    }

    fn total<'a>(shares: impl Iterator<Item = &'a Self>) -> Self {
        shares.fold(Self::default(), |sum, each| Self {
            count: sum.count + each.count,
            of: sum.of + each.of,
        })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.count, self.of)
    }
}

fn total_of<'a>(each: impl Iterator<Item = &'a BargeIns>) -> BargeIns {
    each.fold(BargeIns::default(), |sum, each| BargeIns {
        of: sum.of + each.of,
        met: sum.met + each.met,
        late: sum.late + each.late,
        pre_empted: sum.pre_empted + each.pre_empted,
    })
}

/// Such kinds are called by the echo's level, as in `barge-20`.
fn over_echo(kind: &str) -> bool {
    kind.starts_with("barge-")
}
