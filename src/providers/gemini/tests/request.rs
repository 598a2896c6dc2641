//! What a model is asked.

use serde_json::{Value, json};

use super::super::client::{Options, Safety};
use super::super::{GeminiThinking, request};
use crate::providers::ProviderRequest;
use crate::providers::asides::Asides;
use crate::types::{
    Media, MediaKind, Message, Parameters, ResponseFormat, ToolCall, ToolChoice, ToolDescriptor,
    ToolResult,
};

fn body_with(asked: &ProviderRequest, options: &Options, asides: &Asides) -> Value {
    serde_json::from_slice(&request::body(asked, options, asides).unwrap()).unwrap()
}

fn body(asked: &ProviderRequest, options: &Options) -> Value {
    body_with(asked, options, &Asides::default())
}

fn request() -> ProviderRequest {
    ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: vec![Message::user("hello")],
        tools: [ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))].into(),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        parameters: Parameters {
            temperature: Some(1.5),
            top_p: Some(0.5),
            top_k: Some(9),
            max_tokens: Some(99),
            presence_penalty: Some(1.0),
            frequency_penalty: Some(-1.0),
            seed: Some(7),
            format: Some(ResponseFormat::JsonSchema {
                name: "time".to_owned(),
                schema: json!({ "type": "object" }),
                strict: true,
            }),
        },
        ..ProviderRequest::default()
    }
}

#[test]
fn the_request_is_told_in_the_services_words() {
    assert_eq!(
        body(&request(), &Options::default()),
        json!({
            "systemInstruction": { "parts": [{ "text": "Be brief." }] },
            "contents": [{ "role": "user", "parts": [{ "text": "hello" }] }],
            "generationConfig": { "temperature": 1.5, "topP": 0.5, "topK": 9, "maxOutputTokens": 99,
                "presencePenalty": 1.0, "frequencyPenalty": -1.0, "seed": 7,
                "responseMimeType": "application/json", "responseJsonSchema": { "type": "object" } },
            "tools": [{ "functionDeclarations": [{ "name": "clock", "description": "Tells.",
                "parametersJsonSchema": { "type": "object" } }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["clock"] } },
        })
    );
    for (choice, mode) in
        [(ToolChoice::Auto, "AUTO"), (ToolChoice::Required, "ANY"), (ToolChoice::None, "NONE")]
    {
        let request = ProviderRequest { tool_choice: choice, ..request() };
        let told = body(&request, &Options::default());
        assert_eq!(told["toolConfig"]["functionCallingConfig"], json!({ "mode": mode }));
    }
    let parameters =
        Parameters { format: Some(ResponseFormat::JsonObject), ..Parameters::default() };
    let any =
        body(&ProviderRequest { parameters, ..ProviderRequest::default() }, &Options::default());
    assert_eq!(any["generationConfig"], json!({ "responseMimeType": "application/json" }));
    assert_eq!(any["contents"][0]["parts"][0]["text"], "[The user says nothing.]");
    assert!(any.get("systemInstruction").is_none() && any.get("tools").is_none());
}

#[test]
fn thinking_safety_and_what_is_kept_there_are_told_if_they_are_set() {
    let options = Options {
        thinking: Some(GeminiThinking::Tokens(0)),
        safety: Some(Safety::High),
        cached_content: Some("cachedContents/abc".to_owned()),
        whole: false,
    };
    let told = body(&request(), &options);
    assert_eq!(told["generationConfig"]["thinkingConfig"], json!({ "thinkingBudget": 0 }));
    assert_eq!(told["cachedContent"], "cachedContents/abc");
    let settings = told["safetySettings"].as_array().unwrap();
    assert_eq!(settings.len(), 4);
    assert!(settings.iter().all(|setting| setting["threshold"] == "BLOCK_ONLY_HIGH"));
    for own in ["systemInstruction", "tools", "toolConfig"] {
        assert!(told.get(own).is_none(), "{own} is kept there");
    }
}

#[test]
fn thinking_is_told_in_tokens_or_as_a_level_never_both() {
    for (text, told) in [
        ("off", json!({ "thinkingBudget": 0 })),
        ("2048", json!({ "thinkingBudget": 2_048 })),
        ("adaptive", json!({ "thinkingBudget": -1 })),
        ("minimal", json!({ "thinkingLevel": "MINIMAL" })),
        ("low", json!({ "thinkingLevel": "LOW" })),
        ("medium", json!({ "thinkingLevel": "MEDIUM" })),
        ("high", json!({ "thinkingLevel": "HIGH" })),
        ("xhigh", json!({ "thinkingLevel": "XHIGH" })),
    ] {
        let thinking = GeminiThinking::of(text);
        assert!(thinking.is_some(), "{text}");
        let body = body(&request(), &Options { thinking, ..Options::default() });
        assert_eq!(body["generationConfig"]["thinkingConfig"], told, "{text}");
    }
    for wrong in ["", "65537", "-1", "max", "LOW", "between_tools"] {
        assert_eq!(GeminiThinking::of(wrong), None, "{wrong}");
    }
}

#[test]
fn calls_and_results_stand_side_by_side_with_their_signatures() {
    let call = |id: &str| {
        let (id, name) = (id.to_owned(), "clock".to_owned());
        ToolCall { id, name, arguments: json!({ "in": "Bern" }) }
    };
    let result = |id: &str, content: &str, is_error| {
        let (id, name, content) = (id.to_owned(), "clock".to_owned(), content.to_owned());
        Message::tool(ToolResult { id, name, content, is_error })
    };
    let calls = vec![call("call-1-0"), call("x7"), call("x8")];
    let messages = vec![
        Message::user("now?"),
        Message { tool_calls: calls, ..Message::assistant("Let me see.") },
        result("call-1-0", "ten", false),
        result("x7", "{\"time\":\"nine\"}", false),
        result("x8", "broken", true),
    ];
    let asides = Asides::default();
    asides.put(&call("call-1-0"), json!("c2ln"));
    let asked = ProviderRequest { messages, ..ProviderRequest::default() };
    let told = body_with(&asked, &Options::default(), &asides);
    let args = json!({ "in": "Bern" });
    assert_eq!(
        told["contents"][1],
        json!({ "role": "model", "parts": [
        { "text": "Let me see." },
        { "functionCall": { "name": "clock", "args": args }, "thoughtSignature": "c2ln" },
        { "functionCall": { "id": "x7", "name": "clock", "args": args } },
        { "functionCall": { "id": "x8", "name": "clock", "args": args } },
    ] })
    );
    assert_eq!(
        told["contents"][2],
        json!({ "role": "user", "parts": [
        { "functionResponse": { "name": "clock", "response": { "result": "ten" } } },
        { "functionResponse": { "id": "x7", "name": "clock", "response": { "time": "nine" } } },
        { "functionResponse": { "id": "x8", "name": "clock", "response": { "error": "broken" } } },
    ] })
    );
}

fn shown(media: Media) -> Result<Value, String> {
    let messages = vec![Message::user("What is this?").with(media)];
    let asked = ProviderRequest { messages, ..ProviderRequest::default() };
    let body = request::body(&asked, &Options::default(), &Asides::default())?;
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    Ok(body["contents"][0]["parts"][1].take())
}

#[test]
fn all_kinds_of_media_are_shown() {
    let inline =
        |mime: &str, data: &str| json!({ "inlineData": { "mimeType": mime, "data": data } });
    for (kind, mime, bytes, expected) in [
        (
            MediaKind::Image,
            "image/jpeg",
            &b"\x89PNG\r\n\x1a\n"[..],
            inline("image/png", "iVBORw0KGgo="),
        ),
        (MediaKind::Audio, "audio/mpeg", b"", inline("audio/mpeg", "")),
        (MediaKind::Video, "video/mp4", b"", inline("video/mp4", "")),
        (MediaKind::Document, "application/pdf", b"%PDF", inline("application/pdf", "JVBERg==")),
        (MediaKind::Document, "text/plain", b"one", json!({ "text": "one" })),
    ] {
        assert_eq!(shown(Media::bytes(kind, mime, bytes.to_vec())).unwrap(), expected);
    }
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    let film = shown(Media::url(MediaKind::Video, "video/mp4", uri)).unwrap();
    assert_eq!(film, json!({ "fileData": { "mimeType": "video/mp4", "fileUri": uri } }));
}

#[test]
fn what_cannot_be_shown_says_what_to_do() {
    for (media, why) in [
        (Media::bytes(MediaKind::Image, "image/bmp", &b"BM"[..]), "take PNG, JPEG and WebP"),
        (
            Media::bytes(MediaKind::Document, "application/zip", &b"PK"[..]),
            "take PDF and plain text",
        ),
        (Media::bytes(MediaKind::Audio, "audio/mpeg", vec![0; (14 << 20) + 1]), "over 14 MiB"),
    ] {
        let error = shown(media).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
