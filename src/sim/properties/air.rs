//! What is in the air, and when.

use std::time::Duration;

use super::{Findings, Property};
use crate::events::EventKind;
use crate::sim::devices::Audible;
use crate::sim::trace::Trace;
use crate::time::SessionTime;

pub(super) fn check(trace: &Trace, findings: &mut Findings) {
    in_turn(trace, findings);
    held(trace, findings);
}

/// Every sound lies within a response that has begun and is not over: nothing is heard before it
/// is committed, and nothing of what was cancelled.
fn in_turn(trace: &Trace, findings: &mut Findings) {
    let windows: Vec<(SessionTime, SessionTime)> = trace
        .responses()
        .iter()
        .filter_map(|response| {
            let until = response.silent.or(response.outcome.map(|(at, _)| at))?;
            Some((response.started, until + BLOCK))
        })
        .collect();
    for &Audible { from, to } in &trace.audible {
        let within = windows.iter().any(|(start, end)| *start <= from && to <= *end);
        findings.expect(within || spans(&windows, from, to), Property::InTime, from, || {
            format!("there is sound until {:.0} ms that no response gives", to.as_millis())
        });
    }
}

/// Whether one response follows another so closely that their sounds are one.
fn spans(windows: &[(SessionTime, SessionTime)], from: SessionTime, to: SessionTime) -> bool {
    let mut reached = from;
    for (start, end) in windows {
        if *start <= reached && reached < *end {
            reached = *end;
        }
    }
    reached >= to
}

/// A hold silences the speaker within a block, until it is released or the next response sounds.
fn held(trace: &Trace, findings: &mut Findings) {
    for (number, event) in trace.events.iter().enumerate() {
        if event.kind != EventKind::Held {
            continue;
        }
        let ends = trace.events[number + 1..].iter().find_map(|later| match later.kind {
            EventKind::Released => Some(later.at),
            EventKind::AgentSpeechStarted { start_ms } => {
                Some(SessionTime::from_nanos((start_ms * 1e6) as u64))
            }
            // The gate opens for what comes next.
            EventKind::ResponseEnded { .. } => Some(later.at),
            _ => None,
        });
        let Some(ends) = ends else { continue };
        let loud = trace.audible_between(event.at + BLOCK, ends);
        findings.expect(loud.is_zero(), Property::Held, event.at, || {
            format!("{loud:?} of sound were heard although it was held")
        });
    }
}

/// What the device has already when it is told, and the ramp to silence: a tick of 5 ms is filled
/// ahead, and fades in the next.
const BLOCK: Duration = Duration::from_millis(20);
