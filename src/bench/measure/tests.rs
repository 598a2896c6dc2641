//! Handmade records: what adds up, what does not, and whose time it was.

use std::time::Duration;

use super::*;
use crate::bench::figures::ServiceTimes;
use crate::bench::measure::services::times;
use crate::bench::person::PersonLog;
use crate::bench::scenario::Scenario;
use crate::bench::services::{Entry, Outcome, Service};
use crate::events::{Event, EventKind, SpeechEnd};
use crate::ids::{ResponseId, TurnId};
use crate::session::Summary;
use crate::turn::EndReason;
use crate::types::Message;

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

/// A question until 2.0 s, which the detector has end 40 ms too early; the answer is heard from
/// 3.3 s on, and `heard` later at the person's ear.
fn record(heard: Duration, length_ms: f64) -> Record {
    let latency = Latency {
        speech_end: SpeechEnd::Estimate,
        total_ms: 1_340.0,
        silence_ms: 800.0,
        vad_ms: 10.0,
        capture_ms: 5.0,
        stt_ms: 155.0,
        provider_ms: 203.0,
        clause_ms: 60.0,
        tts_ms: 83.0,
        lead_ms: 1.0,
        playout_ms: 23.0,
        device_ms: 0.0,
        residual_ms: 0.0,
    };
    let text = "It is ten.".to_owned();
    let end = EventKind::AgentSpeechEnded { end_ms: 3_900.0, heard_ms: length_ms, complete: true };
    let ended = EndReason::Silence;
    let events = [
        EventKind::TurnStarted { start_ms: 1_000.0 },
        EventKind::TurnEnded { speech_end_ms: 1_960.0, silence_ms: 810.0, reason: ended },
        EventKind::Transcript { text: "What time is it?".to_owned(), is_final: true },
        EventKind::ResponseText { text },
        EventKind::AgentSpeechStarted { start_ms: 3_300.0 },
        EventKind::Latency(latency),
        end,
    ];
    let (turn, response) = (Some(TurnId::new(1)), Some(ResponseId::FIRST));
    let event = |kind| Event { at: at(5_000), turn, response, kind };
    let spoken = vec![Spoken { index: 0, start: at(1_010), end: at(2_000), labelled: true }];
    let sound = Sound { from: at(3_300) + heard, to: at(3_900), peak: 3_000 };
    Record {
        events: events.map(event).into(),
        lost_events: 0,
        person: PersonLog::of(spoken, &[sound], 1_000_000_000),
        summary: Summary {
            messages: vec![Message::user("What time is it?"), Message::assistant("It is ten.")],
            turns: 1,
            under_runs: 0,
            recording_is_whole: true,
            metrics: Vec::new(),
        },
        tool: Duration::from_millis(500),
    }
}

/// An entry of the log; times in milliseconds of the call.
fn entry(service: Service, arrived: u64, sent: &[u64], texts: &[&str]) -> Entry {
    let nanos = |ms: u64| 1_000_000_000 + ms * 1_000_000;
    Entry {
        caller: "me".to_owned(),
        service,
        request: 1,
        arrived: nanos(arrived),
        sent: sent.iter().copied().map(nanos).collect(),
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        media: 0,
        status: 200,
        outcome: Outcome::Finished,
    }
}

fn log() -> Vec<Entry> {
    vec![
        entry(Service::Tts, 900, &[950], &[]), // of an answer before
        entry(Service::Stt, 2_780, &[2_930], &[]),
        entry(Service::Llm, 2_932, &[3_132, 3_162, 3_192, 3_222], &["Well", ",", " it", " is"]),
        entry(Service::Tts, 3_195, &[3_275, 3_325], &[]),
        entry(Service::Tts, 3_400, &[3_480], &[]), // the next piece
    ]
}

#[test]
fn the_gaps_and_the_residual_add_up_to_what_the_person_heard() {
    let turn =
        turns(&record(Duration::from_micros(400), 600.0), &Log::default(), "question").remove(0);
    // From the true end of speech, which was 40 ms after the estimate.
    assert!((turn.voice_to_voice_ms - 1_300.4).abs() < 1e-6, "{turn:?}");
    let gaps = turn.gaps.unwrap();
    assert_eq!(gaps, [800.0, -30.0, 5.0, 155.0, 203.0, 60.0, 83.0, 1.0, 23.0, 0.0]);
    assert!((turn.residual_ms - 0.4).abs() < 1e-6, "{turn:?}");
    assert_eq!((turn.index, turn.labelled, &*turn.scenario), (0, true, "question"));
    assert_eq!((turn.services, turn.overhead_ms), (None, None), "nobody knows the services");
}

#[test]
fn overhead_is_what_neither_silence_nor_services_explain() {
    let turn = turns(&record(Duration::ZERO, 600.0), &log().into(), "question").remove(0);
    // The comma alone does not cut: the token after it shows that the clause is over.
    let services = ServiceTimes { stt_ms: 150.0, llm_ms: 260.0, tts_ms: 80.0 };
    assert_eq!(turn.services, Some(services));
    assert_eq!(turn.overhead_ms, Some(1_300.0 - 800.0 - 150.0 - 260.0 - 80.0));
}

#[test]
fn what_services_do_beside_the_silence_takes_no_time() {
    // All was asked for 600 ms before, and was there when the silence was over.
    let ahead = |entry: Entry| Entry {
        arrived: entry.arrived - 600_000_000,
        sent: entry.sent.iter().map(|sent| sent - 600_000_000).collect(),
        ..entry
    };
    let log: Vec<_> = log().into_iter().map(ahead).collect();
    let turn = turns(&record(Duration::ZERO, 600.0), &log.into(), "question").remove(0);
    assert_eq!(turn.overhead_ms, Some(1_300.0 - 800.0));
}

#[test]
fn a_reply_that_was_heard_at_another_time_is_none() {
    assert_eq!(turns(&record(Duration::from_secs(2), 600.0), &Log::default(), "question"), []);
}

#[test]
fn the_services_time_of_a_turn() {
    let interval = Interval { from: 3_000_000_000, to: 4_300_000_000 };
    let tool = Duration::from_millis(500);
    let of = |log: &[Entry]| {
        times(&log.to_vec().into(), interval, tool).map(|(it, _)| (it.stt_ms, it.llm_ms, it.tts_ms))
    };
    assert_eq!(of(&log()), Some((150.0, 260.0, 80.0)));

    // A call of a tool: all of its answer, what the tool took, and the answer after it.
    let mut with_tool = log();
    with_tool.insert(2, entry(Service::Llm, 2_931, &[2_931, 2_932], &["", ""]));
    assert_eq!(of(&with_tool), Some((150.0, 1.0 + 500.0 + 260.0, 80.0)));

    // A second try: the wait for the refusal was a service's as well, but no tool was called.
    let mut retried = log();
    let refused = Entry { status: 503, outcome: Outcome::Refused, ..retried[2].clone() };
    retried.insert(2, Entry { sent: vec![refused.arrived + 7_000_000], ..refused });
    assert_eq!(of(&retried), Some((150.0, 7.0 + 260.0, 80.0)));
    let mut spoken_twice = log();
    let refused = Entry { status: 500, ..spoken_twice[3].clone() };
    spoken_twice.insert(3, Entry { sent: vec![refused.arrived + 3_000_000], ..refused });
    assert_eq!(of(&spoken_twice), Some((150.0, 260.0, 83.0)));

    // An answer without a mark is cut by its end.
    let mut short = log();
    short[2] = entry(Service::Llm, 2_932, &[3_132, 3_150], &["Ten", ""]);
    assert_eq!(of(&short), Some((150.0, 218.0, 80.0)));

    for missing in [1..2, 2..3, 3..5] {
        let mut log = log();
        log.drain(missing.clone());
        assert_eq!(of(&log), None, "{missing:?}");
    }
}

#[test]
fn an_answer_that_is_not_played_to_its_end_is_told() {
    let mut scenario = Scenario::named("question").unwrap();
    scenario.turns.truncate(1);
    let failed = |length_ms| {
        let record = record(Duration::ZERO, length_ms);
        let checks = checks(&scenario, &record, Spoke::Clauses);
        let failed = checks.into_iter().filter(|check| !check.ok);
        failed.map(|check| check.what).collect::<Vec<_>>()
    };
    // Ten characters of 60 ms.
    assert_eq!(failed(600.0), [""; 0]);
    assert_eq!(failed(540.0), ["answer 1 is heard to its end"]);
}

#[test]
fn the_history_must_have_what_was_heard() {
    let mut record = record(Duration::ZERO, 600.0);
    for event in &mut record.events {
        match &mut event.kind {
            EventKind::ResponseText { text } => {
                *text = "It is ten, and one two three four five.".to_owned();
            }
            EventKind::AgentSpeechEnded { complete, .. } => *complete = false,
            _ => {}
        }
    }
    let (turn, response) = (Some(TurnId::new(1)), Some(ResponseId::FIRST));
    let mut of = |heard: &str, kept: &str| {
        let kind = EventKind::Interrupted { heard_ms: 600.0, heard_text: heard.to_owned() };
        record.events.truncate(7);
        record.events.push(Event { at: at(5_000), turn, response, kind });
        let message = Message { interrupted: true, ..Message::assistant(kept) };
        record.summary.messages = vec![message];
        let scenario = Scenario::named("noise").unwrap();
        let checks = checks(&scenario, &record, Spoke::Clauses);
        checks.into_iter().find(|check| check.what.contains("history")).unwrap()
    };
    let right = of("It is ten,", "It is ten,");
    assert!(right.ok && right.detail == "3 words of 3 heard", "{right:?}");
    assert!(of("It is ten, and one", "It is ten, and one").ok, "two more, by an estimate");
    assert!(!of("It is ten, and one two", "It is ten, and one two").ok);
    assert!(!of("It is ten,", "It is").ok, "the history has something else");
}

/// Its words come in pieces that nobody speaks by themselves.
#[test]
fn a_model_that_speaks_for_itself_says_an_answer_in_one_breath() {
    let mut scenario = Scenario::named("question").unwrap();
    scenario.turns.truncate(1);
    // 18 characters of 60 ms, with the spaces.
    let mut record = record(Duration::ZERO, 1_080.0);
    let said =
        record.events.iter().position(|event| matches!(event.kind, EventKind::ResponseText { .. }));
    let said = said.unwrap();
    let Event { at, turn, response, .. } = record.events[said];
    let pieces = ["It", " is", " ten", " o'clock", "."].map(|text| Event {
        at,
        turn,
        response,
        kind: EventKind::ResponseText { text: text.to_owned() },
    });
    record.events.splice(said..=said, pieces);
    let whole = |spoke| {
        let checks = checks(&scenario, &record, spoke);
        checks.into_iter().find(|check| check.what.contains("to its end")).unwrap().detail
    };
    assert!(whole(Spoke::Answers).ends_with("of 1080 ms"), "{}", whole(Spoke::Answers));
    assert!(!whole(Spoke::Clauses).ends_with("of 1080 ms"), "{}", whole(Spoke::Clauses));
}

#[test]
fn calls_add_up() {
    let scenario = Scenario::named("question").unwrap();
    let spent = |cpu_s, peak| Spent { cpu_s, base_kib: Some(1_000.0), peak_kib: Some(peak) };
    let record = record(Duration::ZERO, 600.0);
    let call = |cpu, peak| Measured::of(&scenario, &record, Some(&log().into()), spent(cpu, peak));
    let (scenarios, all) = groups(&[call(0.1, 1_400.0), call(0.3, 1_300.0)]);
    assert_eq!((scenarios.len(), &*scenarios[0].name, scenarios[0].turns), (1, "question", 2));
    assert_eq!((all.cost.sessions, all.cost.memory_kib_per_session), (2, Some(400.0)));
    // Each took 5 s.
    assert!((all.cost.cpu_s_per_minute.unwrap() - 0.4 / (10.0 / 60.0)).abs() < 1e-9);
    assert_eq!(all.overhead_ms.unwrap().p50, 10.0);
    let missing = "question: turn 2: it is said (the call was over before)".to_owned();
    assert!(all.failures.contains(&missing), "{:?}", all.failures);
}
