//! Whatever a client sends, in whatever order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::Say;
use super::Caller;

/// What a client of OpenAI's protocol may send, sensible or not.
fn of_openai() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"type": "response.create"}),
        json!({"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"]}}),
        json!({"type": "response.create", "response": []}),
        json!({"type": "response.cancel"}),
        json!({"type": "input_audio_buffer.append", "audio": "AAAA".repeat(1_600)}),
        json!({"type": "input_audio_buffer.append", "audio": "AAA="}),
        json!({"type": "input_audio_buffer.commit"}),
        json!({"type": "input_audio_buffer.clear"}),
        json!({"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}),
        json!({"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}}),
        json!({"type": "session.update", "session": {"type": "realtime", "audio": "loud"}}),
        json!({"type": "session.update", "session": {"type": "realtime", "audio": {"input": 1, "output": {"format": {"type": "audio/pcma"}}}}}),
        json!({"type": "session.update", "session": {"type": "realtime", "audio": null, "tools": {}}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "id": "a", "content": [1, {"type": "input_text", "text": "x"}]}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "id": "a", "content": [{"type": "input_audio", "audio": "AAAA"}]}}),
        json!({"type": "conversation.item.create", "item": {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}}),
        json!({"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c", "output": "x"}}),
        json!({"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 1}),
        json!({"type": "conversation.item.delete", "item_id": "a"}),
        json!({"type": ["x"]}),
        json!([1]),
        json!(null),
    ])
}

/// The same with Gemini's.
fn of_gemini() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "x"}]}], "turnComplete": true}}),
        json!({"client_content": {"turns": [{"parts": "x"}], "turn_complete": false}}),
        json!({"clientContent": {"turns": ["x"]}}),
        json!({"clientContent": 1}),
        json!({"realtimeInput": {"audio": {"data": "AAAA".repeat(1_600), "mimeType": "audio/pcm;rate=16000"}}}),
        json!({"realtimeInput": {"audio": {"data": "AAAA", "mimeType": "audio/pcm;rate=1"}}}),
        json!({"realtimeInput": {"audioStreamEnd": true, "text": "x"}}),
        json!({"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/png"}}}),
        json!({"realtime_input": {"media_chunks": [1, {"data": 1, "mime_type": "audio/pcm"}]}}),
        json!({"toolResponse": {"functionResponses": [{"id": "x", "response": {}}, 1]}}),
        json!({"toolResponse": {"functionResponses": {}}}),
        json!({"contextUpdate": {}}),
        json!([1]),
        json!({}),
    ])
}

fn steps(message: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<(Value, u64)>> {
    prop::collection::vec((message, prop::sample::select(vec![0, 1, 50, 300, 2_000])), 0..40)
}

fn script() -> Value {
    json!({
        "answers": ["Hello there.", {"tool": "clock"}, {"say": "Wait.", "calls": [{"tool": "clock"}]}],
        "duplex": {"faults": [
            {"at": "audio", "fault": "cut", "probability": 0.01},
            {"at": "audio", "fault": "stall:700", "probability": 0.05},
            {"at": "response_begun", "fault": "reorder", "probability": 0.1},
            {"at": "response_begun", "fault": "duplicate", "probability": 0.1},
            {"at": "first_audio", "fault": "fail:server_error", "probability": 0.1},
        ]},
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_response_that_begins_ends_and_so_does_each_of_its_items(steps in steps(of_openai())) {
        let mut me = Caller::openai(script());
        for (message, ms) in &steps {
            me.send(message);
            me.pass(*ms);
        }
        me.pass(60_000);
        let count = |kind| me.all(kind).len();
        if me.end.is_none() {
            prop_assert_eq!(count("response.created"), count("response.done"));
            prop_assert_eq!(count("response.output_item.added"), count("response.output_item.done"));
            prop_assert_eq!(count("conversation.item.added"), count("conversation.item.done"));
        }
        prop_assert!(count("response.created") >= count("response.done"));
        let ids: std::collections::HashSet<_> =
            me.heard.iter().filter_map(|(_, event)| event["event_id"].as_str()).collect();
        let twice = me.log().faults.iter().any(|fault| fault == "duplicate");
        prop_assert!(twice || ids.len() == me.heard.len(), "each event has an id of its own");
        prop_assert!(me.heard.windows(2).all(|two| two[0].0 <= two[1].0));
    }

    #[test]
    fn a_turn_of_geminis_is_complete_once(steps in steps(of_gemini())) {
        let mut me = Caller::gemini(script(), &json!({"sessionResumption": {}}));
        for (message, ms) in &steps {
            me.send(message);
            me.pass(*ms);
        }
        me.pass(60_000);
        let has = |name: &str| {
            let contents = me.heard.iter().filter_map(|(_, event)| event.get("serverContent"));
            contents.filter(|content| content.get(name).is_some()).count()
        };
        prop_assert!(has("turnComplete") <= me.log().responses.len());
        prop_assert!(has("interrupted") + has("generationComplete") <= me.log().responses.len() + 1);
        if let Some(Say::Close(code, _)) = &me.end {
            prop_assert_eq!(*code, 1007);
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let now = crate::time::SessionTime::ZERO;
        for mut me in [Caller::openai(json!({})), Caller::gemini(json!({}), &json!({}))] {
            me.peer.hear(&crate::net::SocketMessage::Text(text.clone()), now);
            me.peer.hear(&crate::net::SocketMessage::Binary(bytes.clone().into()), now);
            me.pass(1_000);
        }
    }
}

#[test]
fn a_stall_does_not_hold_up_everything() {
    let faults = json!([{"at": "ready", "fault": "stall:60000"}]);
    let mut me = Caller::openai(json!({"duplex": {"faults": faults}}));
    for _ in 0..5_000 {
        me.send(&json!({"type": "response.cancel"}));
    }
    assert!(matches!(me.end, Some(Say::Close(1008, _))), "{:?}", me.end);
    assert!(me.all("error").is_empty());
}
