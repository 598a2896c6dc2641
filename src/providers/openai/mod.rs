//! OpenAI's chat completions, and the many servers that are compatible with them.
//!
//! ```text
//! ProviderRequest ─▶ request ─▶ Endpoint ─▶ events ─▶ Codec ─▶ ProviderEvent, …
//! ```

mod client;
mod codec;
mod content;
mod embeddings;
mod request;
mod responses;
mod wire;

#[cfg(test)]
mod tests;

pub use client::OpenAi;
pub use embeddings::OpenAiEmbedder;
pub(in crate::providers) use request::OWN;
pub use responses::{OpenAiResponses, Reasoning};
