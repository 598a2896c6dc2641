//! Gemini's `generateContent`, in pieces or as a whole.
//!
//! ```text
//! ProviderRequest ─▶ request ─▶ Service ─▶ events ─▶ Codec ─▶ ProviderEvent, …
//! ```

mod client;
mod codec;
mod content;
mod embeddings;
mod request;
mod thinking;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{Gemini, Safety};
pub use embeddings::GeminiEmbedder;
pub use thinking::{GeminiThinking, ThinkingLevel};
