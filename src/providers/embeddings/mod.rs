//! Texts as vectors: what is similar in meaning, or at least in words, points the same way.
//!
//! ```
//! use banter::context::cosine;
//! use banter::providers::embeddings::{Embedder, Hashed};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let texts = ["I moved to Lisbon.", "Where did I move to?", "Two coffees, please."];
//! let vectors = Hashed.embed(texts.map(str::to_owned).into()).await?;
//! assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[2], &vectors[1]));
//! # Ok(())
//! # }
//! ```

mod hashed;
pub mod mock;
mod ollama;
pub(super) mod service;
#[cfg(test)]
mod tests;
mod vectors;

use std::fmt::Debug;
use std::pin::Pin;

use super::ProviderError;

pub use super::gemini::GeminiEmbedder;
pub use super::openai::OpenAiEmbedder;
pub use hashed::Hashed;
pub use ollama::OllamaEmbedder;
pub use vectors::Vectors;

/// Makes vectors of texts. Shared by many sessions.
pub trait Embedder: Debug + Send + Sync {
    /// Names it in warnings and settings.
    fn name(&self) -> &str;

    /// A vector for each text, in their order. All vectors of an embedder have the same length.
    /// Dropping the future ends the work. Must be called within a Tokio runtime.
    fn embed(&self, texts: Vec<String>) -> EmbedFuture;
}

/// Vectors to come.
pub type EmbedFuture = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, ProviderError>> + Send>>;
