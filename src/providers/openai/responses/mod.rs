//! OpenAI's Responses, beside its chat completions.

mod client;
mod codec;
mod request;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{OpenAiResponses, Reasoning};
