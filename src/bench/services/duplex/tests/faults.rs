use serde_json::{Value, json};

use super::super::{CallEnd, Knock, Protocol, Say};
use super::Caller;

/// A call that is asked for an answer, with this fault.
fn struck(fault: &Value) -> Caller {
    let script = json!({"answers": ["Hello there, how are you?"], "duplex": {"faults": [fault]}});
    let mut me = Caller::openai(script);
    me.send(&json!({"type": "response.create"}));
    me.pass(5_000);
    me
}

#[test]
fn a_socket_breaks_off_at_any_moment() {
    for at in ["open", "ready", "response_begun", "first_audio", "audio", "response_over"] {
        let me = struck(&json!({"at": at, "fault": "cut"}));
        assert_eq!(me.end, Some(Say::Cut), "{at}");
        assert_eq!(me.log().ending, CallEnd::Cut);
        assert_eq!(me.log().faults, ["cut"]);
        let sounds = me.all("response.output_audio.delta").len();
        let whole = me.all("response.done").len();
        let expected = match at {
            "first_audio" | "audio" => (1, 0),
            "response_over" => (15, 1),
            _ => (0, 0),
        };
        assert_eq!((sounds, whole), expected, "{at}");
    }
}

#[test]
fn moments_are_counted_and_faults_may_come_later() {
    let me = struck(&json!({"at": "audio", "nth": 3, "after_ms": 75, "fault": "close:1011"}));
    assert_eq!(me.all("response.output_audio.delta").len(), 4);
    assert!(matches!(me.end, Some(Say::Close(1011, _))));
    let me = struck(&json!({"call": 2, "at": "ready", "fault": "cut"}));
    assert_eq!(me.end, None);
}

#[test]
fn what_a_lost_answer_would_have_said_is_said_by_the_next() {
    let me = struck(&json!({"call": 1, "at": "first_audio", "fault": "cut"}));
    let path = "/v1/realtime?model=m";
    let mut again = Caller::new(&me.services, path, 24_000, me.now);
    again.send(&json!({"type": "response.create"}));
    again.pass(5_000);
    let done = again.last("response.output_audio_transcript.done");
    assert_eq!(done["transcript"], "Hello there, how are you?");
    assert_eq!(me.services.log("me").calls.len(), 2);
}

#[test]
fn new_calls_are_refused_for_a_while() {
    let me = struck(&json!({"call": 1, "at": "first_audio", "fault": "refuse:3000"}));
    assert_eq!(me.end, Some(Say::Cut));
    let knock = Knock {
        protocol: Protocol::OpenAi,
        caller: "me".to_owned(),
        model: Some("m".to_owned()),
        origin: 0,
        unix: 0,
    };
    let at = |ms| crate::time::SessionTime::from_millis(ms);
    let refusal = me.services.open(&knock, at(3_000)).unwrap_err();
    assert_eq!(refusal.status, 503);
    assert!(me.services.open(&knock, at(3_300)).is_ok());
    assert!(me.services.open(&Knock { model: None, ..knock }, at(3_300)).is_err());
}

#[test]
fn a_stall_is_made_up_for() {
    let me = struck(&json!({"at": "first_audio", "nth": 1, "fault": "stall:2000"}));
    let sounds =
        me.heard.iter().filter(|(_, event)| event["type"] == "response.output_audio.delta");
    let times: Vec<_> = sounds.map(|(at, _)| *at).collect();
    assert!(times[1] - times[0] >= 2_000.0, "{times:?}");
    assert!(times[14] - times[1] < 1.0, "all that was due comes at once: {times:?}");
    assert_eq!(me.last("response.done")["response"]["status"], "completed");
}

#[test]
fn deltas_come_twice_or_change_places() {
    let sounds = |me: &Caller| {
        let deltas = me.all("response.output_audio_transcript.delta").into_iter();
        deltas.map(|event| event["delta"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let usual = sounds(&struck(&json!({"at": "open", "fault": "unheard"})));
    let twice = sounds(&struck(&json!({"at": "response_begun", "fault": "duplicate"})));
    assert_eq!(twice.len(), 2 * usual.len());
    assert!(twice.chunks(2).all(|two| two[0] == two[1]));
    let swapped = sounds(&struck(&json!({"at": "response_begun", "fault": "reorder"})));
    assert_eq!((&swapped[0], &swapped[1]), (&usual[1], &usual[0]));
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    assert_eq!(sorted(swapped), sorted(usual), "nothing is lost");
}

#[test]
fn responses_fail() {
    let me = struck(&json!({"at": "first_audio", "fault": "fail:server_error"}));
    let done = &me.last("response.done")["response"];
    assert_eq!(
        (&done["status"], &done["status_details"]["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
    let me = struck(&json!({"at": "first_audio", "fault": "incomplete:content_filter"}));
    let done = &me.last("response.done")["response"];
    assert_eq!(done["status_details"], json!({"type": "incomplete", "reason": "content_filter"}));
}

#[test]
fn there_are_errors_nonsense_and_novelties() {
    let me = struck(&json!({"at": "ready", "fault": "error:rate_limit_exceeded"}));
    assert_eq!(me.last_error(), "rate_limit_exceeded");
    assert_eq!(me.last("response.done")["response"]["status"], "completed");
    let me = struck(&json!({"at": "first_audio", "fault": "malformed"}));
    assert!(me.heard.iter().any(|(_, event)| event.is_null()));
    let me = struck(&json!({"at": "first_audio", "fault": "unknown"}));
    assert_eq!(me.all("response.something_new").len(), 1);
}

#[test]
fn whoever_falls_silent_says_nothing_more() {
    let mut me = struck(&json!({"at": "first_audio", "fault": "silent"}));
    assert_eq!(me.end, Some(Say::Deafen));
    me.send(&json!({"type": "response.create"}));
    me.pass(60_000);
    assert!(me.all("response.done").is_empty());
    assert_eq!(me.log().ending, CallEnd::Silent);
}

#[test]
fn a_transcription_fails() {
    let script = json!({"duplex": {"faults": [{"at": "ready", "fault": "unheard"}]}});
    let mut me = Caller::openai(script);
    let input = json!({"transcription": {"model": "t"}});
    let session = json!({"type": "realtime", "audio": {"input": input}});
    me.send(&json!({"type": "session.update", "session": session}));
    me.say("01", 2_000);
    me.say("01", 2_000);
    assert_eq!(me.all("conversation.item.input_audio_transcription.failed").len(), 1);
    assert_eq!(me.all("conversation.item.input_audio_transcription.completed").len(), 1);
}

#[test]
fn the_end_may_be_announced_at_any_moment() {
    let faults = json!([{"at": "ready", "after_ms": 1000, "fault": "go_away:5000"}]);
    let mut me = Caller::gemini(json!({"duplex": {"faults": faults}}), &json!({}));
    me.pass(1_000);
    assert_eq!(me.heard.last().unwrap().1, json!({"goAway": {"timeLeft": "5s"}}));
    me.pass(4_999);
    assert_eq!(me.end, None);
    me.pass(1);
    assert!(matches!(me.end, Some(Say::Close(1011, _))));

    for (fault, code) in [("error:internal", 1011), ("close:1007", 1007), ("expire", 1011)] {
        let faults = json!([{"at": "ready", "fault": fault}]);
        let me = Caller::gemini(json!({"duplex": {"faults": faults}}), &json!({}));
        assert!(matches!(me.end, Some(Say::Close(it, _)) if it == code), "{fault}: {:?}", me.end);
    }
}

#[test]
fn chance_is_the_same_each_time() {
    let run = || {
        let faults = json!([{"at": "audio", "fault": "cut", "probability": 0.1}]);
        let script =
            json!({"answers": ["Hello there, how are you?"], "duplex": {"faults": faults}});
        let mut me = Caller::openai(script);
        me.send(&json!({"type": "response.create"}));
        me.pass(5_000);
        (me.heard, me.end)
    };
    assert_eq!(run(), run());
}
