//! What the services' log tells of a black box that asks them.

use std::time::Duration;

use super::services::{self, Interval};
use crate::bench::figures::Turn;
use crate::bench::person::PersonLog;
use crate::bench::services::Entry;

/// Adds the services' own share to the turns of a call, and so the overhead. `log` is what the
/// agent asked for this caller, `silence` what it waits for until a turn is over, and `tool` what
/// each of its tools takes.
pub fn explain(
    turns: &mut [Turn],
    person: &PersonLog,
    log: &[Entry],
    (silence, tool): (Duration, Duration),
) {
    let spoken = person.spoken();
    for turn in turns {
        let Some(spoken) = spoken.iter().find(|spoken| spoken.index == turn.index) else {
            continue;
        };
        let from = person.zero_nanos().saturating_add(spoken.end.as_nanos());
        let to = from.saturating_add((turn.voice_to_voice_ms * 1e6) as u64);
        turn.services = services::times(log, Interval { from, to }, tool);
        let waited = |services: &crate::bench::figures::ServiceTimes| {
            silence.as_secs_f64() * 1e3 + services.total_ms()
        };
        turn.overhead_ms =
            turn.services.as_ref().map(|services| turn.voice_to_voice_ms - waited(services));
    }
}
