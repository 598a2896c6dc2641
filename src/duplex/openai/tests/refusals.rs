//! What is refused, and what it means.

use serde_json::json;

use super::*;
use crate::duplex::{Refusal, RefusalKind};

/// The error in a session that is ready.
#[expect(clippy::needless_pass_by_value, reason = "it reads as it is written")]
fn refused(error: serde_json::Value) -> (Vec<DuplexEvent>, Option<Refusal>) {
    let mut call = Call::new();
    let events = call.hear("error", json!({ "error": error }));
    (events, call.decoded.refused)
}

#[test]
fn errors_say_what_can_be_done_and_the_session_goes_on() {
    for (kind, code, expected) in [
        ("invalid_request_error", Some("response_cancel_not_active"), RefusalKind::TooLate),
        (
            "invalid_request_error",
            Some("conversation_already_has_active_response"),
            RefusalKind::TooLate,
        ),
        ("invalid_request_error", Some("unknown_parameter"), RefusalKind::Invalid),
        ("invalid_request_error", None, RefusalKind::Invalid),
        ("tokens", Some("rate_limit_exceeded"), RefusalKind::Busy),
        ("server_error", None, RefusalKind::Failed),
        ("of_a_kind_to_come", None, RefusalKind::Failed),
    ] {
        let (events, ended) = refused(json!({ "type": kind, "code": code, "message": "no" }));
        let [DuplexEvent::Refused(refusal)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(refusal.kind, expected, "{kind} {code:?}");
        assert_eq!(ended, None);
    }
}

#[test]
fn some_errors_end_the_session() {
    for (code, expected) in [
        ("session_expired", RefusalKind::Expired),
        ("invalid_api_key", RefusalKind::Unauthorized),
        ("insufficient_quota", RefusalKind::Unauthorized),
    ] {
        let error = json!({ "type": "invalid_request_error", "code": code, "message": "no" });
        let (events, ended) = refused(error);
        assert_eq!(events, []);
        assert_eq!(ended.unwrap().kind, expected);
    }
}

#[test]
fn a_session_that_is_refused_does_not_begin() {
    let mut call = Call::closed(options());
    let sent = call.open(&DuplexSettings::default(), &[Message::user("hello")]);
    let error = |event| {
        json!({ "error": { "type": "invalid_request_error", "code": "invalid_value",
                           "message": "no such voice", "event_id": event } })
    };
    let events = call.hear("error", error(sent[1]["event_id"].clone()));
    assert!(matches!(&events[..], [DuplexEvent::Refused(_)]), "a message of the past alone");
    assert_eq!(call.decoded.refused, None);
    assert_eq!(call.hear("error", error(sent[0]["event_id"].clone())), []);
    assert_eq!(call.decoded.refused.unwrap().kind, RefusalKind::Invalid);
}

#[test]
fn a_correction_that_comes_too_late_does_no_harm() {
    let mut call = Call::new();
    call.ask("r1");
    let sent = call.tell(DuplexInput::Cancel { reply: FIRST });
    let error = json!({ "type": "invalid_request_error", "code": "invalid_value", "message": "over",
                        "event_id": sent[0]["event_id"] });
    let events = call.hear("error", json!({ "error": error }));
    let [DuplexEvent::Refused(refusal)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(refusal.kind, RefusalKind::TooLate);
}

#[test]
fn errors_are_short_and_quote_no_key() {
    let message = format!("Incorrect key:\nsk-1234 {}", "x".repeat(1_000));
    let error =
        json!({ "type": "invalid_request_error", "code": "invalid_api_key", "message": message });
    let (_, ended) = refused(error);
    let said = ended.unwrap().to_string();
    assert!(said.starts_with("Incorrect key: [secret] xxx"), "{said}");
    assert!(said.len() < 400);
}

#[test]
fn what_is_known_and_without_meaning_is_passed_over_and_the_rest_counted() {
    let mut call = Call::new();
    let events = include_str!("events.txt");
    assert_eq!(events.lines().count(), 46);
    for kind in events.lines() {
        call.hear(kind, json!({}));
    }
    let broken = call.codec.skipped();
    assert_eq!(call.hear("response.sung", json!({})), []);
    assert_eq!(call.raw("{\"type\":"), []);
    assert_eq!(call.raw("[]"), []);
    assert_eq!(call.raw("{}"), []);
    assert_eq!(call.codec.skipped(), broken + 4);

    // Of the others nothing can be made without what they are about, but of one.
    let mut call = Call::new();
    for kind in super::super::decoding::WITHOUT_MEANING {
        assert_eq!(call.hear(kind, json!({ "item": { "new": [1] } })), []);
        assert!(events.lines().any(|known| known == *kind), "{kind}");
    }
    assert_eq!(call.codec.skipped(), 0);
    assert_eq!(super::super::decoding::WITHOUT_MEANING.len() as u64, 46 - broken - 1);
}

#[test]
fn more_than_is_known_in_an_event_is_passed_over() {
    let mut call = Call::new();
    call.ask("r1");
    let delta = json!({ "response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0,
                        "delta": "No", "obfuscation": "xyz", "new": { "deep": [1, 2] } });
    let told = DuplexEvent::Text { reply: FIRST, delta: "No".to_owned() };
    assert_eq!(call.hear("response.output_audio_transcript.delta", delta), [told]);
}

#[test]
fn events_that_are_not_needed_here_can_be_said() {
    use super::super::wire::{ClientEvent, Sent};
    let written = |event| serde_json::to_value(Sent { event_id: "e", event }).unwrap();
    assert_eq!(
        written(ClientEvent::ClearOutput),
        json!({ "type": "output_audio_buffer.clear", "event_id": "e" })
    );
    assert_eq!(
        written(ClientEvent::RetrieveItem { item_id: "i" }),
        json!({ "type": "conversation.item.retrieve", "event_id": "e", "item_id": "i" })
    );
}
