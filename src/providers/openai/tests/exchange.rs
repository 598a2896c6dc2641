use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};

use crate::error::Recovery;
use crate::net::Endpoint;
use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::providers::{OpenAi, Provider, ProviderError, ProviderEvent, ProviderRequest};
use crate::types::{
    FinishReason, Message, Parameters, Secret, ToolCall, ToolDescriptor, ToolResult, Usage,
};

const OLLAMA: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\
    \"delta\":{\"role\":\"assistant\",\"content\":\"Grüezi\"},\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" da.\"},\"finish_reason\":\"stop\"}]}\n\n\
    data: [DONE]\n\n";
const LLAMA_SERVER: &str = ":\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"Grüezi\"}}],\"timings\":{}}\r\n\r\n\
    data: {\"choices\":[{\"delta\":{\"content\":\" da.\"}}]}\r\n\r\n";
// A beginning without words, an end with an empty word, and the cost behind it.
const VLLM: &str = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\
    \"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüezi da.\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\",\"stop_reason\":null}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":12,\"completion_tokens\":3}}\n\n\
    data: [DONE]\n\n";
// Who speaks is told with each word, and what is thought beside them.
const LM_STUDIO: &str = "data: {\"object\":\"chat.completion.chunk\",\"system_fingerprint\":\"m\",\"choices\":[{\"index\":0,\
    \"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"Hm.\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Grüezi\"},\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" da.\"},\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n\
    data: [DONE]\n\n";

fn provider(base: &str, http: &MockHttp) -> OpenAi {
    let endpoint = Endpoint::new(base, Some(Secret::new("sk-secret"))).unwrap();
    OpenAi::new(Arc::new(http.clone()), endpoint, "m")
}

async fn ask(answer: MockResponse) -> Vec<Result<ProviderEvent, ProviderError>> {
    let http = MockHttp::new();
    http.answer(answer);
    let messages = vec![Message::user("hello")];
    let request = ProviderRequest { messages, ..ProviderRequest::default() };
    provider("http://there/v1", &http).stream(request).collect().await
}

fn sse(text: &str) -> MockResponse {
    MockResponse::new("text/event-stream", [text.as_bytes().to_vec()])
}

fn words(events: &[Result<ProviderEvent, ProviderError>]) -> String {
    let text = |event: &Result<_, _>| match event {
        Ok(ProviderEvent::TextDelta(text)) => Some(String::clone(text)),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[tokio::test]
async fn exchanges_read_the_same_wherever_they_are_split() {
    let cost = Some(Usage::of_text(9, 3));
    for (exchange, usage) in [(OLLAMA, None), (LLAMA_SERVER, None), (VLLM, cost), (LM_STUDIO, None)]
    {
        for at in 0..=exchange.len() {
            let (head, tail) = exchange.as_bytes().split_at(at);
            let pieces = [head, tail].map(<[u8]>::to_vec);
            let events = ask(MockResponse::new("text/event-stream", pieces)).await;
            assert_eq!(words(&events), "Grüezi da.", "split at {at}");
            let end = events.last().unwrap().as_ref().unwrap();
            let reason = FinishReason::Stop;
            assert_eq!(*end, ProviderEvent::Finished { reason, usage });
        }
    }
}

#[tokio::test]
async fn the_request_tells_the_conversation_as_it_was_heard() {
    let http = MockHttp::new();
    http.answer(sse(OLLAMA));
    let (id, name) = ("c1".to_owned(), "clock".to_owned());
    let calls = |arguments| Message {
        tool_calls: vec![ToolCall { id: id.clone(), name: name.clone(), arguments }],
        ..Message::assistant("")
    };
    let result = |content: &str| {
        let content = content.to_owned();
        Message::tool(ToolResult { id: id.clone(), name: name.clone(), content, is_error: false })
    };
    let request = ProviderRequest {
        system: "Be brief.".to_owned(),
        messages: vec![
            Message::user("hello"),
            Message { interrupted: true, ..Message::assistant("How may I") },
            Message { interrupted: true, ..Message::assistant("") },
            calls(json!({ "what": "time" })),
            result("ten"),
            calls(json!("oops")),
        ],
        tools: [ToolDescriptor::new("clock", "Tells.", json!({ "type": "object" }))].into(),
        parameters: Parameters {
            temperature: Some(0.7),
            max_tokens: Some(99),
            seed: Some(7),
            ..Parameters::default()
        },
        ..ProviderRequest::default()
    };
    let _all: Vec<_> = provider("http://there/v1", &http).stream(request).collect().await;

    let sent = &http.requests()[0];
    assert_eq!(sent.uri, "http://there/v1/chat/completions");
    assert_eq!(sent.headers["authorization"], "Bearer sk-secret");
    let call = |arguments: &str| {
        json!({ "role": "assistant", "tool_calls": [{ "id": "c1", "type": "function",
            "function": { "name": "clock", "arguments": arguments } }] })
    };
    let expected = json!({
        "model": "m", "stream": true, "stream_options": { "include_usage": true },
        "temperature": 0.7, "max_tokens": 99, "seed": 7, "tool_choice": "auto",
        "tools": [{ "type": "function", "function":
            { "name": "clock", "description": "Tells.", "parameters": { "type": "object" } } }],
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "hello" },
            { "role": "assistant", "content": "How may I—" },
            call("{\"what\":\"time\"}"),
            { "role": "tool", "tool_call_id": "c1", "content": "ten" },
            call("{}"),
        ],
    });
    assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), expected);
}

#[tokio::test]
async fn the_official_server_gets_the_newer_name_of_the_limit() {
    let http = MockHttp::new();
    let parameters = Parameters { max_tokens: Some(9), ..Parameters::default() };
    let request = ProviderRequest { parameters, ..ProviderRequest::default() };
    let _all: Vec<_> = provider("https://api.openai.com/v1", &http).stream(request).collect().await;
    let sent: Value = serde_json::from_slice(&http.requests()[0].body).unwrap();
    assert_eq!((&sent["max_completion_tokens"], &sent["max_tokens"]), (&json!(9), &Value::Null));
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_never_the_key() {
    let soon = Recovery::RetryAfter(Duration::from_millis(250));
    for (status, recovery) in [
        (401, Recovery::AskUser),
        (403, Recovery::AskUser),
        (404, Recovery::AskUser),
        (400, Recovery::Abort),
        (429, soon),
        (500, Recovery::RetryAfter(std::time::Duration::from_millis(250))),
        (302, Recovery::RetryAfter(std::time::Duration::from_millis(250))),
    ] {
        // That it speaks of a quota makes nothing final.
        let said = r#"{"error":{"message":"no quota: sk-secret"}}"#;
        let status = StatusCode::from_u16(status).unwrap();
        let events = ask(MockResponse::new("application/json", [said]).with_status(status)).await;
        assert_eq!(events.len(), 1);
        let error = events[0].as_ref().unwrap_err();
        assert_eq!(error.recovery(), recovery, "{error}");
        assert!(!error.to_string().contains("sk-secret"), "{error}");
    }
    let events = ask(sse("data: {\"error\":\"no sk-secret here\"}\n\n")).await;
    assert!(!format!("{events:?}").contains("sk-secret"), "{events:?}");
    let empty = r#"{"error":{"message":"no money: sk-secret","code":"insufficient_quota"}}"#;
    let events = ask(sse(&format!("data: {empty}\n\n"))).await;
    let error = events[0].as_ref().unwrap_err();
    assert_eq!(error.recovery(), Recovery::AskUser);
    assert!(error.to_string().contains("no money: [secret]"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_is_given_up() {
    let begun = || sse("data: {\"choices\":[{\"delta\":{\"content\":\"Well\"}}]}\n\n");
    for (answer, said, why) in [
        (begun().with_fault(MockFault::Unreachable), "", "cannot reach there"),
        (begun().with_fault(MockFault::Hang), "", "gave nothing for 25s"),
        (begun().with_fault(MockFault::HangInTheMiddle), "Well", "gave nothing for 25s"),
        (begun().with_fault(MockFault::BreakOff), "Well", "broke off"),
        (sse(""), "", "it said nothing"),
        (MockResponse::new("text/event-stream", [&b"data: \xff\n\n"[..]]), "", "not UTF-8"),
        (
            MockResponse::new("text/html; charset=utf-8", ["<html>\n\n</html>\n\n"]),
            "",
            "answers with text/html in place of events: is its address right?",
        ),
        (sse(&"data: more\n".repeat(300_000)), "", "more than 1048576 bytes"),
    ] {
        let events = ask(answer).await;
        assert_eq!(words(&events), said);
        let error = events.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_complete_although_its_connection_hangs_or_breaks_behind_it() {
    let whole = OLLAMA.replace("data: [DONE]\n\n", "");
    for fault in [MockFault::HangInTheMiddle, MockFault::BreakOff] {
        let events = ask(sse(&whole).with_fault(fault)).await;
        assert_eq!(words(&events), "Grüezi da.");
        assert!(matches!(events.last(), Some(Ok(ProviderEvent::Finished { .. }))), "{events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_opened_at_most_every_20_s() {
    let http = MockHttp::new();
    let provider = provider("http://there/v1", &http);
    for (wait, opened) in [(0, 1), (19, 1), (2, 2)] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        provider.warm();
        tokio::task::yield_now().await;
        assert_eq!(http.requests().len(), opened);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_model_thinks_is_not_said_but_shows_that_it_lives() {
    for field in ["reasoning_content", "reasoning"] {
        let thinks = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"{field}\":\"Hm.\",\"content\":null}}}}]}}\n\n"
        );
        let says = "data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\n";
        let events = ask(sse(&format!("{thinks}{thinks}{says}data: [DONE]\n\n"))).await;
        assert_eq!(words(&events), "Yes.");
        // What follows it has a whole wait of its own: the answer has begun.
        let stalled = ask(sse(&thinks).with_fault(MockFault::HangInTheMiddle)).await;
        let error = stalled.last().unwrap().as_ref().unwrap_err();
        assert!(error.to_string().contains("25s"), "{error}");
    }
}
