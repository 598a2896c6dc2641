//! What models are asked, held against the types of their vendors' own clients: all that a request may
//! hold, and nothing that these types do not know.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use banter::net::mock::{MockHttp, MockResponse};
use banter::net::{Endpoint, Http};
use banter::providers::{
    Anthropic, Gemini, GeminiThinking, OpenAi, OpenAiResponses, Provider, ProviderRequest,
    Reasoning, Safety, Thinking,
};
use banter::types::{
    Detail, Media, MediaKind, Message, Parameters, ResponseFormat, ToolCall, ToolChoice,
    ToolDescriptor, ToolResult,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::lacking::lacking;

#[tokio::test]
async fn the_vendors_types_know_all_that_their_models_are_asked() {
    let Some(python) = python() else { return };
    let mut lines = Vec::new();
    for (vendor, http, model) in models() {
        for request in requests(&*model) {
            http.answer(MockResponse::new("text/event-stream", [""]));
            let _nothing: Vec<_> = model.stream(request).collect().await;
        }
        let asked = http.requests();
        assert!(asked.len() > 8, "{vendor} refuses too much: {}", asked.len());
        let bodies = asked.iter().map(|request| serde_json::from_slice::<Value>(&request.body));
        lines.extend(bodies.map(|body| line(vendor, &body.unwrap())));
    }
    assert_eq!(check(&python, &lines), json!([]));
}

#[test]
fn what_the_types_do_not_know_is_found() {
    let Some(python) = python() else { return };
    let user = json!([{"role": "user", "content": "Hello."}]);
    let lines = [
        line("openai", &json!({"model": "m", "messages": user, "temper": 1})),
        line(
            "responses",
            &json!({"model": "m", "input": [{"type": "message", "role": "nobody",
            "content": "Hello."}]}),
        ),
        line("anthropic", &json!({"model": "m", "messages": user})),
        line("gemini", &json!({"contents": [{"parts": [{"txt": "Hello."}]}]})),
        line(
            "anthropic",
            &json!({"model": "m", "max_tokens": 1, "messages": user,
            "output_config": {"effort": "minimal"}}),
        ),
        line(
            "gemini",
            &json!({"contents": [], "generationConfig": {"thinkingConfig": {"thinkingLvl": "LOW"}}}),
        ),
    ];
    let wrong = check(&python, &lines);
    let wrong: Vec<_> = wrong.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(wrong.contains(&"openai.temper is unknown"), "{wrong:?}");
    assert!(wrong.contains(&"anthropic.max_tokens is missing"), "{wrong:?}");
    assert!(wrong.iter().any(|one| one.starts_with("responses.input")), "{wrong:?}");
    assert!(wrong.iter().any(|one| one.starts_with("gemini.contents")), "{wrong:?}");
    let thinking = ["anthropic.output_config.effort", "gemini.generationConfig"];
    for thinking in thinking {
        assert!(wrong.iter().any(|one| one.starts_with(thinking)), "{wrong:?}");
    }
}

/// Each vendor's client, in each of its ways.
fn models() -> Vec<(&'static str, MockHttp, Arc<dyn Provider>)> {
    let mut all: Vec<(_, _, Arc<dyn Provider>)> = Vec::new();
    let mut add = |vendor, make: &dyn Fn(Arc<dyn Http>, Endpoint) -> Arc<dyn Provider>| {
        let http = MockHttp::new();
        let endpoint = Endpoint::new("http://there/v1", None).unwrap();
        let model = make(Arc::new(http.clone()), endpoint);
        all.push((vendor, http, model));
    };
    add("openai", &|http, at| Arc::new(OpenAi::new(http, at, "m")));
    add("responses", &|http, at| Arc::new(OpenAiResponses::new(http, at, "m")));
    for how in ["none", "minimal", "low", "medium", "high", "xhigh", "max"] {
        let how = Reasoning::of(how).unwrap();
        add("responses", &|http, at| {
            Arc::new(OpenAiResponses::new(http, at, "o4-mini").reasoning(how).whole())
        });
    }
    add("anthropic", &|http, at| Arc::new(Anthropic::new(http, at, "m")));
    for how in ["off", "between_tools", "adaptive", "low", "medium", "high", "xhigh", "max", "2000"]
    {
        let how = Thinking::of(how).unwrap();
        add("anthropic", &|http, at| {
            Arc::new(Anthropic::new(http, at, "m").thinking(how).uncached().whole())
        });
    }
    add("gemini", &|http, at| Arc::new(Gemini::new(http, at, "m")));
    for how in ["off", "100", "adaptive", "minimal", "low", "medium", "high", "xhigh"] {
        let how = GeminiThinking::of(how).unwrap();
        add("gemini", &|http, at| {
            let model = Gemini::new(http, at, "m").thinking(how).with_safety(Safety::Low);
            Arc::new(model.with_cached_content("cachedContents/c").whole())
        });
    }
    all
}

/// Everything that a model may be asked.
fn requests(model: &dyn Provider) -> Vec<ProviderRequest> {
    let whole = ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: past(),
        tools: Arc::new([clock()]),
        ..ProviderRequest::default()
    };
    let set = |parameters: Parameters| ProviderRequest { parameters, ..whole.clone() };
    let schema = json!({"type": "object", "properties": {"hour": {"type": "integer"}},
        "required": ["hour"], "additionalProperties": false});
    let (name, strict) = ("hour".to_owned(), true);
    let by_schema = ResponseFormat::JsonSchema { name, schema, strict };
    let mut all = vec![
        ProviderRequest { messages: vec![Message::user("Hello.")], ..ProviderRequest::default() },
        whole.clone(),
        set(Parameters {
            temperature: Some(0.5),
            max_tokens: Some(4_000),
            top_k: Some(40),
            frequency_penalty: Some(0.1),
            presence_penalty: Some(0.1),
            seed: Some(7),
            ..Parameters::default()
        }),
        set(Parameters { top_p: Some(0.9), ..Parameters::default() }),
        set(Parameters { format: Some(ResponseFormat::JsonObject), ..Parameters::default() }),
        set(Parameters { format: Some(by_schema), ..Parameters::default() }),
    ];
    for tool_choice in
        [ToolChoice::None, ToolChoice::Required, ToolChoice::Named("clock".to_owned())]
    {
        all.push(ProviderRequest { tool_choice, ..whole.clone() });
    }
    for media in shown().into_iter().filter(|media| model.capabilities().takes(media.kind)) {
        let messages = vec![Message::user("What is this?").with(media)];
        all.push(ProviderRequest { messages, ..ProviderRequest::default() });
    }
    all
}

fn shown() -> [Media; 5] {
    [
        Media::bytes(MediaKind::Image, "image/png", vec![1]).with_detail(Detail::High),
        Media::url(MediaKind::Image, "image/png", "https://example.org/a.png"),
        Media::bytes(MediaKind::Audio, "audio/wav", vec![1]),
        Media::bytes(MediaKind::Document, "application/pdf", &b"%PDF-1.7"[..]),
        Media::bytes(MediaKind::Video, "video/mp4", vec![1]),
    ]
}

/// One message of each kind, in an order that not every vendor takes as it is.
fn past() -> Vec<Message> {
    let call = |id: &str| {
        let arguments = json!({"zone": "UTC"});
        ToolCall { id: id.to_owned(), name: "clock".to_owned(), arguments }
    };
    let result = |id: &str, is_error| {
        let (name, content) = ("clock".to_owned(), "{\"hour\":12}".to_owned());
        Message::tool(ToolResult { id: id.to_owned(), name, content, is_error })
    };
    vec![
        Message::assistant("Welcome."),
        Message::user("What time is it?"),
        Message::user("Here, and in Rome."),
        Message { tool_calls: vec![call("c1"), call("c2")], ..Message::assistant("Let me see.") },
        result("c1", false),
        result("c2", true),
        Message { interrupted: true, ..Message::assistant("It is no") },
        Message::user("Thank you."),
    ]
}

fn clock() -> ToolDescriptor {
    let zone = json!({"type": "object", "properties": {"zone": {"type": "string"}}});
    ToolDescriptor::new("clock", "Tells the time.", zone)
}

fn line(vendor: &str, body: &Value) -> String {
    json!({"vendor": vendor, "body": body}).to_string()
}

/// What is wrong with requests, by the types.
fn check(python: &Path, lines: &[String]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_requests.py");
    let mut checking = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = checking.stdin.take().unwrap();
    let lines = lines.join("\n");
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = checking.wait_with_output().unwrap();
    writing.join().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The Python that has these types.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors/python/bin/python");
    if python.exists() {
        return Some(python);
    }
    lacking("pip", "scripts/setup.sh --tests installs the vendors' own clients");
    None
}
