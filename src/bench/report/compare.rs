//! Whether a measurement is slower than the one before.
//!
//! Turns are compared with themselves: that of the same scenario, session and number in both
//! reports. What counts is the median of the pairs' ratios, and whether it is surely above the
//! limit; so a slow moment of the machine is no regression, and many small steps are seen.

use std::collections::BTreeMap;
use std::fmt;

use super::interval::{ENOUGH, Interval, middle};
use super::percent::Percent;
use super::table::{aligned, row};
use super::wording::{count, ms, plain};
use crate::bench::figures::{Report, Turn, VERSION};

/// A turn that differs by less did not change, and no overhead counts as less.
const FLOOR_MS: f64 = 1.0;
/// How many turns without a partner are named.
const NAMED: usize = 5;

/// Why two reports cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// One has another form.
    #[error(
        "the baseline's form is of version {old}, the new report's of {new}, and this program \
         compares version {VERSION}: measure the baseline anew"
    )]
    Version {
        /// The new report's.
        new: u32,
        /// The baseline's.
        old: u32,
    },
    /// Nothing is in both.
    #[error(
        "no turn of the baseline was measured again: compare reports of the same scenarios (the \
         baseline has {old}, the new report has {new})"
    )]
    NothingInCommon {
        /// The new report's scenarios.
        new: String,
        /// The baseline's.
        old: String,
    },
}

/// What became of every figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How much slower is too much.
    pub limit: Percent,
    /// Of each scenario and of all turns.
    pub figures: Vec<Paired>,
    /// Turns that only the new report has.
    pub only_new: Vec<TurnName>,
    /// Turns that only the baseline has.
    pub only_old: Vec<TurnName>,
    /// Turns that got no answer: in the baseline, and now. More of them are a regression, as the
    /// slowest turns of all are not among the pairs.
    pub lost: (u64, u64),
    /// Why the two may not be comparable.
    pub warnings: Vec<String>,
}

/// One figure of the same turns, before and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The scenario, or `all`.
    pub scenario: String,
    /// Which figure.
    pub figure: Figure,
    /// How many turns are in both reports.
    pub pairs: usize,
    /// The median in the baseline.
    pub old_ms: f64,
    /// The median now.
    pub new_ms: f64,
    /// The median of the pairs' ratios, new to old, with its 95 % interval. Of fewer than six
    /// pairs from the least to the greatest: then only what every turn shows is a regression.
    pub ratio: Interval,
    /// What that means.
    pub verdict: Verdict,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// From the end of speech to the first audible sample.
    VoiceToVoice,
    /// What the agent adds.
    Overhead,
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval's lower end is above the limit.
    Regression,
    /// Its upper end is as far below.
    Improvement,
    /// Neither.
    Unchanged,
}

/// Which turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TurnName {
    /// Its scenario.
    pub scenario: String,
    /// Its session, from 0.
    pub session: usize,
    /// Its place in the scenario, from 0.
    pub index: usize,
    /// How often the scenario was run in that session before.
    pub repetition: usize,
}

/// Compares each turn of `new` with itself in `old`. Differences below 1 ms are none, and an
/// overhead below 1 ms counts as 1 ms: nobody hears them, and ratios of them mean nothing.
///
/// # Errors
/// If one has another version's form, or no turn is in both.
pub fn compare(new: &Report, old: &Report, limit: Percent) -> Result<Comparison, CompareError> {
    if (new.version, old.version) != (VERSION, VERSION) {
        return Err(CompareError::Version { new: new.version, old: old.version });
    }
    let (named_new, mut left) = (named(&new.turns), named(&old.turns));
    let (mut pairs, mut only_new) = (Vec::new(), Vec::new());
    for (name, turn) in named_new {
        match left.remove(&name) {
            Some(before) => pairs.push((turn, before)),
            None => only_new.push(name),
        }
    }
    if pairs.is_empty() {
        let (new, old) = (scenarios(new), scenarios(old));
        return Err(CompareError::NothingInCommon { new, old });
    }
    Ok(Comparison {
        limit,
        figures: figures(&pairs, limit),
        only_new,
        only_old: left.into_keys().collect(),
        lost: (old.all.cost.lost_turns, new.all.cost.lost_turns),
        warnings: warnings(new, old),
    })
}

impl Comparison {
    /// Whether any figure is surely slower than the limit allows, or more turns were lost.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.lost.1 > self.lost.0
            || self.figures.iter().any(|figure| figure.verdict == Verdict::Regression)
    }
}

fn named(turns: &[Turn]) -> BTreeMap<TurnName, &Turn> {
    let mut named = BTreeMap::new();
    for turn in turns {
        let (scenario, session) = (turn.scenario.clone(), turn.session);
        let mut name = TurnName { scenario, session, index: turn.index, repetition: 0 };
        while named.contains_key(&name) {
            name.repetition += 1;
        }
        named.insert(name, turn);
    }
    named
}

fn scenarios(report: &Report) -> String {
    let names: Vec<_> = report.scenarios.iter().map(|group| plain(&group.name)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn warnings(new: &Report, old: &Report) -> Vec<String> {
    let differs = |what: &str, new: &str, old: &str| {
        (new != old).then(|| {
            let (new, old) = (plain(new), plain(old));
            format!("another {what}: the baseline is of `{old}`, the new report of `{new}`")
        })
    };
    [
        differs("machine", &new.made.machine, &old.made.machine),
        differs("target", &new.made.target, &old.made.target),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The turn now, and before.
type Pair<'a> = (&'a Turn, &'a Turn);

/// By scenario, in the order of their names, then of all.
fn figures(pairs: &[Pair<'_>], limit: Percent) -> Vec<Paired> {
    let mut by_scenario: BTreeMap<&str, Vec<Pair<'_>>> = BTreeMap::new();
    for pair in pairs {
        by_scenario.entry(&pair.0.scenario).or_default().push(*pair);
    }
    by_scenario
        .iter()
        .map(|(name, pairs)| (*name, pairs.as_slice()))
        .chain([("all", pairs)])
        .flat_map(|(name, pairs)| {
            [Figure::VoiceToVoice, Figure::Overhead]
                .into_iter()
                .filter_map(move |figure| Paired::of(name, figure, pairs, limit))
        })
        .collect()
}

impl Paired {
    /// `None` if no pair has this figure on both sides.
    fn of(name: &str, figure: Figure, pairs: &[Pair<'_>], limit: Percent) -> Option<Self> {
        let values: Vec<_> = pairs
            .iter()
            .filter_map(|(new, old)| Some((figure.of(new)?, figure.of(old)?)))
            .collect();
        let ratios: Vec<f64> = values.iter().map(|(new, old)| ratio(*new, *old)).collect();
        let ratio = Interval::of(&ratios)?;
        let (mut new, mut old): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        Some(Self {
            scenario: name.to_owned(),
            figure,
            pairs: ratios.len(),
            old_ms: middle(&mut old),
            new_ms: middle(&mut new),
            ratio,
            verdict: Verdict::of(ratio, limit),
        })
    }
}

impl Figure {
    fn of(self, turn: &Turn) -> Option<f64> {
        match self {
            Self::VoiceToVoice => Some(turn.voice_to_voice_ms),
            Self::Overhead => turn.overhead_ms,
        }
    }
}

impl Verdict {
    fn of(ratio: Interval, limit: Percent) -> Self {
        let limit = 1.0 + limit.share();
        if ratio.low > limit {
            Self::Regression
        } else if ratio.high < 1.0 / limit {
            Self::Improvement
        } else {
            Self::Unchanged
        }
    }
}

fn ratio(new: f64, old: f64) -> f64 {
    if (new - old).abs() < FLOOR_MS { 1.0 } else { new.max(FLOOR_MS) / old.max(FLOOR_MS) }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row(
            "compared",
            ["figure (ms)", "pairs", "before", "now", "change", "surely within (95 %)", ""],
        )];
        rows[0][7] = " ".to_owned();
        rows.extend(self.figures.iter().map(Paired::cells));
        formatter.write_str(&aligned(&rows))?;
        if self.figures.iter().any(|figure| figure.pairs < ENOUGH) {
            writeln!(
                formatter,
                "few: fewer than {ENOUGH} pairs; only if every one is slower it is a regression"
            )?;
        }
        for warning in &self.warnings {
            writeln!(formatter, "warning: {warning}")?;
        }
        unpaired(formatter, "the baseline", &self.only_old)?;
        unpaired(formatter, "the new report", &self.only_new)?;
        if self.lost.1 > self.lost.0 {
            writeln!(formatter, "lost turns: {} before, {} now", self.lost.0, self.lost.1)?;
        }
        match self.is_regression() {
            true => writeln!(formatter, "REGRESSION: the limit is {}", self.limit),
            false => writeln!(formatter, "no regression: the limit is {}", self.limit),
        }
    }
}

impl Paired {
    fn cells(&self) -> Vec<String> {
        let change = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0 + 0.0);
        let verdict = match self.verdict {
            Verdict::Regression => "SLOWER",
            Verdict::Improvement => "faster",
            Verdict::Unchanged => "",
        };
        let few = if self.pairs < ENOUGH { "few" } else { "" };
        let remark = [few, verdict].join(" ");
        vec![
            plain(&self.scenario),
            self.figure.to_string(),
            self.pairs.to_string(),
            ms(self.old_ms),
            ms(self.new_ms),
            change(self.ratio.median),
            format!("{} to {}", change(self.ratio.low), change(self.ratio.high)),
            format!(" {}", remark.trim()),
        ]
    }
}

fn unpaired(to: &mut fmt::Formatter<'_>, place: &str, turns: &[TurnName]) -> fmt::Result {
    if turns.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = turns.iter().take(NAMED).map(TurnName::to_string).collect();
    let more = turns.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let names = names.join(", ");
    writeln!(to, "only in {place}: {} ({names}{more})", count(turns.len(), "turn"))
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::VoiceToVoice => "voice-to-voice",
            Self::Overhead => "overhead",
        })
    }
}

impl fmt::Display for TurnName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, session, index, repetition } = self;
        write!(formatter, "{} session {session} turn {index}", plain(scenario))?;
        if *repetition > 0 { write!(formatter, " run {}", repetition + 1) } else { Ok(()) }
    }
}
