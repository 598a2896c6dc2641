use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::{CallEnd, Line, Say};
use super::{Caller, encoded};
use crate::audio::SampleRate;
use crate::audio::codec::g711::Law;

fn update(session: &Value) -> Value {
    let mut session = session.clone();
    session["type"] = "realtime".into();
    json!({"type": "session.update", "session": session})
}

fn without_detection() -> Value {
    update(&json!({"audio": {"input": {"turn_detection": null}}}))
}

fn line(role: &str, text: &str) -> Line {
    Line { role: role.to_owned(), text: text.to_owned() }
}

#[test]
fn a_spoken_turn_is_heard_written_down_and_answered() {
    let mut me = Caller::openai(json!({"heard": ["what time is it"], "answers": ["It is noon."]}));
    me.send(&update(&json!({"audio": {"input": {"transcription": {"model": "t"}}}})));
    // Speech from 176 to 1,223 ms.
    me.say("04", 3_000);
    assert_eq!(
        me.kinds(),
        [
            "session.created",
            "conversation.created",
            "session.updated",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "rate_limits.updated",
            "conversation.item.input_audio_transcription.completed",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
    );
    let stopped = me.last("input_audio_buffer.speech_stopped");
    let end = stopped["audio_end_ms"].as_f64().unwrap();
    assert!((end - 1_723.0).abs() < 100.0, "{end} ms");
    let first = me.at("response.output_audio.delta") - me.at("response.created");
    assert!((first - 280.0).abs() < 1e-6, "{first} ms");
    let words = me.last("conversation.item.input_audio_transcription.completed");
    assert_eq!(words["transcript"], "what time is it");
    assert!(words["usage"]["seconds"].as_f64().unwrap() > 1.0);

    let done = &me.last("response.done")["response"];
    assert_eq!(done["status"], "completed");
    assert_eq!(done["output"][0]["content"][0]["transcript"], "It is noon.");
    let usage = &done["usage"];
    assert_eq!(usage["output_token_details"]["audio_tokens"], 13); // 660 ms
    assert!(usage["input_token_details"]["audio_tokens"].as_u64().unwrap() > 10);
    let log = me.log();
    assert_eq!(
        log.conversation,
        [line("user", "what time is it"), line("assistant", "It is noon.")]
    );
    assert_eq!((log.spoken_ms, log.responses[0].status.as_str()), (660, "completed"));
    let turn = log.turns[0];
    assert!((i64::try_from(turn.ended_ms).unwrap() - 1_223).abs() < 100, "{log:?}");
    let known = [turn.began, turn.over].map(|at| at as f64 / 1e6);
    let told = ["started", "stopped"].map(|it| me.at(&format!("input_audio_buffer.speech_{it}")));
    assert_eq!(known, told);
}

#[test]
fn transcript_and_sound_come_side_by_side_and_are_whole() {
    let mut me = Caller::openai(json!({"answers": ["It is noon, and the sun shines."]}));
    me.send(&json!({"type": "response.create"}));
    me.pass(3_000);
    let deltas = |kind| me.all(kind).into_iter().map(|event| event["delta"].as_str().unwrap());
    let text: String = deltas("response.output_audio_transcript.delta").collect();
    assert_eq!(text, "It is noon, and the sun shines.");
    let sound: usize = deltas("response.output_audio.delta").map(|delta| delta.len() / 4 * 3).sum();
    let expected = 31 * 60 * 48;
    assert!(sound.abs_diff(expected) <= 2 * deltas("response.output_audio.delta").count());
    let kinds: Vec<_> = me.heard.iter().map(|(_, event)| event["type"].as_str().unwrap()).collect();
    let changes = kinds.windows(2).filter(|two| two[0] != two[1]).count();
    assert!(changes > 12, "they are interleaved: {kinds:?}");
}

#[test]
fn whoever_speaks_up_ends_the_answer() {
    let mut me =
        Caller::openai(json!({"answers": ["A very long answer that goes on and on and on."]}));
    me.say("04", 1_200);
    assert!(!me.all("response.output_audio.delta").is_empty());
    me.say("01", 0);
    let done = &me.last("response.done")["response"];
    assert_eq!(done["status_details"], json!({"type": "cancelled", "reason": "turn_detected"}));
    assert_eq!(me.last("response.output_item.done")["item"]["status"], "incomplete");
    let sent = me.all("response.output_audio.delta").len();
    me.pass(2_000);
    assert_eq!(me.all("response.output_audio.delta").len(), sent, "nothing follows");
}

#[test]
fn whoever_speaks_up_may_be_passed_over() {
    let mut me =
        Caller::openai(json!({"answers": ["A very long answer that goes on and on. ".repeat(3)]}));
    let detection = json!({"interrupt_response": false});
    me.send(&update(&json!({"audio": {"input": {"turn_detection": detection}}})));
    me.say("04", 1_200);
    me.say("01", 6_000);
    assert_eq!(me.all("input_audio_buffer.speech_started").len(), 2);
    assert_eq!(me.all("response.created").len(), 1, "one answer at a time");
    assert_eq!(me.last("response.done")["response"]["status"], "completed");
}

#[test]
fn what_was_not_heard_is_cut() {
    let mut me = Caller::openai(json!({"answers": ["Hello there, how are you?"]}));
    me.send(&json!({"type": "response.create"}));
    me.pass(600);
    me.send(&json!({"type": "response.cancel"}));
    let item = me.last("response.output_item.done")["item"]["id"].clone();
    let truncate = |ms: u64| json!({"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": ms});
    me.send(&truncate(300));
    assert_eq!(me.last("conversation.item.truncated")["audio_end_ms"], 300);
    me.send(&json!({"type": "conversation.item.retrieve", "item_id": item}));
    let content = &me.last("conversation.item.retrieved")["item"]["content"][0];
    assert_eq!(content["transcript"], "Hello");

    // Again, and a little later than the end: clients do that.
    me.send(&truncate(780));
    assert!(me.all("error").is_empty());
    me.send(&truncate(5_000));
    assert_eq!(me.last_error(), "invalid_value");
    let log = me.log();
    assert_eq!((log.truncated[0].audio_end_ms, log.truncated[0].of_ms), (300, 700));
    assert_eq!(log.conversation, [line("assistant", "Hello")]);
}

#[test]
fn a_cancel_that_comes_too_late_is_told_by_its_code() {
    let mut me = Caller::openai(json!({}));
    me.send(&json!({"type": "response.cancel", "event_id": "e1"}));
    let error = &me.last("error")["error"];
    assert_eq!(error["code"], "response_cancel_not_active");
    assert_eq!(
        (&error["event_id"], &error["type"]),
        (&json!("e1"), &json!("invalid_request_error"))
    );
    me.send(&json!({"type": "response.create"}));
    me.send(&json!({"type": "response.create"}));
    assert_eq!(me.last_error(), "conversation_already_has_active_response");
}

#[test]
fn who_detects_turns_commits_and_asks() {
    let mut me = Caller::openai(json!({"heard": ["hello"], "answers": ["Hi."]}));
    me.send(&without_detection());
    me.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(me.last_error(), "input_audio_buffer_commit_empty");
    me.say("01", 500);
    assert!(me.all("input_audio_buffer.speech_started").is_empty());
    me.send(&json!({"type": "input_audio_buffer.commit"}));
    me.pass(1_000);
    assert!(me.all("response.created").is_empty(), "a commit asks for nothing");
    me.send(
        &json!({"type": "response.create", "response": {"metadata": {"client_event_id": "x"}}}),
    );
    assert_eq!(me.last("response.created")["response"]["metadata"]["client_event_id"], "x");
    me.send(&json!({"type": "input_audio_buffer.clear"}));
    me.pass(1_000);
    assert_eq!(me.last("response.done")["response"]["status"], "completed");
    assert_eq!(me.all("input_audio_buffer.cleared").len(), 1);
}

#[test]
fn tools_are_called_and_their_results_answered() {
    let answers = json!([
        {"say": "Wait.", "calls": [{"tool": "clock"}, {"tool": "light", "arguments": {"on": true}}]},
        "It is noon.",
    ]);
    let mut me = Caller::openai(json!({"answers": answers}));
    me.send(&json!({"type": "response.create"}));
    me.pass(2_000);
    let output = me.last("response.done")["response"]["output"].clone();
    let kinds: Vec<_> =
        output.as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call"]);
    assert_eq!(output[2]["arguments"], r#"{"on":true}"#);
    let done = me.last("response.function_call_arguments.done");
    assert_eq!((&done["name"], &done["call_id"]), (&json!("light"), &output[2]["call_id"]));
    let deltas = me.all("response.function_call_arguments.delta");
    let light = deltas.iter().filter(|delta| delta["call_id"] == output[2]["call_id"]);
    let arguments: String = light.map(|delta| delta["delta"].as_str().unwrap()).collect();
    assert_eq!(arguments, r#"{"on":true}"#);

    for call in [&output[1], &output[2]] {
        let item =
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "ok"});
        me.send(&json!({"type": "conversation.item.create", "item": item}));
    }
    let nobody = json!({"type": "function_call_output", "call_id": "x", "output": "ok"});
    me.send(&json!({"type": "conversation.item.create", "item": nobody}));
    assert_eq!(me.last_error(), "invalid_tool_call_id");
    me.send(&json!({"type": "response.create"}));
    me.pass(2_000);
    let conversation = me.log().conversation;
    assert_eq!(conversation[1], line("call", "clock({})"));
    assert_eq!(
        conversation[3..],
        [line("tool", "ok"), line("tool", "ok"), line("assistant", "It is noon.")]
    );
    assert_eq!(me.log().responses[0].status, "tools");
}

#[test]
fn items_have_an_order_and_may_go() {
    let mut me = Caller::openai(json!({}));
    let item = |id: &str, role: &str, kind: &str, text: &str| json!({"id": id, "type": "message", "role": role, "content": [{"type": kind, "text": text}]});
    let create = |item: Value, after: Value| json!({"type": "conversation.item.create", "item": item, "previous_item_id": after});
    me.send(&create(item("a", "user", "input_text", "one"), Value::Null));
    me.send(&create(item("b", "assistant", "output_text", "three"), Value::Null));
    me.send(&create(item("c", "system", "input_text", "two"), json!("a")));
    assert_eq!(me.last("conversation.item.done")["previous_item_id"], "a");
    me.send(&create(item("d", "system", "input_text", "zero"), json!("root")));
    let texts =
        |me: &Caller| me.log().conversation.into_iter().map(|it| it.text).collect::<Vec<_>>();
    assert_eq!(texts(&me), ["zero", "one", "two", "three"]);
    me.send(&json!({"type": "conversation.item.delete", "item_id": "c"}));
    assert_eq!(texts(&me), ["zero", "one", "three"]);

    for (message, code) in [
        (
            json!({"type": "conversation.item.delete", "item_id": "c"}),
            "item_delete_invalid_item_id",
        ),
        (
            json!({"type": "conversation.item.retrieve", "item_id": "c"}),
            "item_retrieve_invalid_item_id",
        ),
        (json!({"type": "conversation.item.retrieve"}), "missing_required_parameter"),
        (create(item("e", "assistant", "input_text", "x"), Value::Null), "invalid_value"),
        (create(item("a", "user", "input_text", "x"), Value::Null), "item_create_duplicate_id"),
        (create(item("f", "user", "input_text", "x"), json!("nobody")), "invalid_value"),
        (json!({"type": "no.such.event"}), "invalid_value"),
        (json!({"no": "type"}), "missing_required_parameter"),
        (json!({"type": "input_audio_buffer.append", "audio": "%"}), "invalid_value"),
        (json!({"type": "session.update", "session": {}}), "missing_required_parameter"),
    ] {
        me.send(&message);
        assert_eq!(me.last_error(), code, "{message}");
    }
    assert_eq!(me.log().received["unknown"], 2);
    assert_eq!(me.log().errors.len(), 10);
}

#[test]
fn an_answer_may_be_written_and_short_and_beside_the_conversation() {
    let mut me = Caller::openai(json!({"answers": ["One two three.", "Four."]}));
    let response = json!({
        "output_modalities": ["text"], "max_output_tokens": 2, "conversation": "none",
    });
    me.send(&json!({"type": "response.create", "response": response}));
    me.send(&json!({"type": "response.create"}));
    me.pass(3_000);
    let texts: Vec<_> = me.log().conversation.into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["Four."], "each has its own");
    let done: Vec<_> = me.all("response.done").iter().map(|event| &event["response"]).collect();
    assert_eq!(done[0]["status_details"]["reason"], "max_output_tokens");
    assert_eq!(
        done[0]["output"][0]["content"][0],
        json!({"type": "output_text", "text": "One two"})
    );
    assert_eq!(done[0]["conversation_id"], Value::Null);
    assert_eq!(done[1]["status"], "completed");
}

#[test]
fn tokens_that_were_read_before_are_cached() {
    let mut me = Caller::openai(json!({"answers": ["Hello."]}));
    me.send(&update(&json!({"instructions": "word ".repeat(200)})));
    for _ in 0..2 {
        me.send(&json!({"type": "response.create"}));
        me.pass(6_000);
    }
    let cached = |at: usize| {
        let details = &me.all("response.done")[at]["response"]["usage"]["input_token_details"];
        details["cached_tokens"].as_u64().unwrap()
    };
    assert_eq!(cached(0), 0);
    assert!(cached(1) >= 192 && cached(1).is_multiple_of(64), "{}", cached(1));
}

#[test]
fn silence_for_too_long_has_the_model_speak() {
    let mut me = Caller::openai(json!({"answers": ["Hello.", "Still there?"]}));
    let detection = json!({"idle_timeout_ms": 5000});
    me.send(&update(&json!({"audio": {"input": {"turn_detection": detection}}})));
    me.say("01", 1_500);
    assert_eq!(me.all("response.done").len(), 1);
    me.pass(7_000);
    assert_eq!(me.all("input_audio_buffer.timeout_triggered").len(), 1);
    assert_eq!(me.all("response.done").len(), 2);
}

#[test]
fn a_session_ends_after_its_time() {
    let mut me = Caller::openai(json!({"duplex": {"limit_ms": 60_000}}));
    assert_eq!(me.last("session.created")["session"]["expires_at"], 1_060);
    me.pass(59_999);
    assert_eq!(me.end, None);
    me.pass(1);
    assert_eq!(me.last_error(), "session_expired");
    assert!(matches!(me.end, Some(Say::Close(1001, _))));
    assert_eq!(me.log().ending, CallEnd::Closed(1001));
}

#[test]
fn what_is_sent_faster_than_it_sounds_is_heard_the_same() {
    let mut me = Caller::openai(json!({}));
    let mut sound = super::sentence_at("04", me.rate);
    sound.resize(sound.len() + 24_000, 0);
    me.send(&json!({"type": "input_audio_buffer.append", "audio": encoded(&sound)}));
    let end = me.last("input_audio_buffer.speech_stopped")["audio_end_ms"].as_f64().unwrap();
    assert!((end - 1_723.0).abs() < 100.0, "{end} ms");
    assert_eq!(me.all("response.created").len(), 1);
}

#[test]
fn sound_travels_as_telephones_carry_it() {
    for (kind, law) in [("audio/pcmu", Law::Mu), ("audio/pcma", Law::A)] {
        let mut me = Caller::openai(json!({"answers": ["Ten chars."]}));
        let format = json!({"format": {"type": kind}});
        me.send(&update(&json!({"audio": {"input": format, "output": format}})));
        let session = &me.last("session.updated")["session"]["audio"];
        assert_eq!(
            [&session["input"]["format"], &session["output"]["format"]],
            [&format["format"]; 2]
        );
        let mut sound = Vec::new();
        law.encode(&super::sentence_at("04", SampleRate::new(8_000).unwrap()), &mut sound);
        sound.resize(sound.len() + 8_000, law.silence());
        for piece in sound.chunks(160) {
            me.send(&json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(piece)}));
            me.pass(20);
        }
        me.pass(2_000);
        let end = me.last("input_audio_buffer.speech_stopped")["audio_end_ms"].as_f64().unwrap();
        assert!((end - 1_723.0).abs() < 100.0, "{end} ms");
        let mut samples = Vec::new();
        for delta in me.all("response.output_audio.delta") {
            let bytes = STANDARD.decode(delta["delta"].as_str().unwrap()).unwrap();
            law.decode(&bytes, &mut samples);
        }
        assert_eq!(samples.len(), 600 * 8);
        // The tone of the voice.
        let crossings = samples.windows(2).filter(|two| (two[0] < 0) != (two[1] < 0)).count();
        assert!(crossings.abs_diff(2 * 220 * 6 / 10) <= 1, "{crossings}");
    }
}

#[test]
fn an_answer_of_which_nothing_was_sent_is_given_by_the_next() {
    let mut me = Caller::openai(json!({"answers": ["One.", "Two."]}));
    me.send(&json!({"type": "response.create"}));
    me.pass(100);
    me.send(&json!({"type": "response.cancel"}));
    me.send(&json!({"type": "response.create"}));
    me.pass(3_000);
    assert_eq!(me.last("response.output_audio_transcript.done")["transcript"], "One.");
}

#[test]
fn a_session_may_only_write_down() {
    let mut me = Caller::openai(json!({"heard": ["hello"]}));
    let input = json!({"transcription": {"model": "t"}});
    let session = json!({"type": "transcription", "audio": {"input": input}});
    me.send(&json!({"type": "session.update", "session": session}));
    me.say("01", 2_000);
    let words = me.last("conversation.item.input_audio_transcription.completed");
    assert_eq!(words["transcript"], "hello");
    me.send(&json!({"type": "response.create"}));
    assert_eq!(me.last_error(), "invalid_value");
    assert!(me.all("response.created").is_empty());
}
