//! What a model is asked.

use serde_json::{Value, json};

use super::super::client::{Options, Reasoning};
use super::super::request;
use crate::providers::ProviderRequest;
use crate::providers::asides::Asides;
use crate::types::{
    Detail, Media, MediaKind, Message, Parameters, ResponseFormat, ToolCall, ToolChoice,
    ToolDescriptor, ToolResult,
};

fn body(asked: &ProviderRequest, reasoning: Option<Reasoning>, asides: &Asides) -> Value {
    let options = Options { reasoning, whole: false };
    serde_json::from_slice(&request::body("m", asked, options, asides).unwrap()).unwrap()
}

fn asked() -> ProviderRequest {
    ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: vec![Message::user("hello")],
        tools: [ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))].into(),
        tool_choice: ToolChoice::Named("clock".to_owned()),
        parameters: Parameters {
            temperature: Some(0.5),
            top_p: Some(0.5),
            max_tokens: Some(9),
            seed: Some(7),
            format: Some(ResponseFormat::JsonSchema {
                name: "time".to_owned(),
                schema: json!({ "type": "object" }),
                strict: true,
            }),
            ..Parameters::default()
        },
        ..ProviderRequest::default()
    }
}

#[test]
fn the_request_is_told_in_the_services_words() {
    let told = body(&asked(), None, &Asides::default());
    assert_eq!(
        told,
        json!({
            "model": "m", "stream": true, "store": false, "instructions": "Be brief.",
            "input": [{ "type": "message", "role": "user",
                "content": [{ "type": "input_text", "text": "hello" }] }],
            "max_output_tokens": 16, "temperature": 0.5, "top_p": 0.5,
            "text": { "format": { "type": "json_schema", "name": "time",
                "schema": { "type": "object" }, "strict": true } },
            "tools": [{ "type": "function", "name": "clock", "description": "Tells.",
                "parameters": { "type": "object" }, "strict": false }],
            "tool_choice": { "type": "function", "name": "clock" },
        })
    );
    for (choice, mode) in
        [(ToolChoice::Auto, "auto"), (ToolChoice::Required, "required"), (ToolChoice::None, "none")]
    {
        let asked = ProviderRequest { tool_choice: choice, ..asked() };
        assert_eq!(body(&asked, None, &Asides::default())["tool_choice"], mode);
    }
    let parameters =
        Parameters { format: Some(ResponseFormat::JsonObject), ..Parameters::default() };
    let any = ProviderRequest { parameters, ..ProviderRequest::default() };
    let any = body(&any, None, &Asides::default());
    assert_eq!(any["text"], json!({ "format": { "type": "json_object" } }));
    assert!(any.get("instructions").is_none() && any.get("tools").is_none());
}

#[test]
fn what_the_service_has_no_words_for_is_left_out() {
    let parameters = Parameters {
        top_k: Some(9),
        seed: Some(7),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.5),
        ..Parameters::default()
    };
    let plain = body(&ProviderRequest::default(), None, &Asides::default());
    let asked = ProviderRequest { parameters, ..ProviderRequest::default() };
    assert_eq!(body(&asked, None, &Asides::default()), plain);
}

#[test]
fn who_thinks_is_told_so_and_told_again_what_it_thought() {
    let call = ToolCall {
        id: "call_1".to_owned(),
        name: "clock".to_owned(),
        arguments: json!({ "in": "Bern" }),
    };
    let (id, name, content) = (call.id.clone(), call.name.clone(), "ten".to_owned());
    let asked = ProviderRequest {
        messages: vec![
            Message::user("now?"),
            Message { tool_calls: vec![call.clone()], ..Message::assistant("Let me see.") },
            Message::tool(ToolResult { id, name, content, is_error: false }),
        ],
        ..asked()
    };
    let asides = Asides::default();
    let thought =
        json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x" });
    asides.put(&call, json!([thought]));
    let told = body(&asked, Some(Reasoning::Low), &asides);
    assert_eq!(told["reasoning"], json!({ "effort": "low" }));
    assert_eq!(told["include"], json!(["reasoning.encrypted_content"]));
    assert!(told.get("temperature").is_none() && told.get("top_p").is_none());
    assert_eq!(
        told["input"].as_array().unwrap()[1..],
        [
            json!({ "type": "message", "role": "assistant", "content": "Let me see." }),
            thought,
            json!({ "type": "function_call", "call_id": "call_1", "name": "clock",
            "arguments": "{\"in\":\"Bern\"}" }),
            json!({ "type": "function_call_output", "call_id": "call_1", "output": "ten" }),
        ]
    );
    assert!(!body(&asked, None, &asides).to_string().contains("rs_1"));
    let plain = body(&asked, Some(Reasoning::None), &asides);
    assert_eq!(
        (&plain["reasoning"]["effort"], &plain["temperature"]),
        (&json!("none"), &json!(0.5))
    );
    for name in ["none", "minimal", "low", "medium", "high"] {
        assert_eq!(Reasoning::of(name).unwrap().name(), name);
    }
}

fn shown(media: Media) -> Result<Value, String> {
    let messages = vec![Message::user("What is this?").with(media)];
    let asked = ProviderRequest { messages, ..ProviderRequest::default() };
    let body = request::body("m", &asked, Options::default(), &Asides::default())?;
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    Ok(body["input"][0]["content"][1].take())
}

#[test]
fn images_and_documents_are_shown() {
    let image =
        Media::bytes(MediaKind::Image, "image/png", vec![0, 255, 7]).with_detail(Detail::Low);
    let url = "data:image/png;base64,AP8H";
    let expected = json!({ "type": "input_image", "image_url": url, "detail": "low" });
    assert_eq!(shown(image).unwrap(), expected);
    let there = "https://there/a";
    let image = Media::url(MediaKind::Image, "image/png", there);
    let expected = json!({ "type": "input_image", "image_url": there, "detail": "auto" });
    assert_eq!(shown(image).unwrap(), expected);
    let pdf = Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF"[..]).with_name("a.pdf");
    let data = "data:application/pdf;base64,JVBERg==";
    let expected = json!({ "type": "input_file", "filename": "a.pdf", "file_data": data });
    assert_eq!(shown(pdf).unwrap(), expected);
    let pdf = Media::url(MediaKind::Document, "application/pdf", there);
    assert_eq!(shown(pdf).unwrap(), json!({ "type": "input_file", "file_url": there }));
    let text = Media::bytes(MediaKind::Document, "text/plain", &b"one"[..]).with_name("a.txt");
    assert_eq!(shown(text).unwrap(), json!({ "type": "input_text", "text": "a.txt:\n\none" }));
    for (media, why) in [
        (Media::bytes(MediaKind::Audio, "audio/wav", &b"RIFF"[..]), "know nothing"),
        (Media::bytes(MediaKind::Video, "video/mp4", &b""[..]), "know nothing"),
        (
            Media::bytes(MediaKind::Document, "application/zip", &b"PK"[..]),
            "take PDF and plain text",
        ),
    ] {
        assert!(shown(media).unwrap_err().contains(why));
    }
}
