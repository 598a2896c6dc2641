//! At `--speed max` a conversation goes as it goes in real time.
//!
//! A test binary of its own: Cargo runs them one after the other, so that no other test takes
//! the processor from the run in real time.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/events.rs"]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;

use crate::events::{Event, of};
use crate::processor::processor;
use crate::program::{banter, can_talk, run};

#[test]
fn realtime_and_max_tell_the_same() {
    if !can_talk() {
        return;
    }
    let max = told(&talk("max"));
    let mut faults = Vec::new();
    // An engine that waits for a processor is slower by chance, which does not come each time.
    for _ in 0..3 {
        let before = processor();
        let realtime = told(&talk("realtime"));
        let idle = processor().idle_since(&before);
        match apart(&max, &realtime) {
            Ok(()) => return,
            Err(fault) => faults.push((idle, fault)),
        }
    }
    if faults.iter().all(|(idle, _)| *idle < 0.75) {
        return lacking::lacking("idle-processor", &format!("{faults:?}"));
    }
    panic!("{faults:#?}");
}

/// How two runs differ by more than a machine that is busy for a moment explains.
fn apart(max: &BTreeMap<What, f64>, realtime: &BTreeMap<What, f64>) -> Result<(), String> {
    let whats = |told: &BTreeMap<What, f64>| told.keys().cloned().collect::<Vec<_>>();
    assert_eq!(whats(max), whats(realtime));

    let mut gaps = Vec::new();
    let mut late: BTreeMap<Option<u64>, Vec<(f64, f64)>> = BTreeMap::new();
    for (what, at) in max {
        let gap = realtime[what] - at;
        // What follows from the input alone does not depend on the machine, but that a tick may
        // come late.
        if ["speech_started", "turn_started", "turn_ended"].contains(&what.kind.as_str()) {
            assert!(gap.abs() <= CLOSE, "{what:?} at {at:.1} and {:.1} ms", realtime[what]);
        }
        gaps.push((gap.abs(), what));
        late.entry(what.response).or_default().push((*at, gap));
    }
    // The rest waits for engines. One that is kept waiting once is no difference between the
    // speeds, nor is it one for each thing that comes after it in the same answer.
    gaps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (median, _) = gaps[gaps.len() / 2];
    let leaps: usize = late.into_values().map(leaps).sum();
    if median < 10.0 && leaps <= 3 {
        return Ok(());
    }
    Err(format!("{median:.1} ms, {leaps} leaps: {gaps:?}"))
}

/// How often an answer falls behind, or comes up again, from one event to the next.
fn leaps(mut late: Vec<(f64, f64)>) -> usize {
    late.sort_by(|a, b| a.0.total_cmp(&b.0));
    let before = std::iter::once(0.0).chain(late.iter().map(|(_, gap)| *gap));
    before.zip(&late).filter(|(before, (_, gap))| (gap - before).abs() > CLOSE).count()
}

/// The events of the whole conversation.
fn talk(speed: &str) -> Vec<Event> {
    let output = run(banter([
        "talk",
        "--input",
        "assets/conversation.wav",
        "--events",
        "-",
        "--speed",
        speed,
    ]));
    assert!(output.status.success(), "{output:?}");
    let events = events::parse(str::from_utf8(&output.stdout).unwrap());
    assert_eq!(of(&events, "turn_ended").len(), 6, "at {speed}");
    events
}

/// What happened, without its time: which event of its type, turn and response. Two
/// runs with the same of these, each at the same time to a few milliseconds, are in the same
/// order to a few milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct What {
    kind: String,
    turn: Option<u64>,
    response: Option<u64>,
    number: usize,
}

/// When each thing happened. Without the words that may still change: how many of them there
/// are depends on how often the recogniser comes to run.
fn told(events: &[Event]) -> BTreeMap<What, f64> {
    let mut told = BTreeMap::new();
    for event in events.iter().filter(|e| e.kind() != "transcript" || e.is_final()) {
        let (turn, response) = (event.turn(), event.response());
        let mut what = What { kind: event.kind().to_owned(), turn, response, number: 0 };
        while told.contains_key(&what) {
            what.number += 1;
        }
        told.insert(what, event.at());
    }
    told
}

/// In milliseconds: six ticks.
const CLOSE: f64 = 30.0;
