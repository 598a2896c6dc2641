use serde_json::{Value, json};

use super::super::{Line, Say};
use super::{Caller, sentence_at};
use crate::audio::SampleRate;
use crate::bench::services::Profile;
use crate::net::SocketMessage;
use crate::time::SessionTime;

/// What came, by the name of its field; of content, the names of its fields.
fn kinds(me: &Caller) -> Vec<String> {
    let mut kinds = Vec::new();
    for (_, event) in &me.heard {
        for (key, value) in event.as_object().unwrap() {
            match value.as_object() {
                Some(content) if key == "serverContent" => kinds.extend(content.keys().cloned()),
                _ => kinds.push(key.clone()),
            }
        }
    }
    kinds.dedup();
    kinds
}

fn of<'a>(me: &'a Caller, pointer: &str) -> Vec<&'a Value> {
    me.heard.iter().filter_map(|(_, event)| event.pointer(pointer)).collect()
}

fn texts(me: &Caller, pointer: &str) -> String {
    of(me, pointer).into_iter().map(|text| text.as_str().unwrap()).collect()
}

fn line(role: &str, text: &str) -> Line {
    Line { role: role.to_owned(), text: text.to_owned() }
}

fn written(text: &str) -> Value {
    let turns = json!([{"role": "user", "parts": [{"text": text}]}]);
    json!({"clientContent": {"turns": turns, "turnComplete": true}})
}

const PLAIN: fn() -> Value =
    || json!({"inputAudioTranscription": {}, "outputAudioTranscription": {}});

#[test]
fn a_spoken_turn_is_heard_written_down_and_answered() {
    let script = json!({"heard": ["what time is it"], "answers": ["It is noon."]});
    let mut me = Caller::gemini(script, &PLAIN());
    me.say("04", 3_000);
    assert_eq!(texts(&me, "/serverContent/inputTranscription/text"), "what time is it");
    assert_eq!(texts(&me, "/serverContent/outputTranscription/text"), "It is noon.");
    let kinds = kinds(&me);
    assert_eq!(kinds[0], "setupComplete");
    let last = ["generationComplete", "turnComplete", "usageMetadata"];
    assert_eq!(kinds[kinds.len() - 3..], last);
    let sound = of(&me, "/serverContent/modelTurn/parts/0/inlineData");
    assert!(sound.iter().all(|blob| blob["mimeType"] == "audio/pcm;rate=24000"));
    let usage = of(&me, "/usageMetadata")[0];
    assert_eq!(usage["responseTokensDetails"], json!([{"modality": "AUDIO", "tokenCount": 21}]));
    let log = me.log();
    assert_eq!(
        log.conversation,
        [line("user", "what time is it"), line("assistant", "It is noon.")]
    );
    assert!((i64::try_from(log.turns[0].ended_ms).unwrap() - 1_223).abs() < 100, "{log:?}");
    assert_eq!((log.spoken_ms, log.model.as_str()), (660, "models/m"));
}

#[test]
fn the_turn_is_over_when_the_answer_was_heard() {
    let mut me = Caller::gemini(json!({"answers": ["x".repeat(50)]}), &json!({}));
    me.send(&written("hi"));
    me.pass(10_000);
    let at = |pointer: &str| {
        me.heard.iter().find(|(_, event)| event.pointer(pointer).is_some()).unwrap().0
    };
    let first = at("/serverContent/modelTurn");
    assert!((at("/serverContent/generationComplete") - first - 1_450.0).abs() < 1.0);
    assert!((at("/serverContent/turnComplete") - first - 3_000.0).abs() < 1.0);
}

#[test]
fn whoever_speaks_up_ends_the_answer_where_it_was_heard() {
    let script = json!({"answers": ["A very long answer that goes on and on and on and on."]});
    let mut me = Caller::gemini(script, &PLAIN());
    me.send(&written("hi"));
    me.say("01", 0);
    let kinds = kinds(&me);
    let at = kinds.iter().position(|kind| kind == "interrupted").unwrap();
    assert_eq!(kinds[at + 1], "turnComplete");
    assert!(!kinds.contains(&"generationComplete".to_owned()));
    let said = me.log().conversation[1].text.clone();
    assert!(said.starts_with('A') && said.len() < 15, "{said}");
}

#[test]
fn whoever_speaks_up_may_be_passed_over() {
    let script = json!({"answers": ["A long answer goes on.", "Next."]});
    let setup = json!({"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}});
    let mut me = Caller::gemini(script, &setup);
    me.send(&written("hi"));
    me.say("01", 3_000);
    assert!(of(&me, "/serverContent/interrupted").is_empty());
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 2, "the turn is answered afterwards");
}

#[test]
fn who_detects_activity_tells_it() {
    let setup = json!({
        "realtime_input_config": {"automatic_activity_detection": {"disabled": true}},
        "explicit_vad_signal": true,
    });
    let mut me = Caller::gemini(json!({"heard": ["hello"], "answers": ["Hi."]}), &setup);
    me.send(&json!({"realtime_input": {"activity_start": {}}}));
    me.say("01", 0);
    me.pass(5_000);
    assert!(of(&me, "/serverContent").is_empty());
    me.send(&json!({"realtimeInput": {"activityEnd": {}}}));
    me.pass(1_000);
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 1);
    let signals = of(&me, "/voiceActivity/voiceActivityType");
    assert_eq!(signals, [&json!("ACTIVITY_START"), &json!("ACTIVITY_END")]);

    let mut other = Caller::gemini(json!({}), &json!({}));
    other.send(&json!({"realtimeInput": {"activityStart": {}}}));
    assert!(matches!(&other.end, Some(Say::Close(1007, why)) if why.contains("activity control")));
}

#[test]
fn the_end_of_a_stream_ends_the_turn() {
    let mut me = Caller::gemini(json!({"answers": ["Hi."]}), &json!({}));
    me.say("01", 0);
    me.send(&json!({"realtimeInput": {"audioStreamEnd": true}}));
    me.pass(2_000);
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 1);
}

#[test]
fn tools_are_called_answered_and_cancelled() {
    let call = json!({"calls": [{"tool": "clock"}, {"tool": "light", "arguments": {"on": 1}}]});
    let mut me = Caller::gemini(json!({"answers": [call, "Noon.", call]}), &PLAIN());
    me.send(&written("time?"));
    me.pass(2_000);
    let calls = of(&me, "/toolCall/functionCalls")[0].clone();
    assert_eq!((&calls[1]["name"], &calls[1]["args"]), (&json!("light"), &json!({"on": 1})));
    assert!(of(&me, "/serverContent/turnComplete").is_empty(), "the model waits");
    let result = |call: &Value| {
        let given = json!({"id": call["id"], "name": call["name"], "response": {"output": "ok"}});
        json!({"tool_response": {"function_responses": [given]}})
    };
    me.send(&result(&calls[0]));
    me.pass(2_000);
    assert!(of(&me, "/serverContent/turnComplete").is_empty(), "one is still to come");
    me.send(&result(&calls[1]));
    me.pass(2_000);
    assert_eq!(texts(&me, "/serverContent/outputTranscription/text"), "Noon.");
    assert_eq!(me.log().conversation[3], line("tool", r#"{"output":"ok"}"#));

    me.send(&written("again"));
    me.pass(2_000);
    let ids: Vec<_> = of(&me, "/toolCall/functionCalls/0/id").into_iter().cloned().collect();
    me.say("04", 0);
    let cancelled = of(&me, "/toolCallCancellation/ids")[0];
    assert_eq!(cancelled[0], ids[1]);
}

#[test]
fn a_tool_that_is_not_waited_for_does_not_hold_up_the_turn() {
    let declared = json!([{"name": "look_up", "behavior": "NON_BLOCKING"}]);
    let setup = json!({"tools": [{"function_declarations": declared}]});
    let answers = json!([{"tool": "look_up"}, "Found."]);
    let mut me = Caller::gemini(json!({"answers": answers}), &setup);
    me.send(&written("find it"));
    me.pass(1_000);
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 1);
    let id = of(&me, "/toolCall/functionCalls/0/id")[0].clone();
    let result = |more: Value, scheduling: &str| {
        let given =
            json!({"id": id, "response": {}, "willContinue": more, "scheduling": scheduling});
        json!({"toolResponse": {"functionResponses": [given]}})
    };
    me.send(&result(json!(true), "SILENT"));
    me.pass(1_000);
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 1);
    me.send(&result(json!(false), "WHEN_IDLE"));
    me.pass(2_000);
    assert_eq!(of(&me, "/serverContent/turnComplete").len(), 2);
}

#[test]
fn what_was_said_before_is_told_first_and_is_not_answered() {
    let setup = json!({"history_config": {"initial_history_in_client_content": true}});
    let mut me = Caller::gemini(json!({"answers": ["Hi John."]}), &setup);
    me.send(&written("I am John"));
    me.pass(2_000);
    assert!(me.log().responses.is_empty());
    me.send(&written("Who am I?"));
    me.pass(2_000);
    let said: Vec<_> = me.log().conversation.iter().map(|line| line.text.clone()).collect();
    assert_eq!(said, ["I am John", "Who am I?", "Hi John."]);
}

/// The sound that came before the place is not told again.
#[test]
fn a_session_goes_on_in_the_middle_of_what_the_user_says() {
    for told in [false, true] {
        let detection = json!({"automaticActivityDetection": {"disabled": told}});
        let setup = |handle: Option<&Value>| {
            let resumption = json!({"transparent": true, "handle": handle});
            json!({"realtimeInputConfig": detection, "sessionResumption": resumption})
        };
        let script = json!({"heard": ["hello"], "answers": ["Hi."]});
        let mut me = Caller::gemini(script, &setup(None));
        if told {
            me.send(&json!({"realtimeInput": {"activityStart": {}}}));
        }
        let sound = sentence_at("05", SampleRate::SPEECH);
        me.sound(&sound[..52 * 320]);
        let place = of(&me, "/sessionResumptionUpdate").last().copied().cloned().unwrap();
        let known: usize =
            place["lastConsumedClientMessageIndex"].as_str().unwrap().parse().unwrap();
        assert!((50..=53).contains(&known), "{place}");

        let mut again =
            Caller::gemini_again(&me.services, &setup(Some(&place["newHandle"])), me.now);
        // In pieces of 20 ms; one message was no sound.
        again.sound(&sound[(known - usize::from(told)) * 320..]);
        match told {
            true => again.send(&json!({"realtimeInput": {"activityEnd": {}}})),
            false => again.sound(&[0; 16_000]),
        }
        again.pass(2_000);
        let log = again.log();
        assert!(log.resumed);
        let said: Vec<_> = log.conversation.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(said, ["hello", "Hi."], "told: {told}");
    }
}

#[test]
fn a_session_goes_on_by_its_handle() {
    let setup = json!({"sessionResumption": {"transparent": true}});
    let mut me = Caller::gemini(json!({"answers": ["Hi John.", "John."]}), &setup);
    me.send(&written("I am John"));
    me.pass(2_000);
    let updates = of(&me, "/sessionResumptionUpdate");
    assert_eq!(*updates[0], json!({"resumable": false}));
    assert_eq!(
        (&updates[1]["resumable"], &updates[1]["lastConsumedClientMessageIndex"]),
        (&json!(true), &json!("1"))
    );
    let handle = updates[1]["newHandle"].clone();

    let setup = json!({"session_resumption": {"handle": handle}});
    let mut again = Caller::gemini_again(&me.services, &setup, me.now);
    again.send(&written("Who am I?"));
    again.pass(2_000);
    let log = again.log();
    assert!(log.resumed);
    let said: Vec<_> = log.conversation.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(said, ["I am John", "Hi John.", "Who am I?", "John."]);

    let setup = json!({"sessionResumption": {"handle": "nobody's"}});
    let other = Caller::gemini_again(&me.services, &setup, me.now);
    assert!(matches!(other.end, Some(Say::Close(1008, _))), "{:?}", other.end);
}

#[test]
fn the_end_is_announced() {
    let mut me = Caller::gemini(json!({}), &json!({}));
    me.pass(540_000);
    assert_eq!(of(&me, "/goAway/timeLeft"), [&json!("60s")]);
    assert_eq!(me.end, None);
    me.pass(60_000);
    assert!(matches!(me.end, Some(Say::Close(1011, _))));
}

#[test]
fn what_is_wrong_closes() {
    for (message, why) in [
        (json!({"setup": {"model": "models/m"}}), "setup must be the first"),
        (json!({"nothing": {}}), "Unknown name \"nothing\""),
        (json!({"clientContent": {}, "realtimeInput": {}}), "exactly one"),
        (json!({"clientContent": {"turn": []}}), "Unknown name \"turn\""),
        (json!({"realtimeInput": {"audio": {"data": "", "mimeType": "audio/mp3"}}}), "Unsupported"),
    ] {
        let mut me = Caller::gemini(json!({}), &json!({}));
        me.send(&message);
        assert!(
            matches!(&me.end, Some(Say::Close(1007, said)) if said.contains(why)),
            "{:?}",
            me.end
        );
    }
    let me = Caller::gemini(json!({}), &json!({"voice": 1}));
    assert!(matches!(&me.end, Some(Say::Close(1007, _))));
}

#[test]
fn old_turns_are_forgotten_where_that_is_asked_for() {
    let window = json!({"trigger_tokens": 30, "sliding_window": {"target_tokens": 10}});
    let mut me = Caller::gemini(
        json!({}),
        &json!({"context_window_compression": window, "generation_config": {"response_modalities": ["TEXT"]}}),
    );
    for number in 0..4 {
        me.send(&written(&format!("number {number} {}", "word ".repeat(8))));
        me.pass(5_000);
    }
    assert!(me.log().conversation.len() < 6, "{:?}", me.log().conversation);
    assert!(!texts(&me, "/serverContent/modelTurn/parts/0/text").is_empty());
}

#[test]
fn messages_come_as_bytes_or_as_text() {
    for text in [false, true] {
        let services =
            super::services(Profile::Zero.delays(), json!({"duplex": {"text_frames": text}}));
        let path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        let mut me = Caller::new(&services, path, 16_000, SessionTime::ZERO);
        let setup = json!({"setup": {"model": "models/m"}}).to_string();
        me.peer.hear(&SocketMessage::Binary(setup.into()), SessionTime::ZERO);
        let said = me.peer.poll(SessionTime::ZERO);
        let Some(Say::Message(message)) = said else { panic!("{said:?}") };
        assert_eq!(matches!(message, SocketMessage::Text(_)), text);
    }
}
