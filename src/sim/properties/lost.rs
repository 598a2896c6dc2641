//! Of calls with a model that speaks for itself: a connection that is lost is told of, and nobody
//! waits in silence.

use std::time::Duration;

use super::{Findings, Property};
use crate::events::{Event, EventKind};
use crate::sim::journal::{Happening, How};
use crate::sim::trace::{Ending, Trace};
use crate::time::SessionTime;
use crate::turn::EndReason;

pub(super) fn check(trace: &Trace, findings: &mut Findings) {
    if !trace.mode.is_asm() {
        return;
    }
    lost(trace, findings);
    left(trace, findings);
    silent(trace, findings);
}

/// Each socket that the session has not closed itself, and each that did not open, is an event; or
/// the call is over with it.
fn lost(trace: &Trace, findings: &mut Findings) {
    let losses = trace.happenings.iter().filter_map(|(at, _, what)| match what {
        // A service that closes may have said so before: then it was given up here on its way.
        Happening::Over { how: How::Whole, .. } => Some((*at, *at - SOON)),
        Happening::Over { how, .. } if *how != How::Dropped => Some((*at, *at)),
        _ => None,
    });
    let losses: Vec<_> = losses.filter(|(at, _)| !is_over(trace, *at)).collect();
    // What the session gives up itself is told as well.
    let mut told = trace.events.iter().filter(|event| is_lost(event)).map(|event| event.at);
    for (number, (at, from)) in losses.iter().enumerate() {
        let told = told.find(|told| from <= told).is_some_and(|told| told.since(*at) <= SOON);
        // The last one ends the call.
        let ends = number + 1 == losses.len() && matches!(trace.ending, Ending::Left(_));
        findings.expect(told || ends, Property::Told, *at, || {
            "a connection was lost, and no event tells of it".to_owned()
        });
    }
}

/// The call ends without being wished for only when the budget of connections is used up.
fn left(trace: &Trace, findings: &mut Findings) {
    let Ending::Left(reason) = &trace.ending else { return };
    let lost = trace.events.iter().filter(|event| is_lost(event)).count();
    let right = reason.contains("could not be kept") && lost >= LEAST_LOSSES;
    findings.expect(right, Property::Ends, None, || {
        format!("it was given up after {lost} lost connections: {reason}")
    });
}

/// From the end of each turn on something is heard, or an event tells why not.
fn silent(trace: &Trace, findings: &mut Findings) {
    let end = trace.wished_end().or(trace.events.last().map(|event| event.at));
    for (number, event) in trace.events.iter().enumerate() {
        let EventKind::TurnEnded { reason, .. } = event.kind else { continue };
        if reason == EndReason::TooShort || is_sounding(trace, event.at) {
            continue;
        }
        let later = &trace.events[number + 1..];
        let told = later.iter().find(|later| tells(&later.kind)).map(|later| later.at).or(end);
        let told = told.unwrap_or(event.at);
        let waited = told.since(event.at);
        findings.expect(waited <= trace.limits.transcript + SOON, Property::Told, told, || {
            format!("after turn {:?} nothing was heard or told for {waited:?}", event.turn)
        });
    }
}

/// What the user knows something by, and whoever watches.
fn tells(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::AgentSpeechStarted { .. }
            | EventKind::TurnFailed { .. }
            | EventKind::ConnectionLost { .. }
            | EventKind::TurnStarted { .. }
            | EventKind::Typed { .. }
            | EventKind::ResponseStarted
            | EventKind::Released
            | EventKind::SessionEnded { .. }
    )
}

/// Whether the agent goes on with what it says.
fn is_sounding(trace: &Trace, at: SessionTime) -> bool {
    trace.responses().iter().any(|response| {
        let open = response.outcome.is_none_or(|(over, _)| over > at);
        response.sounded.is_some_and(|sounded| sounded <= at) && open
    })
}

fn is_lost(event: &Event) -> bool {
    matches!(event.kind, EventKind::ConnectionLost { .. })
}

/// Whether nobody listens any more: the call was ended, or is over.
fn is_over(trace: &Trace, at: SessionTime) -> bool {
    let last = trace.events.last().map(|event| event.at);
    trace.wished_end().is_some_and(|wished| wished <= at) || last.is_some_and(|last| last <= at)
}

/// From a loss to its event: what waits before it in the queues.
const SOON: Duration = Duration::from_millis(1_500);
/// Before the last one.
const LEAST_LOSSES: usize = 6;
