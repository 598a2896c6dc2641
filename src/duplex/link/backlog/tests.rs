//! What is told again, and what is not.

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::ServerTurns;
use crate::ids::TurnId;

const TURN: TurnId = TurnId::new(1);

/// A tenth of a second of sound that begins then.
fn sound(tenth: u64) -> DuplexInput {
    let at = SessionTime::ZERO + Duration::from_millis(tenth * 100);
    DuplexInput::Sound { at, audio: AudioChunk::new(vec![tenth as i16; 1_600], SampleRate::SPEECH) }
}

/// Tells all that waits, a frame each.
fn told(backlog: &mut Backlog) -> Vec<DuplexInput> {
    told_from(backlog, 0).into_iter().map(|(input, _)| input).collect()
}

/// The same behind so many frames; and what of it is known.
fn told_from(backlog: &mut Backlog, frames: u64) -> Vec<(DuplexInput, bool)> {
    let mut frames = frames;
    let next = || {
        let Next { input, is_known } = backlog.pop()?;
        frames += u64::from(!is_known);
        backlog.told(input.clone(), if is_known { 0 } else { frames });
        Some((input, is_known))
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_say_that_was_not_answered_is_told_again_before_what_came_since() {
    let mut backlog = Backlog::new(Detecting::Here);
    let say = [
        DuplexInput::TurnBegan { turn: TURN },
        sound(0),
        sound(1),
        DuplexInput::TurnEnded { turn: TURN },
    ];
    for input in say.clone().into_iter().chain([DuplexInput::Respond { say: None }]) {
        assert_eq!(backlog.push(input), Duration::ZERO);
    }
    told(&mut backlog);
    let text = DuplexInput::Text("and then?".into());
    backlog.push(text.clone());
    assert_eq!(backlog.lost(Known::Nothing, false), Duration::ZERO);
    let asked = DuplexInput::Respond { say: None };
    let again: Vec<_> = say.clone().into_iter().chain([asked, text.clone()]).collect();
    assert_eq!(told(&mut backlog), again);
    // Who asked asks again himself, once an answer has begun.
    backlog.begun(true);
    backlog.lost(Known::Nothing, false);
    let again: Vec<_> = say.into_iter().chain([text]).collect();
    assert_eq!(told(&mut backlog), again);
}

#[test]
fn what_is_answered_is_not_told_again() {
    let mut backlog = Backlog::new(Detecting::Here);
    for input in [DuplexInput::TurnBegan { turn: TURN }, sound(0)] {
        backlog.push(input);
    }
    told(&mut backlog);
    backlog.answered();
    backlog.lost(Known::Nothing, false);
    assert_eq!(told(&mut backlog), []);
}

/// Its rest still comes when the user has begun to speak.
#[test]
fn what_is_said_over_an_answer_is_not_answered_by_it() {
    let say =
        [DuplexInput::TurnBegan { turn: TURN }, sound(3), DuplexInput::TurnEnded { turn: TURN }];
    let mut backlog = Backlog::new(Detecting::Here);
    for answered in [false, true] {
        backlog.begun(true);
        for input in say.clone() {
            backlog.push(input);
        }
        told(&mut backlog);
        backlog.answered();
        backlog.ended();
        if answered {
            backlog.begun(true);
            backlog.answered();
        }
        assert_eq!(backlog.is_open(), !answered);
        backlog.lost(Known::Nothing, false);
        assert_eq!(told(&mut backlog), if answered { &[][..] } else { &say });
    }

    let mut stream = Backlog::new(Detecting::There(ServerTurns::default()));
    for tenth in 0..20 {
        stream.push(sound(tenth));
    }
    told(&mut stream);
    stream.begun(false);
    stream.speech_started(SessionTime::ZERO + Duration::from_millis(1_900));
    stream.push(sound(20));
    told(&mut stream);
    stream.answered();
    stream.lost(Known::Nothing, false);
    let again: Vec<_> = (14..21).map(sound).collect();
    assert_eq!(told(&mut stream), again);
}

/// It is asked when it has already begun.
#[test]
fn who_answers_by_itself_is_not_asked_again() {
    let mut backlog = Backlog::new(Detecting::Here);
    backlog.begun(true);
    backlog.answered();
    backlog.push(DuplexInput::Respond { say: None });
    told(&mut backlog);
    backlog.lost(Known::Nothing, false);
    assert_eq!(told(&mut backlog), []);
}

#[test]
fn results_of_tools_are_told_again_in_words() {
    let mut backlog = Backlog::new(Detecting::Here);
    let (id, name, content) = ("c".to_owned(), "clock".to_owned(), "12:00".to_owned());
    let result = ToolResult { id, name, content, is_error: false };
    backlog.push(DuplexInput::ToolResults(vec![result]));
    told(&mut backlog);
    backlog.lost(Known::Nothing, false);
    let text = "The tool `clock`, which you called, has given: 12:00".into();
    assert_eq!(told(&mut backlog), [DuplexInput::Text(text), DuplexInput::Respond { say: None }]);
}

#[test]
fn noise_is_not_told_again() {
    let mut backlog = Backlog::new(Detecting::Here);
    for input in [
        DuplexInput::Text("first".into()),
        DuplexInput::TurnBegan { turn: TURN },
        sound(0),
        DuplexInput::TurnDropped { turn: TURN },
    ] {
        backlog.push(input);
    }
    told(&mut backlog);
    backlog.lost(Known::Nothing, false);
    assert_eq!(told(&mut backlog), [DuplexInput::Text("first".into())]);
}

#[test]
fn without_a_connection_the_newest_half_minute_is_kept() {
    let mut backlog = Backlog::new(Detecting::Here);
    let forgotten: Duration = (0..350).map(|tenth| backlog.push(sound(tenth))).sum();
    assert_eq!(forgotten, Duration::from_secs(5));
    assert_eq!(told(&mut backlog).first(), Some(&sound(50)));
}

/// Not every service says when the user speaks.
#[test]
fn of_a_stream_a_turn_that_is_told_is_told_again_as_well() {
    let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
    let tell = |backlog: &mut Backlog, input| {
        backlog.push(input);
        told(backlog);
    };
    let speak = |backlog: &mut Backlog, tenths: std::ops::Range<u64>| {
        tenths.for_each(|tenth| tell(backlog, sound(tenth)));
    };
    speak(&mut backlog, 0..50);
    tell(&mut backlog, DuplexInput::TurnBegan { turn: TURN });
    speak(&mut backlog, 50..100);
    assert!(backlog.is_open());
    backlog.lost(Known::Nothing, false);
    let again = told(&mut backlog);
    assert_eq!((again.first(), again.len()), (Some(&sound(35)), 66));
    // It was noise.
    tell(&mut backlog, DuplexInput::TurnDropped { turn: TURN });
    speak(&mut backlog, 100..150);
    assert!(!backlog.is_open());
    backlog.lost(Known::Nothing, false);
    let sounds =
        told(&mut backlog).into_iter().filter(|input| matches!(input, DuplexInput::Sound { .. }));
    assert_eq!(sounds.count(), 10);
}

#[test]
fn of_a_stream_the_users_say_is_told_again_with_what_comes_just_before() {
    let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
    for tenth in 0..100 {
        backlog.push(sound(tenth));
        told(&mut backlog);
    }
    backlog.speech_started(SessionTime::ZERO + Duration::from_millis(9_800));
    for tenth in 100..200 {
        backlog.push(sound(tenth));
        told(&mut backlog);
    }
    backlog.lost(Known::Nothing, false);
    let again = told(&mut backlog);
    assert_eq!((again.first(), again.len()), (Some(&sound(93)), 107));
}

/// The other side says up to where the next connection knows what was told.
#[test]
fn what_the_next_connection_knows_is_not_told_again() {
    let mut backlog = Backlog::new(Detecting::Here);
    let began = DuplexInput::TurnBegan { turn: TURN };
    backlog.push(began.clone());
    for tenth in 0..4 {
        backlog.push(sound(tenth));
    }
    // Number 0 opened the connection.
    told_from(&mut backlog, 1);
    backlog.push(sound(4));
    backlog.lost(Known::UpTo(2), false);
    let again = |known: usize| {
        let all = std::iter::once(began.clone()).chain((0..5).map(sound));
        all.enumerate().map(|(number, input)| (input, number < known)).collect::<Vec<_>>()
    };
    assert_eq!(told_from(&mut backlog, 1), again(2));
    // That one goes on where it began, and so does the next.
    backlog.lost(Known::Before, false);
    assert_eq!(told_from(&mut backlog, 1), again(2));
    backlog.lost(Known::UpTo(1), false);
    assert_eq!(told_from(&mut backlog, 1), again(3));
    backlog.lost(Known::Nothing, false);
    assert_eq!(told_from(&mut backlog, 1), again(0));
}

#[test]
fn of_a_stream_into_a_dead_connection_all_is_told_again() {
    let mut backlog = Backlog::new(Detecting::There(ServerTurns::default()));
    for tenth in 0..300 {
        backlog.push(sound(tenth));
        told(&mut backlog);
    }
    let mut alive = backlog.clone();
    assert_eq!(alive.lost(Known::Nothing, false), Duration::ZERO);
    assert_eq!(told(&mut alive).first(), Some(&sound(290)));
    assert_eq!(backlog.lost(Known::Nothing, true), Duration::ZERO);
    assert_eq!(told(&mut backlog).first(), Some(&sound(190)));
}
