//! Whatever the other side sends, in whatever order: it is read without a panic, and answers begin
//! and end as they must.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::duplex::tests::Order;
use crate::types::{Media, MediaKind, ToolResult};

/// An event of the other side; with few names, so that they meet.
fn event() -> impl Strategy<Value = String> {
    let kinds: Vec<&str> = include_str!("events.txt").lines().collect();
    (
        proptest::sample::select(kinds),
        0..3_u8,
        0..3_u8,
        0..2_u8,
        proptest::sample::select(vec!["completed", "cancelled", "failed", "incomplete"]),
        any::<bool>(),
    )
        .prop_map(|(kind, response, item, index, status, mark)| {
            let call = json!({ "type": "function_call", "id": "i", "call_id": format!("c{item}"),
                               "name": "clock", "arguments": "{}" });
            let metadata =
                if mark { json!({ "banter_ask": index.to_string() }) } else { json!(null) };
            json!({
                "type": kind, "event_id": format!("e{response}{item}{index}"),
                "response_id": format!("r{response}"), "item_id": format!("i{item}"),
                "content_index": index, "delta": "AQID", "text": "AQIDAQID", "transcript": "AQIDA",
                "call_id": format!("c{item}"), "name": "clock", "arguments": "{}",
                "item": call, "audio_start_ms": 90, "audio_end_ms": 900,
                "response": { "id": format!("r{response}"), "status": status, "output": [call],
                              "metadata": metadata },
                "error": { "type": "invalid_request_error", "message": "no",
                           "code": "conversation_already_has_active_response",
                           "event_id": format!("create-{index}") },
            })
            .to_string()
        })
}

fn input() -> impl Strategy<Value = DuplexInput> {
    let image = Arc::new(Media::bytes(MediaKind::Image, "image/png", vec![1]));
    let turn = || (1..4_u32).prop_map(TurnId::new);
    let reply = || (0..4_u32).prop_map(|n| (0..n).fold(ReplyId::FIRST, |id, _| id.next()));
    let at = SessionTime::from_millis(5);
    prop_oneof![
        (0..200_usize).prop_map(move |n| {
            let rate = crate::duplex::openai::Format::Pcm.rate();
            DuplexInput::Sound { at, audio: AudioChunk::new(vec![3; n], rate) }
        }),
        turn().prop_map(|turn| DuplexInput::TurnBegan { turn }),
        turn().prop_map(|turn| DuplexInput::TurnEnded { turn }),
        turn().prop_map(|turn| DuplexInput::TurnDropped { turn }),
        Just(DuplexInput::Image(image)),
        Just(DuplexInput::Respond { say: None }),
        Just(DuplexInput::Respond { say: Some("so".into()) }),
        (0..4_u8).prop_map(|n| DuplexInput::ToolResults(vec![ToolResult {
            id: format!("c{n}"),
            name: "clock".into(),
            content: "noon".into(),
            is_error: false,
        }])),
        reply().prop_map(|reply| DuplexInput::Cancel { reply }),
        (reply(), any::<bool>(), 0..3_u64).prop_map(|(reply, whole, ms)| DuplexInput::Heard {
            reply,
            sound: Duration::from_millis(ms),
            text: "so".into(),
            whole,
        }),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Hear(String),
    Tell(DuplexInput),
    Lose,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => event().prop_map(Step::Hear),
        3 => input().prop_map(Step::Tell),
        1 => Just(Step::Lose),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn answers_begin_and_end_as_they_must(steps in steps(), detecting in any::<bool>()) {
        let mut call = if detecting { Call::detecting() } else { Call::new() };
        let mut order = Order::default();
        for step in steps {
            match step {
                Step::Hear(event) => {
                    call.codec.decode(event.as_bytes(), &mut call.decoded);
                    order.check(&mut call.decoded);
                }
                Step::Tell(input) => {
                    call.tell(input);
                }
                Step::Lose => {
                    call.codec.lost(&mut call.decoded);
                    order.check_lost(&mut call.decoded);
                    call.open(&DuplexSettings::default(), &[]);
                    call.answered();
                }
            }
            call.answered();
        }
        call.codec.lost(&mut call.decoded);
        order.check_lost(&mut call.decoded);
    }

    #[test]
    fn any_bytes_are_read(frames in proptest::collection::vec(bytes(), 0..20)) {
        let mut call = Call::new();
        let mut order = Order::default();
        for frame in frames {
            call.codec.decode(&frame, &mut call.decoded);
            order.check(&mut call.decoded);
        }
        call.codec.lost(&mut call.decoded);
        order.check_lost(&mut call.decoded);
    }
}

/// Bytes as they come, and events of which something is wrong.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let broken = || (event(), any::<proptest::sample::Index>(), any::<u8>());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        broken().prop_map(|(event, at, byte)| {
            let mut bytes = event.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        broken().prop_map(|(event, at, _)| {
            let mut bytes = event.into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
    ]
}
