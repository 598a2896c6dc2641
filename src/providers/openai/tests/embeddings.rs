//! What is asked of a service for vectors, and what comes of its answers.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::super::OpenAiEmbedder;
use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::net::{Endpoint, Limits};
use crate::providers::embeddings::Embedder;
use crate::providers::{ProviderError, ProviderErrorKind};
use crate::types::Secret;

fn embedder(http: &MockHttp) -> OpenAiEmbedder {
    let endpoint = Endpoint::new("http://there/v1", Some(Secret::new("sk-7"))).unwrap();
    OpenAiEmbedder::new(Arc::new(http.clone()), endpoint, "small")
}

fn answer(data: &Value) -> MockResponse {
    let text = json!({ "object": "list", "data": data, "model": "small" }).to_string();
    let (one, two) = text.split_at(text.len() / 2);
    MockResponse::new("application/json", [one.to_owned(), two.to_owned()])
}

fn vector(index: usize, numbers: &[f32]) -> Value {
    json!({ "object": "embedding", "index": index, "embedding": numbers })
}

async fn embed(http: &MockHttp, texts: &[&str]) -> Result<Vec<Vec<f32>>, ProviderError> {
    embedder(http).embed(texts.iter().map(|text| (*text).to_owned()).collect()).await
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts() {
    let http = MockHttp::new();
    http.answer(answer(&json!([vector(1, &[0.5, -1.0]), vector(0, &[1.0, 2.0])])));
    let vectors = embed(&http, &["one", ""]).await.unwrap();
    assert_eq!(vectors, [[1.0, 2.0], [0.5, -1.0]]);

    let [request] = &http.requests()[..] else { panic!("one request") };
    assert_eq!(request.uri, "http://there/v1/embeddings");
    assert_eq!(request.headers["authorization"], "Bearer sk-7");
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    let all = json!({ "model": "small", "input": ["one", " "], "encoding_format": "float" });
    assert_eq!(asked, all);
}

#[tokio::test]
async fn many_texts_go_in_several_requests_and_long_ones_are_cut() {
    let http = MockHttp::new();
    let data = |count: usize| -> Value { (0..count).map(|at| vector(at, &[at as f32])).collect() };
    http.answer(answer(&data(32)));
    http.answer(answer(&data(3)));
    let long = "ä".repeat(5_000);
    let vectors = embed(&http, &[&*long; 35]).await.unwrap();
    assert_eq!(vectors.len(), 35);
    assert_eq!((vectors[31][0], vectors[34][0]), (31.0, 2.0));
    let asked: Value = serde_json::from_slice(&http.requests()[1].body).unwrap();
    assert_eq!(asked["input"][2].as_str().unwrap().len(), 8_000);
}

#[tokio::test]
async fn nothing_is_asked_for_nothing() {
    let http = MockHttp::new();
    assert!(embed(&http, &[]).await.unwrap().is_empty());
    assert!(http.requests().is_empty());
}

#[tokio::test]
async fn answers_that_make_no_sense_are_errors() {
    for (data, told) in [
        (json!([vector(0, &[1.0])]), "it gave 1 vectors for 2 texts"),
        (json!([vector(0, &[1.0]), vector(0, &[1.0])]), "it gave 2 vectors for 2 texts"),
        (json!([vector(0, &[1.0]), vector(1, &[1.0, 2.0])]), "different lengths"),
        (json!([vector(0, &[]), vector(1, &[])]), "different lengths, or none"),
        (json!("sk-7"), "its answer cannot be read"),
    ] {
        let http = MockHttp::new();
        http.answer(answer(&data));
        let error = embed(&http, &["one", "two"]).await.unwrap_err().to_string();
        assert!(error.starts_with("openai:small failed: ") && error.contains(told), "{error}");
        assert!(!error.contains("sk-7"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_and_silence_are_errors_without_the_key() {
    let http = MockHttp::new();
    let refusal = MockResponse::new("application/json", [r#"{"error":{"message":"no key sk-7"}}"#]);
    http.answer(refusal.with_status(StatusCode::UNAUTHORIZED));
    http.answer(answer(&json!([])).with_fault(MockFault::HangInTheMiddle));
    http.answer(answer(&json!([vector(0, &[1.0])])));
    let error = embed(&http, &["one"]).await.unwrap_err();
    assert!(error.kind == ProviderErrorKind::Unauthorized, "{error}");
    assert!(!error.to_string().contains("sk-7"), "{error}");
    let error = embed(&http, &["one"]).await.unwrap_err();
    assert!(error.kind == ProviderErrorKind::TimedOut, "{error}");
    let small = Limits { size: 10, ..Limits::default() };
    let error = embedder(&http).with_limits(small).embed(vec!["one".to_owned()]).await;
    assert!(error.unwrap_err().to_string().contains("more than 10 bytes"));
}
