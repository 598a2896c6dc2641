//! Answers: what comes of them, how they end, and what is told of what was heard.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::audio::SampleRate;
use crate::duplex::{RefusalKind, ReplyEnd};
use crate::types::{ToolCall, ToolResult, Usage};

fn ended(reply: ReplyId, how: ReplyEnd) -> DuplexEvent {
    DuplexEvent::ReplyEnded { reply, how, usage: None }
}

fn text(reply: ReplyId, delta: &str) -> DuplexEvent {
    DuplexEvent::Text { reply, delta: delta.to_owned() }
}

fn heard(reply: ReplyId, ms: u64, text: &str) -> DuplexInput {
    let sound = Duration::from_millis(ms);
    DuplexInput::Heard { reply, sound, text: text.into(), whole: false }
}

fn result(id: &str, content: &str) -> ToolResult {
    ToolResult { id: id.into(), name: "clock".into(), content: content.into(), is_error: false }
}

fn call_item(id: &str, arguments: &str) -> serde_json::Value {
    json!({ "type": "function_call", "id": format!("item-{id}"), "call_id": id, "name": "clock",
            "arguments": arguments, "status": "completed" })
}

#[test]
fn an_answer_that_is_asked_for_is_known_by_its_mark_and_told_as_it_comes() {
    let mut call = Call::new();
    let started = DuplexEvent::ReplyStarted { reply: FIRST, asked: true };
    assert_eq!(call.ask("r1"), [started]);
    assert_eq!(call.words("r1", "i1", "It is"), [text(FIRST, "It is")]);
    let audio = AudioChunk::new(vec![0x0101; 480], SampleRate::new(24_000).unwrap());
    let sound = DuplexEvent::Sound { reply: FIRST, audio };
    assert_eq!(call.sound("r1", "i1", 0, 20), [sound]);
    assert_eq!(call.words("r1", "i1", " noon."), [text(FIRST, " noon.")]);
    let all = json!({ "response_id": "r1", "item_id": "i1", "content_index": 0,
                      "transcript": "It is noon." });
    assert_eq!(call.hear("response.output_audio_transcript.done", all), []);

    let usage = json!({
        "total_tokens": 330, "input_tokens": 200, "output_tokens": 130,
        "input_token_details": { "text_tokens": 60, "audio_tokens": 140, "cached_tokens": 64 },
        "output_token_details": { "text_tokens": 30, "audio_tokens": 100 },
    });
    let done = json!({ "response": { "id": "r1", "status": "completed", "usage": usage } });
    let usage = Usage {
        input_tokens: 200,
        output_tokens: 130,
        cached_tokens: 64,
        audio_input_tokens: 140,
        audio_output_tokens: 100,
        ..Usage::default()
    };
    let how = ReplyEnd::Completed;
    let told = [DuplexEvent::ReplyEnded { reply: FIRST, how, usage: Some(usage) }];
    assert_eq!(call.hear("response.done", done), told);
    assert_eq!(call.codec.skipped(), 0);
}

#[test]
fn an_answer_that_the_other_side_begins_by_itself_was_not_asked_for() {
    let mut call = Call::detecting();
    let began = json!({ "response": { "id": "r1", "metadata": null } });
    let started = DuplexEvent::ReplyStarted { reply: FIRST, asked: false };
    assert_eq!(call.hear("response.created", began), [started]);
}

#[test]
fn words_that_came_in_no_piece_are_taken_from_the_whole() {
    let mut call = Call::new();
    call.ask("r1");
    call.words("r1", "i1", "It is");
    let all = |key: &str, index: u32, words: &str| json!({ "response_id": "r1", "item_id": "i1", "content_index": index, key: words });
    let kind = "response.output_audio_transcript.done";
    assert_eq!(call.hear(kind, all("transcript", 0, "It is noon.")), [text(FIRST, " noon.")]);
    let kind = "response.output_text.done";
    assert_eq!(call.hear(kind, all("text", 1, "Noon.")), [text(FIRST, "Noon.")]);
    assert_eq!(call.hear(kind, all("text", 1, "Noon.")), [], "it was told already");
}

#[test]
fn a_sample_may_come_in_two_pieces() {
    let mut call = Call::new();
    call.ask("r1");
    let piece = |bytes: &[u8]| json!({ "response_id": "r1", "item_id": "i1", "content_index": 0, "delta": base64(bytes) });
    let samples = |events: Vec<DuplexEvent>| match &events[..] {
        [DuplexEvent::Sound { audio, .. }] => audio.samples().to_vec(),
        [] => Vec::new(),
        other => panic!("{other:?}"),
    };
    let kind = "response.output_audio.delta";
    assert_eq!(samples(call.hear(kind, piece(&[1, 0, 2]))), [1]);
    assert_eq!(samples(call.hear(kind, piece(&[]))), [0_i16; 0]);
    assert_eq!(samples(call.hear(kind, piece(&[1, 3]))), [258]);
    assert_eq!(samples(call.hear(kind, piece(&[0, 4, 0]))), [3, 4]);
}

#[test]
fn a_call_is_told_once_from_whichever_event_comes_first() {
    let arguments = "{\"zone\":\"UTC\"}";
    let item =
        json!({ "response_id": "r1", "output_index": 0, "item": call_item("c1", arguments) });
    let done = json!({ "response_id": "r1", "item_id": "item-c1", "output_index": 0,
                       "call_id": "c1", "name": "clock", "arguments": arguments });
    let whole =
        json!({ "response": { "id": "r1", "status": "completed", "output": [item["item"]] } });
    let item = ("response.output_item.done", item);
    let done = ("response.function_call_arguments.done", done);
    let told = DuplexEvent::ToolCall {
        reply: FIRST,
        call: ToolCall { id: "c1".into(), name: "clock".into(), arguments: json!({"zone": "UTC"}) },
    };
    for order in [vec![&item, &done], vec![&done, &item], vec![&item], vec![&done], vec![]] {
        let mut call = Call::new();
        call.ask("r1");
        let mut events = Vec::new();
        for (kind, event) in order {
            events.extend(call.hear(kind, event.clone()));
        }
        events.extend(call.hear("response.done", whole.clone()));
        assert_eq!(events, [told.clone(), ended(FIRST, ReplyEnd::AwaitsTools)]);
    }
}

#[test]
fn arguments_that_are_no_object_are_told_as_they_are() {
    let mut call = Call::new();
    call.ask("r1");
    for (id, arguments, told) in
        [("c1", "", json!({})), ("c2", "null", json!({})), ("c3", "{\"a\":", json!("{\"a\":"))]
    {
        let item = json!({ "response_id": "r1", "item": call_item(id, arguments) });
        let events = call.hear("response.output_item.done", item);
        let [DuplexEvent::ToolCall { call, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(call.arguments, told);
    }
}

#[test]
fn the_other_side_goes_on_when_every_call_has_its_result() {
    let mut call = Call::new();
    call.ask("r1");
    for id in ["c1", "c2"] {
        let item = json!({ "response_id": "r1", "item": call_item(id, "{}") });
        call.hear("response.output_item.done", item);
    }
    // The first is fast: the answer that called it is still under way.
    let sent = call.tell(DuplexInput::ToolResults(vec![result("c1", "noon")]));
    let item = json!({ "type": "function_call_output", "call_id": "c1", "output": "noon" });
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["item"], item);
    call.done("r1", "completed");
    assert_eq!(call.answered(), [json!(null); 0]);

    let sent = call.tell(DuplexInput::ToolResults(vec![result("c2", "one")]));
    assert_eq!(kinds(&sent), ["conversation.item.create", "response.create"]);
    let metadata = sent[1]["response"]["metadata"].clone();
    let began = json!({ "response": { "id": "r2", "metadata": metadata } });
    let started = DuplexEvent::ReplyStarted { reply: SECOND, asked: true };
    assert_eq!(call.hear("response.created", began), [started]);
}

#[test]
fn results_that_are_there_before_the_answer_has_ended_ask_when_it_has() {
    let mut call = Call::new();
    call.ask("r1");
    call.hear(
        "response.output_item.done",
        json!({ "response_id": "r1", "item": call_item("c1", "{}") }),
    );
    let sent = call.tell(DuplexInput::ToolResults(vec![result("c1", "noon")]));
    assert_eq!(kinds(&sent), ["conversation.item.create"]);
    assert_eq!(call.done("r1", "completed"), [ended(FIRST, ReplyEnd::AwaitsTools)]);
    assert_eq!(kinds(&call.answered()), ["response.create"]);
}

#[test]
fn results_of_an_answer_that_was_cut_short_ask_for_nothing() {
    let mut call = Call::detecting();
    call.hear("response.created", json!({ "response": { "id": "r1" } }));
    call.hear(
        "response.output_item.done",
        json!({ "response_id": "r1", "item": call_item("c1", "{}") }),
    );
    call.done("r1", "cancelled");
    let sent = call.tell(DuplexInput::ToolResults(vec![result("c1", "noon")]));
    assert_eq!(kinds(&sent), ["conversation.item.create"]);
}

#[test]
fn a_result_whose_call_is_of_an_earlier_connection_is_told_with_its_call() {
    let mut call = Call::new();
    let sent = call.tell(DuplexInput::ToolResults(vec![result("old", "noon")]));
    let items: Vec<_> = sent.iter().map(|frame| frame["item"]["type"].clone()).collect();
    assert_eq!(items, [json!("function_call"), json!("function_call_output"), json!(null)]);

    let known = ToolCall { id: "old".into(), name: "clock".into(), arguments: json!({}) };
    let past = [Message { tool_calls: vec![known], ..Message::assistant("") }];
    let mut call = Call::closed(options());
    call.open(&DuplexSettings::default(), &past);
    let sent = call.tell(DuplexInput::ToolResults(vec![result("old", "noon")]));
    assert_eq!(kinds(&sent), ["conversation.item.create", "response.create"]);
}

#[test]
fn one_answer_is_asked_for_at_a_time() {
    let mut call = Call::new();
    call.ask("r1");
    assert!(call.tell(DuplexInput::Respond { say: None }).is_empty());
    assert!(call.tell(DuplexInput::Respond { say: None }).is_empty());
    assert!(call.tell(DuplexInput::Respond { say: Some("Bye.".into()) }).is_empty());

    call.done("r1", "completed");
    let sent = call.answered();
    assert_eq!(kinds(&sent), ["response.create"]);
    assert!(sent[0]["response"].get("instructions").is_none());
    let metadata = sent[0]["response"]["metadata"].clone();
    call.hear("response.created", json!({ "response": { "id": "r2", "metadata": metadata } }));
    call.done("r2", "completed");

    let sent = call.answered();
    let response = &sent[0]["response"];
    assert!(response["instructions"].as_str().unwrap().ends_with("\n\nBye."));
    assert_eq!(response["tool_choice"], "none");
    assert!(response.get("conversation").is_none(), "it is a part of the conversation");
    call.done("r2", "completed");
    assert_eq!(call.answered(), [json!(null); 0]);
}

#[test]
fn an_answer_is_asked_for_again_if_another_was_under_way_there() {
    let mut call = Call::detecting();
    let sent = call.tell(DuplexInput::Respond { say: None });
    let mark = sent[0]["response"]["metadata"].clone();
    let began = json!({ "response": { "id": "r1" } });
    let started = DuplexEvent::ReplyStarted { reply: FIRST, asked: false };
    assert_eq!(call.hear("response.created", began), [started]);
    let refused = json!({ "error": {
        "type": "invalid_request_error", "code": "conversation_already_has_active_response",
        "message": "busy", "event_id": sent[0]["event_id"],
    }});
    assert_eq!(call.hear("error", refused), []);
    assert_eq!(call.answered(), [json!(null); 0]);

    call.done("r1", "completed");
    let sent = call.answered();
    assert_eq!(kinds(&sent), ["response.create"]);
    assert_ne!(sent[0]["response"]["metadata"], mark);
}

#[test]
fn who_asked_in_vain_is_answered_by_a_failure() {
    let mut call = Call::new();
    let sent = call.tell(DuplexInput::Respond { say: None });
    let error = json!({ "error": { "type": "server_error", "message": "oh",
                                   "event_id": sent[0]["event_id"] } });
    let events = call.hear("error", error);
    let [started, DuplexEvent::ReplyEnded { how: ReplyEnd::Failed(refusal), .. }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*started, DuplexEvent::ReplyStarted { reply: FIRST, asked: true });
    assert_eq!(refusal.kind, RefusalKind::Failed);
    let started = DuplexEvent::ReplyStarted { reply: SECOND, asked: true };
    assert_eq!(call.ask("r1"), [started], "the next one may be asked for");
}

#[test]
fn how_an_answer_ends_is_told_by_its_status() {
    let failed = |events: &[DuplexEvent]| match events {
        [DuplexEvent::ReplyEnded { how: ReplyEnd::Failed(refusal), .. }] => refusal.kind,
        other => panic!("{other:?}"),
    };
    for (status, details, how) in [
        ("cancelled", json!({ "reason": "turn_detected" }), ReplyEnd::Interrupted),
        ("cancelled", json!({ "reason": "client_cancelled" }), ReplyEnd::Cancelled),
        ("cancelled", json!(null), ReplyEnd::Interrupted),
        ("incomplete", json!({ "reason": "max_output_tokens" }), ReplyEnd::TooLong),
        ("incomplete", json!({ "reason": "content_filter" }), ReplyEnd::Withheld),
    ] {
        let mut call = Call::new();
        call.ask("r1");
        let response = json!({ "id": "r1", "status": status, "status_details": details });
        let events = call.hear("response.done", json!({ "response": response }));
        assert_eq!(events, [ended(FIRST, how)]);
    }
    for (code, kind) in
        [("rate_limit_exceeded", RefusalKind::Busy), ("server_error", RefusalKind::Failed)]
    {
        let mut call = Call::new();
        call.ask("r1");
        let details = json!({ "type": "failed", "error": { "type": code, "code": code } });
        let response = json!({ "id": "r1", "status": "failed", "status_details": details });
        assert_eq!(failed(&call.hear("response.done", json!({ "response": response }))), kind);
    }
}

#[test]
fn an_answer_is_cancelled_once_and_only_while_it_is_under_way() {
    let mut call = Call::new();
    assert!(call.tell(DuplexInput::Cancel { reply: FIRST }).is_empty());
    call.ask("r1");
    let sent = call.tell(DuplexInput::Cancel { reply: FIRST });
    assert_eq!(kinds(&sent), ["response.cancel"]);
    assert_eq!(sent[0]["response_id"], "r1");
    assert!(call.tell(DuplexInput::Cancel { reply: FIRST }).is_empty());

    assert_eq!(call.done("r1", "cancelled"), [ended(FIRST, ReplyEnd::Cancelled)]);
    assert!(call.tell(DuplexInput::Cancel { reply: FIRST }).is_empty(), "it is over");
    assert_eq!(call.words("r1", "i1", "more"), [], "what was on its way is not told");
    assert_eq!(call.codec.skipped(), 1);
}

#[test]
fn an_answer_ends_where_it_was_heard_to() {
    let mut call = Call::new();
    call.ask("r1");
    call.sound("r1", "i1", 0, 500);
    call.sound("r1", "i1", 0, 500);
    call.tell(DuplexInput::Cancel { reply: FIRST });
    let sent = call.tell(heard(FIRST, 320, "It is"));
    assert_eq!(kinds(&sent), ["conversation.item.truncate"]);
    assert_eq!((&sent[0]["item_id"], &sent[0]["content_index"]), (&json!("i1"), &json!(0)));
    assert_eq!(sent[0]["audio_end_ms"], 320);
    let sent = call.tell(heard(FIRST, 4_000, "It is noon"));
    assert_eq!(sent[0]["audio_end_ms"], 1_000, "no more than there was");
    let whole =
        DuplexInput::Heard { reply: FIRST, sound: Duration::ZERO, text: "".into(), whole: true };
    assert!(call.tell(whole).is_empty());
    assert!(call.tell(heard(SECOND, 1, "?")).is_empty(), "nobody knows it");
}

#[test]
fn of_several_items_the_right_one_is_cut_and_later_ones_are_deleted() {
    let cut = |ms| {
        let mut call = Call::new();
        call.ask("r1");
        for (item, index) in [("i1", 0), ("i1", 1), ("i2", 0), ("i3", 0), ("i3", 1)] {
            call.sound("r1", item, index, 100);
        }
        call.done("r1", "completed");
        let told = call.tell(heard(FIRST, ms, "words"));
        told.into_iter()
            .map(|frame| {
                let end = frame["audio_end_ms"].as_u64();
                let item = frame["item_id"].as_str().unwrap().to_owned();
                (item, frame["content_index"].as_u64().unwrap_or(9), end)
            })
            .collect::<Vec<_>>()
    };
    let part = |item: &str, index, end| (item.to_owned(), index, Some(end));
    let gone = |item: &str| (item.to_owned(), 9, None);
    assert_eq!(cut(0), [part("i1", 0, 0), part("i1", 1, 0), gone("i2"), gone("i3")]);
    assert_eq!(cut(130), [part("i1", 1, 30), gone("i2"), gone("i3")]);
    assert_eq!(cut(200), [gone("i2"), gone("i3")]);
    assert_eq!(cut(250), [part("i2", 0, 50), gone("i3")]);
    assert_eq!(cut(400), [part("i3", 1, 0)]);
    assert_eq!(cut(500), []);
}

#[test]
fn an_answer_in_writing_is_replaced_by_what_was_seen() {
    let mut call = Call::new();
    call.ask("r1");
    let delta =
        json!({ "response_id": "r1", "item_id": "i1", "content_index": 0, "delta": "Noon." });
    assert_eq!(call.hear("response.output_text.delta", delta), [text(FIRST, "Noon.")]);
    let sent = call.tell(heard(FIRST, 0, "No"));
    assert_eq!(kinds(&sent), ["conversation.item.create", "conversation.item.delete"]);
    assert_eq!(sent[0]["previous_item_id"], "i1");
    assert_eq!(sent[0]["item"]["content"][0]["text"], "No");
    assert_eq!(sent[1]["item_id"], "i1");
}

#[test]
fn what_was_heard_of_an_answer_of_an_earlier_connection_is_told_in_words() {
    let mut call = Call::new();
    call.ask("r1");
    call.sound("r1", "i1", 0, 500);
    assert_eq!(call.lose(), [ended(FIRST, ReplyEnd::Lost)]);
    call.open(&DuplexSettings::default(), &[]);

    let sent = call.tell(heard(FIRST, 100, "It is"));
    let content = json!([{ "type": "output_text", "text": "It is" }]);
    let item = json!({ "type": "message", "role": "assistant", "content": content });
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["item"], item);
    assert!(call.tell(heard(FIRST, 0, "")).is_empty());
}

#[test]
fn what_the_user_writes_and_shows_becomes_items() {
    use crate::types::{Detail, Media, MediaKind};
    let mut call = Call::new();
    let sent = call.tell(DuplexInput::Text("Hello.".into()));
    let content = json!([{ "type": "input_text", "text": "Hello." }]);
    let item = json!({ "type": "message", "role": "user", "content": content });
    assert_eq!(sent[0]["item"], item);
    assert_eq!(kinds(&sent), ["conversation.item.create"]);

    let image = Media::bytes(MediaKind::Image, "image/jpeg", vec![255]).with_detail(Detail::Low);
    let image = Arc::new(image);
    let at = SessionTime::ZERO;
    let picture = json!({ "type": "input_image", "image_url": "data:image/jpeg;base64,/w==", "detail": "low" });
    for input in [DuplexInput::Image(Arc::clone(&image)), DuplexInput::Frame { at, image }] {
        assert_eq!(call.tell(input)[0]["item"]["content"], json!([picture]));
    }
}

#[test]
fn marks_of_the_options_are_on_every_answer() {
    let mut all = options();
    all.metadata = (0..20).map(|at| (format!("k{at:02}"), "v".to_owned())).collect();
    let mut call = Call::closed(all);
    call.open(&DuplexSettings::default(), &[]);
    let sent = call.tell(DuplexInput::Respond { say: None });
    let metadata = sent[0]["response"]["metadata"].as_object().unwrap();
    assert_eq!(metadata.len(), 16, "the protocol's limit");
    assert_eq!(metadata["banter_ask"], "1");
}

#[test]
fn an_answer_whose_beginning_was_lost_begins_with_what_comes_of_it() {
    let mut call = Call::new();
    let events = call.words("r1", "i1", "Noon.");
    let started = DuplexEvent::ReplyStarted { reply: FIRST, asked: false };
    assert_eq!(events, [started, text(FIRST, "Noon.")]);
}

#[test]
fn an_answer_whose_end_was_lost_ends_when_the_next_one_begins() {
    let mut call = Call::detecting();
    call.hear("response.created", json!({ "response": { "id": "r1" } }));
    let events = call.hear("response.created", json!({ "response": { "id": "r2" } }));
    let started = DuplexEvent::ReplyStarted { reply: SECOND, asked: false };
    assert_eq!(events, [ended(FIRST, ReplyEnd::Completed), started]);
    assert_eq!(call.words("r1", "i1", "late"), []);
}

#[test]
fn what_comes_twice_is_told_once() {
    let mut call = Call::new();
    call.ask("r1");
    let delta = json!({ "type": "response.output_text.delta", "event_id": "e9", "response_id": "r1",
                        "item_id": "i1", "content_index": 0, "delta": "No" });
    assert_eq!(call.raw(&delta.to_string()), [text(FIRST, "No")]);
    assert_eq!(call.raw(&delta.to_string()), []);
    assert_eq!(call.codec.skipped(), 1);
}
