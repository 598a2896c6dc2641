//! Anthropic's Messages.
//!
//! ```text
//! ProviderRequest ─▶ request ─▶ Service ─▶ events ─▶ Codec ─▶ ProviderEvent, …
//! ```

mod client;
mod codec;
mod content;
mod request;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{Anthropic, Thinking};
