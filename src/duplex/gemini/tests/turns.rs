//! The user's turns: their sound, their words, and what the other side hears of them.

use super::*;

const fn turn(number: u32) -> TurnId {
    TurnId::new(number)
}

fn words(number: u32, text: &str, is_final: bool) -> DuplexEvent {
    DuplexEvent::Transcript { turn: turn(number), text: text.into(), is_final }
}

impl Call {
    fn transcribed(&mut self, text: &str) -> Vec<DuplexEvent> {
        self.content(json!({ "inputTranscription": { "text": text } }))
    }
}

#[test]
fn a_turn_is_told_with_its_beginning_its_sound_and_its_end_and_answered_by_itself() {
    let mut call = Call::new();
    let sent = call.turn(1);
    let audio = json!({ "mimeType": "audio/pcm;rate=16000", "data": base64(&[7, 0].repeat(320)) });
    let expected = [
        json!({ "realtimeInput": { "activityStart": {} } }),
        json!({ "realtimeInput": { "audio": audio } }),
        json!({ "realtimeInput": { "activityEnd": {} } }),
    ];
    assert_eq!(sent, expected);
    assert_eq!(call.sound().first(), Some(&started(FIRST, true)));
}

#[test]
fn an_answer_that_is_faster_than_the_wish_for_it_was_asked_for_all_the_same() {
    let mut call = Call::new();
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    call.tell(DuplexInput::TurnEnded { turn: turn(1) });
    assert_eq!(call.sound().first(), Some(&started(FIRST, true)));
    assert!(call.tell(DuplexInput::Respond { say: None }).is_empty());
    call.complete();
    assert_eq!(call.complete(), [], "nothing is owed");
    assert_eq!(call.tell(DuplexInput::Respond { say: None }).len(), 1, "this is another one");
}

#[test]
fn what_is_written_after_a_turn_is_answered_with_it() {
    let mut call = Call::new();
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    call.tell(DuplexInput::TurnEnded { turn: turn(1) });
    call.tell(DuplexInput::Text("And this.".into()));
    assert_eq!(call.tell(DuplexInput::Respond { say: None }).len(), 1);

    call.tell(DuplexInput::Text("First this.".into()));
    let sent = call.turn(2);
    let content = &sent[1]["clientContent"];
    assert_eq!(content["turns"][0]["parts"][0]["text"], "First this.");
    assert_eq!(content["turnComplete"], false, "it is answered with what is said");
    assert_eq!(sent.len(), 4);
}

#[test]
fn noise_is_the_beginning_of_the_next_turn() {
    let mut call = Call::new();
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    assert!(call.tell(DuplexInput::TurnDropped { turn: turn(1) }).is_empty());
    assert!(call.tell(DuplexInput::TurnBegan { turn: turn(2) }).is_empty());
    assert_eq!(call.tell(DuplexInput::TurnEnded { turn: turn(2) }).len(), 1);
}

#[test]
fn where_the_other_side_detects_turns_sound_alone_is_sent() {
    let mut call = Call::detecting();
    assert!(call.tell(DuplexInput::TurnBegan { turn: turn(1) }).is_empty());
    assert_eq!(call.speak(0, 20).len(), 1);
    assert!(call.speak(20, 0).is_empty());
    assert!(call.tell(DuplexInput::TurnEnded { turn: turn(1) }).is_empty());
    assert_eq!(call.sound().first(), Some(&started(FIRST, false)));
}

#[test]
fn words_are_told_as_they_become_known_and_final_with_the_answer() {
    for snake in [false, true] {
        let mut call = Call::new();
        call.snake = snake;
        call.turn(1);
        let maybe = json!({ "interimInputTranscription": { "text": "Watt" } });
        assert_eq!(call.content(maybe.clone()), [words(1, "Watt", false)]);
        assert_eq!(call.content(maybe), []);
        assert_eq!(call.transcribed("What"), [words(1, "What", false)]);
        assert_eq!(call.transcribed(" time?"), [words(1, "What time?", false)]);
        call.sound();
        let events = call.content(json!({ "generationComplete": true }));
        assert_eq!(events, [words(1, "What time?", true)]);
        assert_eq!(call.complete(), [ended(FIRST, ReplyEnd::Completed)]);
    }
}

#[test]
fn words_may_be_said_to_be_all() {
    let mut call = Call::new();
    call.turn(1);
    let all = json!({ "inputTranscription": { "text": "Hi.", "finished": true } });
    assert_eq!(call.content(all), [words(1, "Hi.", false), words(1, "Hi.", true)]);
}

/// It may hear two voices where the session hears one turn.
#[test]
fn words_that_follow_the_last_ones_make_the_turns_words_longer() {
    let mut call = Call::detecting();
    call.turn(1);
    let all = |text: &str| json!({ "inputTranscription": { "text": text, "finished": true } });
    assert_eq!(call.content(all("Hi.")), [words(1, "Hi.", false), words(1, "Hi.", true)]);
    assert_eq!(call.transcribed("How"), [words(1, "Hi. How", false)]);
    let events = call.content(all(" are you?"));
    let whole = "Hi. How are you?";
    assert_eq!(events, [words(1, whole, false), words(1, whole, true)]);
}

#[test]
fn a_turn_without_words_is_told_when_it_was_answered() {
    let mut call = Call::new();
    call.turn(1);
    call.sound();
    let events = call.complete();
    assert!(
        matches!(&events[..], [DuplexEvent::NoTranscript { turn, .. }, DuplexEvent::ReplyEnded { .. }]
            if turn.get() == 1)
    );
}

#[test]
fn who_speaks_over_an_answer_has_words_of_their_own() {
    let mut call = Call::new();
    call.turn(1);
    call.transcribed("One");
    call.sound();
    call.tell(DuplexInput::TurnBegan { turn: turn(2) });
    let events = call.content(json!({ "interrupted": true }));
    assert_eq!(events, [words(1, "One", true), ended(FIRST, ReplyEnd::Interrupted)]);
    assert_eq!(call.transcribed("Two"), [words(2, "Two", false)]);
    assert_eq!(call.complete(), [], "the end of the first answer's turn");
}

#[test]
fn words_that_come_before_a_turn_is_known_are_its() {
    let mut call = Call::detecting();
    assert_eq!(call.transcribed("Hel"), []);
    call.tell(DuplexInput::TurnBegan { turn: turn(1) });
    assert_eq!(call.transcribed("lo"), [words(1, "Hel", false), words(1, "Hello", false)]);
}

#[test]
fn the_other_side_may_tell_when_the_user_speaks() {
    let options = GeminiOptions { explicit_vad_signal: true, ..options() };
    let detecting = Detecting::There(ServerTurns::default());
    let mut call = Call::with(options, DuplexSettings { detecting, ..DuplexSettings::default() });
    call.speak(10_000, 2_000);
    let activity = |kind: &str, offset: &str| json!({ "voiceActivity": { "voiceActivityType": kind, "audioOffset": offset } });
    let signal = |kind: &str| json!({ "voiceActivityDetectionSignal": { "vadSignalType": kind } });
    let at = SessionTime::from_millis;
    let started = DuplexEvent::SpeechStarted { at: at(10_500) };
    assert_eq!(call.hear(activity("ACTIVITY_START", "0.5s")), [started]);
    assert_eq!(call.hear(signal("VAD_SIGNAL_TYPE_SOS")), [], "it said so");
    let stopped = DuplexEvent::SpeechStopped { at: at(11_250) };
    assert_eq!(call.hear(activity("ACTIVITY_END", "1.250s")), [stopped]);
    let started = DuplexEvent::SpeechStarted { at: at(12_000) };
    assert_eq!(call.hear(signal("VAD_SIGNAL_TYPE_SOS")), [started], "now, as far as it tells");
    let stopped = DuplexEvent::SpeechStopped { at: at(12_000) };
    assert_eq!(call.hear(signal("VAD_SIGNAL_TYPE_EOS")), [stopped]);
}

#[test]
fn the_end_of_a_connection_is_told_beforehand() {
    let mut call = Call::new();
    for (left, seconds) in [("50s", 50.0), ("1.5s", 1.5), ("soon", 0.0)] {
        let left = json!({ "goAway": { "timeLeft": left } });
        let told = DuplexEvent::GoingAway { left: Duration::from_secs_f64(seconds) };
        assert_eq!(call.hear(left), [told]);
    }
}

#[test]
fn words_that_a_lost_connection_owes_come_again_unless_they_were_answered() {
    let mut call = Call::new();
    call.turn(1);
    call.transcribed("One");
    assert_eq!(call.lose(), [], "the turn is told again");
    call.open(&DuplexSettings { transcribes: true, ..DuplexSettings::default() }, &[]);
    call.hear(json!({ "setupComplete": {} }));
    call.turn(1);
    assert_eq!(call.transcribed("One"), [words(1, "One", false)]);
    call.sound();
    assert_eq!(call.lose(), [words(1, "One", true), ended(FIRST, ReplyEnd::Lost)]);
}

#[test]
fn what_is_new_is_passed_over_and_what_is_nothing_else_is_counted() {
    let mut call = Call::new();
    let content = json!({ "waitingForInput": true, "groundingMetadata": { "x": 1 }, "new": [] });
    assert_eq!(call.hear(json!({ "serverContent": content, "newer": {} })), []);
    assert_eq!(call.codec.skipped(), 0);
    for nothing in [json!({ "newer": {} }), json!({}), json!([]), json!("x")] {
        assert_eq!(call.hear(nothing), []);
    }
    assert_eq!(call.codec.skipped(), 4);
}
