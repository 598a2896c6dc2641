//! What is sent of media and parameters.

use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::error::Recovery;
use crate::net::Endpoint;
use crate::net::mock::{MockHttp, MockResponse};
use crate::providers::{OpenAi, Provider, ProviderError, ProviderErrorKind, ProviderRequest};
use crate::types::{
    Detail, Media, MediaKind, MediaRef, MediaSource, Message, Parameters, ResponseFormat,
    ToolChoice, ToolDescriptor,
};

/// What a server at `base` is sent, or why it is sent nothing.
async fn sent_to(base: &str, request: ProviderRequest) -> Result<Value, ProviderError> {
    let http = MockHttp::new();
    http.answer(MockResponse::new("text/event-stream", [&b"data: [DONE]\n\n"[..]]));
    let provider = OpenAi::new(Arc::new(http.clone()), Endpoint::new(base, None).unwrap(), "m");
    let mut events: Vec<_> = provider.stream(request).collect().await;
    match http.requests().first() {
        Some(sent) => Ok(serde_json::from_slice(&sent.body).unwrap()),
        None => Err(events.remove(0).unwrap_err()),
    }
}

async fn sent(request: ProviderRequest) -> Result<Value, ProviderError> {
    sent_to("http://there/v1", request).await
}

/// What is sent of the conversation.
async fn messages(messages: Vec<Message>) -> Result<Value, ProviderError> {
    let request = ProviderRequest { messages, ..ProviderRequest::default() };
    Ok(sent(request).await?["messages"].take())
}

fn shown(media: Media) -> Vec<Message> {
    vec![Message::user("What is this?").with(media)]
}

/// What is sent of one of the media.
async fn part(media: Media) -> Value {
    messages(shown(media)).await.unwrap()[0]["content"][1].take()
}

async fn refused(media: Media) -> String {
    let error = messages(shown(media)).await.unwrap_err();
    assert!(error.kind == ProviderErrorKind::InvalidRequest, "{error:?}");
    assert_eq!(error.recovery(), Recovery::Abort);
    error.to_string()
}

fn media(kind: MediaKind, mime: &str, bytes: &[u8]) -> Media {
    Media::bytes(kind, mime, bytes.to_vec())
}

#[tokio::test]
async fn a_message_with_media_has_parts_and_one_without_is_a_text() {
    let image = media(MediaKind::Image, "image/png", &[0, 255, 7]);
    let far = Media::url(MediaKind::Image, "image/jpeg", "https://there/a.jpg");
    let sent = messages(vec![
        Message::user("Look.").with(image).with(far.with_detail(Detail::Low)),
        Message::assistant("Two."),
        Message::user("And?"),
    ]);
    let expected = json!([
        { "role": "user", "content": [
            { "type": "text", "text": "Look." },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,AP8H" } },
            { "type": "image_url",
              "image_url": { "url": "https://there/a.jpg", "detail": "low" } },
        ] },
        { "role": "assistant", "content": "Two." },
        { "role": "user", "content": "And?" },
    ]);
    assert_eq!(sent.await.unwrap(), expected);
}

#[tokio::test]
async fn media_without_words_are_sent_without_an_empty_text() {
    let image = Media::url(MediaKind::Image, "image/png", "https://there/a.png");
    let sent = messages(vec![Message::user("").with(image)]).await.unwrap();
    let expected = json!([{ "type": "image_url", "image_url": { "url": "https://there/a.png" } }]);
    assert_eq!(sent[0]["content"], expected);
}

#[tokio::test]
async fn sound_is_sent_as_what_its_bytes_are() {
    let input = |data: &str, format: &str| {
        json!({ "type": "input_audio",
        "input_audio": { "data": data, "format": format } })
    };
    let mp3 = media(MediaKind::Audio, "audio/mpeg", b"ID3");
    assert_eq!(part(mp3).await, input("SUQz", "mp3"));
    let disguised = media(MediaKind::Audio, "audio/mpeg", b"RIFF\0\0\0\0WAVE");
    assert_eq!(part(disguised).await, input("UklGRgAAAABXQVZF", "wav"));
}

#[tokio::test]
async fn a_pdf_is_sent_as_a_file_and_a_text_as_a_text() {
    let file = |name: &str| {
        json!({ "type": "file",
        "file": { "filename": name, "file_data": "data:application/pdf;base64,JVBERi0xLjc=" } })
    };
    let pdf = media(MediaKind::Document, "application/pdf", b"%PDF-1.7");
    assert_eq!(part(pdf.clone()).await, file("document.pdf"));
    assert_eq!(part(pdf.with_name("a.pdf")).await, file("a.pdf"));

    let notes = media(MediaKind::Document, "text/markdown", "# Grüezi".as_bytes());
    assert_eq!(part(notes.clone()).await, json!({ "type": "text", "text": "# Grüezi" }));
    let named = part(notes.with_name("a.md")).await;
    assert_eq!(named, json!({ "type": "text", "text": "a.md:\n\n# Grüezi" }));
}

#[tokio::test]
async fn what_the_protocol_cannot_say_is_refused_before_anything_is_sent() {
    let stored = MediaRef { sha256: "0".repeat(64), size: 3 };
    let stored = MediaSource::Stored(stored);
    let image = media(MediaKind::Image, "image/png", b"");
    let pdf = Media::url(MediaKind::Document, "application/pdf", "https://there/a.pdf");
    for (media, why, instead) in [
        (
            media(MediaKind::Video, "video/mp4", b"").with_name("a.mp4"),
            "the video `a.mp4` is a film",
            "send pictures",
        ),
        (
            media(MediaKind::Audio, "audio/mpeg", b"fLaC\0").with_name("a.flac"),
            "the audio `a.flac` is flac, and chat completions take WAV and MP3",
            "convert it",
        ),
        (
            Media::url(MediaKind::Audio, "audio/wav", "https://there/a.wav"),
            "the audio is given by its address",
            "fetch it, and attach its bytes",
        ),
        (pdf, "the document is given by its address", "fetch it"),
        (Media { source: stored, ..image }, "a reference to a store", "put its bytes"),
        (
            media(MediaKind::Document, "application/x-odd", b"\0\x01"),
            "is application/x-odd, and chat completions take PDF and plain text",
            "convert it",
        ),
        (
            media(MediaKind::Document, "text/plain", b"Gr\xfcezi"),
            "a text that is not UTF-8",
            "convert it",
        ),
    ] {
        let told = refused(media).await;
        assert!(told.contains(why) && told.contains(instead), "{told}");
    }
    let answer = Message::assistant("Here.").with(media(MediaKind::Image, "image/png", b""));
    let error = messages(vec![answer, Message::user("Oh")]).await.unwrap_err();
    assert!(error.to_string().contains("only what the user says may show media"), "{error}");
}

#[tokio::test]
async fn what_was_refused_once_does_not_end_the_conversation() {
    let film = media(MediaKind::Video, "video/mp4", b"").with_name("a.mp4");
    let sent = messages(vec![Message::user("Look!").with(film), Message::user("Never mind.")]);
    let expected = json!([
        { "role": "user", "content": [
            { "type": "text", "text": "Look!" },
            { "type": "text", "text": "[video a.mp4, which was not shown to you]" },
        ] },
        { "role": "user", "content": "Never mind." },
    ]);
    assert_eq!(sent.await.unwrap(), expected);

    let stored = MediaSource::Stored(MediaRef { sha256: "0".repeat(64), size: 3 });
    let stored = Media { source: stored, ..media(MediaKind::Image, "image/png", b"") };
    let sent = messages(vec![Message::user("Look!").with(stored), Message::user("And?")]);
    assert!(sent.await.unwrap_err().to_string().contains("a reference to a store"));
}

#[tokio::test]
async fn every_parameter_reaches_the_server() {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let format = |name: &str, strict| ResponseFormat::JsonSchema {
        name: name.to_owned(),
        schema: schema.clone(),
        strict,
    };
    let asked = ProviderRequest {
        messages: vec![Message::user("hello")],
        tools: [ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))].into(),
        tool_choice: ToolChoice::Required,
        parameters: Parameters {
            temperature: Some(0.7),
            max_tokens: Some(99),
            top_p: Some(0.9),
            top_k: Some(40),
            frequency_penalty: Some(0.5),
            presence_penalty: Some(-1.5),
            seed: Some(7),
            format: Some(format("place", true)),
        },
        ..ProviderRequest::default()
    };
    let body = sent(asked.clone()).await.unwrap();
    let expected = json!({
        "model": "m", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "hello" }],
        "temperature": 0.7, "max_tokens": 99, "top_p": 0.9, "top_k": 40,
        "frequency_penalty": 0.5, "presence_penalty": -1.5, "seed": 7,
        "response_format": { "type": "json_schema",
            "json_schema": { "name": "place", "schema": schema, "strict": true } },
        "tools": [{ "type": "function", "function":
            { "name": "clock", "description": "Tells.", "parameters": { "type": "object" } } }],
        "tool_choice": "required",
    });
    assert_eq!(body, expected);

    // Its own server refuses what it does not know.
    let official = sent_to("https://api.openai.com/v1", asked.clone()).await.unwrap();
    assert_eq!((&official["top_k"], &official["top_p"]), (&Value::Null, &json!(0.9)));
    assert_eq!(official["max_completion_tokens"], 99);

    let parameters = Parameters { format: Some(format("x", false)), ..Parameters::default() };
    let loose = sent(ProviderRequest { parameters, ..asked.clone() }).await.unwrap();
    assert_eq!(loose["response_format"]["json_schema"]["strict"], false);
    let any = Parameters { format: Some(ResponseFormat::JsonObject), ..Parameters::default() };
    let tool_choice = ToolChoice::None;
    let any = ProviderRequest { parameters: any, tool_choice, ..asked.clone() };
    let any = sent(any).await.unwrap();
    assert_eq!(any["response_format"], json!({ "type": "json_object" }));
    assert_eq!(any["tool_choice"], "none");
    let bare = sent(ProviderRequest { parameters: Parameters::default(), ..asked }).await.unwrap();
    assert_eq!((bare.get("top_p"), bare.get("response_format")), (None, None));
}

#[tokio::test]
async fn a_tool_may_must_or_must_not_be_called_or_one_of_them_must() {
    let one = json!({ "type": "function", "function": { "name": "clock" } });
    for (tool_choice, told) in [
        (ToolChoice::Auto, json!("auto")),
        (ToolChoice::Required, json!("required")),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Named("clock".to_owned()), one),
    ] {
        let tools = [ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))].into();
        let asked = ProviderRequest { tools, tool_choice, ..ProviderRequest::default() };
        assert_eq!(sent(asked).await.unwrap()["tool_choice"], told);
    }
    // Where there is none, there is no choice.
    let tool_choice = ToolChoice::Required;
    let none = ProviderRequest { tool_choice, ..ProviderRequest::default() };
    assert_eq!(sent(none).await.unwrap().get("tool_choice"), None);
}

#[tokio::test]
async fn a_provider_tells_what_it_can_be_asked_for() {
    let endpoint = Endpoint::new("http://there/v1", None).unwrap();
    let can = OpenAi::new(Arc::new(MockHttp::new()), endpoint, "m").capabilities();
    for kind in [MediaKind::Image, MediaKind::Audio, MediaKind::Video, MediaKind::Document] {
        let file = match kind {
            MediaKind::Image => ("image/png", &b""[..]),
            MediaKind::Audio => ("audio/wav", &b""[..]),
            MediaKind::Video => ("video/mp4", &b""[..]),
            MediaKind::Document => ("application/pdf", &b"%PDF"[..]),
        };
        let taken = messages(shown(media(kind, file.0, file.1))).await.is_ok();
        assert_eq!(can.takes(kind), taken, "{kind}");
    }
}
