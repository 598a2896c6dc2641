use serde_json::{Value, json};

use super::super::codec::Codec;
use crate::providers::asides::Asides;
use crate::providers::draft::Codec as _;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderEvent};
use crate::types::{FinishReason, MediaKind, ToolCall, Usage};

fn read(chunks: &[Value]) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut codec = Codec::new("gemini:m", 3, Asides::default());
    let mut all = Vec::new();
    for chunk in chunks {
        all.extend(codec.read(&chunk.to_string())?);
        if matches!(all.last(), Some(ProviderEvent::Finished { .. })) {
            return Ok(all);
        }
    }
    all.extend(codec.end()?);
    Ok(all)
}

fn said(parts: &Value) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "index": 0 }] })
}

fn stopped(reason: &str) -> Value {
    json!({ "candidates": [{ "finishReason": reason }], "usageMetadata": { "promptTokenCount": 9 } })
}

#[test]
fn text_comes_in_pieces_and_what_was_thought_is_not_said() {
    let events = read(&[
        said(&json!([{ "text": "Where?", "thought": true }])),
        said(&json!([{ "text": "Hel" }])),
        json!({ "candidates": [{ "content": { "parts": [{ "text": "lo" }] }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": 30, "toolUsePromptTokenCount": 1,
                "candidatesTokenCount": 4, "thoughtsTokenCount": 6, "cachedContentTokenCount": 8,
                "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 10 },
                    { "modality": "AUDIO", "tokenCount": 20 }] } }),
    ]);
    let usage = Usage { cached_tokens: 8, audio_input_tokens: 20, ..Usage::of_text(31, 10) };
    assert_eq!(
        events.unwrap(),
        [
            ProviderEvent::TextDelta("Hel".to_owned()),
            ProviderEvent::TextDelta("lo".to_owned()),
            ProviderEvent::Finished { reason: FinishReason::Stop, usage: Some(usage) },
        ]
    );
}

#[test]
fn calls_come_whole_and_their_signatures_are_remembered() {
    let asides = Asides::default();
    let mut codec = Codec::new("gemini:m", 3, asides.clone());
    let chunk = said(&json!([
        { "functionCall": { "name": "weather", "args": { "city": "Bern" } }, "thoughtSignature": "c2ln" },
        { "functionCall": { "id": "x7", "name": "clock" } },
    ]));
    assert!(codec.read(&chunk.to_string()).unwrap().is_empty());
    let events = codec.read(&stopped("STOP").to_string()).unwrap();
    let call = |id: &str, name: &str, arguments| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments,
    };
    let weather = call("call-3-0", "weather", json!({ "city": "Bern" }));
    let clock = call("x7", "clock", json!({}));
    let usage = Some(Usage::of_text(9, 0));
    assert_eq!(
        events,
        [
            ProviderEvent::ToolCall(weather.clone()),
            ProviderEvent::ToolCall(clock.clone()),
            ProviderEvent::Finished { reason: FinishReason::ToolCalls, usage },
        ]
    );
    assert_eq!(asides.get(&weather), Some(json!("c2ln")));
    assert_eq!(asides.get(&clock), None);
}

#[test]
fn an_answer_that_comes_as_a_whole_or_as_a_list_is_the_same() {
    let one = json!({ "candidates": [{ "content": { "parts": [{ "text": "Hello" }] },
        "finishReason": "MAX_TOKENS" }], "usageMetadata": { "promptTokenCount": 2 } });
    let list = json!([said(&json!([{ "text": "Hello" }])), stopped("MAX_TOKENS")]);
    for (body, tokens) in [(one, 2), (list, 9)] {
        let mut codec = Codec::new("gemini:m", 3, Asides::default());
        let usage = Some(Usage::of_text(tokens, 0));
        assert_eq!(
            codec.whole(&body.to_string()).unwrap(),
            [
                ProviderEvent::TextDelta("Hello".to_owned()),
                ProviderEvent::Finished { reason: FinishReason::Length, usage },
            ]
        );
    }
}

#[test]
fn what_is_withheld_is_an_error_unless_some_of_it_was_said() {
    for reason in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"] {
        let error = read(&[stopped(reason)]).unwrap_err();
        assert_eq!((error.kind, &*error.reason), (ProviderErrorKind::ContentPolicy, reason));
        let events = read(&[said(&json!([{ "text": "Well" }])), stopped(reason)]).unwrap();
        let Some(ProviderEvent::Finished { reason, .. }) = events.last() else { panic!("no end") };
        assert_eq!(*reason, FinishReason::ContentFilter);
    }
    let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY", "safetyRatings": [] } });
    let error = read(&[blocked]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::ContentPolicy);
    assert_eq!(
        error.to_string(),
        "gemini:m withholds its answer: what it was asked is blocked: SAFETY"
    );
    let fine = json!({ "promptFeedback": { "safetyRatings": [] } });
    assert!(read(&[fine, said(&json!([{ "text": "Well" }]))]).is_ok());
}

#[test]
fn what_nobody_can_use_may_be_asked_for_again() {
    let wrong = json!({ "candidates": [{ "finishReason": "MALFORMED_FUNCTION_CALL",
        "finishMessage": "print(x)" }] });
    let error = read(&[wrong]).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Failed);
    assert_eq!(error.reason, "MALFORMED_FUNCTION_CALL: print(x)");
}

#[test]
fn errors_in_the_middle_have_their_kind() {
    for (status, code, kind) in [
        ("UNAVAILABLE", 503, ProviderErrorKind::Overloaded),
        ("RESOURCE_EXHAUSTED", 429, ProviderErrorKind::RateLimited),
        ("INVALID_ARGUMENT", 400, ProviderErrorKind::InvalidRequest),
        ("INTERNAL", 500, ProviderErrorKind::Failed),
    ] {
        let error = json!({ "error": { "code": code, "message": "so it is", "status": status } });
        let error = read(&[said(&json!([])), error]).unwrap_err();
        assert_eq!((error.kind, &*error.reason), (kind, "so it is"), "{status}");
    }
}

#[test]
fn pictures_come_beside_the_text() {
    let picture =
        json!([{ "text": "Here." }, { "inlineData": { "mimeType": "image/png", "data": "AP8H" } }]);
    let events = read(&[said(&picture), stopped("STOP")]).unwrap();
    let ProviderEvent::Media(media) = &events[1] else { panic!("{events:?}") };
    assert_eq!((media.kind, &*media.mime), (MediaKind::Image, "image/png"));
    // A picture alone is an answer.
    let alone = said(&json!([{ "inlineData": { "mimeType": "image/png", "data": "AP8H" } }]));
    assert!(read(&[alone, stopped("STOP")]).is_ok());
}

#[test]
fn what_is_not_known_is_passed_over() {
    let mut codec = Codec::new("gemini:m", 3, Asides::default());
    for chunk in [
        json!({ "modelVersion": "m", "responseId": "r" }),
        said(&json!([{ "executableCode": { "code": "x" } }, { "text": "Well" }])),
        json!({ "candidates": [{ "finishReason": "FINISH_REASON_UNSPECIFIED" }] }),
    ] {
        codec.read(&chunk.to_string()).unwrap();
    }
    codec.read("{").unwrap();
    assert_eq!(codec.draft().skipped(), 1);
    assert!(!codec.draft().is_complete());
    assert_eq!(read(&[]).unwrap_err().reason, "it said nothing");
}
