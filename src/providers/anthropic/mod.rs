//! Anthropic's Messages.
//!
//! ```text
//! ProviderRequest ─▶ request ─▶ Service ─▶ events ─▶ Codec ─▶ ProviderEvent, …
//! ```

mod client;
mod codec;
mod content;
mod request;
mod thinking;
mod thoughts;
mod wire;

#[cfg(test)]
mod tests;

pub use client::Anthropic;
pub use thinking::{Effort, Thinking};
