//! The log of a simulated call.

use super::super::journal::{Happening, Journal, Who, line, ms};
use super::super::trace::Trace;
use crate::bench::person::PersonLog;
use crate::bench::services::Log;
use crate::time::SessionTime;

/// What the person said and heard.
pub(super) fn add_person(journal: &Journal, person: &PersonLog) {
    for spoken in person.spoken() {
        let what = Happening::Spoke { utterance: spoken.index, end_ms: ms(spoken.end) };
        journal.note(spoken.start, Who::Person, what);
        if person.unanswered().contains(&spoken.index) {
            let what = Happening::Unanswered { utterance: spoken.index };
            journal.note(spoken.end, Who::Person, what);
        }
    }
    for sound in person.agent() {
        journal.note(sound.from, Who::Person, Happening::Heard { end_ms: ms(sound.to) });
    }
}

/// What the services did.
pub(super) fn add_services(journal: &Journal, log: &Log) {
    for entry in &log.entries {
        let what = Happening::Served {
            service: entry.service,
            request: entry.request,
            status: entry.status,
            steps: entry.sent.len(),
            first_ms: entry.sent.first().map(|at| ms(SessionTime::from_nanos(*at))),
            last_ms: entry.sent.last().map(|at| ms(SessionTime::from_nanos(*at))),
            outcome: entry.outcome,
        };
        journal.note(SessionTime::from_nanos(entry.arrived), Who::Services, what);
    }
    for call in &log.calls {
        let what = Happening::Call {
            call: call.call,
            resumed: call.resumed,
            ending: call.ending,
            closed_ms: call.closed.map(|at| ms(SessionTime::from_nanos(at))),
            turns: call.turns.len(),
            responses: call.responses.len(),
            errors: call.errors.clone(),
            faults: call.faults.clone(),
        };
        journal.note(SessionTime::from_nanos(call.opened), Who::Services, what);
    }
}

/// All lines, in the order of their times. What happens at one time stands in one order: causes
/// come before the session's events.
pub(super) fn lines(trace: &Trace) -> Vec<String> {
    let happenings = trace.happenings.iter().map(|(at, who, what)| (*at, line(*at, *who, what)));
    let events = trace.events.iter().map(|event| {
        let line = serde_json::to_string(event).unwrap_or_default();
        (event.at, line)
    });
    let mut lines: Vec<_> = happenings.chain(events).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}
