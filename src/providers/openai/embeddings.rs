//! Vectors of a service.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;

use super::wire::{EmbeddingRequest, Embeddings};
use crate::net::{Body, Endpoint, Http, Limits};
use crate::providers::ProviderError;
use crate::providers::embeddings::{EmbedFuture, Embedder};

/// A model behind OpenAI's embeddings interface, which Ollama, llama-server, vLLM and many services
/// have too.
///
/// It sends 32 texts in one request, and of each the first 8,000 bytes: the service takes no more.
/// It has 10 s for each request.
#[derive(Clone, Debug)]
pub struct OpenAiEmbedder(Arc<Client>);

#[derive(Clone, Debug)]
struct Client {
    name: String,
    model: String,
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    limits: Limits,
}

impl OpenAiEmbedder {
    /// The model at `endpoint`, whose address ends in `/v1` as a rule.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, endpoint: Endpoint, model: impl Into<String>) -> Self {
        let model = model.into();
        let limits = Limits { head: PATIENCE, piece: PATIENCE, size: LARGEST_ANSWER };
        Self(Arc::new(Client { name: format!("openai:{model}"), model, http, endpoint, limits }))
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self(Arc::new(Client { limits, ..Arc::unwrap_or_clone(self.0) }))
    }
}

impl Embedder for OpenAiEmbedder {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        let client = Arc::clone(&self.0);
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for texts in texts.chunks(AT_ONCE) {
                vectors.extend(client.ask(texts).await?);
            }
            Ok(vectors)
        })
    }
}

impl Client {
    async fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ProviderError> {
        let input = texts.iter().map(|text| acceptable(text)).collect();
        let body = EmbeddingRequest { model: &self.model, input, encoding_format: "float" };
        let body = serde_json::to_vec(&body).map_err(|error| self.failed(&error.to_string()))?;
        let request = self
            .endpoint
            .post("embeddings")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::Whole(body.into()))
            .map_err(|error| self.failed(&error.to_string()))?;
        let of_net = |error| ProviderError::of_net(&self.name, error);
        let answer = self.endpoint.send(&*self.http, request, self.limits).await.map_err(of_net)?;
        let body: BytesMut = answer.into_body().try_collect::<Pieces>().await.map_err(of_net)?.0;
        let answer: Embeddings = serde_json::from_slice(&body).map_err(|error| {
            let said = self.endpoint.presentable(&error.to_string());
            self.failed(&format!("its answer cannot be read: {said}"))
        })?;
        self.in_order(answer, texts.len())
    }

    /// The vectors in the order of the texts. The service tells their places, and may shuffle them.
    fn in_order(&self, answer: Embeddings, texts: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
        let mut data = answer.data;
        data.sort_by_key(|one| one.index);
        let is_each_once = data.iter().enumerate().all(|(place, one)| one.index == place);
        if data.len() != texts || !is_each_once {
            let got = data.len();
            return Err(self.failed(&format!("it gave {got} vectors for {texts} texts")));
        }
        let length = data.first().map_or(0, |one| one.embedding.len());
        if data.iter().any(|one| one.embedding.len() != length || length == 0) {
            return Err(self.failed("its vectors have different lengths, or none"));
        }
        Ok(data.into_iter().map(|one| one.embedding).collect())
    }

    fn failed(&self, reason: &str) -> ProviderError {
        ProviderError::failed(&*self.name, reason)
    }
}

/// As much of a text as a service takes. A token has at least a byte, so that this is within the
/// 8,192 tokens that it takes; and it takes no empty text.
fn acceptable(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end == 0 { " " } else { &text[..end] }
}

/// The body of an answer.
#[derive(Default)]
struct Pieces(BytesMut);

impl Extend<bytes::Bytes> for Pieces {
    fn extend<T: IntoIterator<Item = bytes::Bytes>>(&mut self, pieces: T) {
        pieces.into_iter().for_each(|piece| self.0.extend_from_slice(&piece));
    }
}

/// With 8,000 bytes each, less than the 300,000 tokens that a service takes in one request.
const AT_ONCE: usize = 32;
const LONGEST_TEXT: usize = 8_000;
/// Thirty-two vectors of 8,192 numbers.
const LARGEST_ANSWER: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(10);
