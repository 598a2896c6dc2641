//! Vectors of services: asks in portions, and holds the answers against what was asked. What is
//! asked, and what the answer means, the service's protocol says.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;

use super::EmbedFuture;
use crate::net::{Body, Endpoint, Http, Limits};
use crate::providers::ProviderError;

/// A service that makes vectors.
#[derive(Clone, Debug)]
pub(in crate::providers) struct Service {
    pub(in crate::providers) name: String,
    protocol: Arc<dyn Protocol>,
    http: Arc<dyn Http>,
    endpoint: Endpoint,
    limits: Limits,
}

/// How a service is asked.
pub(in crate::providers) trait Protocol: Debug + Send + Sync {
    /// Below the service's address.
    fn path(&self) -> String;

    /// How much of a text it takes, in bytes. A token has at least one.
    fn longest(&self) -> usize;

    /// What is asked for these texts, none of which is empty.
    fn body(&self, texts: &[&str]) -> serde_json::Result<Vec<u8>>;

    /// The vectors of an answer, each with the place of its text.
    fn vectors(&self, body: &[u8]) -> serde_json::Result<Vec<(usize, Vec<f32>)>>;
}

impl Service {
    /// The service at `endpoint`, called `name`. It has 10 s for each request.
    pub(in crate::providers) fn new(
        name: String,
        protocol: impl Protocol + 'static,
        http: Arc<dyn Http>,
        endpoint: Endpoint,
    ) -> Arc<Self> {
        let limits = Limits { head: PATIENCE, piece: PATIENCE, size: LARGEST_ANSWER };
        Arc::new(Self { name, protocol: Arc::new(protocol), http, endpoint, limits })
    }

    /// The same with other limits.
    pub(in crate::providers) fn limited(self: Arc<Self>, limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, ..Arc::unwrap_or_clone(self) })
    }

    /// A vector for each text, in their order.
    pub(in crate::providers) fn embed(self: &Arc<Self>, texts: Vec<String>) -> EmbedFuture {
        let service = Arc::clone(self);
        Box::pin(async move {
            let mut vectors = Vec::with_capacity(texts.len());
            for texts in texts.chunks(AT_ONCE) {
                vectors.extend(service.ask(texts).await?);
            }
            Ok(vectors)
        })
    }

    async fn ask(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ProviderError> {
        let longest = self.protocol.longest();
        let asked: Vec<_> = texts.iter().map(|text| acceptable(text, longest)).collect();
        let body = self.protocol.body(&asked).map_err(|error| self.failed(&error.to_string()))?;
        let request = self
            .endpoint
            .post(&self.protocol.path())
            .header(CONTENT_TYPE, "application/json")
            .body(Body::Whole(body.into()))
            .map_err(|error| self.failed(&error.to_string()))?;
        let of_net = |error| ProviderError::of_net(&self.name, error);
        let answer = self.endpoint.send(&*self.http, request, self.limits).await.map_err(of_net)?;
        let body: BytesMut = answer.into_body().try_collect::<Pieces>().await.map_err(of_net)?.0;
        let vectors = self.protocol.vectors(&body).map_err(|error| {
            let said = self.endpoint.presentable(&error.to_string());
            self.failed(&format!("its answer cannot be read: {said}"))
        })?;
        self.in_order(vectors, texts.len())
    }

    /// The vectors in the order of the texts: a service may shuffle them.
    fn in_order(
        &self,
        mut vectors: Vec<(usize, Vec<f32>)>,
        texts: usize,
    ) -> Result<Vec<Vec<f32>>, ProviderError> {
        vectors.sort_by_key(|(place, _)| *place);
        let is_each_once = vectors.iter().enumerate().all(|(at, (place, _))| *place == at);
        if vectors.len() != texts || !is_each_once {
            let got = vectors.len();
            return Err(self.failed(&format!("it gave {got} vectors for {texts} texts")));
        }
        let length = vectors.first().map_or(0, |(_, vector)| vector.len());
        if vectors.iter().any(|(_, vector)| vector.len() != length || length == 0) {
            return Err(self.failed("its vectors have different lengths, or none"));
        }
        Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
    }

    fn failed(&self, reason: &str) -> ProviderError {
        ProviderError::failed(&*self.name, reason)
    }
}

/// As much of a text as a service takes. No service takes an empty one.
fn acceptable(text: &str, longest: usize) -> &str {
    let end = text.floor_char_boundary(longest);
    if end == 0 { " " } else { &text[..end] }
}

/// The body of an answer.
#[derive(Default)]
struct Pieces(BytesMut);

impl Extend<Bytes> for Pieces {
    fn extend<T: IntoIterator<Item = Bytes>>(&mut self, pieces: T) {
        pieces.into_iter().for_each(|piece| self.0.extend_from_slice(&piece));
    }
}

/// Services take a hundred and more; with 8,000 bytes each, this is less than the 300,000 tokens
/// that OpenAI takes in one request.
const AT_ONCE: usize = 32;
/// Thirty-two vectors of 8,192 numbers.
const LARGEST_ANSWER: usize = 8 << 20;
const PATIENCE: Duration = Duration::from_secs(10);
