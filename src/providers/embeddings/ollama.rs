//! Vectors of Ollama's own interface.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::service::{Protocol, Service};
use super::{EmbedFuture, Embedder};
use crate::net::{Endpoint, Http, Limits};

/// A model of an Ollama server that makes vectors, by `/api/embed`. What is longer than the model
/// takes, the server cuts.
///
/// It sends 32 texts in one request, and of each the first 8,000 bytes. It has 10 s for each
/// request, of which the first one may load the model.
#[derive(Clone, Debug)]
pub struct OllamaEmbedder(Arc<Service>);

impl OllamaEmbedder {
    /// The model at `endpoint`, which is `http://localhost:11434` as a rule.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        Self(Service::new(format!("ollama:{model}"), Ollama { model }, http, endpoint))
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self(self.0.limited(limits))
    }
}

impl Embedder for OllamaEmbedder {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        self.0.embed(texts)
    }
}

#[derive(Debug)]
struct Ollama {
    model: String,
}

#[derive(Debug, Serialize)]
struct Asked<'a> {
    model: &'a str,
    input: &'a [&'a str],
    truncate: bool,
}

#[derive(Debug, Deserialize)]
struct Answered {
    embeddings: Vec<Vec<f32>>,
}

impl Protocol for Ollama {
    fn path(&self) -> String {
        "api/embed".to_owned()
    }

    fn longest(&self) -> usize {
        8_000
    }

    fn body(&self, texts: &[&str]) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Asked { model: &self.model, input: texts, truncate: true })
    }

    fn vectors(&self, body: &[u8]) -> serde_json::Result<Vec<(usize, Vec<f32>)>> {
        let answer: Answered = serde_json::from_slice(body)?;
        Ok(answer.embeddings.into_iter().enumerate().collect())
    }
}
