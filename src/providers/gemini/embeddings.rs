//! Vectors of Gemini's `batchEmbedContents`.

use std::sync::Arc;

use http::HeaderName;

use super::client::resource;
use super::wire::{EmbedRequest, EmbedRequests, EmbedText, EmbedTexts, Embeddings};
use crate::net::{Endpoint, Http, Limits};
use crate::providers::embeddings::service::{Protocol, Service};
use crate::providers::embeddings::{EmbedFuture, Embedder};

/// A model of Gemini's that makes vectors, of 768 numbers each.
///
/// It sends 32 texts in one request, and of each the first 2,000 bytes: some models take no more
/// than 2,048 tokens. It has 10 s for each request.
#[derive(Clone, Debug)]
pub struct GeminiEmbedder(Arc<Service>);

impl GeminiEmbedder {
    /// The model at `endpoint`, which is `https://generativelanguage.googleapis.com` as a rule.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let endpoint = endpoint.with_key_in(HeaderName::from_static("x-goog-api-key"));
        let protocol = Gemini { model: resource(&model) };
        Self(Service::new(format!("gemini:{model}"), protocol, http, endpoint))
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self(self.0.limited(limits))
    }
}

impl Embedder for GeminiEmbedder {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        self.0.embed(texts)
    }
}

#[derive(Debug)]
struct Gemini {
    /// As `models/NAME`.
    model: String,
}

impl Protocol for Gemini {
    fn path(&self) -> String {
        format!("v1beta/{}:batchEmbedContents", self.model)
    }

    fn longest(&self) -> usize {
        2_000
    }

    fn body(&self, texts: &[&str]) -> serde_json::Result<Vec<u8>> {
        let request = |text: &&str| EmbedRequest {
            model: self.model.clone(),
            content: EmbedTexts { parts: [EmbedText { text: (*text).to_owned() }] },
            output_dimensionality: NUMBERS,
        };
        serde_json::to_vec(&EmbedRequests { requests: texts.iter().map(request).collect() })
    }

    fn vectors(&self, body: &[u8]) -> serde_json::Result<Vec<(usize, Vec<f32>)>> {
        let answer: Embeddings = serde_json::from_slice(body)?;
        Ok(answer.embeddings.into_iter().map(|one| one.values).enumerate().collect())
    }
}

/// A quarter of what it gives else: the vectors of a long conversation are kept.
const NUMBERS: u32 = 768;
