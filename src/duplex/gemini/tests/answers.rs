//! Answers: where they begin, what comes of them, and how they end.

use super::*;
use crate::duplex::RefusalKind;
use crate::types::{Media, MediaKind, ToolCall, ToolResult, Usage};

fn result(id: &str, content: &str) -> DuplexInput {
    let (name, content) = ("clock".into(), content.into());
    DuplexInput::ToolResults(vec![ToolResult { id: id.into(), name, content, is_error: false }])
}

fn calls(ids: &[&str]) -> Value {
    let calls: Vec<_> = ids
        .iter()
        .map(|id| json!({ "id": id, "name": "clock", "args": { "zone": "UTC" } }))
        .collect();
    json!({ "toolCall": { "functionCalls": calls } })
}

fn called(reply: ReplyId, id: &str) -> DuplexEvent {
    let (name, arguments) = ("clock".into(), json!({ "zone": "UTC" }));
    DuplexEvent::ToolCall { reply, call: ToolCall { id: id.into(), name, arguments } }
}

#[test]
fn an_answer_begins_with_the_first_of_it_and_ends_with_its_turn() {
    for snake in [false, true] {
        let mut call = Call::new();
        call.snake = snake;
        call.turn(1);
        assert_eq!(call.words("It is"), [started(FIRST, true), text(FIRST, "It is")]);
        let sounds = DuplexEvent::Sound { reply: FIRST, audio: chunk(&[1, 2]) };
        assert_eq!(call.sound(), [sounds]);
        assert_eq!(call.words(" noon."), [text(FIRST, " noon.")]);
        assert_eq!(call.content(json!({ "generationComplete": true })), []);
        let usage = json!({
            "promptTokenCount": 200, "responseTokenCount": 100, "thoughtsTokenCount": 30,
            "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 64, "totalTokenCount": 335,
            "promptTokensDetails": [
                { "modality": "TEXT", "tokenCount": 60 }, { "modality": "AUDIO", "tokenCount": 140 },
            ],
            "responseTokensDetails": [{ "modality": "AUDIO", "tokenCount": 90 }],
        });
        let end = json!({ "serverContent": { "turnComplete": true }, "usageMetadata": usage });
        let usage = Some(Usage {
            input_tokens: 205,
            output_tokens: 130,
            cached_tokens: 64,
            audio_input_tokens: 140,
            audio_output_tokens: 90,
            ..Usage::default()
        });
        let how = ReplyEnd::Completed;
        let events = call.hear(end);
        let of_words = |event: &DuplexEvent| matches!(event, DuplexEvent::NoTranscript { .. });
        let events: Vec<_> = events.into_iter().filter(|event| !of_words(event)).collect();
        assert_eq!(events, [DuplexEvent::ReplyEnded { reply: FIRST, how, usage }]);
        assert_eq!(call.codec.skipped(), 0);
    }
}

#[test]
fn one_message_may_hold_all_of_an_answer() {
    let mut call = Call::detecting();
    let mut content = sound(&[1, 0]);
    content["outputTranscription"] = json!({ "text": "Noon." });
    content["generationComplete"] = json!(true);
    content["turnComplete"] = json!(true);
    let audio = chunk(&[1]);
    let all = [
        started(FIRST, false),
        text(FIRST, "Noon."),
        DuplexEvent::Sound { reply: FIRST, audio },
        ended(FIRST, ReplyEnd::Completed),
    ];
    assert_eq!(call.content(content), all);
}

#[test]
fn sound_may_come_in_either_alphabet_at_any_rate_and_split_anywhere() {
    let mut call = Call::new();
    let data = |mime: &str, data: &str| {
        let data = json!({ "mimeType": mime, "data": data });
        json!({ "modelTurn": { "parts": [{ "inlineData": data }] } })
    };
    let mut sounds = |mime, base64| {
        let events = call.content(data(mime, base64));
        events.into_iter().find_map(|event| match event {
            DuplexEvent::Sound { audio, .. } => Some((audio.rate().hz(), audio.samples().to_vec())),
            _ => None,
        })
    };
    let pcm = "audio/pcm;rate=24000";
    assert_eq!(sounds(pcm, "+/8="), Some((24_000, vec![-5])));
    assert_eq!(sounds(pcm, "-_8"), Some((24_000, vec![-5])));
    assert_eq!(sounds("audio/pcm", "AQACAA"), Some((24_000, vec![1, 2])));
    assert_eq!(sounds("audio/pcm; rate=8000", "AQA="), Some((8_000, vec![1])));
    assert_eq!(sounds(pcm, "AQAC"), Some((24_000, vec![1])));
    assert_eq!(sounds(pcm, "AA=="), Some((24_000, vec![2])), "the other half");
    assert_eq!(sounds("image/png", "AQAC"), None);
    assert_eq!(sounds(pcm, "?"), None);
    assert_eq!(call.codec.skipped(), 1);
}

#[test]
fn what_is_written_is_told_and_what_is_thought_is_not() {
    let parts = |parts: Value| json!({ "modelTurn": { "parts": parts } });
    let mut call = Call::new();
    assert_eq!(call.content(parts(json!([{ "text": "Hmm.", "thought": true }]))), []);
    let events = call.content(parts(json!([{ "text": "Noon." }, { "executableCode": {} }])));
    assert_eq!(events, [started(FIRST, false), text(FIRST, "Noon.")]);
    call.words("One.");
    assert_eq!(call.content(parts(json!([{ "text": "One." }]))), [], "it was told as spoken");
}

#[test]
fn an_answer_that_is_cut_short_ends_at_once_and_its_rest_is_not_told() {
    let mut call = Call::detecting();
    call.sound();
    let interrupted = json!({ "interrupted": true });
    assert_eq!(call.content(interrupted), [ended(FIRST, ReplyEnd::Interrupted)]);
    assert_eq!(call.words("late"), []);
    assert_eq!(call.complete(), []);
    assert_eq!(call.words("Yes?"), [started(SECOND, false), text(SECOND, "Yes?")]);
}

#[test]
fn an_answer_can_be_cut_short_while_it_sounds_though_all_of_it_has_come() {
    let mut call = Call::detecting();
    call.sound();
    call.content(json!({ "generationComplete": true }));
    let events = call.content(json!({ "interrupted": true }));
    assert_eq!(events, [ended(FIRST, ReplyEnd::Interrupted)]);
}

#[test]
fn an_answer_that_was_cancelled_ends_with_what_comes_next_and_its_rest_is_passed_over() {
    let mut call = Call::detecting();
    call.sound();
    assert!(call.tell(DuplexInput::Cancel { reply: FIRST }).is_empty());
    assert_eq!(call.sound(), [ended(FIRST, ReplyEnd::Cancelled)]);
    assert_eq!(call.sound(), []);
    assert_eq!(call.words("more"), []);
    assert_eq!(call.complete(), []);
    assert_eq!(call.sound().first(), Some(&started(SECOND, false)));
    assert!(call.tell(DuplexInput::Cancel { reply: FIRST }).is_empty(), "it is over");
    assert_eq!(call.complete(), [ended(SECOND, ReplyEnd::Completed)]);
}

#[test]
fn why_a_turn_is_over_may_be_told() {
    for (reason, how) in [
        ("NEED_MORE_INPUT", Some(ReplyEnd::Completed)),
        ("GENERATED_AUDIO_SAFETY", Some(ReplyEnd::Withheld)),
        ("RESPONSE_REJECTED", Some(ReplyEnd::Withheld)),
        ("MALFORMED_FUNCTION_CALL", None),
    ] {
        let mut call = Call::detecting();
        call.sound();
        let end = json!({ "turnComplete": true, "turnCompleteReason": reason });
        let events = call.content(end);
        match how {
            Some(how) => assert_eq!(events, [ended(FIRST, how)]),
            None => assert!(
                matches!(&events[..], [DuplexEvent::ReplyEnded { how: ReplyEnd::Failed(refusal), .. }]
                    if refusal.kind == RefusalKind::Failed),
            ),
        }
    }
}

#[test]
fn an_answer_that_was_asked_for_and_has_nothing_to_say_is_given() {
    let mut call = Call::new();
    call.tell(DuplexInput::Respond { say: None });
    assert_eq!(call.complete(), [started(FIRST, true), ended(FIRST, ReplyEnd::Completed)]);
    assert_eq!(call.complete(), [], "nobody asked");
}

#[test]
fn who_asked_in_vain_is_answered_by_a_failure() {
    let error = json!({ "error": { "code": 13, "message": "oh", "status": "INTERNAL" } });
    let mut call = Call::new();
    call.tell(DuplexInput::Respond { say: None });
    let events = call.hear(error.clone());
    assert_eq!(events[0], started(FIRST, true));
    let DuplexEvent::ReplyEnded { how: ReplyEnd::Failed(refusal), .. } = &events[1] else {
        panic!("{events:?}")
    };
    assert_eq!(refusal.kind, RefusalKind::Failed);
    assert!(matches!(call.hear(error)[..], [DuplexEvent::Refused(_)]));
}

#[test]
fn calls_are_told_once_and_their_results_go_together() {
    let mut call = Call::new();
    call.turn(1);
    call.words("Let me see.");
    let events = call.hear(calls(&["c1", "c2"]));
    let awaits = ended(FIRST, ReplyEnd::AwaitsTools);
    assert_eq!(events, [called(FIRST, "c1"), called(FIRST, "c2"), awaits]);
    assert_eq!(call.hear(calls(&["c1"])), [], "it came before");

    assert!(call.tell(result("c2", "{\"hour\":12}")).is_empty());
    let sent = call.tell(result("c1", "noon"));
    let responses = json!([
        { "id": "c1", "name": "clock", "response": { "output": "noon" } },
        { "id": "c2", "name": "clock", "response": { "output": { "hour": 12 } } },
    ]);
    assert_eq!(sent, [json!({ "toolResponse": { "functionResponses": responses } })]);
    assert_eq!(call.words("Noon."), [started(SECOND, true), text(SECOND, "Noon.")]);
}

/// Whether it comes before the results have gone out or behind them.
#[test]
fn the_end_of_a_turn_that_called_tools_is_no_answer_to_their_results() {
    for is_late in [false, true] {
        let mut call = Call::new();
        call.hear(calls(&["c1"]));
        if !is_late {
            assert_eq!(call.complete(), []);
        }
        call.tell(result("c1", "noon"));
        if is_late {
            assert_eq!(call.complete(), []);
        }
        assert_eq!(call.words("Noon."), [started(SECOND, true), text(SECOND, "Noon.")]);
        assert_eq!(call.complete(), [ended(SECOND, ReplyEnd::Completed)]);
    }
}

#[test]
fn a_call_without_a_name_of_its_own_goes_by_the_tool_s() {
    let mut call = Call::new();
    let part = json!({ "functionCall": { "name": "clock" } });
    let events = call.content(json!({ "modelTurn": { "parts": [part] } }));
    let expected = ToolCall { id: "clock".into(), name: "clock".into(), arguments: json!({}) };
    assert_eq!(events[1], DuplexEvent::ToolCall { reply: FIRST, call: expected });
}

#[test]
fn cancelled_calls_are_not_answered() {
    let mut call = Call::new();
    call.hear(calls(&["c1", "c2", "c3"]));
    let cancellation = |ids: Value| json!({ "toolCallCancellation": { "ids": ids } });
    let ids = vec!["c1".to_owned()];
    let events = call.hear(cancellation(json!(["c1", "unknown"])));
    assert_eq!(events, [DuplexEvent::ToolsCancelled { ids }]);
    call.tell(result("c2", "noon"));
    assert!(call.answered().is_empty());
    call.hear(cancellation(json!(["c3"])));
    let sent = call.answered();
    assert_eq!(sent[0]["toolResponse"]["functionResponses"].as_array().unwrap().len(), 1);
}

#[test]
fn a_result_whose_call_is_of_an_earlier_connection_is_told_in_words() {
    let mut call = Call::new();
    let sent = call.tell(result("old", "noon"));
    let turn = json!({ "role": "user", "parts": [{ "text": "[The result of clock: noon]" }] });
    assert_eq!(sent, [json!({ "clientContent": { "turns": [turn], "turnComplete": true } })]);
}

#[test]
fn what_an_answer_took_is_told_each_time_as_a_whole_and_may_come_behind_it() {
    let usage = |input: u64, output: u64| json!({ "usageMetadata": { "promptTokenCount": input, "responseTokenCount": output } });
    let took = |events: &[DuplexEvent]| match events.last() {
        Some(DuplexEvent::ReplyEnded { usage, .. }) => *usage,
        other => panic!("{other:?}"),
    };
    let mut call = Call::detecting();
    call.sound();
    call.hear(usage(100, 10));
    call.hear(usage(100, 25));
    assert_eq!(took(&call.complete()), Some(Usage::of_text(100, 25)), "not the sum");
    call.hear(usage(100, 40));
    call.sound();
    call.hear(usage(200, 20));
    assert_eq!(took(&call.complete()), Some(Usage::of_text(200, 35)), "with what was left");

    call.sound();
    assert_eq!(took(&call.content(json!({ "interrupted": true }))), None);
    call.hear(usage(300, 7));
    call.sound();
    assert_eq!(took(&call.complete()), Some(Usage::of_text(300, 7)));
}

#[test]
fn an_answer_ends_with_its_connection_unless_all_of_it_has_come() {
    for (whole, how) in [(false, ReplyEnd::Lost), (true, ReplyEnd::Completed)] {
        let mut call = Call::detecting();
        call.sound();
        call.content(json!({ "generationComplete": whole }));
        assert_eq!(call.lose(), [ended(FIRST, how)]);
        assert_eq!(call.lose(), []);
    }
}

#[test]
fn what_is_written_is_answered_when_that_is_wished_for() {
    let mut call = Call::new();
    let turn = |text: &str| json!({ "role": "user", "parts": [{ "text": text }] });
    assert!(call.tell(DuplexInput::Text("Hello.".into())).is_empty());
    assert!(call.tell(DuplexInput::Text("Well?".into())).is_empty());
    let sent = call.tell(DuplexInput::Respond { say: None });
    let content = json!({ "turns": [turn("Hello."), turn("Well?")], "turnComplete": true });
    assert_eq!(sent, [json!({ "clientContent": content })]);
    let sent = call.tell(DuplexInput::Respond { say: None });
    assert_eq!(sent, [json!({ "clientContent": { "turns": [], "turnComplete": true } })]);

    let sent = call.tell(DuplexInput::Respond { say: Some("Bye.".into()) });
    let asked = sent[0]["clientContent"]["turns"][0]["parts"][0]["text"].as_str().unwrap();
    assert!(asked.contains("word by word") && asked.ends_with("\n\nBye."), "{asked}");
    assert_eq!(sent[0]["clientContent"]["turnComplete"], true);
}

#[test]
fn models_that_take_content_as_their_past_alone_are_written_to_as_they_are_spoken_to() {
    let options = GeminiOptions { text: crate::duplex::gemini::TextWay::Realtime, ..options() };
    let mut call = Call::with(options, DuplexSettings::default());
    assert!(call.tell(DuplexInput::Text("Hello.".into())).is_empty());
    let sent = call.tell(DuplexInput::Respond { say: None });
    let input = |input: Value| json!({ "realtimeInput": input });
    let expected = [
        input(json!({ "activityStart": {} })),
        input(json!({ "text": "Hello." })),
        input(json!({ "activityEnd": {} })),
    ];
    assert_eq!(sent, expected);
    let sent = call.tell(DuplexInput::Respond { say: None });
    assert_eq!(sent[1]["realtimeInput"]["text"], "[The user waits for you to speak.]");
    let sent = call.turn(1);
    assert_eq!(sent.len(), 3, "the answer to what was said comes by itself");
}

#[test]
fn what_the_user_shows_is_a_part_of_the_conversation_and_frames_are_not() {
    let mut call = Call::new();
    let image = Arc::new(Media::bytes(MediaKind::Image, "image/jpeg", vec![255]));
    let blob = json!({ "mimeType": "image/jpeg", "data": "/w==" });
    let turn = json!({ "role": "user", "parts": [{ "inlineData": blob }] });
    assert!(call.tell(DuplexInput::Image(Arc::clone(&image))).is_empty());
    let sent = call.turn(1);
    let content = json!({ "turns": [turn], "turnComplete": false });
    assert_eq!(sent[1], json!({ "clientContent": content }), "with what is said");
    let at = SessionTime::ZERO;
    let sent = call.tell(DuplexInput::Frame { at, image });
    assert_eq!(sent, [json!({ "realtimeInput": { "video": blob } })]);
    let url = Arc::new(Media::url(MediaKind::Image, "image/jpeg", "https://example.org/a.jpg"));
    assert!(call.tell(DuplexInput::Frame { at, image: url }).is_empty());
}

#[test]
fn what_was_heard_cannot_be_told() {
    let mut call = Call::new();
    call.sound();
    let sound = Duration::from_millis(1);
    let heard = DuplexInput::Heard { reply: FIRST, sound, text: "It".into(), whole: false };
    assert!(call.tell(heard).is_empty());
}
