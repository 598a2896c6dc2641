//! The user's turns: whose words are whose, and when they were said.

use serde_json::json;

use super::*;

const fn turn(number: u32) -> TurnId {
    TurnId::new(number)
}

fn words(turn: TurnId, text: &str, is_final: bool) -> DuplexEvent {
    DuplexEvent::Transcript { turn, text: text.into(), is_final }
}

const DELTA: &str = "conversation.item.input_audio_transcription.delta";
const COMPLETED: &str = "conversation.item.input_audio_transcription.completed";
const FAILED: &str = "conversation.item.input_audio_transcription.failed";

impl Call {
    fn committed(&mut self, item: &str) -> Vec<DuplexEvent> {
        self.hear("input_audio_buffer.committed", json!({ "item_id": item }))
    }

    fn delta(&mut self, item: &str, delta: &str) -> Vec<DuplexEvent> {
        self.hear(DELTA, json!({ "item_id": item, "content_index": 0, "delta": delta }))
    }

    fn completed(&mut self, item: &str, transcript: &str) -> Vec<DuplexEvent> {
        let usage = json!({ "type": "duration", "seconds": 1 });
        self.hear(
            COMPLETED,
            json!({ "item_id": item, "content_index": 0, "transcript": transcript, "usage": usage }),
        )
    }

    fn started(&mut self, item: &str, ms: u64) -> Vec<DuplexEvent> {
        let event = json!({ "item_id": item, "audio_start_ms": ms });
        self.hear("input_audio_buffer.speech_started", event)
    }
}

#[test]
fn a_turn_s_sound_is_sent_as_it_comes_and_committed_at_its_end() {
    let mut call = Call::new();
    assert!(call.tell(DuplexInput::TurnBegan { turn: turn(1) }).is_empty());
    let sent = call.speak(1_000, 20);
    assert_eq!(kinds(&sent), ["input_audio_buffer.append"]);
    assert_eq!(sent[0]["audio"], base64(&[7, 0].repeat(480)));
    call.speak(1_020, 480);
    assert_eq!(
        kinds(&call.tell(DuplexInput::TurnEnded { turn: turn(1) })),
        ["input_audio_buffer.commit"]
    );
}

#[test]
fn less_sound_than_the_other_side_takes_is_filled_up_and_none_is_not_committed() {
    let mut call = Call::new();
    call.speak(0, 40);
    let sent = call.tell(DuplexInput::TurnEnded { turn: turn(1) });
    assert_eq!(kinds(&sent), ["input_audio_buffer.append", "input_audio_buffer.commit"]);
    assert_eq!(sent[0]["audio"], base64(&[0; 60 * 48]));

    assert!(call.tell(DuplexInput::TurnEnded { turn: turn(2) }).is_empty());
    let events = call.hear("rate_limits.updated", json!({ "rate_limits": [] }));
    assert!(matches!(&events[..], [DuplexEvent::NoTranscript { turn, .. }] if turn.get() == 2));
}

#[test]
fn noise_is_cleared_unless_nothing_was_sent() {
    let mut call = Call::new();
    let dropped = DuplexInput::TurnDropped { turn: turn(1) };
    assert!(call.tell(dropped.clone()).is_empty());
    call.speak(0, 40);
    assert_eq!(kinds(&call.tell(dropped.clone())), ["input_audio_buffer.clear"]);
    assert!(call.tell(dropped).is_empty());
    assert_eq!(call.hear("input_audio_buffer.cleared", json!({})), []);
}

#[test]
fn where_the_other_side_detects_turns_nothing_is_committed_or_cleared() {
    let mut call = Call::detecting();
    call.speak(0, 40);
    for input in
        [DuplexInput::TurnEnded { turn: turn(1) }, DuplexInput::TurnDropped { turn: turn(1) }]
    {
        assert!(call.tell(input).is_empty());
    }
}

#[test]
fn words_are_told_as_they_become_known() {
    let mut call = Call::new();
    call.turn(1);
    assert_eq!(call.committed("i1"), []);
    assert_eq!(call.delta("i1", "What"), [words(turn(1), "What", false)]);
    assert_eq!(call.delta("i1", " time"), [words(turn(1), "What time", false)]);
    assert_eq!(
        call.completed("i1", "What time is it?"),
        [words(turn(1), "What time is it?", true)]
    );
    assert_eq!(call.completed("i1", "What?"), [], "they do not change any more");
}

#[test]
fn several_turns_may_wait_for_their_words() {
    let mut call = Call::new();
    for number in 1..=3 {
        call.turn(number);
    }
    for item in ["i1", "i2", "i3"] {
        call.committed(item);
    }
    assert_eq!(call.completed("i2", "two"), [words(turn(2), "two", true)]);
    assert_eq!(call.completed("i1", "one"), [words(turn(1), "one", true)]);
    let error = json!({ "code": "audio_unintelligible", "message": "what?" });
    let events = call.hear(FAILED, json!({ "item_id": "i3", "content_index": 0, "error": error }));
    let reason = "what? (audio_unintelligible)".to_owned();
    assert_eq!(events, [DuplexEvent::NoTranscript { turn: turn(3), reason }]);
}

#[test]
fn without_a_model_that_writes_it_down_a_turn_has_no_words() {
    let mut call = Call::closed(options());
    let settings = DuplexSettings { transcribes: true, ..DuplexSettings::default() };
    call.open(&settings, &[]);
    call.turn(1);
    let events = call.committed("i1");
    assert!(matches!(&events[..], [DuplexEvent::NoTranscript { .. }]), "{events:?}");
}

#[test]
fn a_voice_that_the_other_side_hears_is_the_turn_that_begins_then() {
    let mut call = Call::detecting();
    call.speak(10_000, 500);
    call.speak(10_500, 500);
    let at = SessionTime::from_millis(10_200);
    assert_eq!(call.started("i1", 200), [DuplexEvent::SpeechStarted { at }]);
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    let stopped = json!({ "item_id": "i1", "audio_end_ms": 900 });
    // The silence that has ended it is not speech.
    let at = SessionTime::from_millis(10_400);
    let events = call.hear("input_audio_buffer.speech_stopped", stopped);
    assert_eq!(events, [DuplexEvent::SpeechStopped { at }]);
    call.tell(DuplexInput::TurnEnded { turn: turn(1) });
    call.committed("i1");

    call.started("i2", 950);
    call.tell(DuplexInput::TurnBegan { turn: turn(2) });
    assert_eq!(call.completed("i2", "two"), [words(turn(2), "two", true)]);
    assert_eq!(call.completed("i1", "one"), [words(turn(1), "one", true)]);
}

#[test]
fn a_turn_that_began_here_first_has_the_voice_that_follows() {
    let mut call = Call::detecting();
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    call.started("i1", 0);
    call.committed("i1");
    // The turn goes on, though the other side has had enough for an item.
    call.started("i2", 500);
    assert_eq!(call.completed("i1", "one"), [words(turn(1), "one", true)]);
    assert_eq!(call.delta("i2", "and"), [words(turn(1), "one and", false)]);
    assert_eq!(call.completed("i2", "and two"), [words(turn(1), "one and two", true)]);
}

#[test]
fn the_silence_after_which_the_other_side_speaks_has_no_words() {
    let mut call = Call::detecting();
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    let silence = json!({ "item_id": "i1", "audio_start_ms": 0, "audio_end_ms": 6_000 });
    assert_eq!(call.hear("input_audio_buffer.timeout_triggered", silence), []);
    call.committed("i1");
    assert_eq!(call.completed("i1", "Thanks for watching."), []);
}

#[test]
fn times_are_those_of_the_session_across_pauses_and_connections() {
    let mut call = Call::detecting();
    call.speak(1_000, 100);
    call.speak(9_000, 100);
    let at = SessionTime::from_millis(9_050);
    assert_eq!(call.started("i1", 150), [DuplexEvent::SpeechStarted { at }]);

    call.lose();
    call.open(&DuplexSettings::default(), &[]);
    call.hear("session.updated", json!({}));
    call.speak(20_000, 100);
    let at = SessionTime::from_millis(20_050);
    assert_eq!(call.started("i1", 50), [DuplexEvent::SpeechStarted { at }]);
}

#[test]
fn words_that_a_lost_connection_owes_for_what_was_answered_do_not_come() {
    let mut call = Call::new();
    for number in 1..=3 {
        call.turn(number);
        call.committed(&format!("i{number}"));
    }
    call.delta("i2", "two");
    call.ask("r1");
    call.words("r1", "a1", "Well");
    // This one was not answered: it is told again on the next connection.
    call.turn(4);

    let events = call.lose();

    let none = |number| {
        let reason = "the connection was lost".to_owned();
        DuplexEvent::NoTranscript { turn: turn(number), reason }
    };
    assert_eq!(events[..3], [none(1), words(turn(2), "two", true), none(3)]);
    assert!(matches!(events[3..], [DuplexEvent::ReplyEnded { .. }]));
}

#[test]
fn a_turn_whose_sound_is_refused_has_no_words() {
    let mut call = Call::new();
    let sent = call.turn(1);
    let error = json!({ "type": "invalid_request_error", "code": "input_audio_buffer_commit_empty",
                        "message": "too small", "event_id": sent[0]["event_id"] });
    let events = call.hear("error", json!({ "error": error }));
    assert!(matches!(&events[..], [DuplexEvent::NoTranscript { .. }, DuplexEvent::Refused(_)]));
    call.turn(2);
    call.committed("i2");
    assert_eq!(call.completed("i2", "two"), [words(turn(2), "two", true)]);
}
