//! Calls put together: what a report tells of them.

use std::ops::Add;

use super::{Check, Interruption, Spoke, barge_ins, checks, discarded, lost, spread, turns};
use crate::bench::call::Record;
use crate::bench::figures::{Cost, Discarded, Group, Report, Turn};
use crate::bench::scenario::Scenario;
use crate::bench::services::Log;

/// What is known of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The scenario's name.
    pub scenario: String,
    /// Its turns that were answered.
    pub turns: Vec<Turn>,
    /// Its interruptions.
    pub interruptions: Vec<Interruption>,
    /// Whether all was as expected.
    pub checks: Vec<Check>,
    /// What it cost.
    pub cost: Cost,
}

/// What a call cost the process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Processor time.
    pub cpu_s: f64,
    /// Resident memory before it, in KiB.
    pub base_kib: Option<f64>,
    /// The most during it, in KiB.
    pub peak_kib: Option<f64>,
}

impl Measured {
    /// What `record` tells of a call of `scenario`. `log` is what its caller asked of mock
    /// services; `None` if others spoke.
    #[must_use]
    pub fn of(scenario: &Scenario, record: &Record, log: Option<&Log>, spent: Spent) -> Self {
        let minutes = record.events.last().map_or(0.0, |last| last.at.as_millis() / 60e3);
        let memory = spent.peak_kib.zip(spent.base_kib).map(|(peak, base)| (peak - base).max(0.0));
        let cost = Cost {
            sessions: 1,
            session_minutes: minutes,
            cpu_s_per_minute: (minutes > 0.0).then(|| spent.cpu_s / minutes),
            memory_kib_per_session: memory,
            base_kib: spent.base_kib,
            under_runs: record.summary.under_runs,
            lost_turns: lost(record) as u64,
            driver_late_ms: record.person.lateness_ms(0.95) as f64,
            discarded: discarded(record),
        };
        let spoke = match log {
            None => Spoke::Unknown,
            Some(log) if log.calls.is_empty() => Spoke::Clauses,
            Some(_) => Spoke::Answers,
        };
        Self {
            scenario: scenario.name.clone(),
            turns: turns(record, log.unwrap_or(&Log::default()), &scenario.name),
            interruptions: barge_ins(record),
            checks: checks(scenario, record, spoke),
            cost,
        }
    }
}

/// The groups of a report: one for each scenario, in the order of its first call, and all.
#[must_use]
pub fn groups(calls: &[Measured]) -> (Vec<Group>, Group) {
    let mut names: Vec<&str> = Vec::new();
    for call in calls {
        if !names.contains(&&*call.scenario) {
            names.push(&call.scenario);
        }
    }
    let of = |name: &&str| {
        let own: Vec<_> = calls.iter().filter(|call| call.scenario == *name).collect();
        group(name, &own)
    };
    let all: Vec<_> = calls.iter().collect();
    (names.iter().map(of).collect(), group(ALL, &all))
}

/// `report` with what `calls` tell.
#[must_use]
pub fn fill(mut report: Report, calls: &[Measured]) -> Report {
    (report.scenarios, report.all) = groups(calls);
    report.turns = calls.iter().flat_map(|call| call.turns.clone()).collect();
    report
}

fn group(name: &str, calls: &[&Measured]) -> Group {
    let interruptions: Vec<_> =
        calls.iter().flat_map(|call| call.interruptions.iter().copied()).collect();
    Group {
        cost: cost(calls),
        barge_in: spread(&interruptions),
        failures: calls.iter().flat_map(|call| call.failures(name)).collect(),
        ..Group::of(name, calls.iter().flat_map(|call| &call.turns))
    }
}

impl Measured {
    fn failures(&self, group: &str) -> impl Iterator<Item = String> {
        let of = if group == ALL { format!("{}: ", self.scenario) } else { String::new() };
        self.checks.iter().filter(|check| !check.ok).map(move |check| format!("{of}{check}"))
    }
}

/// As in `turn 2: reply within 3000 ms (3210 ms)`.
impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(turn) = self.turn {
            write!(f, "turn {}: ", turn + 1)?;
        }
        write!(f, "{} ({})", self.what, self.detail)
    }
}

fn cost(calls: &[&Measured]) -> Cost {
    let costs = || calls.iter().map(|call| call.cost);
    let minutes: f64 = costs().map(|cost| cost.session_minutes).sum();
    let cpu = costs().map(|cost| Some(cost.cpu_s_per_minute? * cost.session_minutes));
    let cpu: Option<f64> = cpu.sum();
    let most = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
    Cost {
        sessions: calls.len(),
        session_minutes: minutes,
        cpu_s_per_minute: cpu.filter(|_| minutes > 0.0).map(|cpu| cpu / minutes),
        memory_kib_per_session: costs().map(|cost| cost.memory_kib_per_session).fold(None, most),
        base_kib: costs().find_map(|cost| cost.base_kib),
        under_runs: costs().map(|cost| cost.under_runs).sum(),
        lost_turns: costs().map(|cost| cost.lost_turns).sum(),
        driver_late_ms: costs().map(|cost| cost.driver_late_ms).fold(0.0, f64::max),
        discarded: costs().map(|cost| cost.discarded).fold(Discarded::default(), Add::add),
    }
}

const ALL: &str = "all";
