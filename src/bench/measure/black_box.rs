//! What the services' log tells of a black box that asks them.

use std::time::Duration;

use super::services::{self, Busy, Interval};
use crate::bench::figures::Turn;
use crate::bench::person::PersonLog;
use crate::bench::services::Log;

/// Adds the services' own share to the turns of a call, and so the overhead. `log` is what the
/// agent asked for this caller, `silence` what it waits for until a turn is over, and `tool` what
/// each of its tools takes.
pub fn explain(
    turns: &mut [Turn],
    person: &PersonLog,
    log: &Log,
    (silence, tool): (Duration, Duration),
) {
    let spoken = person.spoken();
    for turn in turns {
        let Some(spoken) = spoken.iter().find(|spoken| spoken.index == turn.index) else {
            continue;
        };
        let from = person.zero_nanos().saturating_add(spoken.end.as_nanos());
        let to = from.saturating_add((turn.voice_to_voice_ms * 1e6) as u64);
        let services = services::times(log, Interval { from, to }, tool);
        let over = from.saturating_add(silence.saturating_sub(EARLY).as_nanos() as u64);
        let waited = |busy: &Busy| silence.as_secs_f64() * 1e3 + busy.ms_within(over, to);
        turn.overhead_ms = services.as_ref().map(|(_, busy)| turn.voice_to_voice_ms - waited(busy));
        turn.services = services.map(|(times, _)| times);
    }
}

/// A detector may end speech so much before it truly ends, and the turn with it.
const EARLY: Duration = Duration::from_millis(100);
