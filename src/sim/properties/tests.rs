//! Each property can fail.

use std::time::Duration;

use super::*;
use crate::bench::services::duplex::Protocol;
use crate::events::{Event, EventKind, StageName};
use crate::ids::{ResponseId, TurnId};
use crate::sim::devices::Audible;
use crate::sim::journal::{Happening, How, Who};
use crate::sim::mode::Mode;
use crate::sim::trace::{Ending, Limits};
use crate::turn::EndReason;
use crate::types::Message;

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

fn event(ms: u64, kind: EventKind) -> Event {
    Event { at: at(ms), turn: None, response: None, kind }
}

fn turn(ms: u64, kind: EventKind) -> Event {
    Event { turn: Some(TurnId::new(1)), ..event(ms, kind) }
}

fn response(ms: u64, kind: EventKind) -> Event {
    Event { response: Some(ResponseId::FIRST), ..turn(ms, kind) }
}

/// A turn from 1 s to 3 s, and an answer of ten characters from 4 s to 4.6 s.
fn call() -> Trace {
    let text = |text: &str| text.to_owned();
    let (start_ms, speech_end_ms) = (1_000.0, 2_200.0);
    let ended = EventKind::AgentSpeechEnded { end_ms: 4_600.0, heard_ms: 600.0, complete: true };
    let over = EventKind::SessionEnded { turns: 1, under_runs: 0, lost_ms: 0.0 };
    let (reason, silence_ms) = (EndReason::Silence, 800.0);
    let events = vec![
        turn(1_200, EventKind::TurnStarted { start_ms }),
        turn(3_000, EventKind::TurnEnded { speech_end_ms, silence_ms, reason }),
        turn(3_100, EventKind::Transcript { text: text("Hello."), is_final: true }),
        response(3_100, EventKind::ResponseStarted),
        response(3_500, EventKind::ResponseText { text: text("It is one.") }),
        response(4_000, EventKind::AgentSpeechStarted { start_ms: 4_000.0 }),
        response(4_605, ended),
        response(4_605, EventKind::ResponseEnded { outcome: "completed" }),
        event(6_000, over),
    ];
    let messages = vec![Message::user("Hello."), Message::assistant("It is one.")];
    Trace {
        mode: Mode::Vad,
        events,
        lost: 0,
        happenings: Vec::new(),
        audible: vec![Audible { from: at(4_000), to: at(4_600) }],
        ending: Ending::Ended(messages),
        speaker_gone: None,
        limits: Limits { transcript: Duration::from_secs(10), shutdown: Duration::from_secs(10) },
    }
}

/// What is broken of the call that `change` makes of this one.
fn broken(change: impl FnOnce(&mut Trace)) -> Vec<Property> {
    let mut trace = call();
    change(&mut trace);
    check(&trace).into_iter().map(|broken| broken.property).collect()
}

fn position(trace: &Trace, of: fn(&EventKind) -> bool) -> usize {
    trace.events.iter().position(|event| of(&event.kind)).unwrap()
}

#[test]
fn a_call_in_which_all_goes_well_breaks_nothing() {
    assert_eq!(check(&call()), []);
}

#[test]
fn a_call_must_end() {
    let late = broken(|call| call.ending = Ending::TimedOut(Duration::from_secs(9)));
    assert_eq!(late, [Property::Ends]);
    let failed = broken(|call| call.ending = Ending::Failed("a stage does not end".to_owned()));
    assert_eq!(failed, [Property::Ends]);
    let wished = Happening::Wished { wish: "stop".to_owned(), taken: true };
    let stuck = broken(|call| {
        call.events[8].at = at(20_000);
        call.happenings.push((at(5_000), Who::Program, wished));
    });
    assert_eq!(stuck, [Property::Stops]);
}

#[test]
fn what_begins_ends_once() {
    for of in [
        |kind: &EventKind| matches!(kind, EventKind::TurnStarted { .. }),
        |kind: &EventKind| matches!(kind, EventKind::ResponseEnded { .. }),
        |kind: &EventKind| matches!(kind, EventKind::AgentSpeechEnded { .. }),
        |kind: &EventKind| matches!(kind, EventKind::SessionEnded { .. }),
    ] {
        let missing = broken(|call| {
            call.events.remove(position(call, of));
        });
        assert!(missing.contains(&Property::Once), "{missing:?}");
    }
    for index in [0, 1, 3, 7] {
        let twice = broken(|call| call.events.insert(index, call.events[index].clone()));
        assert!(twice.contains(&Property::Once), "{index}: {twice:?}");
    }
    let disorder = broken(|call| call.events[4].at = at(3_000));
    assert!(disorder.contains(&Property::Once), "{disorder:?}");
}

#[test]
fn a_turn_has_its_words_once_and_in_time() {
    let without = broken(|call| {
        call.events.remove(2);
    });
    assert!(without.contains(&Property::Words), "{without:?}");
    let both = broken(|call| {
        let (stage, error) = (StageName::Stt, "late".to_owned());
        call.events.insert(3, turn(3_100, EventKind::TurnFailed { stage, error }));
    });
    assert!(both.contains(&Property::Words), "{both:?}");
    let late = broken(|call| {
        call.events[2..].iter_mut().for_each(|event| event.at = event.at + Duration::from_secs(11));
        call.audible.clear();
    });
    assert!(late.contains(&Property::NoDeadAir), "{late:?}");
}

#[test]
fn an_answer_that_says_nothing_for_long_is_dead_air_unless_it_is_held() {
    let wait = Duration::from_secs(31);
    let dead = broken(|call| {
        call.events[4..].iter_mut().for_each(|event| event.at = event.at + wait);
        call.events.retain(|event| {
            !matches!(
                event.kind,
                EventKind::AgentSpeechStarted { .. } | EventKind::AgentSpeechEnded { .. }
            )
        });
        call.audible.clear();
    });
    assert!(dead.contains(&Property::NoDeadAir), "{dead:?}");
    let held = broken(|call| {
        call.events[6..].iter_mut().for_each(|event| event.at = event.at + wait);
        call.events.insert(6, response(4_550, EventKind::Held));
    });
    assert!(!held.contains(&Property::NoDeadAir), "{held:?}");
}

#[test]
fn no_sound_is_heard_before_a_response_begins_or_after_it_is_over() {
    for (from, to) in [(500, 600), (3_000, 3_150), (4_500, 4_700), (5_000, 5_100)] {
        let stray = broken(|call| call.audible.push(Audible { from: at(from), to: at(to) }));
        assert!(stray.contains(&Property::InTime), "{from} to {to}: {stray:?}");
    }
}

#[test]
fn what_is_held_is_silent() {
    let heard = broken(|call| call.events.insert(6, response(4_200, EventKind::Held)));
    assert_eq!(heard, [Property::Held]);
}

#[test]
fn the_history_is_what_was_said_and_heard() {
    let messages = |messages: Vec<Message>| broken(|call| call.ending = Ending::Ended(messages));
    let (hello, one) = (|| Message::user("Hello."), || Message::assistant("It is one."));
    for wrong in [
        vec![hello()],
        vec![one()],
        vec![hello(), Message::assistant("It is two.")],
        vec![hello(), Message::assistant("It is")],
        vec![Message::user("Hi."), one()],
        vec![hello(), one(), Message::assistant("And more.")],
    ] {
        assert!(messages(wrong.clone()).contains(&Property::History), "{wrong:?}");
    }
    let words = "It is one. And two, and three, and four, and five.";
    let unheard = broken(|call| {
        call.events[4].kind = EventKind::ResponseText { text: words.to_owned() };
        call.ending = Ending::Ended(vec![Message::user("Hello."), Message::assistant(words)]);
    });
    assert_eq!(unheard, [Property::History]);
}

/// Two answers may begin with the same words.
#[test]
fn what_nobody_heard_is_not_looked_for_in_the_history() {
    let text = || "It is one.".to_owned();
    let unheard = [
        EventKind::ResponseStarted,
        EventKind::ResponseText { text: text() },
        EventKind::ResponseEnded { outcome: "discarded" },
    ];
    let next = Some(ResponseId::FIRST.next());
    let unheard = unheard.map(|kind| Event { response: next, ..response(3_100, kind) });
    let interrupted = EventKind::Interrupted { heard_ms: 600.0, heard_text: "It is".to_owned() };
    let broken = broken(|call| {
        call.events[7].kind = EventKind::ResponseEnded { outcome: "interrupted" };
        call.events.insert(7, response(4_605, interrupted));
        call.events.splice(3..3, unheard);
        call.ending = Ending::Ended(vec![Message::user("Hello."), Message::assistant("It is")]);
    });
    assert_eq!(broken, []);
}

/// What is still in the air of an answer that was cut is not of the next one.
#[test]
fn the_last_sound_of_an_answer_is_not_of_the_next_one() {
    let heard_text = || "It is".to_owned();
    let text = || EventKind::ResponseText { text: "It is one.".to_owned() };
    let (second, third) = (ResponseId::FIRST.next(), ResponseId::FIRST.next().next());
    let of = |id, ms, kind| Event { response: Some(id), ..response(ms, kind) };
    let ended = EventKind::AgentSpeechEnded { end_ms: 5_315.0, heard_ms: 315.0, complete: false };
    let more = [
        of(second, 4_605, EventKind::ResponseStarted),
        of(second, 4_650, text()),
        of(second, 4_700, EventKind::ResponseEnded { outcome: "discarded" }),
        of(third, 4_700, EventKind::ResponseStarted),
        of(third, 4_800, text()),
        of(third, 5_000, EventKind::AgentSpeechStarted { start_ms: 5_000.0 }),
        of(third, 5_310, ended),
        of(third, 5_310, EventKind::Interrupted { heard_ms: 315.0, heard_text: heard_text() }),
        of(third, 5_310, EventKind::ResponseEnded { outcome: "interrupted" }),
    ];
    let broken = broken(|call| {
        call.events.splice(8..8, more);
        call.audible[0].to = at(4_612);
        call.audible.push(Audible { from: at(5_000), to: at(5_315) });
        let answers = [Message::assistant("It is one."), Message::assistant("It is")];
        call.ending = Ending::Ended([Message::user("Hello.")].into_iter().chain(answers).collect());
    });
    assert_eq!(broken, []);
}

#[test]
fn events_and_history_are_bounded() {
    assert_eq!(broken(|call| call.lost = 1), [Property::Bounded]);
    let more = broken(|call| {
        let Ending::Ended(messages) = &mut call.ending else { return };
        let called = Message { tool_calls: Vec::new(), ..Message::assistant("") };
        messages.extend(vec![called; 3]);
    });
    assert_eq!(more, [Property::Bounded]);
}

/// The same with a model that speaks for itself.
fn own(change: impl FnOnce(&mut Trace)) -> Vec<Property> {
    broken(|call| {
        call.mode = Mode::Asm(Protocol::OpenAi);
        change(call);
    })
}

fn lost(ms: u64) -> Event {
    let error = "the connection was lost".to_owned();
    event(ms, EventKind::ConnectionLost { error, again_in_ms: 0.0 })
}

fn over(ms: u64, how: How) -> (SessionTime, Who, Happening) {
    (at(ms), Who::Network, Happening::Over { exchange: 0, bytes: 0, how })
}

#[test]
fn a_connection_that_is_lost_is_an_event() {
    assert_eq!(own(|_| {}), []);
    for how in [How::Cut, How::Whole, How::Silent, How::Unreachable] {
        let untold = own(|call| call.happenings.push(over(3_200, how)));
        assert_eq!(untold, [Property::Told], "{how:?}");
        let told = own(|call| {
            call.happenings.push(over(3_200, how));
            call.events.insert(4, lost(3_200));
        });
        assert_eq!(told, [], "{how:?}");
    }
    assert_eq!(own(|call| call.happenings.push(over(3_200, How::Dropped))), []);
    let given_up_here = own(|call| call.events.insert(4, lost(3_200)));
    assert_eq!(given_up_here, []);
}

/// A service may say that it closes before it does.
#[test]
fn a_connection_that_its_service_closes_may_have_been_given_up_just_before() {
    let given_up = |ms: u64, how: How| {
        own(|call| {
            call.happenings.push(over(3_200, how));
            call.events.insert(2, lost(ms));
            call.events.sort_by_key(|event| event.at);
        })
    };
    assert_eq!(given_up(3_150, How::Whole), []);
    assert_eq!(given_up(3_150, How::Cut), [Property::Told]);
    assert_eq!(given_up(1_300, How::Whole), [Property::Told]);
}

#[test]
fn a_call_that_is_given_up_does_not_end_the_turn_that_is_open() {
    let in_turn = |call: &mut Trace| {
        let next = EventKind::TurnStarted { start_ms: 5_000.0 };
        call.events.insert(8, Event { turn: Some(TurnId::new(2)), ..event(5_200, next) });
    };
    assert_eq!(own(in_turn), [Property::Once]);
    let given_up = own(|call| {
        in_turn(call);
        call.ending = Ending::Left("mock could not be kept".to_owned());
        (0..7).for_each(|_| call.events.insert(8, lost(5_000)));
    });
    assert_eq!(given_up, []);
}

#[test]
fn a_call_is_given_up_when_no_connection_can_be_kept_and_not_before() {
    let reason = "mock could not be kept: 7 connections failed in a row".to_owned();
    let given_up = |losses: usize, reason: &str| {
        let reason = reason.to_owned();
        own(|call| {
            call.ending = Ending::Left(reason);
            for _ in 0..=losses {
                call.happenings.push(over(5_000, How::Cut));
            }
            for _ in 0..losses {
                call.events.insert(8, lost(5_000));
            }
        })
    };
    assert_eq!(given_up(6, &reason), []);
    assert_eq!(given_up(2, &reason), [Property::Ends]);
    assert_eq!(given_up(6, "a stage does not end"), [Property::Ends]);
}

#[test]
fn nobody_waits_for_an_answer_without_being_told_why_there_is_none() {
    let unanswered = |call: &mut Trace| {
        call.events.retain(|event| event.response.is_none());
        call.audible.clear();
        call.events[3].at = at(20_000);
        call.ending = Ending::Ended(vec![Message::user("Hello.")]);
    };
    assert_eq!(own(unanswered), [Property::Told]);
    let told = own(|call| {
        unanswered(call);
        let (stage, error) = (StageName::Provider, "it has not answered".to_owned());
        call.events.insert(3, turn(13_000, EventKind::TurnFailed { stage, error }));
    });
    assert_eq!(told, []);
}

/// The words of what it answers may come behind its answer.
#[test]
fn typed_lines_and_words_stand_each_in_their_order() {
    let typed = |call: &mut Trace| {
        let text = "And two?".to_owned();
        call.events.insert(2, turn(3_050, EventKind::Typed { text }));
    };
    let (hello, two) = (|| Message::user("Hello."), || Message::user("And two?"));
    let one = || Message::assistant("It is one.");
    for right in [[hello(), two(), one()], [two(), hello(), one()]] {
        let history = own(|call| {
            typed(call);
            call.ending = Ending::Ended(right.to_vec());
        });
        assert_eq!(history, []);
    }
    let forgotten = own(|call| {
        typed(call);
        call.ending = Ending::Ended(vec![hello(), one()]);
    });
    assert_eq!(forgotten, [Property::History]);
}
