//! Vectors by OpenAI's protocol.

use std::sync::Arc;

use super::wire::{EmbeddingRequest, Embeddings};
use crate::net::{Endpoint, Http, Limits};
use crate::providers::embeddings::service::{Protocol, Service};
use crate::providers::embeddings::{EmbedFuture, Embedder};

/// A model behind OpenAI's embeddings interface, which Ollama, llama-server, vLLM and many services
/// have too.
///
/// It sends 32 texts in one request, and of each the first 8,000 bytes: the service takes no more.
/// It has 10 s for each request.
#[derive(Clone, Debug)]
pub struct OpenAiEmbedder(Arc<Service>);

impl OpenAiEmbedder {
    /// The model at `endpoint`, whose address ends in `/v1` as a rule.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        Self(Service::new(format!("openai:{model}"), OpenAi { model }, http, endpoint))
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self(self.0.limited(limits))
    }
}

impl Embedder for OpenAiEmbedder {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        self.0.embed(texts)
    }
}

#[derive(Debug)]
struct OpenAi {
    model: String,
}

impl Protocol for OpenAi {
    fn path(&self) -> String {
        "embeddings".to_owned()
    }

    /// Within the 8,192 tokens that it takes.
    fn longest(&self) -> usize {
        8_000
    }

    fn body(&self, texts: &[&str]) -> serde_json::Result<Vec<u8>> {
        let (model, input) = (&*self.model, texts.to_vec());
        serde_json::to_vec(&EmbeddingRequest { model, input, encoding_format: "float" })
    }

    fn vectors(&self, body: &[u8]) -> serde_json::Result<Vec<(usize, Vec<f32>)>> {
        let answer: Embeddings = serde_json::from_slice(body)?;
        Ok(answer.data.into_iter().map(|one| (one.index, one.embedding)).collect())
    }
}
