//! What is asked of Gemini and of Ollama for vectors, and what comes of their answers.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Embedder, GeminiEmbedder, OllamaEmbedder};
use crate::net::Endpoint;
use crate::net::mock::{MockFault, MockHttp, MockRequest, MockResponse};
use crate::providers::{ProviderError, ProviderErrorKind};
use crate::types::Secret;

fn gemini(http: &MockHttp) -> Arc<dyn Embedder> {
    let endpoint = Endpoint::new("http://there", Some(Secret::new("sk-7"))).unwrap();
    Arc::new(GeminiEmbedder::new(Arc::new(http.clone()), endpoint, "small"))
}

fn ollama(http: &MockHttp) -> Arc<dyn Embedder> {
    let endpoint = Endpoint::new("http://there", None).unwrap();
    Arc::new(OllamaEmbedder::new(Arc::new(http.clone()), endpoint, "small"))
}

/// As each of them answers with these vectors.
type Answer = fn(&[Vec<f32>]) -> Value;

fn of_gemini(vectors: &[Vec<f32>]) -> Value {
    json!({ "embeddings": vectors.iter().map(|one| json!({ "values": one })).collect::<Vec<_>>() })
}

fn of_ollama(vectors: &[Vec<f32>]) -> Value {
    json!({ "model": "small", "embeddings": vectors, "total_duration": 7 })
}

fn answer(http: &MockHttp, value: &Value) {
    let text = value.to_string();
    let (one, two) = text.split_at(text.len() / 2);
    http.answer(MockResponse::new("application/json", [one.to_owned(), two.to_owned()]));
}

async fn embed(
    embedder: &Arc<dyn Embedder>,
    texts: &[&str],
) -> Result<Vec<Vec<f32>>, ProviderError> {
    embedder.embed(texts.iter().map(|text| (*text).to_owned()).collect()).await
}

fn body(request: &MockRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test]
async fn gemini_is_asked_for_all_texts_at_once_with_its_key_in_a_header() {
    let http = MockHttp::new();
    answer(&http, &of_gemini(&[vec![1.0, 2.0], vec![0.5, -1.0]]));
    let embedder = gemini(&http);
    assert_eq!(embedder.name(), "gemini:small");
    assert_eq!(embed(&embedder, &["one", ""]).await.unwrap(), [[1.0, 2.0], [0.5, -1.0]]);
    let [request] = &http.requests()[..] else { panic!("one request") };
    assert_eq!(request.uri, "http://there/v1beta/models/small:batchEmbedContents");
    assert_eq!(request.headers["x-goog-api-key"], "sk-7");
    assert!(!request.headers.contains_key("authorization"));
    let one = |text: &str| {
        let content = json!({ "parts": [{ "text": text }] });
        json!({ "model": "models/small", "content": content, "outputDimensionality": 768 })
    };
    assert_eq!(body(request), json!({ "requests": [one("one"), one(" ")] }));
}

#[tokio::test]
async fn ollama_is_asked_by_its_own_interface_without_a_key() {
    let http = MockHttp::new();
    answer(&http, &of_ollama(&[vec![1.0, 2.0], vec![0.5, -1.0]]));
    let embedder = ollama(&http);
    assert_eq!(embedder.name(), "ollama:small");
    assert_eq!(embed(&embedder, &["one", "two"]).await.unwrap(), [[1.0, 2.0], [0.5, -1.0]]);
    let [request] = &http.requests()[..] else { panic!("one request") };
    assert_eq!(request.uri, "http://there/api/embed");
    assert!(!request.headers.contains_key("authorization"));
    let asked = json!({ "model": "small", "input": ["one", "two"], "truncate": true });
    assert_eq!(body(request), asked);
}

#[tokio::test]
async fn many_texts_go_in_several_requests_and_long_ones_are_cut() {
    let (one, other) = (MockHttp::new(), MockHttp::new());
    for (embedder, http, told, place, longest) in [
        (gemini(&one), one, of_gemini as Answer, "/requests/2/content/parts/0/text", 2_000),
        (ollama(&other), other, of_ollama, "/input/2", 8_000),
    ] {
        let vectors = |count: usize| -> Vec<_> { (0..count).map(|at| vec![at as f32]).collect() };
        answer(&http, &told(&vectors(32)));
        answer(&http, &told(&vectors(3)));
        let long = "ä".repeat(5_000);
        let made = embed(&embedder, &[&*long; 35]).await.unwrap();
        assert_eq!((made.len(), made[31][0], made[34][0]), (35, 31.0, 2.0));
        let asked = body(&http.requests()[1]);
        assert_eq!(asked.pointer(place).and_then(Value::as_str).unwrap().len(), longest);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_make_no_sense_refusals_and_silence_are_errors_without_the_key() {
    for (name, told) in [("gemini", of_gemini as Answer), ("ollama", of_ollama)] {
        let http = MockHttp::new();
        let embedder = if name == "gemini" { gemini(&http) } else { ollama(&http) };
        for (value, reason) in [
            (told(&[vec![1.0]]), "it gave 1 vectors for 2 texts"),
            (told(&[vec![1.0], vec![1.0, 2.0]]), "different lengths"),
            (told(&[vec![], vec![]]), "different lengths, or none"),
            (json!({ "embeddings": "sk-7" }), "its answer cannot be read"),
            (json!({}), "its answer cannot be read"),
        ] {
            answer(&http, &value);
            let error = embed(&embedder, &["one", "two"]).await.unwrap_err().to_string();
            let begins = format!("{name}:small failed: ");
            assert!(error.starts_with(&begins) && error.contains(reason), "{error}");
            assert!(name == "ollama" || !error.contains("sk-7"), "{error}");
        }
        let refusal = r#"{"error":{"message":"no key sk-7"}}"#;
        let refused = MockResponse::new("application/json", [refusal]);
        http.answer(refused.with_status(StatusCode::UNAUTHORIZED));
        let error = embed(&embedder, &["one"]).await.unwrap_err();
        assert!(error.kind == ProviderErrorKind::Unauthorized, "{error}");
        assert!(name == "ollama" || !error.to_string().contains("sk-7"), "{error}");
        let silent = MockResponse::new("application/json", ["{"]);
        http.answer(silent.with_fault(MockFault::HangInTheMiddle));
        let error = embed(&embedder, &["one"]).await.unwrap_err();
        assert!(error.kind == ProviderErrorKind::TimedOut, "{error}");
    }
}
