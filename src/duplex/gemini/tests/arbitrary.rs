//! Whatever the other side sends, in whatever order: it is read without a panic, and answers begin
//! and end as they must.

use proptest::prelude::*;

use super::*;
use crate::duplex::tests::Order;
use crate::types::ToolResult;

/// A message of the other side: any mixture.
fn message() -> impl Strategy<Value = String> {
    let flag = || proptest::bool::weighted(0.2);
    (flag(), flag(), flag(), flag(), flag(), flag(), flag(), 0..3_u8, any::<bool>()).prop_map(
        |(sounds, says, calls, interrupted, generated, complete, other, n, snakes)| {
            let mut content = if sounds { sound(&[1, 0, n]) } else { json!({}) };
            if says {
                content["outputTranscription"] = json!({ "text": "so" });
                content["inputTranscription"] = json!({ "text": "so", "finished": n == 1 });
            }
            content["interrupted"] = json!(interrupted);
            content["generationComplete"] = json!(generated);
            content["turnComplete"] = json!(complete);
            let mut message = json!({ "serverContent": content });
            if calls {
                let call = json!({ "id": format!("c{n}"), "name": "clock", "args": {} });
                message["toolCall"] = json!({ "functionCalls": [call] });
            }
            if other {
                message["toolCallCancellation"] = json!({ "ids": [format!("c{n}")] });
                message["usageMetadata"] = json!({ "promptTokenCount": 5 });
                message["goAway"] = json!({ "timeLeft": "1s" });
                let update = json!({ "newHandle": "h", "resumable": n == 0 });
                message["sessionResumptionUpdate"] = update;
                message["setupComplete"] = json!({});
                message["voiceActivity"] = json!({ "voiceActivityType": "ACTIVITY_START" });
            }
            let message = if snakes { snake(message) } else { message };
            message.to_string()
        },
    )
}

fn input() -> impl Strategy<Value = DuplexInput> {
    let turn = || (1..4_u32).prop_map(TurnId::new);
    let reply = (0..6_u32).prop_map(|n| (0..n).fold(ReplyId::FIRST, |id, _| id.next()));
    prop_oneof![
        turn().prop_map(|turn| DuplexInput::TurnBegan { turn }),
        turn().prop_map(|turn| DuplexInput::TurnEnded { turn }),
        turn().prop_map(|turn| DuplexInput::TurnDropped { turn }),
        Just(DuplexInput::Text("so".into())),
        Just(DuplexInput::Respond { say: None }),
        Just(DuplexInput::Respond { say: Some("so".into()) }),
        (0..4_u8).prop_map(|n| DuplexInput::ToolResults(vec![ToolResult {
            id: format!("c{n}"),
            name: "clock".into(),
            content: "noon".into(),
            is_error: false,
        }])),
        reply.prop_map(|reply| DuplexInput::Cancel { reply }),
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
        8 => message().prop_map(Step::Hear),
        4 => input().prop_map(Step::Tell),
        1 => Just(Step::Lose),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Bytes as they come, and messages of which something is wrong.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let broken = || (message(), any::<proptest::sample::Index>(), any::<u8>());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        broken().prop_map(|(message, at, byte)| {
            let mut bytes = message.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        broken().prop_map(|(message, at, _)| {
            let mut bytes = message.into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
    ]
}

proptest! {
    #[test]
    fn answers_begin_and_end_as_they_must(steps in steps(), detecting in any::<bool>()) {
        let mut call = if detecting { Call::detecting() } else { Call::new() };
        let mut order = Order::default();
        for step in steps {
            match step {
                Step::Hear(message) => {
                    call.codec.decode(message.as_bytes(), &mut call.decoded);
                    order.check(&mut call.decoded);
                }
                Step::Tell(input) => {
                    call.tell(input);
                }
                Step::Lose => {
                    call.codec.lost(&mut call.decoded);
                    order.check_lost(&mut call.decoded);
                    call.open(&DuplexSettings::default(), &[]);
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
