//! What a model is asked.

use serde_json::{Value, json};

use super::super::client::Options;
use super::super::thoughts::Thoughts;
use super::super::{Effort, Thinking, content, request};
use crate::providers::ProviderRequest;
use crate::types::{
    Media, MediaKind, MediaRef, MediaSource, Message, Parameters, ResponseFormat, ToolCall,
    ToolChoice, ToolDescriptor, ToolResult,
};

const PLAIN: Options = Options { thinking: Thinking::Usual, caches: false, whole: false };
const THINKING: Options =
    Options { thinking: Thinking::Tokens(2_000), caches: false, whole: false };

fn body(asked: &ProviderRequest, options: Options) -> Value {
    let body = request::body("m", asked, options, &Thoughts::default()).unwrap().0;
    serde_json::from_slice(&body).unwrap()
}

fn asked(messages: Vec<Message>) -> ProviderRequest {
    ProviderRequest { messages, ..ProviderRequest::default() }
}

fn told(messages: Vec<Message>) -> Value {
    body(&asked(messages), PLAIN)["messages"].take()
}

fn call(id: &str) -> ToolCall {
    let (id, name) = (id.to_owned(), "clock".to_owned());
    ToolCall { id, name, arguments: json!({ "in": "Bern" }) }
}

fn calls(ids: &[&str]) -> Message {
    Message { tool_calls: ids.iter().map(|id| call(id)).collect(), ..Message::assistant("") }
}

fn result(id: &str, content: &str) -> Message {
    let (id, name, content) = (id.to_owned(), "clock".to_owned(), content.to_owned());
    Message::tool(ToolResult { id, name, content, is_error: false })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn used(id: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": "clock", "input": { "in": "Bern" } })
}

fn resulted(id: &str, content: &str) -> Value {
    json!({ "type": "tool_result", "tool_use_id": id, "content": content })
}

fn clock() -> ToolDescriptor {
    ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))
}

#[test]
fn the_request_is_told_in_the_services_words() {
    let request = ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: vec![Message::user("hello")],
        tools: [clock()].into(),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        parameters: Parameters {
            temperature: Some(1.5),
            top_p: Some(0.5),
            top_k: Some(9),
            max_tokens: Some(99),
            seed: Some(7),
            format: Some(ResponseFormat::JsonSchema {
                name: "time".to_owned(),
                schema: json!({ "type": "object" }),
                strict: true,
            }),
            ..Parameters::default()
        },
        ..ProviderRequest::default()
    };
    assert_eq!(
        body(&request, PLAIN),
        json!({
            "model": "m", "max_tokens": 99, "stream": true, "temperature": 1.0, "top_k": 9,
            "system": [text("Be brief.")],
            "messages": [{ "role": "user", "content": [text("hello")] }],
            "tools": [{ "name": "clock", "description": "Tells.", "input_schema": { "type": "object" } }],
            "tool_choice": { "type": "tool", "name": "clock" },
            "output_config": { "format": { "type": "json_schema", "schema": { "type": "object" } } },
        })
    );
    let warm = Parameters { top_p: Some(0.5), ..Parameters::default() };
    let plain = body(&ProviderRequest { parameters: warm, ..asked(Vec::new()) }, PLAIN);
    assert_eq!((&plain["top_p"], &plain["max_tokens"]), (&json!(0.5), &json!(4_096)));
    assert!(plain.get("tools").is_none() && plain.get("tool_choice").is_none());
    assert_eq!(body(&request, Options { whole: true, ..PLAIN })["stream"], false);
    for (choice, kind) in
        [(ToolChoice::Auto, "auto"), (ToolChoice::Required, "any"), (ToolChoice::None, "none")]
    {
        let request = ProviderRequest { tool_choice: choice, ..request.clone() };
        assert_eq!(body(&request, PLAIN)["tool_choice"], json!({ "type": kind }));
    }
}

#[test]
fn what_the_service_has_no_words_for_is_left_out() {
    let parameters = Parameters {
        seed: Some(7),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.5),
        format: Some(ResponseFormat::JsonObject),
        ..Parameters::default()
    };
    let plain = body(&asked(Vec::new()), PLAIN);
    assert_eq!(body(&ProviderRequest { parameters, ..asked(Vec::new()) }, PLAIN), plain);
}

#[test]
fn what_stays_the_same_is_kept_at_hand() {
    let request = ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: vec![Message::user("one"), Message::assistant("two"), Message::user("three")],
        ..ProviderRequest::default()
    };
    let marked = body(&request, Options { caches: true, ..PLAIN });
    let ephemeral = json!({ "type": "ephemeral" });
    assert_eq!(marked["system"][0]["cache_control"], ephemeral);
    assert_eq!(marked["messages"][2]["content"][0]["cache_control"], ephemeral);
    assert_eq!(marked.to_string().matches("cache_control").count(), 2);
    assert_eq!(body(&request, PLAIN).to_string().matches("cache_control").count(), 0);
}

#[test]
fn user_and_agent_take_turns_whatever_was_said() {
    let silence = || text("[The user says nothing.]");
    let user = |content: &[Value]| json!({ "role": "user", "content": content });
    let agent = |content: &[Value]| json!({ "role": "assistant", "content": content });

    assert_eq!(told(Vec::new()), json!([user(&[silence()])]));
    assert_eq!(
        told(vec![Message::assistant("Welcome."), Message::user("one"), Message::user("two")]),
        json!([user(&[silence()]), agent(&[text("Welcome.")]), user(&[text("one"), text("two")])])
    );
    let cut = Message { interrupted: true, ..Message::assistant("How may I") };
    assert_eq!(
        told(vec![Message::user("one"), cut, Message::assistant(" "), Message::assistant("Yes?")]),
        json!([
            user(&[text("one")]),
            agent(&[text("How may I—"), text("Yes?")]),
            user(&[silence()])
        ])
    );
    let system = Message { role: crate::types::Role::System, ..Message::user("Be kind.") };
    let mixed = body(&asked(vec![Message::user("one"), system]), PLAIN);
    assert_eq!(mixed["system"], json!([text("Be kind.")]));
    assert_eq!(mixed["messages"], json!([user(&[text("one")])]));
}

#[test]
fn each_call_stands_beside_its_result() {
    let user = |content: &[Value]| json!({ "role": "user", "content": content });
    let agent = |content: &[Value]| json!({ "role": "assistant", "content": content });
    let lost = |id: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": "no result is known", "is_error": true });
    let all = told(vec![
        Message::user("now?"),
        calls(&["a", "b"]),
        result("a", "ten"),
        result("b", "nine"),
        Message::user("and now?"),
    ]);
    assert_eq!(
        all,
        json!([
            user(&[text("now?")]),
            agent(&[used("a"), used("b")]),
            user(&[resulted("a", "ten"), resulted("b", "nine"), text("and now?")]),
        ])
    );
    // One was lost, and another has lost its call.
    let all = told(vec![
        result("z", "eight"),
        Message::user("now?"),
        calls(&["a", "b"]),
        Message::user("well?"),
        result("b", "nine"),
        calls(&["c"]),
        Message::assistant("So."),
    ]);
    assert_eq!(
        all,
        json!([
            user(&[text("[the result of a tool: eight]"), text("now?")]),
            agent(&[used("a"), used("b")]),
            user(&[lost("a"), resulted("b", "nine"), text("well?")]),
            agent(&[used("c"), text("So.")]),
            user(&[lost("c")]),
        ])
    );
    // Ids of other services, and arguments that are no object.
    let odd = ToolCall { arguments: json!("oops"), ..call("call.1") };
    let odd = Message { tool_calls: vec![odd], ..Message::assistant("") };
    let all = told(vec![Message::user("now?"), odd, result("call.1", "ten")]);
    assert_eq!(all[1]["content"][0]["id"], "call_1_");
    assert_eq!(all[1]["content"][0]["input"], json!({}));
    assert_eq!(all[2]["content"][0]["tool_use_id"], "call_1_");
}

#[test]
fn it_thinks_where_it_may_and_is_told_again_what_it_thought() {
    let parameters =
        Parameters { temperature: Some(0.5), max_tokens: Some(100), ..Parameters::default() };
    let tools = [clock()].into();
    let request = |messages| ProviderRequest {
        parameters: parameters.clone(),
        tools: std::sync::Arc::clone(&tools),
        ..asked(messages)
    };
    let enabled = json!({ "type": "enabled", "budget_tokens": 2_000 });

    let first = body(&request(vec![Message::user("now?")]), THINKING);
    assert_eq!((&first["thinking"], &first["max_tokens"]), (&enabled, &json!(2_100)));
    assert!(first.get("temperature").is_none());
    let little = Options { thinking: Thinking::Tokens(1), ..PLAIN };
    assert_eq!(body(&request(Vec::new()), little)["thinking"]["budget_tokens"], 1_024);

    // Behind a call it must know what it thought.
    let called = request(vec![Message::user("now?"), calls(&["a"]), result("a", "ten")]);
    assert!(body(&called, THINKING).get("thinking").is_none());
    let thoughts = Thoughts::default();
    think(&thoughts, &request(vec![Message::user("now?")]), "a");
    let (again, _) = request::body("m", &called, THINKING, &thoughts).unwrap();
    let again: Value = serde_json::from_slice(&again).unwrap();
    assert_eq!(again["thinking"], enabled);
    assert_eq!(again["messages"][1]["content"], json!([thought("a"), used("a")]));
    // With an answer since, nothing is missing.
    let later = request(vec![
        Message::user("now?"),
        calls(&["b"]),
        result("b", "ten"),
        Message::assistant("It is ten."),
        Message::user("so?"),
    ]);
    assert_eq!(body(&later, THINKING)["thinking"], enabled);
    // Who must call a tool does not think.
    let forced = ProviderRequest {
        tool_choice: ToolChoice::Required,
        ..request(vec![Message::user("now?")])
    };
    assert!(body(&forced, THINKING).get("thinking").is_none());
}

#[test]
fn newer_models_think_as_they_see_fit_by_an_effort_or_not_at_all() {
    let schema = ResponseFormat::JsonSchema {
        name: "x".to_owned(),
        schema: json!({ "type": "object" }),
        strict: true,
    };
    let parameters = Parameters {
        temperature: Some(0.5),
        max_tokens: Some(100),
        format: Some(schema),
        ..Parameters::default()
    };
    let tools = [clock()].into();
    let request = ProviderRequest {
        parameters,
        tools,
        ..asked(vec![Message::user("now?"), calls(&["a"]), result("a", "ten")])
    };
    let of = |thinking| body(&request, Options { thinking, ..PLAIN });
    let format = json!({ "type": "json_schema", "schema": { "type": "object" } });

    // It may have thought nothing before the call: that does not matter.
    let low = of(Thinking::Adaptive(Some(Effort::Low)));
    assert_eq!(low["thinking"], json!({ "type": "adaptive" }));
    assert_eq!(low["output_config"], json!({ "effort": "low", "format": format }));
    assert_eq!(low["max_tokens"], 100 + 16_384);
    assert!(low.get("temperature").is_none());
    let fit = of(Thinking::Adaptive(None));
    assert_eq!(fit["thinking"], json!({ "type": "adaptive" }));
    assert_eq!(fit["output_config"], json!({ "format": format }));
    // Some models refuse to be told so where they must call a tool.
    let must = ProviderRequest { tool_choice: ToolChoice::Required, ..request.clone() };
    let must = body(&must, Options { thinking: Thinking::Adaptive(Some(Effort::Low)), ..PLAIN });
    assert_eq!((must.get("thinking"), must.get("temperature")), (None, None));
    assert_eq!(must["output_config"]["effort"], "low");
    let between = of(Thinking::BetweenTools);
    assert_eq!(between["thinking"], json!({ "type": "between_tools" }));
    assert_eq!((&between["max_tokens"], between.get("temperature")), (&json!(100), None));
    let off = of(Thinking::Off);
    assert_eq!(off["thinking"], json!({ "type": "disabled" }));
    assert_eq!((&off["max_tokens"], &off["temperature"]), (&json!(100), &json!(0.5)));
    let usual = of(Thinking::Usual);
    assert!(usual.get("thinking").is_none());
    assert_eq!(usual["temperature"], 0.5);
    let plain = body(&asked(Vec::new()), Options { thinking: Thinking::Off, ..PLAIN });
    assert!(plain.get("output_config").is_none());
}

#[test]
fn what_it_thought_is_told_again_as_long_as_nothing_before_it_has_changed() {
    let known = Thoughts::default();
    let mut messages = vec![Message::user("now?")];
    for (id, time, question) in [("a", "ten", "and in Bern?"), ("b", "nine", "thanks")] {
        think(&known, &asked(messages.clone()), id);
        messages.extend([calls(&[id]), result(id, time)]);
        messages.extend([Message::assistant("It is."), Message::user(question)]);
    }
    let thoughts = |messages: &[Message], thinking| {
        let options = Options { thinking, ..PLAIN };
        let (told, _) = request::body("m", &asked(messages.to_vec()), options, &known).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        let blocks = told["messages"].as_array().unwrap().iter();
        let blocks = blocks.flat_map(|message| message["content"].as_array().unwrap().clone());
        blocks.filter_map(|block| Some(block["thinking"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    // Newer models think if they are told nothing.
    for thinks in [
        Thinking::Usual,
        Thinking::BetweenTools,
        Thinking::Adaptive(None),
        Thinking::Adaptive(Some(Effort::Max)),
        Thinking::Tokens(2_000),
    ] {
        assert_eq!(thoughts(&messages, thinks), ["a", "b"], "{thinks:?}");
    }
    assert!(thoughts(&messages, Thinking::Off).is_empty());
    // The beginning was cut off, or the end of what was said was not heard.
    assert!(thoughts(&messages[4..], Thinking::Adaptive(None)).is_empty());
    "It".clone_into(&mut messages[3].text);
    assert_eq!(thoughts(&messages, Thinking::Adaptive(None)), ["a"]);
    // The user spoke while the tool ran: its result is still to be answered, and with a number of
    // tokens that is refused without what was thought before.
    messages.truncate(7);
    messages.push(Message::user("hurry"));
    assert_eq!(thoughts(&messages, Thinking::Adaptive(None)), ["a"]);
    assert!(thoughts(&messages, Thinking::Tokens(2_000)).is_empty());
    let hurried = body(&asked(messages), THINKING);
    assert!(hurried.get("thinking").is_none());
}

#[test]
fn thoughts_and_words_together_are_no_more_than_a_model_may_answer() {
    let most = |max_tokens, thinking| {
        let parameters = Parameters { max_tokens, ..Parameters::default() };
        let asked = ProviderRequest { parameters, ..asked(vec![Message::user("now?")]) };
        let told = body(&asked, Options { thinking, ..PLAIN });
        let tokens = |field: &str| told.pointer(field).and_then(Value::as_u64);
        (tokens("/max_tokens").unwrap(), tokens("/thinking/budget_tokens"))
    };
    assert_eq!(most(None, Thinking::Tokens(128_000)), (128_000, Some(123_904)));
    assert_eq!(most(Some(1_000), Thinking::Tokens(2_000)), (3_000, Some(2_000)));
    assert_eq!(most(Some(60_000), Thinking::Adaptive(None)), (64_000, None));
    assert_eq!(most(Some(100_000), Thinking::Adaptive(None)), (100_000, None));
    assert_eq!(most(Some(60_000), Thinking::Usual), (60_000, None));
}

fn thought(id: &str) -> Value {
    json!({ "type": "thinking", "thinking": id, "signature": "c2ln" })
}

/// It is asked so, thinks, and makes this call.
fn think(thoughts: &Thoughts, asked: &ProviderRequest, id: &str) {
    let (_, before) = request::body("m", asked, THINKING, thoughts).unwrap();
    thoughts.put(before, &call(id), vec![thought(id)]);
}

#[test]
fn thinking_is_written_as_a_word_or_a_number() {
    for (text, thinking) in [
        ("off", Thinking::Off),
        ("between_tools", Thinking::BetweenTools),
        ("adaptive", Thinking::Adaptive(None)),
        ("low", Thinking::Adaptive(Some(Effort::Low))),
        ("max", Thinking::Adaptive(Some(Effort::Max))),
        ("1024", Thinking::Tokens(1_024)),
        ("128000", Thinking::Tokens(128_000)),
    ] {
        assert_eq!(Thinking::of(text), Some(thinking), "{text}");
    }
    for wrong in ["", "1023", "128001", "-1", "minimal", "Low", "on"] {
        assert_eq!(Thinking::of(wrong), None, "{wrong}");
    }
}

fn shown(media: Media) -> Result<Value, String> {
    let request = asked(vec![Message::user("What is this?").with(media)]);
    let body = request::body("m", &request, PLAIN, &Thoughts::default())?.0;
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    Ok(body["messages"][0]["content"][1].take())
}

#[test]
fn images_and_documents_are_shown() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    let base64 =
        |mime: &str, data: &str| json!({ "type": "base64", "media_type": mime, "data": data });
    let bytes = |kind, mime: &str, bytes: &[u8]| shown(Media::bytes(kind, mime, bytes.to_vec()));
    let image = bytes(MediaKind::Image, "image/jpeg", PNG).unwrap();
    assert_eq!(image, json!({ "type": "image", "source": base64("image/png", "iVBORw0KGgo=") }));
    let url = "https://there/a.png";
    let image = shown(Media::url(MediaKind::Image, "image/png", url)).unwrap();
    assert_eq!(image, json!({ "type": "image", "source": { "type": "url", "url": url } }));
    let pdf = Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF"[..]).with_name("a.pdf");
    let source = base64("application/pdf", "JVBERg==");
    assert_eq!(
        shown(pdf).unwrap(),
        json!({ "type": "document", "title": "a.pdf", "source": source })
    );
    let pdf = shown(Media::url(MediaKind::Document, "application/pdf", url)).unwrap();
    assert_eq!(pdf, json!({ "type": "document", "source": { "type": "url", "url": url } }));
    let text = bytes(MediaKind::Document, "text/plain", "é".as_bytes()).unwrap();
    let source = json!({ "type": "text", "media_type": "text/plain", "data": "é" });
    assert_eq!(text, json!({ "type": "document", "source": source }));
}

#[test]
fn what_cannot_be_shown_says_what_to_do_and_later_is_a_note() {
    for (media, why) in [
        (Media::bytes(MediaKind::Image, "image/bmp", &b"BM"[..]), "take JPEG, PNG, GIF and WebP"),
        (Media::bytes(MediaKind::Audio, "audio/wav", &b"RIFF"[..]), "is sound"),
        (Media::bytes(MediaKind::Video, "video/mp4", &b""[..]), "is a film"),
        (
            Media::bytes(MediaKind::Document, "application/zip", &b"PK"[..]),
            "take PDF and plain text",
        ),
        (Media::url(MediaKind::Document, "text/plain", "https://there"), "images and PDF only"),
    ] {
        assert_eq!(
            content::KINDS.contains(&media.kind),
            matches!(media.kind, MediaKind::Image | MediaKind::Document)
        );
        let error = shown(media.clone()).unwrap_err();
        assert!(error.contains(why), "{error}");
        let later = told(vec![Message::user("").with(media), Message::user("so?")]);
        let note = later[0]["content"][0]["text"].as_str().unwrap();
        assert!(note.contains("which was not shown to you"), "{note}");
    }
    let (sha256, size) = ("0".repeat(64), 1);
    let stored = Media {
        source: MediaSource::Stored(MediaRef { sha256, size }),
        ..Media::url(MediaKind::Image, "image/png", "")
    };
    let request = asked(vec![Message::user("").with(stored), Message::user("so?")]);
    assert!(request::body("m", &request, PLAIN, &Thoughts::default()).is_err());
    let shows = Message::assistant("Look.").with(Media::url(MediaKind::Image, "image/png", "x"));
    assert!(request::body("m", &asked(vec![shows]), PLAIN, &Thoughts::default()).is_err());
}
