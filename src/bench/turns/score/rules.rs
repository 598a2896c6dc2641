//! The rules themselves.

use std::collections::BTreeMap;

use super::{Event, EventKind, Fault, Latency, Score, Share, over_echo};
use crate::bench::turns::manifest::{Manifest, Probe, Scenario, UserTurn};

/// How early a turn may begin, and how late it may begin or end.
const BEFORE: i64 = 300;
const AFTER: i64 = 2_400;
/// So close to its end a turn may be ended.
const SLACK: i64 = 20;
/// How early an interruption may be met, and how late.
const INTERRUPT_BEFORE: i64 = 50;
const INTERRUPT_AFTER: i64 = 500;
/// So long after an expected interruption another one is not held against anybody.
const INTERRUPT_ECHOES: i64 = 1_000;
/// A probe's effects may show before and after it.
const PROBE_BEFORE: i64 = 50;
const PROBE_AFTER: i64 = 600;
/// Scenarios of somebody who pauses in each turn.
const SLOW: &str = "slow";
/// An interruption that takes longer is late.
const LATE: i64 = 1_000;

/// Judges `events`, in any order, by what `manifest` expects. Events of other scenarios do not
/// count.
#[must_use]
pub fn score(manifest: &Manifest, events: &[Event]) -> Score {
    let mut by_scenario: BTreeMap<&str, Decided> = BTreeMap::new();
    for event in events {
        by_scenario.entry(&event.scenario).or_default().add(event);
    }
    let mut tally = Tally::default();
    for scenario in &manifest.scenarios {
        let mut decided = by_scenario.remove(scenario.id.as_str()).unwrap_or_default();
        decided.sort();
        tally.turns(scenario, &decided);
        tally.silence(scenario, &decided);
        tally.barge_ins(scenario, &decided);
        tally.false_interrupts(scenario, &decided);
    }
    tally.score()
}

/// What was decided in a scenario.
#[derive(Default)]
struct Decided {
    starts: Vec<i64>,
    ends: Vec<i64>,
    interrupts: Vec<i64>,
}

impl Decided {
    fn add(&mut self, event: &Event) {
        let times = match event.kind {
            EventKind::TurnStart => &mut self.starts,
            EventKind::TurnEnd => &mut self.ends,
            EventKind::Interrupt => &mut self.interrupts,
        };
        times.push(signed(event.t_ms));
    }

    fn sort(&mut self) {
        for times in [&mut self.starts, &mut self.ends, &mut self.interrupts] {
            times.sort_unstable();
        }
    }
}

/// What is known so far.
#[derive(Default)]
struct Tally {
    score: Score,
    starts: Vec<i64>,
    ends: Vec<i64>,
    /// Whether over echo, and how long it took.
    interrupts: Vec<(bool, i64)>,
}

impl Tally {
    fn turns(&mut self, scenario: &Scenario, decided: &Decided) {
        for (index, turn) in scenario.user_turns.iter().enumerate() {
            if turn.during_agent {
                continue;
            }
            let next = scenario.user_turns.get(index + 1).map(|next| next.start_ms);
            let next = signed(next.unwrap_or(scenario.duration_ms));
            let cut = self.turn(scenario, turn, next.min(signed(turn.end_ms) + AFTER), decided);
            if scenario.kind == SLOW && pause(scenario, turn).is_some() {
                let five = index / 5;
                self.score
                    .slow_cut
                    .resize(self.score.slow_cut.len().max(five + 1), Share::default());
                self.score.slow_cut[five].add(cut);
            }
        }
    }

    /// A turn that is to be found and ended by `last`. Returns whether it was cut off.
    fn turn(&mut self, scenario: &Scenario, turn: &UserTurn, last: i64, decided: &Decided) -> bool {
        let (start, end) = (signed(turn.start_ms), signed(turn.end_ms));
        let found = first(&decided.starts, start - BEFORE, last);
        let cut = found.and_then(|_| first(&decided.ends, start, end - SLACK - 1));
        self.score.turns += 1;
        if let Some(pause) = pause(scenario, turn) {
            self.score.hesitations_cut.entry(pause).or_default().add(cut.is_some());
        }
        let Some(found) = found else {
            self.score.missed_turns += 1;
            self.fault(scenario, start, "missed");
            return false;
        };
        self.starts.push(found - start);
        if let Some(cut) = cut {
            self.score.cut_off += 1;
            self.fault(scenario, cut, "cut off");
        }
        match first(&decided.ends, end - SLACK, last) {
            Some(ended) => self.ends.push(ended - end),
            None => {
                self.score.unended += 1;
                self.fault(scenario, end, "unended");
            }
        }
        cut.is_some()
    }

    fn fault(&mut self, scenario: &Scenario, at: i64, what: &str) {
        let (scenario, what) = (scenario.id.clone(), what.to_owned());
        self.score.faults.push(Fault { scenario, what, t_ms: at.try_into().unwrap_or_default() });
    }

    /// What happens where nobody speaks.
    fn silence(&mut self, scenario: &Scenario, decided: &Decided) {
        let idle = scenario.agent_playing.is_empty();
        for probe in &scenario.probes {
            let shares = match idle {
                true => &mut self.score.idle_false_turns,
                false => &mut self.score.false_interrupts,
            };
            shares.entry(probe.kind.clone()).or_default().of += 1;
        }
        if !idle {
            return;
        }
        let spoken = |at: i64| {
            scenario.user_turns.iter().any(|turn| {
                (signed(turn.start_ms) - BEFORE..=signed(turn.end_ms) + AFTER).contains(&at)
            })
        };
        for at in decided.starts.iter().copied().filter(|at| !spoken(*at)) {
            match probe_at(scenario, at) {
                Some((_, probe)) => {
                    count(&mut self.score.idle_false_turns, &probe.kind);
                    self.fault(scenario, at, &format!("false turn by {}", probe.kind));
                }
                None => {
                    self.score.false_turns_elsewhere += 1;
                    self.fault(scenario, at, "false turn");
                }
            }
        }
    }

    fn barge_ins(&mut self, scenario: &Scenario, decided: &Decided) {
        for expected in &scenario.interrupts {
            let (start, end) = (signed(expected.start_ms), signed(expected.end_ms));
            let from = start - INTERRUPT_BEFORE;
            let last = end.max(start + INTERRUPT_AFTER) + INTERRUPT_AFTER;
            let barge_ins = self.score.barge_ins.entry(scenario.kind.clone()).or_default();
            barge_ins.of += 1;
            if let Some(met) = first(&decided.interrupts, from, last) {
                barge_ins.met += 1;
                barge_ins.late += usize::from(met - start > LATE);
                self.interrupts.push((over_echo(&scenario.kind), met - start));
            } else if silenced_before(scenario, start, &decided.interrupts) {
                barge_ins.pre_empted += 1;
                self.fault(scenario, start, "barge-in pre-empted");
            } else {
                self.fault(scenario, start, "barge-in missed");
            }
        }
    }

    fn false_interrupts(&mut self, scenario: &Scenario, decided: &Decided) {
        let expected = |at: i64| {
            scenario.interrupts.iter().any(|expected| {
                let from = signed(expected.start_ms) - INTERRUPT_BEFORE;
                (from..=signed(expected.end_ms) + INTERRUPT_ECHOES).contains(&at)
            })
        };
        let mut counted = Vec::new();
        for at in decided.interrupts.iter().copied().filter(|at| !expected(*at)) {
            match probe_at(scenario, at) {
                Some((index, _)) if counted.contains(&index) => {}
                Some((index, probe)) => {
                    counted.push(index);
                    count(&mut self.score.false_interrupts, &probe.kind);
                    self.fault(scenario, at, &format!("interrupted by {}", probe.kind));
                }
                None => {
                    self.score.spurious_interrupts += 1;
                    self.fault(scenario, at, "interrupted by nothing");
                }
            }
        }
    }

    fn score(self) -> Score {
        let those = |over_echo| {
            let those = self.interrupts.iter().filter(|(echo, _)| *echo == over_echo);
            Latency::of(those.map(|(_, ms)| *ms).collect())
        };
        Score {
            start_ms: Latency::of(self.starts),
            end_ms: Latency::of(self.ends),
            echo_barge_in_ms: those(true),
            plain_barge_in_ms: those(false),
            barge_in_ms: Latency::of(self.interrupts.iter().map(|(_, ms)| *ms).collect()),
            ..self.score
        }
    }
}

/// How long the pause in a turn is, if it has one.
fn pause(scenario: &Scenario, turn: &UserTurn) -> Option<u64> {
    let longest = turn.pauses.iter().map(|pause| pause.1.saturating_sub(pause.0)).max()?;
    Some(scenario.pause_ms.unwrap_or(longest))
}

/// Whether something had silenced the agent in the utterance that it spoke at `start`.
fn silenced_before(scenario: &Scenario, start: i64, interrupts: &[i64]) -> bool {
    scenario.agent_playing.iter().any(|playing| {
        let (from, to) = (signed(playing.0), signed(playing.1));
        let before = first(interrupts, from, start - INTERRUPT_BEFORE - 1);
        (from..to).contains(&start) && before.is_some()
    })
}

/// The first probe that explains what happened at a time.
fn probe_at(scenario: &Scenario, at: i64) -> Option<(usize, &Probe)> {
    scenario.probes.iter().enumerate().find(|(_, probe)| {
        let from = signed(probe.start_ms) - PROBE_BEFORE;
        (from..=signed(probe.end_ms) + PROBE_AFTER).contains(&at)
    })
}

/// The first of the sorted `times` within both.
fn first(times: &[i64], from: i64, to: i64) -> Option<i64> {
    times.iter().copied().find(|at| (from..=to).contains(at))
}

fn count(shares: &mut BTreeMap<String, Share>, kind: &str) {
    shares.entry(kind.to_owned()).or_default().count += 1;
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX / 2)
}
