//! What begins ends, once.

use super::{Findings, Property};
use crate::events::{Event, EventKind};
use crate::ids::{ResponseId, TurnId};
use crate::sim::trace::{Ending, Trace};
use crate::turn::EndReason;

pub(super) fn check(trace: &Trace, findings: &mut Findings) {
    match &trace.ending {
        Ending::Ended(_) => {}
        // It could not be kept, however often it was tried.
        Ending::Left(_) => {}
        Ending::Failed(error) => findings.add(Property::Ends, None, error.clone()),
        Ending::TimedOut(limit) => {
            findings.add(Property::Ends, None, format!("it was not over after {limit:?}"));
        }
    }
    let lost = trace.lost;
    findings.expect(lost == 0, Property::Bounded, None, || {
        format!("{lost} events were more than the bus holds")
    });
    turns(trace, findings);
    responses(trace, findings);
    discarded(trace, findings);
    let last = trace.events.last();
    let over = last.is_some_and(|last| matches!(last.kind, EventKind::SessionEnded { .. }));
    findings.expect(over, Property::Once, None, || format!("the last event is {last:?}"));
    for pair in trace.events.windows(2) {
        findings.expect(pair[0].at <= pair[1].at, Property::Once, pair[1].at, || {
            "an event is told before an earlier one".to_owned()
        });
    }
}

fn turns(trace: &Trace, findings: &mut Findings) {
    let ids = |of: fn(&EventKind) -> bool| -> Vec<TurnId> {
        let events = trace.events.iter().filter(move |event| of(&event.kind));
        events.filter_map(|event| event.turn).collect()
    };
    let started = ids(|kind| matches!(kind, EventKind::TurnStarted { .. }));
    let ended = ids(|kind| matches!(kind, EventKind::TurnEnded { .. }));
    let grows = started.windows(2).all(|pair| pair[0] < pair[1]);
    findings.expect(grows, Property::Once, None, || format!("turns began as {started:?}"));
    // A call that is ended, or given up, in the middle of a turn does not end the turn.
    let ends_anywhere = trace.wished_end().is_some() || matches!(trace.ending, Ending::Left(_));
    let open = usize::from(ends_anywhere);
    let all = started.iter().rev().skip(open).all(|turn| ended.contains(turn));
    let once = ended.iter().all(|turn| ended.iter().filter(|other| *other == turn).count() == 1);
    let known = ended.iter().all(|turn| started.contains(turn));
    findings.expect(all && once && known, Property::Once, None, || {
        format!("turns {started:?} began, and {ended:?} ended")
    });
    words(trace, findings);
}

/// Every turn that is over has its words, or has failed: once.
fn words(trace: &Trace, findings: &mut Findings) {
    for event in &trace.events {
        let EventKind::TurnEnded { reason, .. } = event.kind else { continue };
        if reason == EndReason::TooShort {
            continue;
        }
        let answers = |other: &&Event| {
            other.turn == event.turn && {
                match &other.kind {
                    EventKind::Transcript { is_final, .. } => *is_final,
                    EventKind::TurnFailed { stage, .. } => *stage == crate::events::StageName::Stt,
                    _ => false,
                }
            }
        };
        let count = trace.events.iter().filter(answers).count();
        // What comes after the end was wished for, nobody waits for.
        let is_left = matches!(trace.ending, Ending::Left(_));
        let at_most = trace.wished_end().is_some() || is_left || trace.wished_hearing(event.turn);
        let right = if at_most { count <= 1 } else { count == 1 };
        findings.expect(right, Property::Words, event.at, || {
            format!("turn {:?} got {count} final transcripts or failures", event.turn)
        });
    }
}

/// Of an answer that was begun ahead and in vain, nothing else is told.
fn discarded(trace: &Trace, findings: &mut Findings) {
    let is = |event: &&Event| matches!(event.kind, EventKind::SpeculationDiscarded { .. });
    for event in trace.events.iter().filter(is) {
        let told = trace.events.iter().filter(|other| other.response == event.response).count();
        findings.expect(told == 1, Property::Once, event.at, || {
            format!("of the discarded response {:?} {told} events tell", event.response)
        });
    }
}

fn responses(trace: &Trace, findings: &mut Findings) {
    let count = |id: Option<ResponseId>, of: fn(&EventKind) -> bool| {
        trace.events.iter().filter(|event| event.response == id && of(&event.kind)).count()
    };
    for response in trace.responses() {
        let id = Some(response.id);
        let starts = count(id, |kind| matches!(kind, EventKind::ResponseStarted));
        let ends = count(id, |kind| matches!(kind, EventKind::ResponseEnded { .. }));
        findings.expect((starts, ends) == (1, 1), Property::Once, response.started, || {
            format!("response {} began {starts} times and ended {ends} times", response.id)
        });
        let sounds = count(id, |kind| matches!(kind, EventKind::AgentSpeechStarted { .. }));
        let silences = count(id, |kind| matches!(kind, EventKind::AgentSpeechEnded { .. }));
        findings.expect(
            sounds <= 1 && sounds == silences,
            Property::Once,
            response.started,
            || {
                format!(
                    "response {} began to sound {sounds} times, and ended {silences} times",
                    response.id
                )
            },
        );
    }
    let one_by_one = trace
        .responses()
        .windows(2)
        .all(|pair| pair[0].outcome.is_some_and(|(at, _)| at <= pair[1].started));
    findings.expect(one_by_one, Property::Once, None, || "two responses overlap".to_owned());
}
