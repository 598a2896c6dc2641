//! Nobody waits for longer than the session's limits.

use std::time::Duration;

use super::{Findings, Property};
use crate::events::EventKind;
use crate::sim::trace::Trace;
use crate::time::SessionTime;
use crate::turn::EndReason;

pub(super) fn check(trace: &Trace, findings: &mut Findings) {
    stops(trace, findings);
    words(trace, findings);
    answers(trace, findings);
}

fn stops(trace: &Trace, findings: &mut Findings) {
    let (Some(wished), Some(ended)) = (trace.wished(&["stop"]), trace.events.last()) else {
        return;
    };
    let took = ended.at.since(wished);
    findings.expect(took <= trace.limits.shutdown, Property::Stops, wished, || {
        format!("it took {took:?} to end")
    });
}

/// From the end of a turn to its words, or to the failure.
fn words(trace: &Trace, findings: &mut Findings) {
    let end = trace.events.last().map(|event| event.at).unwrap_or_default();
    for event in &trace.events {
        let EventKind::TurnEnded { reason, .. } = event.kind else { continue };
        if reason == EndReason::TooShort {
            continue;
        }
        let told = trace.events.iter().find(|other| {
            let settles = matches!(
                other.kind,
                EventKind::Transcript { is_final: true, .. } | EventKind::TurnFailed { .. }
            );
            settles && other.turn == event.turn
        });
        let told = told.map_or(end, |told| told.at);
        let waited = told.since(event.at);
        findings.expect(
            waited <= trace.limits.transcript + SLACK,
            Property::NoDeadAir,
            told,
            || format!("the words of turn {:?} were waited for {waited:?}", event.turn),
        );
    }
}

/// While a response is open, each next event of it, or sound, comes in time.
fn answers(trace: &Trace, findings: &mut Findings) {
    for response in trace.responses() {
        let mut alive = response.started;
        let mut held = false;
        let end = response.outcome.map(|(at, _)| at);
        let end = end.or(trace.events.last().map(|event| event.at)).unwrap_or_default();
        for event in trace.events.iter().filter(|event| event.response == Some(response.id)) {
            // While it is held, nothing is wanted of it.
            if !held {
                let waited = longest(trace, alive, event.at);
                findings.expect(waited <= PROGRESS + SLACK, Property::NoDeadAir, event.at, || {
                    format!("response {} was silent for {waited:?}", response.id)
                });
            }
            held = match event.kind {
                EventKind::Held => true,
                EventKind::Released => false,
                _ => held,
            };
            alive = event.at;
        }
        findings.expect(alive >= end, Property::NoDeadAir, end, || "no end".to_owned());
    }
}

/// The longest time between two times in which nothing was audible.
fn longest(trace: &Trace, from: SessionTime, to: SessionTime) -> Duration {
    let mut since = from;
    let mut longest = Duration::ZERO;
    for stretch in trace.audible.iter().filter(|stretch| stretch.to > from && stretch.from < to) {
        longest = longest.max(stretch.from.since(since));
        since = since.max(stretch.to);
    }
    longest.max(to.since(since))
}

/// The session's wait for progress of a response.
const PROGRESS: Duration = Duration::from_secs(30);
/// What the session itself may take, and what a sound takes to be audible.
const SLACK: Duration = Duration::from_millis(500);
